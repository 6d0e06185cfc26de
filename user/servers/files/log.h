/* SPDX-License-Identifier: MIT */
/*
 * log.h - what was asked since the server was kept, and has changed something.
 *
 * To keep a server is a fork, which costs ten times what a change does. So a
 * change is written down before its reply, in memory that a server shares with
 * its successors: the request, and whatever else it depends on. Who goes on
 * from an older state executes what is in the log once more, by the same
 * functions, and has the same tree then.
 *
 * The entry at the end is where a request is received, with what comes along:
 * so what is in the log is what was executed, and nothing is copied. An entry
 * counts from the moment at which `committed` says so, which is one store.
 *
 * When the server has been kept, the log begins anew, with another generation.
 * Who was kept by that knows its number, and takes no entry of another for one
 * that it has to do.
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
	LOG_PART,   /* of a call that is not done yet */
	LOG_CLOSED, /* nobody has the file `token` any more */
};

/* Of an LOG_CLOSED there is only the beginning, up to `done`. */
struct log_entry {
	uint32_t size; /* of all of it */
	uint32_t kind;
	uint64_t token; /* of the file that was opened, or closed */
	uint64_t done; /* bytes that earlier entries of the call have written */
	uint64_t bytes;                   /* of `in` that are part of it */
	uint64_t next_ino, last_contents; /* as they were before */
	uint32_t missed, leads;           /* as they were after: node.h */
	struct request request;
	char in[];
};

#define LOG_CLOSED_SIZE offsetof(struct log_entry, done)

/* Behind a path: the times of utimensat(), and where made links lead. */
#define LOG_BEHIND 96

/* The largest one. */
#define LOG_ENTRY_MAX (sizeof(struct log_entry) + LOG_IN + LOG_BEHIND)

struct log {
	struct log_memory *memory;
	size_t size; /* of the memory for entries */
	size_t end;  /* of the entries that this server has done */
	uint32_t generation;
	uint32_t replayed; /* entries since it was kept: done by others */
};

/* The smallest one there may be. */
#define LOG_MIN (192UL << 10)

/* Makes the memory. False: there is none. */
bool log_make(struct log *log, size_t size);

/* Where the next request is received: there is always room for it. */
struct log_entry *log_tail(const struct log *log);

/* How many bytes of entries can be written. */
size_t log_room(const struct log *log);

/* What is at the tail is of that kind and size, and counts from now on. */
void log_commit(struct log *log, enum log_kind kind, size_t size);

/* All of it is in who is kept next: it begins anew. */
void log_turn(struct log *log);

/* The next entry that this server has not done, or NULL; and goes past it. */
struct log_entry *log_next(const struct log *log);
void log_pass(struct log *log, const struct log_entry *entry);

#endif
