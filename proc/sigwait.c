/* SPDX-License-Identifier: MIT */
/*
 * sigwait.c - calls that wait for signals, or have another mask while they
 * wait.
 */
#include "abi/errno.h"
#include "arch/timer.h"
#include "proc/sched.h"
#include "sigframe.h"

int signal_lend_mask(vaddr_t set)
{
	struct proc *p = proc_self();
	uint64_t mask;
	int err;

	if (p->sig.has_suspended)
		return 0;
	err = copyin(p->as, &mask, set, sizeof mask);
	if (err < 0)
		return err;
	p->sig.suspended = p->sig.blocked;
	p->sig.has_suspended = true;
	signal_set_blocked(p, mask);
	return 0;
}

void signal_return_mask(void)
{
	struct proc *p = proc_self();

	if (!p->sig.has_suspended)
		return;
	p->sig.has_suspended = false;
	signal_set_blocked(p, p->sig.suspended);
}

/* Executed again after each wake-up that no handler was behind. */
long signal_suspend(vaddr_t set)
{
	int err = signal_lend_mask(set);

	if (err < 0)
		return err;
	sched_block(NULL, CALL_EINTR);
	return -ERESTART;
}

/*
 * While it waits, the signals of the set are blocked, so that none is
 * delivered, and wake it all the same.
 */
static void wait_for_set(struct proc *p, uint64_t set, uint64_t deadline)
    REQUIRES(sched_lock)
{
	if (!p->sig.has_suspended) {
		p->sig.suspended = p->sig.blocked;
		p->sig.has_suspended = true;
	}
	p->sig.blocked |= set;
	p->sig.awaited = set;
	p->progress = (struct progress){.active = true, .deadline = deadline};
	sched_block_until_locked(NULL, deadline, CALL_EINTR);
}

long signal_wait(vaddr_t set_from, vaddr_t info_to, uint64_t deadline)
{
	struct proc *p = proc_self();
	struct siginfo_small info;
	uint64_t set;
	int sig, err = copyin(p->as, &set, set_from, sizeof set);

	if (err < 0)
		return err;
	set &= ~NOT_MASKABLE;
	lock_acquire(&sched_lock);
	sig = signal_take(p, set, &info);
	if (sig == 0 && timer_now() < deadline) {
		wait_for_set(p, set, deadline);
		lock_release(&sched_lock);
		return -ERESTART;
	}
	p->sig.awaited = 0;
	lock_release(&sched_lock);
	signal_return_mask();
	if (sig == 0)
		return -EAGAIN;
	if (info_to != 0)
		err = siginfo_copyout(info_to, sig, &info);
	return err < 0 ? err : sig;
}
