/* SPDX-License-Identifier: MIT */
/*
 * sigframe.h - what signal.c, sigframe.c and sigwait.c share.
 */
#ifndef PROC_SIGFRAME_H
#define PROC_SIGFRAME_H

#include "proc/proc.h"
#include "proc/signal.h"

#define NOT_MASKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/*
 * Makes the running process enter its handler when it returns to user mode.
 * -EFAULT or -ENOMEM: its stack is no good, and it has to end.
 */
MUST_USE int sigframe_push(struct proc *p, int sig,
    const struct siginfo_small *info, const struct sigaction_abi *act);

/* Tells the running program of a signal, or of a child. -EFAULT, -ENOMEM. */
MUST_USE int siginfo_copyout(vaddr_t to, int sig,
    const struct siginfo_small *small);

/* Takes the lowest pending signal of a set off, SIGKILL first; 0: none. */
int signal_take(struct proc *p, uint64_t set, struct siginfo_small *info)
    REQUIRES(sched_lock);

/* Changes the mask of the running process; what is due now is seen to. */
void signal_set_blocked(struct proc *p, uint64_t mask) EXCLUDES(sched_lock);

#endif
