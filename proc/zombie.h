/* SPDX-License-Identifier: MIT */
/*
 * zombie.h - what a process leaves behind, for exit.c and wait.c.
 */
#ifndef PROC_ZOMBIE_H
#define PROC_ZOMBIE_H

#include "proc/proc.h"

/* Turns a status as wait4 reports it into what waitid and SIGCHLD report. */
struct siginfo_small child_info(pid_t pid, int status);

/* Frees a zombie that no process can find any more. */
void discard_zombie(struct proc *p) EXCLUDES(sched_lock);

#endif
