/* SPDX-License-Identifier: MIT */
/*
 * walk.h - walks over lists of processes that may be long.
 *
 * A call that looks at every process of a list does so a part at a time, and
 * leaves a mark (proc.t.mark) in the list where it will go on. So a list that
 * is walked may hold the marks of several processes, which are no members.
 */
#ifndef PROC_WALK_H
#define PROC_WALK_H

#include "proc/proc.h"

/*
 * A process is a frame, so the offset of a link in its page tells whether it is
 * a mark.
 */
static inline bool list_is_mark(const struct list *link)
{
	return ((uintptr_t)link & PAGE_MASK) == offsetof(struct proc, t.mark);
}

/*
 * Called for one process, under sched_lock; it may take the process off the
 * list. False ends the walk.
 */
typedef bool walk_fn(struct proc *p, void *arg);

/*
 * Visits a part of the list of processes that are linked by the member at
 * `offset`. True when the walk has ended; else the next part begins where this
 * one stopped: where the walker's mark is, if it is `marked`. The mark is in
 * one list at a time.
 */
MUST_USE bool walk_part(struct proc *walker, bool *marked, struct list *head,
    size_t offset, walk_fn *visit, void *arg) REQUIRES(sched_lock);

/* The walk begins anew: the next part is the first again. */
void walk_begin_anew(struct proc *walker, bool *marked) REQUIRES(sched_lock);

/* The call ends, or its process does, in the middle of a walk or after it. */
void walk_abandon(struct proc *p) EXCLUDES(sched_lock);

#endif
