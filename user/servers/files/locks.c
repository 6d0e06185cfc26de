/* SPDX-License-Identifier: MIT */
/*
 * locks.c - see locks.h. The locks of a file are in a list, those of one holder
 * by their first bytes: F_GETLK tells of the first one that is in the way.
 */
#include "locks.h"

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "memory.h"

static bool is_of_holder(const struct lock *lock, const struct lock *wanted)
{
	return lock->holder == wanted->holder && lock->whole == wanted->whole;
}

static bool overlaps(const struct lock *a, const struct lock *b)
{
	return a->from <= b->to && b->from <= a->to;
}

struct lock *lock_conflict(const struct node *node, const struct lock *wanted,
    const struct lock *after)
{
	struct lock *lock = after != NULL ? after->next : node->locks;

	if (wanted->type == F_UNLCK)
		return NULL;
	for (; lock != NULL; lock = lock->next)
		if (lock->holder != wanted->holder &&
		    lock->whole == wanted->whole && overlaps(lock, wanted) &&
		    (lock->type == F_WRLCK || wanted->type == F_WRLCK))
			return lock;
	return NULL;
}

static void add(struct node *node, struct lock *lock)
{
	struct lock **at = &node->locks;

	while (*at != NULL &&
	    (!is_of_holder(*at, lock) || (*at)->from < lock->from))
		at = &(*at)->next;
	lock->next = *at;
	*at = lock;
}

void lock_remove(struct node *node, struct lock *lock)
{
	struct lock **at = &node->locks;

	while (*at != lock)
		at = &(*at)->next;
	*at = lock->next;
	memory_free(lock, sizeof *lock);
}

/* Are both locks of the same kind, and do they touch or overlap? */
static bool continues(const struct lock *lock, const struct lock *wanted)
{
	return lock->type == wanted->type &&
	    (wanted->from == 0 || lock->to >= wanted->from - 1) &&
	    (wanted->to == LOCK_END || lock->from <= wanted->to + 1);
}

/* Takes from the old lock the bytes that the new one is about. */
static void cut(struct node *node, struct lock *old, const struct lock *wanted,
    struct lock **spare)
{
	struct lock *rest;

	if (old->from >= wanted->from && old->to <= wanted->to) {
		lock_remove(node, old);
	} else if (old->from >= wanted->from) {
		old->from = wanted->to + 1;
	} else if (old->to <= wanted->to) {
		old->to = wanted->from - 1;
	} else {
		rest = *spare;
		*spare = NULL;
		*rest = *old;
		rest->from = wanted->to + 1;
		old->to = wanted->from - 1;
		add(node, rest);
	}
}

/*
 * Makes `fresh` the whole lock: what it touches is joined to it, and what it
 * overlaps is cut.
 */
static void replace(struct node *node, struct lock *fresh, struct lock **spare)
{
	struct lock *lock = node->locks, *next;

	for (; lock != NULL; lock = next) {
		next = lock->next;
		if (!is_of_holder(lock, fresh))
			continue;
		if (fresh->type != F_UNLCK && continues(lock, fresh)) {
			if (lock->from < fresh->from)
				fresh->from = lock->from;
			if (lock->to > fresh->to)
				fresh->to = lock->to;
			lock_remove(node, lock);
		} else if (overlaps(lock, fresh)) {
			cut(node, lock, fresh, spare);
		}
	}
}

static size_t count(const struct node *node)
{
	size_t n = 0;

	for (const struct lock *l = node->locks; l != NULL; l = l->next)
		n++;
	return n;
}

int lock_set(struct tree *t, struct node *node, const struct lock *wanted)
{
	struct lock *fresh, *spare;

	/*
	 * Giving up all locks needs no memory, as otherwise a process that
	 * waits for them might wait forever.
	 */
	if (wanted->type == F_UNLCK && wanted->from == 0 &&
	    wanted->to == LOCK_END) {
		struct lock none = *wanted;

		replace(node, &none, NULL);
		return 0;
	}
	if (count(node) >= LOCKS_MAX)
		return -ENOLCK;
	fresh = tree_alloc(t, sizeof *fresh);
	spare = fresh != NULL ? tree_alloc(t, sizeof *spare) : NULL;
	if (spare == NULL) {
		if (fresh != NULL)
			memory_free(fresh, sizeof *fresh);
		return -ENOLCK;
	}
	*fresh = *wanted;
	replace(node, fresh, &spare);
	if (fresh->type != F_UNLCK)
		add(node, fresh);
	else
		memory_free(fresh, sizeof *fresh);
	if (spare != NULL)
		memory_free(spare, sizeof *spare);
	return 0;
}

bool locks_leave(struct node *node, uint64_t token)
{
	struct lock *lock = node->locks, *next;
	bool found = false;

	for (; lock != NULL; lock = next) {
		next = lock->next;
		if (lock->token != token)
			continue;
		lock_remove(node, lock);
		found = true;
	}
	return found;
}
