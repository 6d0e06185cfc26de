/* SPDX-License-Identifier: MIT */
/*
 * background.c - stops a process by SIGTTIN or SIGTTOU, because the server of a
 * terminal said that the process is in the background.
 */
#include "abi/errno.h"
#include "proc/sched.h"
#include "proc/signal.h"

long background_stop(int sig)
{
	struct proc *self = proc_self();
	bool orphaned = false;
	long result;

	lock_acquire(&sched_lock);
	if (signal_is_deaf(self, sig)) {
		result = 0;
	} else if (!group_search(self, self->group, &orphaned)) {
		result = call_go_on(SIGNAL_RESTARTS);
	} else if (orphaned) {
		result = -EIO;
	} else {
		signal_send(self, sig,
		    (struct siginfo_small){.code = SI_KERNEL});
		/* signal_send() drops the signal if this is process 1. */
		result = signal_is_due(self)
		    ? call_wait_locked(NULL, SIGNAL_RESTARTS)
		    : -EIO;
	}
	lock_release(&sched_lock);
	return result;
}
