/* SPDX-License-Identifier: MIT */
/*
 * zombie.h - what a process leaves behind, for exit.c and wait.c.
 */
#ifndef PROC_ZOMBIE_H
#define PROC_ZOMBIE_H

#include "proc/proc.h"

/* What wait4 says in one word, as waitid and SIGCHLD say it. */
struct siginfo_small child_info(pid_t pid, int status);

/* Frees a zombie that nobody finds any more. */
void discard_zombie(struct proc *p) EXCLUDES(sched_lock);

#endif
