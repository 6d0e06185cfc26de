/* SPDX-License-Identifier: MIT */
/*
 * space.h - the runner of an address space, and the end of the space.
 *
 *   C4  An address space has a runner or none: aspace.runner. A hart claims it
 *       before it switches to it, and gives it up when it has left it. No other
 *       hart changes it, or runs in it.
 *
 * A process in a space of its own is simply started. Where several share one,
 * as a vfork parent and its children do, they take turns: a process whose
 * space another hart runs waits in aspace.turn until that hart has left.
 *
 * A vfork parent lends its space. Processes that have lent one are a stack,
 * aspace.lenders; a lender goes on when all processes that came after it have
 * left.
 */
#ifndef PROC_SPACE_H
#define PROC_SPACE_H

#include "proc/proc.h"

/*
 * Called when a process is taken off the run queue. False: it waits for its
 * turn now. True: this hart runs its space, or will after space_await().
 */
INLINE bool space_claim(struct proc *p) REQUIRES(sched_lock);
bool space_claim_shared(struct proc *p) REQUIRES(sched_lock);

/* Waits until the last hart of a process is out of its space, and claims it. */
void space_await(struct aspace *as) EXCLUDES(sched_lock);

/* This hart has left the space. */
INLINE void space_leave(struct aspace *as) EXCLUDES(sched_lock);
void space_leave_shared(struct aspace *as) EXCLUDES(sched_lock);

/*
 * Claims the space of a process that is blocked, to change its memory, until
 * space_leave(). False: a process is in it, or on the way out.
 */
INLINE bool space_borrow(struct aspace *as) REQUIRES(sched_lock)
{
	if (!aspace_is_idle(as))
		return false;
	aspace_claim(as);
	return true;
}

/* Makes the process ready that has waited longest for its turn. */
void space_turn(struct aspace *as) REQUIRES(sched_lock);

/* The running process shares its space with a child that has none yet. */
void space_share(struct proc *parent, struct proc *child) REQUIRES(sched_lock);

/*
 * The parent waits until its child has left `as`: the shared space, or one of
 * the child's own.
 */
void space_lend(struct proc *parent, struct aspace *as) REQUIRES(sched_lock);

/*
 * The running process has left `as`, for another space or for none, and does
 * not come back. The last user's space is torn down on its time.
 */
void space_quit(struct proc *p, struct aspace *as) EXCLUDES(sched_lock);

/*
 * Drops one user of `as`. The last one's is torn down on the time of the
 * running process `p`, in parts, before it returns to user mode.
 */
void space_put(struct proc *p, struct aspace *as);

/* Tears down a part of that space; proc.dead is not NULL. */
void space_tear_down_part(struct proc *p);

INLINE bool space_claim(struct proc *p)
{
	struct aspace *as = p->as;

	if (likely(as != NULL && aspace_is_idle(as))) {
		aspace_claim(as);
		return true;
	}
	return space_claim_shared(p);
}

INLINE void space_leave(struct aspace *as)
{
	if (unlikely(as->sharers > 1))
		space_leave_shared(as);
	else
		aspace_leave(as);
}

#endif
