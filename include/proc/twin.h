/* SPDX-License-Identifier: MIT */
/*
 * twin.h - two system processes that keep a service alive: a server, and its
 * parent, which stays behind to fork another server if this one dies.
 * port_adopt() makes them twins. When one of them ends, the other is the last
 * that can serve, and no process may kill it until it has a twin again.
 */
#ifndef PROC_TWIN_H
#define PROC_TWIN_H

#include "proc/proc.h"

struct port;

/*
 * Moves the request or note of this port that the parent of the running process
 * has in hand into the hand of the running process. In the same moment, the
 * parent's own parent is killed if its pid is `older`, and the running process
 * and its parent become twins if both are system processes. Returns 1 if there
 * was a request, else 0. -EINVAL: the running process has something in hand
 * already. -ESRCH: its parent is not the process `parent`, or has begun to end.
 */
long port_adopt(struct port *port, pid_t parent, pid_t older)
    EXCLUDES(sched_lock);

/*
 * `p` ends, or is no system process any more: if it has a twin, both are twins
 * no longer.
 */
void twin_end(struct proc *p) REQUIRES(sched_lock);

/*
 * Must the running process not send this signal to `p`, as it would end a
 * system process that has no twin, or one whose twin is ending? A process that
 * kills itself is not spared, as it could exit as well.
 */
MUST_USE bool twin_is_spared(const struct proc *p, int sig)
    REQUIRES(sched_lock);

#endif
