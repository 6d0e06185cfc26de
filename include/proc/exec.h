/* SPDX-License-Identifier: MIT */
/*
 * exec.h - a process becomes another program.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "proc/initrd.h"
#include "proc/proc.h"

#define STACK_SIZE (8UL << 20) /* of a program; it does not grow */

/*
 * execve(2), in parts. CALL_ENDED on success. -ENOENT, -EACCES, -ENOEXEC,
 * -E2BIG, -EFAULT, -ENOMEM and those of a path: nothing has changed.
 */
long proc_exec(vaddr_t path, vaddr_t argv, vaddr_t envp);

/* Gives back what a call has made so far that will not end. */
void exec_abandon(struct proc *p, struct exec *exec);

/* The first process, with words of the kernel's command line from `args` on. */
void proc_start_init(const char *path, const char *args);

/*
 * Drops a program from the cache of images, which is torn down on the time of
 * the running process. False if there was none.
 */
bool image_reclaim(struct proc *p);

#endif
