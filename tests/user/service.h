/* SPDX-License-Identifier: MIT */
/*
 * service.h - servers for the tests of ports, and the file to call them by.
 *
 * A service is a port, a file of it, and a child that answers by a function.
 * What the server was asked last is in memory that all processes of a test
 * share. The server ends when the file is closed everywhere.
 */
#ifndef TESTS_USER_SERVICE_H
#define TESTS_USER_SERVICE_H

#include "harness.h"

#include <server.h>

/* What `file` is called, and the events that poll() looks at. */
#define TOKEN    0x1122334455667788UL
#define READABLE 1UL
#define WRITABLE 2UL

struct heard {
	struct request last; /* request, not note */
	int calls;           /* all of them that were made */
	int notes;
	uint64_t closed;               /* the token of the last note */
	unsigned char bytes[2 * PAGE]; /* that came along with the last */
};

extern struct heard *heard;
extern int port, file;

typedef struct reply answer_fn(const struct request *request);

/* A port of this level, and its file. A sentence if there are no ports. */
const char *port_make(unsigned level);

/* The same, and back: what raw() returns for it. */
long port_and_file(void);

/* A child that serves the port. */
pid_t server_start(answer_fn *fn);

/* Both, with level 1; the caller cannot serve from then on. */
const char *service_start(answer_fn *fn);

/*
 * Runs the test in a process that has `file` as its root, beside a server that
 * answers by `fn`, with room for that many bytes of paths. `sibling` is another
 * file of the port.
 */
const char *in_root(answer_fn *fn, size_t room, test_fn *test);

#define BESIDE 0x99UL /* its token */
extern int sibling;

/* An answer: chdir and fchdir lead to DIR_TOKEN, and all others return 42. */
#define DIR_TOKEN 77
struct reply answer_places(const struct request *request);

/* Closes the file; NULL if the server has ended well. */
const char *service_end(void);

/* The server is `pid`, and the port is not ours any more. */
void port_leave_to(pid_t pid);

/* Serves until `file` is closed everywhere; how many bytes come along. */
_Noreturn void serve(answer_fn *fn, size_t along);

struct reply result(long value);
struct reply later(uint64_t events);

/* The call as such: its result or a negated errno. */
#define CALL(nr, ...) raw((nr), file, __VA_ARGS__)

/* Reads the counter of calls, which servers on other harts change. */
int calls(void);

#endif
