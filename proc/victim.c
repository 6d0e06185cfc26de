/* SPDX-License-Identifier: MIT */
/*
 * victim.c - chooses the process that is killed when memory is out; see
 * victim.h.
 */
#include "proc/victim.h"

#include "lib/print.h"
#include "proc/exec.h"
#include "proc/sched.h"
#include "proc/signal.h"

/* The candidates from the oldest to the youngest. */
static struct list candidates GUARDED_BY(
    sched_lock) = {&candidates, &candidates};
/* How many of them are ending, and how many have ended, ever. */
static unsigned ending GUARDED_BY(sched_lock);
static uint64_t ended GUARDED_BY(sched_lock);

static bool is_candidate(const struct proc *p)
{
	return p->pid != INIT_PID && !p->is_system;
}

void victim_add(struct proc *p)
{
	if (is_candidate(p))
		list_push_back(&candidates, &p->candidate);
}

void victim_ends(struct proc *p)
{
	if (is_candidate(p)) {
		list_unlink(&p->candidate);
		ending++;
	}
	/* They are where `candidate`, or `ended_seen`, has been. */
	p->suspects = p->suspect = NULL;
}

void victim_ended(const struct proc *p)
{
	ending -= is_candidate(p);
	ended += is_candidate(p);
}

/* Kills the youngest candidate. False: there is none. */
static bool kill_youngest(void) REQUIRES(sched_lock)
{
	struct proc *victim;

	if (list_is_empty(&candidates))
		return false;
	victim = list_entry(candidates.prev, struct proc, candidate);
	if (victim->sig.pending & SIGNAL_BIT(SIGKILL))
		return true;
	signal_send(victim, SIGKILL, (struct siginfo_small){SI_KERNEL, 0, 0});
	stats_count(oom_kills);
	return true;
}

bool victim_goes_for(struct proc *p)
{
	bool goes;

	if (is_candidate(p))
		return false;
	lock_acquire(&sched_lock);
	/* One that has ended since may have done so after `p` found none. */
	goes = ending > 0 || p->ended_seen != ended || kill_youngest();
	p->ended_seen = ended;
	lock_release(&sched_lock);
	if (goes)
		sched_yield();
	else if (p->pid != INIT_PID)
		kprintf("%s[%d]: out of memory, which only init can have\n",
		    p->name, p->pid);
	if (!goes && p->pid != INIT_PID)
		init_exit(STATUS_SIGNALED(SIGKILL));
	return goes;
}

bool memory_comes(struct proc *p)
{
	return user_is_late() || image_reclaim(p) || victim_goes_for(p);
}
