/* SPDX-License-Identifier: MIT */
/*
 * locks.h - locks of files: which process has locked which bytes.
 *
 * A lock keeps nobody from reading or writing; it is in the way of other locks.
 * Its *holder* is a process (fcntl), or an open file (flock, and fcntl's
 * F_OFD_); of one holder each byte has one lock at most, so a new one takes the
 * place of what it had there. flock() and fcntl() take no notice of each other.
 */
#ifndef FILES_LOCKS_H
#define FILES_LOCKS_H

#include "node.h"

#define LOCK_END INT64_MAX /* the last byte that a file can have */
/* locks of one file; each call looks at all of them */
#define LOCKS_MAX  1024
#define LOCK_TOKEN (1UL << 63)

struct lock {
	struct lock *next;
	uint64_t holder; /* a pid, or LOCK_TOKEN with the token of a file */
	uint64_t token;  /* the token of the file that it was set by */
	int64_t from, to;
	int32_t type; /* F_RDLCK or F_WRLCK; or F_UNLCK: no lock */
	bool whole;   /* a lock of flock() */
};

/* The next lock after `after` (NULL: the first) that is in the way; or NULL. */
struct lock *lock_conflict(const struct node *node, const struct lock *wanted,
    const struct lock *after);

/*
 * Gives the holder the lock, in place of what it had on those bytes. No lock of
 * others may be in the way. Returns 0; or ENOLCK, and nothing has changed.
 */
int lock_set(struct tree *t, struct node *node, const struct lock *wanted);

/* Removes one lock; or all that an open file has set: were there any? */
void lock_remove(struct node *node, struct lock *lock);
bool locks_leave(struct node *node, uint64_t token);

#endif
