/* SPDX-License-Identifier: MIT */
/*
 * service.h - servers for the tests of ports, and a file of theirs.
 *
 * A service is a port, a file of it, and a child that answers by a function.
 * The last request to the server is in memory that all processes of a test
 * share. The server ends when the file is closed everywhere.
 */
#ifndef TESTS_USER_SERVICE_H
#define TESTS_USER_SERVICE_H

#include "harness.h"

#include <server.h>

/* The token of `file`, and the events that poll() looks at. */
#define TOKEN    0x1122334455667788UL
#define READABLE 1UL
#define WRITABLE 2UL

struct heard {
	struct request last; /* request, not note */
	int calls;           /* how many requests there were */
	int notes;
	uint64_t closed;  /* the token of the last note */
	int gone;         /* notes of calls that are not made again */
	uint64_t gone_id; /* the id of the last of these calls */
	unsigned char bytes[2 * PAGE]; /* that came along with the last */
};

extern struct heard *heard;
extern int port, file;

typedef struct reply answer_fn(const struct request *request);

/* Sets *reply, if the request is one that it knows. */
typedef bool say_fn(const struct request *request, struct reply *reply);

/* A port of this level, and its file. A sentence if there are no ports. */
const char *port_make(unsigned level);

/*
 * Makes a port and a file, and closes both. Returns the result of the call that
 * opened the file, or of the one that failed.
 */
long port_and_file(void);

/*
 * Servers that are started from now on have room for a request that is not at
 * the border of a word. So their calls and replies go the ordinary way, and not
 * straight (t_straight.c).
 */
extern bool is_ordinary;

/* A child that serves the port. */
pid_t server_start(answer_fn *fn);

/*
 * Makes a port of level 1 and starts its server; the caller cannot serve from
 * then on.
 */
const char *service_start(answer_fn *fn);

/*
 * Runs the test in a process that has `file` as its root, beside a server that
 * answers by `fn`, with room for that many bytes of paths. `sibling` is another
 * file of the port.
 */
const char *in_root(answer_fn *fn, size_t room, test_fn *test);

#define BESIDE 0x99UL /* its token */
extern int sibling;

/*
 * Answers the requests of an execve with any path: the program is this suite.
 * False: it was another request.
 */
#define PROGRAM 0x7070UL /* its token, and that of its file */
bool answer_program(const struct request *request, struct reply *reply);

/* Answers them with a program of a few bytes, which exits with 42. */
#define SMALL_AT   0x1010000UL
#define SMALL_SIZE 12
extern const struct program_plan small_plan;
extern const unsigned small_code[3];
bool answer_small(const struct request *request, struct reply *reply);

/* The requests for one execve of a program that is not in the cache. */
enum { FIND = 1, LOAD, DESCRIBE, PIECE };

/* execve, with the arguments `path` and "rest". */
long execute(const char *path);

/* The exit status of a child that executes it, or its error number; -1. */
int outcome(const char *path);

/* Serves a child that executes it. 0, or a negated errno. */
long execute_small(void);

/*
 * Runs a child that maps one page of a server's at very many addresses, more
 * often than one page is given: the rest are copies.
 */
long map_crowd(void);

/*
 * An answer: chdir and fchdir lead to DIR_TOKEN, execve to the suite, and all
 * others return 42.
 */
#define DIR_TOKEN 77
struct reply answer_places(const struct request *request);

/*
 * Runs this suite as "use NUMBER" in the tree of a file server of its own. Its
 * arguments are `words`, up to a NULL, and `option`: "--", or "-k" for one that
 * kills itself after each change.
 */
const char *use_in_files(const char *const *words, const char *option,
    int number);

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
