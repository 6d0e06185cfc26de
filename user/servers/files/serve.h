/* SPDX-License-Identifier: MIT */
/*
 * serve.h - does what a request asks, and makes the reply.
 *
 * A call that changes something is in the log (log.h) before its reply. So it
 * must be possible to do it again with the same outcome: it may depend on
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
	uint64_t open; /* how many files are open */
	/* the descriptor of the terminal that is passed on; or -1 */
	int terminal;
	struct log log;
	/* the entry of the log, which holds the next two */
	struct log_entry *entry;
	struct request *request;
	char *in; /* bytes that came along, LOG_IN at most */
	const struct call *call;
	struct file *file; /* the open file that the call is about */
	struct reply reply;
	bool replays;  /* the call is done again; nobody waits for the reply */
	bool changes;  /* if the call succeeds, others can see a change */
	bool more;     /* only a part was done: call again, with `done` */
	uint64_t done; /* bytes that earlier parts of the call have written */
	size_t bytes;  /* bytes of `in` that the call depends on */
	_Alignas(8) char out[SERVE_BUFFER];
};

/* Makes the entry the one that is served. */
void serve_use(struct server *s, struct log_entry *entry);

/*
 * Finds out which call the request is. Is it one that may change more than
 * times of reading?
 */
bool serve_find(struct server *s);

/*
 * Makes pages ready that the call may map with MAP_SHARED. True: the server has
 * to be kept before it does the call, or the call finds no memory.
 */
bool serve_shares(struct server *s);

/*
 * Does the call at the tail of the log, which serve_find() has found, and fills
 * in the reply. If the call has changed anything, it is an entry of the log
 * afterwards.
 */
void serve(struct server *s);

/*
 * Does what serve() does, for a note that a file was closed or a call has gone.
 */
void serve_close(struct server *s);

/* Has the log room for a part of any call? If not, calls may fail. */
bool serve_has_room(const struct server *s);

/* Does the entries of the log that this server has not done. */
void serve_replay(struct server *s);

/*
 * Is a reply owed to the call, as a server that did it has died? Then the reply
 * is filled in.
 */
bool serve_owed(struct server *s);

/*
 * Notes that the call `id`, if that is not 0, is owed s->reply, or the rest of
 * the call. A reply with bytes is not noted: such a call has set a time of
 * reading at most, and is done again. Nor is "not now": nothing has happened,
 * and the call begins anew with its id when it has waited.
 */
void serve_owe(struct server *s, uint64_t id);

/*
 * Serves until no file is open any more. If the server is killed at any moment,
 * a copy goes on: each change is in the log before its reply. With `dies` it
 * kills itself at each call, as a test. Returns 0, or an errno.
 */
int serve_loop(struct server *s, bool dies);

/* --- what the tables of calls consist of ---------------------------------- */

typedef int64_t call_fn(struct server *s);

#define CALLS 440 /* all numbers of calls are below */

/* What a call may change, besides times of reading. */
enum effect {
	EFFECT_NONE,
	EFFECT_OPEN, /* it opens a file, whatever else it does */
	EFFECT_LESS, /* it may give memory back */
	EFFECT_MORE,
};

struct call {
	call_fn *fn; /* NULL: there is no such call */
	enum effect effect;
};

/*
 * The calls by number: those about an open file, about a path, and about
 * neither.
 */
extern const struct call file_calls[CALLS], path_calls[CALLS],
    system_calls[CALLS];

/* Translates flags of open() to those that the kernel is told. */
uint32_t kernel_flags(uint32_t flags);

/* Replies with a new descriptor of the file at opened_place(). */
int64_t reply_file(struct server *s);

/* Replies with a folder, for chdir and the like. */
int64_t open_folder(struct server *s, struct where where);

/*
 * port_read() and port_write() of lent memory. In a replay they only return
 * `len`, as the bytes were moved before.
 */
ssize_t lent_read(struct server *s, uint64_t offset, void *to, size_t len);
ssize_t lent_write(struct server *s, uint64_t offset, const void *from,
    size_t len);

/* Replies with `bytes`, which may be in the server's `out`. */
int64_t reply_bytes(struct server *s, const void *bytes, size_t len,
    int64_t result);
int64_t reply_stat(struct server *s, const struct node *node);
int64_t reply_statfs(struct server *s, const struct node *node);

/* Removes the locks that an open file has set, as it is being closed. */
void serve_leave_locks(struct server *s, uint64_t token, struct node *node);

call_fn call_fcntl, call_flock;

#endif
