/* SPDX-License-Identifier: MIT */
/*
 * fault.h - page faults and other exceptions of user programs.
 */
#ifndef TRAP_FAULT_H
#define TRAP_FAULT_H

#include "proc/proc.h"

/* Below this many free frames, cached programs are given up. */
#define RECLAIM_BELOW 256

bool fault_is_page(uint64_t cause);

/*
 * Resolves a page fault that this hart took. 0: the instruction can be executed
 * again; -EFAULT, -ENOMEM: nothing has changed.
 */
int fault_resolve(struct proc *p, uint64_t cause, vaddr_t va);

/* What the process gets for a fault that could not be resolved. */
void fault_failed(struct proc *p, uint64_t cause, vaddr_t va, long error);

/*
 * There is no frame for a page of the process's own: it ends. Only process 1
 * is spared, at the cost of another, and comes back to try again.
 */
void fault_no_memory(struct proc *p);

/* The signal for any other exception. */
void fault_exception(struct proc *p, uint64_t cause, vaddr_t va);

#endif
