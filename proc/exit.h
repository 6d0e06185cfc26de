/* SPDX-License-Identifier: MIT */
/*
 * exit.h - the second half of an exit, for the scheduler.
 */
#ifndef PROC_EXIT_H
#define PROC_EXIT_H

#include "proc/proc.h"

/* The memory of the running, exiting process is gone: it becomes a zombie. */
NORETURN void proc_exit_finish(struct proc *p);

/* A vfork parent may go on: the child has its own memory, or none. */
void vfork_release(struct proc *p) REQUIRES(sched_lock);

#endif
