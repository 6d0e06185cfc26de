/* SPDX-License-Identifier: MIT */
/*
 * sigframe.h - what signal.c and sigframe.c share.
 */
#ifndef PROC_SIGFRAME_H
#define PROC_SIGFRAME_H

#include "proc/proc.h"

/*
 * Makes the running process enter its handler when it returns to user mode.
 * -EFAULT or -ENOMEM: its stack is no good, and it has to end.
 */
MUST_USE int sigframe_push(struct proc *p, int sig,
    const struct siginfo_small *info, const struct sigaction_abi *act);

/* Changes the mask of the running process; what is due now is seen to. */
void signal_set_blocked(struct proc *p, uint64_t mask) EXCLUDES(sched_lock);

#endif
