/* SPDX-License-Identifier: MIT */
/*
 * victim.h - who ends when memory is out.
 *
 * Whoever finds none ends, but for process 1 and system processes: the machine
 * would end with the one, and everybody would miss the others. In their place
 * goes the youngest of the *candidates*, which are all other processes that
 * have not begun to end. They have a list of their own, so that the youngest is
 * found at once, whoever walks over all processes.
 */
#ifndef PROC_VICTIM_H
#define PROC_VICTIM_H

#include "proc/proc.h"

/* It is one from now on, the youngest; if it is not a system process. */
void victim_add(struct proc *p) REQUIRES(sched_lock);

/* It begins to end, and gives its memory back; and it has. */
void victim_ends(struct proc *p) REQUIRES(sched_lock);
void victim_ended(const struct proc *p) REQUIRES(sched_lock);

/*
 * The running process has found no memory. True: another one goes for it, or is
 * about to have gone, and what it did is to be tried again, from trap_resume()
 * at the latest: others may run first. False: it has to end itself. If it is a
 * system process and there is no candidate, process 1 has its memory: the
 * machine ends.
 */
MUST_USE bool victim_goes_for(struct proc *p) EXCLUDES(sched_lock);

/*
 * Is memory that was not there for the running process to be had later? It was
 * late, or there are programs that nobody runs, or as above.
 */
MUST_USE bool memory_comes(struct proc *p) EXCLUDES(sched_lock);

#endif
