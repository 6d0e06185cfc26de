/* SPDX-License-Identifier: MIT */
/*
 * group.h - process groups and sessions.
 *
 * A group, and a session, has the number of the process that began it, and
 * keeps it when that process has ended: as long as it exists, no new process
 * gets the number. A session has no structure of its own: the group that began
 * with it stands for it, and stays, perhaps without members, as long as there
 * is a group of the session.
 *
 * Locks: [s] sched_lock   [c] constant once created
 */
#ifndef PROC_GROUP_H
#define PROC_GROUP_H

#include "arch/lock.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/tree.h"
#include "lib/types.h"

extern struct lock sched_lock; /* proc.h */
struct proc;

struct group {
	pid_t id;                   /* [c] */
	uint32_t refs;              /* [s] members, and others that keep it */
	struct group *session;      /* [c] the group that began its session */
	bool ends_session;          /* [s] it is dead, and so is `session` */
	uint32_t count;             /* [s] members */
	uint32_t stopped;           /* [s] members that are stopped */
	struct list members;        /* [s] by proc.group_link */
	struct tree number;         /* [s] in the trees by number */
	bool is_suspect;            /* [s] in proc.suspects of a process */
	struct group *next_suspect; /* [s] */
};

/*
 * A group without members, of the session, or if that is NULL, of a new one.
 * Returns NULL if memory is out.
 */
MUST_USE struct group *group_create(pid_t id, struct group *session);

/* Does a group or a session have this number? */
bool group_number_is_taken(pid_t id) REQUIRES(sched_lock);

/* The group with this number; NULL also if it has no members any more. */
struct group *group_find(pid_t id) REQUIRES(sched_lock);

/* Makes a process that is in no group a member. */
void group_join(struct proc *p, struct group *group) REQUIRES(sched_lock);

/*
 * Take a process out of its group, or drop a reference. They return the group
 * if it is dead, for the caller to free without the lock; else NULL.
 */
MUST_USE struct group *group_leave(struct proc *p) REQUIRES(sched_lock);
MUST_USE struct group *group_put(struct group *group) REQUIRES(sched_lock);
void group_free(struct group *group) EXCLUDES(sched_lock);

/*
 * Does the process keep its group from being orphaned? Its parent is in another
 * group of the same session, and so could continue it when it is stopped.
 */
bool group_is_anchored_by(const struct proc *p) REQUIRES(sched_lock);

/* As group_is_anchored_by(), also for a process that has begun to end. */
bool group_has_been_anchored_by(const struct proc *p) REQUIRES(sched_lock);

/*
 * Does a part of a search by the running process `p` for a member that anchors
 * the group, which is its own or one that it keeps. True: *orphaned says that
 * there is none. False: it is not known yet, and the process has to call this
 * again after a pause, until group_search_end() or its end. As a process has
 * one mark, a walk that its call has begun begins anew.
 */
MUST_USE bool group_search(struct proc *p, struct group *group, bool *orphaned)
    REQUIRES(sched_lock);
void group_search_end(struct proc *p) EXCLUDES(sched_lock);

/* setpgid(2), setsid(2). */
long group_set(pid_t pid, pid_t pgid) EXCLUDES(sched_lock);
long session_begin(void) EXCLUDES(sched_lock);

#endif
