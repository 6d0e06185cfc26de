/* SPDX-License-Identifier: MIT */
/*
 * twin.h - two system processes that keep a service alive: the server, and who
 * stays behind to fork another (port_adopt()). While one of them ends, the
 * other is the last, and nobody may kill that until there are two again.
 */
#ifndef PROC_TWIN_H
#define PROC_TWIN_H

#include "proc/proc.h"

struct port;

/*
 * Takes over what the parent of the running process has in hand, if that is
 * `parent` and has not begun to end; its own parent is killed, if it is
 * `older`. If both are system processes, they are twins from then on. Returns
 * 1; 0 if the parent has nothing in hand of this port; -EINVAL if the running
 * process has something in hand already; or -ESRCH.
 */
long port_adopt(struct port *port, pid_t parent, pid_t older)
    EXCLUDES(sched_lock);

/*
 * It ends, or is bound to, or is no system process any more: if it has a twin,
 * that is alone.
 */
void twin_end(struct proc *p) REQUIRES(sched_lock);

/*
 * Would nobody go on if the signal, which another process sends, ended this
 * one? A process that kills itself is not spared, as it could exit as well.
 */
MUST_USE bool twin_is_spared(const struct proc *p, int sig)
    REQUIRES(sched_lock);

#endif
