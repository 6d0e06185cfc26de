/* SPDX-License-Identifier: MIT */
/*
 * group.h - process groups and sessions.
 *
 * Both have the number of the process that began them, and keep it when that
 * process has ended: as long as there is a member, no new process gets the
 * number.
 *
 * Locks: [s] sched_lock   [c] constant once created
 */
#ifndef PROC_GROUP_H
#define PROC_GROUP_H

#include "arch/lock.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

extern struct lock sched_lock; /* proc.h */
struct proc;

struct session {
	pid_t id;                  /* [c] */
	uint32_t refs;             /* [s] groups */
	struct session *hash_next; /* [s] */
};

struct group {
	pid_t id;                   /* [c] */
	uint32_t refs;              /* [s] members, and whoever else keeps it */
	struct session *session;    /* [c] */
	bool ends_session;          /* [s] dead, and the last of its session */
	uint32_t count;             /* [s] members */
	uint32_t stopped;           /* [s] those that are */
	struct list members;        /* [s] by proc.group_link */
	struct group *hash_next;    /* [s] */
	bool is_suspect;            /* [s] in the suspects of somebody */
	struct group *next_suspect; /* [s] */
};

/* A group, or one of a new session, that nobody is in; NULL: memory is out. */
MUST_USE struct group *group_create(pid_t id, struct session *session);
MUST_USE struct group *session_create(pid_t id);

/* Does a group or a session have this number? */
bool group_number_is_taken(pid_t id) REQUIRES(sched_lock);

/* The group with this number; NULL also if it has no members any more. */
struct group *group_find(pid_t id) REQUIRES(sched_lock);

/* Makes a process that is in no group a member. */
void group_join(struct proc *p, struct group *group) REQUIRES(sched_lock);

/*
 * Takes a process out of its group, or drops a reference. Returns the group if
 * it is dead, and has to be freed without the lock; else NULL.
 */
MUST_USE struct group *group_leave(struct proc *p) REQUIRES(sched_lock);
MUST_USE struct group *group_put(struct group *group) REQUIRES(sched_lock);
void group_free(struct group *group) EXCLUDES(sched_lock);

/*
 * Does the process keep its group from being orphaned? Its parent is in another
 * group of the same session, and so could continue it when it is stopped.
 */
bool group_is_anchored_by(const struct proc *p) REQUIRES(sched_lock);

/* Did it do so until it began to end? */
bool group_has_been_anchored_by(const struct proc *p) REQUIRES(sched_lock);

/*
 * Is there no such member? A part of a search by the running process, in its
 * own group or in one that it keeps. False: it is not known yet, and the same
 * is to be asked again after a pause, until group_search_end() or the end of
 * the process. It takes the place of a walk of the call that is under way,
 * which begins anew.
 */
MUST_USE bool group_search(struct proc *p, struct group *group, bool *orphaned)
    REQUIRES(sched_lock);
void group_search_end(struct proc *p) EXCLUDES(sched_lock);

/* setpgid(2), setsid(2). */
long group_set(pid_t pid, pid_t pgid) EXCLUDES(sched_lock);
long session_begin(void) EXCLUDES(sched_lock);

#endif
