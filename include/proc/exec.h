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
 * execve(2). -ENORESULT on success. -ENOENT, -EACCES, -ENOEXEC, -E2BIG,
 * -EFAULT, -ENOMEM and those of a path: nothing has changed.
 */
long proc_exec(vaddr_t path, vaddr_t argv, vaddr_t envp);

/* The first process, with words of the kernel's command line from `args` on. */
void proc_start_init(const char *path, const char *args);

/*
 * Drops a program from the cache of images. True if there was one, and so
 * perhaps some memory is free that was not before.
 */
bool image_reclaim(void);

#endif
