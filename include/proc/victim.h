/* SPDX-License-Identifier: MIT */
/*
 * victim.h - which process ends when memory is out.
 *
 * A process that finds no memory ends, except for process 1 and system
 * processes: with the first the machine would end, and the others serve all
 * processes. In their place the youngest of the *candidates* ends, which are
 * all other processes that have not begun to end. They have a list of their
 * own, so that the youngest is found at once, also while other processes walk
 * over the list of all.
 */
#ifndef PROC_VICTIM_H
#define PROC_VICTIM_H

#include "proc/proc.h"

/*
 * `p` is a candidate from now on, the youngest; if it is not a system process.
 */
void victim_add(struct proc *p) REQUIRES(sched_lock);

/* `p` begins to end, and gives its memory back; `p` has given it back. */
void victim_ends(struct proc *p) REQUIRES(sched_lock);
void victim_ended(const struct proc *p) REQUIRES(sched_lock);

/*
 * The running process has found no memory. True: another process ends for it,
 * or is just ending, or has ended since this one asked last; the operation is
 * to be tried again, from trap_resume() at the latest: others may run first.
 * False: it has to end itself. If it is a system process and there is no
 * candidate, process 1 has its memory: the machine ends.
 */
MUST_USE bool victim_goes_for(struct proc *p) EXCLUDES(sched_lock);

/*
 * Is memory that was not there for the running process to be had later? It was
 * late, or there are programs in the cache that no process runs, or as above.
 */
MUST_USE bool memory_comes(struct proc *p) EXCLUDES(sched_lock);

#endif
