/* SPDX-License-Identifier: MIT */
/*
 * exec.h - a process becomes another program.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "proc/proc.h"

#define STACK_SIZE (8UL << 20) /* of a program; it does not grow */

/*
 * execve(2), in parts. CALL_ENDED on success. CALL_WAITS: a server is asked.
 * -ENOENT, -EACCES, -ENOEXEC, -E2BIG, -EFAULT, -ENOMEM, those of a path, and
 * -EIO or any of a server's: nothing has changed.
 */
long proc_exec(vaddr_t path, vaddr_t argv, vaddr_t envp);

/* The step for which the execve asks a server; port.h. */
struct step *exec_step(struct exec *exec);

/* The call will not end: gives back what it has made so far. */
void exec_abandon(struct proc *p, struct exec *exec);

/*
 * Puts `p` at the beginning of that program. `p` is the running process, or
 * runs nowhere yet.
 */
struct program;
void enter_program(struct proc *p, const struct program *prog,
    const char *path);

/* Makes the first process, with the program in the kernel's image. */
void boot_start(void);

/*
 * Drops a program from the cache of images, which is torn down on the time of
 * the running process. False if there was none.
 */
bool image_reclaim(struct proc *p);

/* As image_reclaim(), for a program of a port that is gone. */
bool image_reclaim_of(struct proc *p, uint64_t port);

#endif
