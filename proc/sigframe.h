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
 * Where the frame of a handler goes, with its pages made ready. -EFAULT: there
 * is no good place; -ENOMEM.
 */
MUST_USE int sigframe_prepare(struct proc *p, const struct sigaction_abi *act,
    vaddr_t *frame);

/* Makes the running process enter its handler on that frame. */
void sigframe_push(struct proc *p, vaddr_t frame, int sig,
    const struct siginfo_small *info, const struct sigaction_abi *act);

/* Writes a siginfo to the running program's memory. -EFAULT, -ENOMEM. */
MUST_USE int siginfo_copyout(vaddr_t to, int sig,
    const struct siginfo_small *small);

/* The pending signal of the set that is to be taken first; 0: none. */
int signal_first(const struct proc *p, uint64_t set) REQUIRES(sched_lock);

/* Takes a pending signal off. False if it is not pending any more. */
bool signal_take(struct proc *p, int sig, struct siginfo_small *info)
    REQUIRES(sched_lock);

/* Sets the mask of the running process, and t.work if a signal is due now. */
void signal_set_blocked(struct proc *p, uint64_t mask) EXCLUDES(sched_lock);

#endif
