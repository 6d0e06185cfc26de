/* SPDX-License-Identifier: MIT */
/*
 * fault.h - page faults and other exceptions of user programs.
 */
#ifndef TRAP_FAULT_H
#define TRAP_FAULT_H

#include "proc/proc.h"

/* Below this many free frames, cached programs are given up. */
#define RECLAIM_BELOW 256

enum cause {
	FETCH_MISALIGNED = 0,
	FETCH_ACCESS = 1,
	ILLEGAL = 2,
	BREAKPOINT = 3,
	LOAD_MISALIGNED = 4,
	LOAD_ACCESS = 5,
	STORE_MISALIGNED = 6,
	STORE_ACCESS = 7,
	FETCH_PAGE = 12,
	LOAD_PAGE = 13,
	STORE_PAGE = 15,
};

/* The kind of access that took a page fault; 0 for other causes. */
static inline enum access fault_access(uint64_t cause)
{
	switch (cause) {
	case STORE_PAGE:
		return ACCESS_WRITE;
	case LOAD_PAGE:
		return ACCESS_READ;
	case FETCH_PAGE:
		return ACCESS_EXEC;
	default:
		return 0;
	}
}

/* What the process gets for a fault that could not be resolved. */
void fault_failed(struct proc *p, uint64_t cause, vaddr_t va, long error);

/*
 * Called if there is no frame for a page that the process has touched. Another
 * process ends for it if victim_goes_for() finds one, and then the access is
 * tried again. Else the process ends.
 */
void fault_no_memory(struct proc *p);

/* The signal for any other exception. */
void fault_exception(struct proc *p, uint64_t cause, vaddr_t va);

#endif
