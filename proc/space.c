/* SPDX-License-Identifier: MIT */
/*
 * space.c - address spaces: their runners, their lenders, and their end.
 */

#include "proc/space.h"
#include "arch/hart.h"
#include "mm/frame.h"
#include "proc/queue.h"

bool space_claim_shared(struct proc *p)
{
	struct aspace *as = p->as;

	if (as == NULL || aspace_is_ours(as) || as->sharers == 1)
		return true;
	p->t.state = PROC_READY;
	list_push_back(&as->turn, &p->t.link);
	return false;
}

void space_await(struct aspace *as)
{
	if (aspace_is_ours(as))
		return;
	while (!aspace_is_idle(as))
		hart_relax();
	aspace_claim(as);
}

void space_turn(struct aspace *as)
{
	struct proc *first;

	if (likely(list_is_empty(&as->turn)))
		return;
	first = list_entry(as->turn.next, struct proc, t.link);
	list_unlink(&first->t.link);
	ready_push(first);
}

void space_leave_shared(struct aspace *as)
{
	lock_acquire(&sched_lock);
	aspace_leave(as);
	space_turn(as);
	lock_release(&sched_lock);
}

void space_share(struct proc *parent, struct proc *child)
{
	aspace_get(parent->as);
	parent->as->sharers++;
	child->as = parent->as;
}

void space_lend(struct proc *parent, struct aspace *as)
{
	parent->t.lent = as;
	list_push_front(&as->lenders, &parent->t.lent_link);
}

/* A lender gets back its space, or leaves it because it was killed. */
static void lender_remove(struct proc *p) REQUIRES(sched_lock)
{
	list_unlink(&p->t.lent_link);
	p->t.lent = NULL;
}

/*
 * The process that ran in the space has left it: ends the call of the lender
 * that lent it last. If the lender was killed meanwhile, it has no call any
 * more, and the result is not used.
 */
static void lender_go_on(struct aspace *as) REQUIRES(sched_lock)
{
	struct proc *lender;

	if (list_is_empty(&as->lenders))
		return;
	lender = list_entry(as->lenders.next, struct proc, t.lent_link);
	lender_remove(lender);
	call_finish(lender, lender->t.call.child);
	if (lender->t.state == PROC_BLOCKED)
		sched_wake(lender);
}

static NOINLINE void quit_shared(struct proc *p, struct aspace *as)
    EXCLUDES(sched_lock)
{
	lock_acquire(&sched_lock);
	if (p->t.lent != as)
		lender_go_on(as);
	if (p->t.lent != NULL)
		lender_remove(p);
	as->sharers--;
	aspace_leave(as);
	space_turn(as);
	lock_release(&sched_lock);
}

void space_quit(struct proc *p, struct aspace *as)
{
	if (unlikely(as->sharers > 1 || !list_is_empty(&as->lenders) ||
		p->t.lent != NULL))
		quit_shared(p, as);
	else
		aspace_leave(as);
	space_put(p, as);
}

void space_put(struct proc *p, struct aspace *as)
{
	if (!aspace_put(as))
		return;
	as->next_dead = p->dead;
	p->dead = as;
	p->t.work = 1;
}

void space_tear_down_part(struct proc *p)
{
	struct aspace *as = p->dead, *next = as->next_dead;
	unsigned budget = RANGE_BUDGET;

	if (aspace_teardown(as, &budget))
		p->dead = next;
}
