/* SPDX-License-Identifier: MIT */
/*
 * sigwait.c - calls that wait for signals, or have another mask while they
 * wait.
 */
#include "abi/errno.h"
#include "arch/timer.h"
#include "proc/sched.h"
#include "sigframe.h"

void signal_lend_mask(uint64_t mask)
{
	struct proc *p = proc_self();

	p->t.saved = p->t.blocked;
	p->t.has_saved = true;
	signal_set_blocked(p, mask);
}

void signal_return_mask(void)
{
	struct proc *p = proc_self();

	if (!p->t.has_saved)
		return;
	p->t.has_saved = false;
	signal_set_blocked(p, p->t.saved);
}

/* Executed again after each wake-up without a handler: it waits again. */
long signal_suspend(vaddr_t set)
{
	struct proc *p = proc_self();
	uint64_t mask;

	if (!p->t.has_saved) {
		int err = copyin(p->as, &mask, set, sizeof mask);

		if (err < 0)
			return err;
		signal_lend_mask(mask);
	}
	return call_wait(NULL, SIGNAL_ENDS);
}

/*
 * While it waits, the signals of the set wake it whether they are blocked or
 * not, and are delivered to no handler. When it is executed again, the set is
 * in thread.awaited, and the call keeps the deadline.
 */
long signal_wait(uint64_t set, vaddr_t info_to, uint64_t deadline)
{
	struct proc *p = proc_self();
	struct siginfo_small info;
	int sig, err = 0;

	if (info_to != 0)
		err = user_prepare(p->as, info_to, sizeof(struct siginfo_abi),
		    ACCESS_WRITE);
	if (err < 0)
		return err;
	set &= ~NOT_MASKABLE;
	lock_acquire(&sched_lock);
	sig = signal_first(p, set);
	if (sig == 0 && timer_now() < deadline) {
		p->t.awaited = set;
		call_time()->deadline = deadline;
		err = (int)call_wait_until_locked(NULL, deadline, SIGNAL_ENDS);
		lock_release(&sched_lock);
		return err;
	}
	if (sig != 0)
		(void)signal_take(p, sig, &info);
	lock_release(&sched_lock);
	if (sig == 0)
		return -EAGAIN;
	if (info_to != 0)
		err = siginfo_copyout(info_to, sig, &info);
	assert(err == 0);
	return sig;
}
