/* SPDX-License-Identifier: MIT */
/*
 * exec.h - a process becomes another program.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "proc/initrd.h"
#include "proc/proc.h"

/*
 * execve(2). -ENORESULT on success. -ENOENT, -EACCES, -ENOEXEC, -E2BIG,
 * -EFAULT, -ENOMEM and those of a path: nothing has changed.
 */
long proc_exec(vaddr_t path, vaddr_t argv, vaddr_t envp);

/* The first process, with the command line `args` (words parted by spaces). */
void proc_start_init(const char *path, const char *args, size_t args_len);

/*
 * Drops a program from the cache of images. True if there was one, and so
 * perhaps some memory is free that was not before.
 */
bool image_reclaim(void);

#endif
