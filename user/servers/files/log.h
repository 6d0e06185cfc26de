/* SPDX-License-Identifier: MIT */
/*
 * log.h - records the requests that have changed something since the server was
 * kept.
 *
 * To keep a server is a fork, which costs ten times what a change does. So a
 * change is recorded before its reply, in memory that a server shares with its
 * successors: the request, and whatever else the change depends on. A
 * successor, which is an older copy, executes the entries that it has not seen,
 * by the same functions, and then has the same tree.
 *
 * A request is received at the tail of the log, together with what comes along:
 * so what was executed is in the log without a copy. An entry counts from the
 * moment at which `committed` says so, which is one store.
 *
 * When the server has been kept, the log is empty again, with the number of
 * another generation. By that number the kept copy knows which entries it has
 * to execute.
 */
#ifndef FILES_LOG_H
#define FILES_LOG_H

#include <server.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_IN 32768 /* bytes of a request, at most */

enum log_kind {
	LOG_CALL,
	LOG_PART,   /* a part of a call that is not done yet */
	LOG_CLOSED, /* nobody has the file `token` any more */
};

/* A LOG_CLOSED has only the fields before `done`. */
struct log_entry {
	uint32_t size; /* bytes of the entry */
	uint32_t kind;
	uint64_t token; /* the file that was opened or closed */
	uint64_t done;  /* bytes written by earlier entries of the call */
	/* bytes of `in` that belong to the entry */
	uint64_t bytes;
	uint64_t next_ino, last_contents; /* of the tree, before the call */
	/* of the tree, after the call: node.h */
	uint32_t missed, leads;
	struct request request;
	char in[];
};

#define LOG_CLOSED_SIZE offsetof(struct log_entry, done)

/* Bytes behind a path: the times of utimensat(), and where made links lead. */
#define LOG_BEHIND 96

/* The size of the largest entry. */
#define LOG_ENTRY_MAX (sizeof(struct log_entry) + LOG_IN + LOG_BEHIND)

struct log {
	struct log_memory *memory;
	size_t size; /* of the memory for entries */
	size_t end;  /* of the entries that this server has done */
	uint32_t generation;
	uint32_t replayed; /* entries since the last keep, done by others */
};

/* The size of the smallest log that works. */
#define LOG_MIN (192UL << 10)

/* Makes the memory. False: there is none. */
bool log_make(struct log *log, size_t size);

/* Where the next request is received: there is always room for it. */
struct log_entry *log_tail(const struct log *log);

/* How many bytes of entries can be written. */
size_t log_room(const struct log *log);

/* Makes what is at the tail an entry of that kind and size. */
void log_commit(struct log *log, enum log_kind kind, size_t size);

/* Begins the log anew: the copy that is kept next has seen all of it. */
void log_turn(struct log *log);

/*
 * Returns the next entry that this server has not done, and passes it; NULL if
 * there is none.
 */
struct log_entry *log_next(const struct log *log);
void log_pass(struct log *log, const struct log_entry *entry);

#endif
