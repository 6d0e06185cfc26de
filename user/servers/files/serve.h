/* SPDX-License-Identifier: MIT */
/*
 * serve.h - from a request to what is done to the tree, and to the reply.
 *
 * A call that changes something is in the log (log.h) before its reply. So it
 * must be possible to do it once more, with the same outcome: it depends on
 * nothing but the tree, the request, and what is in the entry.
 */
#ifndef FILES_SERVE_H
#define FILES_SERVE_H

#include <server.h>

#include "log.h"
#include "tree.h"

#define SERVE_BUFFER 32768 /* bytes of a reply */

struct server {
	struct tree tree;
	int port;
	uint64_t open; /* files, of which tokens are about */
	int terminal;  /* a descriptor of the file that terminals lead to; -1 */
	struct log log;
	struct log_entry *entry; /* of the log, in which these two are: */
	struct request *request;
	char *in; /* what came along, LOG_IN bytes */
	const struct call *call;
	struct file *file; /* that the call goes to */
	struct reply reply;
	bool replays;  /* it is done once more: nobody waits for the reply */
	bool changes;  /* something that others can see, if it does not fail */
	bool more;     /* this was only a part: ask again, with `done` */
	uint64_t done; /* bytes that earlier parts of the call have written */
	size_t bytes;  /* of `in` that it depends on */
	_Alignas(8) char out[SERVE_BUFFER];
};

/* Makes the entry the one that is served. */
void serve_use(struct server *s, struct log_entry *entry);

/* Is it a call that may change more than times of reading? */
bool serve_may_change(struct server *s);

/*
 * Makes pages ready that the call may map with MAP_SHARED. True: the server has
 * to be kept before it does the call, or that finds no memory.
 */
bool serve_shares(struct server *s);

/*
 * Does the call at the tail of the log, and fills in the reply. If anything has
 * changed by that, it is in the log then.
 */
void serve(struct server *s);

/* The same for the note that a file was closed, or that a call is gone. */
void serve_close(struct server *s);

/* Has the log room for a part of any call? Else calls may fail. */
bool serve_has_room(const struct server *s);

/* Does once more what is in the log and this server has not done. */
void serve_replay(struct server *s);

/* The reply that the call is owed, since a server died that had done it. */
bool serve_owed(struct server *s);

/* The call `id`, if it is not 0, is owed what s->reply says, or its rest. */
void serve_owe(struct server *s, uint64_t id);

/*
 * Serves until no file is open any more. Whatever the server is killed by, it
 * goes on: each change is in the log before its reply. With `dies` it kills
 * itself each time. Returns 0, or an errno.
 */
int serve_loop(struct server *s, bool dies);

/* --- what the tables of calls are made of --------------------------------- */

typedef int64_t call_fn(struct server *s);

#define CALLS 440 /* their numbers are below */

/* What a call may change, besides times of reading. */
enum effect {
	EFFECT_NONE,
	EFFECT_OPEN, /* whatever it does, it opens a file */
	EFFECT_LESS, /* it may give memory back */
	EFFECT_MORE,
};

struct call {
	call_fn *fn; /* NULL: there is none of this number */
	enum effect effect;
};

/*
 * Calls that have an open file, those that have a path, and those that are
 * about neither, by number.
 */
extern const struct call file_calls[CALLS], path_calls[CALLS],
    system_calls[CALLS];

/* Flags of open() as the kernel takes them. */
uint32_t kernel_flags(uint32_t flags);

/* Lets the result be a new descriptor of the file at opened_place(). */
int64_t reply_file(struct server *s);

/* Lets it be a folder that the caller is in. */
int64_t open_folder(struct server *s, struct where where);

/* port_read() and port_write() of what is lent; done before, in a replay. */
ssize_t lent_read(struct server *s, uint64_t offset, void *to, size_t len);
ssize_t lent_write(struct server *s, uint64_t offset, const void *from,
    size_t len);

/* Lends the caller what `bytes` has: it may be in the server's `out`. */
int64_t reply_bytes(struct server *s, const void *bytes, size_t len,
    int64_t result);
int64_t reply_stat(struct server *s, const struct node *node);
int64_t reply_statfs(struct server *s, const struct node *node);

/* The open file is closed: what was locked by it is not any more. */
void serve_leave_locks(struct server *s, uint64_t token, struct node *node);

call_fn call_fcntl, call_flock;

#endif
