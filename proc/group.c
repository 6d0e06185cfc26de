/* SPDX-License-Identifier: MIT */
/*
 * group.c - process groups and sessions.
 */
#include "proc/group.h"

#include "abi/errno.h"
#include "mm/slab.h"
#include "proc/proc.h"
#include "proc/walk.h"

#define HASH_SIZE 64

static struct slab group_slab = SLAB_INIT(struct group);
static struct tree *by_number[HASH_SIZE] GUARDED_BY(sched_lock);

/*
 * Groups whose numbers end alike are in a tree over the other bits: it is not
 * deep, whichever processes a program lets live (C5).
 */
static struct tree **group_slot(pid_t id) REQUIRES(sched_lock)
{
	return tree_place(by_number, HASH_SIZE, id,
	    TREE_KEY(struct group, number, id));
}

/* The group or session of a number; NULL: there is none. */
static struct group *group_of_number(pid_t id) REQUIRES(sched_lock)
{
	struct tree *found = *group_slot(id);

	return found != NULL ? container_of(found, struct group, number) : NULL;
}

struct group *group_find(pid_t id)
{
	struct group *group = group_of_number(id);

	return group != NULL && group->count > 0 ? group : NULL;
}

bool group_number_is_taken(pid_t id)
{
	return group_of_number(id) != NULL;
}

struct group *group_create(pid_t id, struct group *session)
{
	struct group *group = slab_alloc(&group_slab);

	if (group == NULL)
		return NULL;
	*group = (struct group){.id = id, .session = session};
	if (session == NULL)
		group->session = group;
	list_init(&group->members);
	return group;
}

void group_free(struct group *group)
{
	assert(list_is_empty(&group->members)); /* nor marks of walks */
	if (group->ends_session)
		slab_free(&group_slab, group->session);
	slab_free(&group_slab, group);
}

/*
 * Adds a member. With its first member a group becomes known, and takes a
 * reference to the group that began its session.
 */
void group_join(struct proc *p, struct group *group)
{
	if (unlikely(group->refs == 0)) {
		*group_slot(group->id) = &group->number;
		if (group->session != group)
			group->session->refs++;
	}
	group->refs++;
	group->count++;
	p->group = group;
	list_push_back(&group->members, &p->group_link);
}

/* Drops a reference. If it was the last, the group is not found any more. */
static bool drop(struct group *group) REQUIRES(sched_lock)
{
	if (--group->refs > 0)
		return false;
	tree_remove(group_slot(group->id));
	return true;
}

struct group *group_put(struct group *group)
{
	if (!drop(group))
		return NULL;
	group->ends_session = group->session != group && drop(group->session);
	return group;
}

/* Removes the process from its group's members, but keeps its reference. */
static void unlink_member(struct proc *p) REQUIRES(sched_lock)
{
	struct group *group = p->group;

	list_remove(&p->group_link);
	group->count--;
	walk_begin_anew(p, &p->t.searches);
	if (p->t.state == PROC_STOPPED)
		group->stopped--;
}

struct group *group_leave(struct proc *p)
{
	unlink_member(p);
	return group_put(p->group);
}

/*
 * Moves the process to another group. It drops the reference to the old group
 * last, so that the session has a group all the time.
 */
static struct group *group_move(struct proc *p, struct group *group)
    REQUIRES(sched_lock)
{
	struct group *old = p->group;

	unlink_member(p);
	group_join(p, group);
	if (p->t.state == PROC_STOPPED)
		group->stopped++;
	return group_put(old);
}

bool group_has_been_anchored_by(const struct proc *p)
{
	const struct proc *parent = p->parent;

	return parent != proc_init_task && parent != &proc_keeper &&
	    parent->group != p->group &&
	    parent->group->session == p->group->session;
}

bool group_is_anchored_by(const struct proc *p)
{
	return p->exiting == EXIT_NOT && group_has_been_anchored_by(p);
}

/* Ends the search at the first member that anchors the group. */
static bool look_for_anchor(struct proc *p, void *orphaned) NO_LOCK_CHECK
{
	*(bool *)orphaned = !group_is_anchored_by(p);
	return *(bool *)orphaned;
}

bool group_search(struct proc *p, struct group *group, bool *orphaned)
{
	struct call *call = &p->t.call;

	if (call->kept == KEPT_WALK)
		walk_begin_anew(p, &call->walk.marked);
	*orphaned = true;
	return walk_part(p, &p->t.searches, &group->members,
	    offsetof(struct proc, group_link), look_for_anchor, orphaned);
}

void group_search_end(struct proc *p)
{
	lock_acquire(&sched_lock);
	walk_begin_anew(p, &p->t.searches);
	lock_release(&sched_lock);
}

/*
 * May the running process put `p` into the group `pgid`? `p` has to be itself
 * or a child that has not called exec yet. 0, or an error.
 */
static long may_set(const struct proc *p, pid_t pgid) REQUIRES(sched_lock)
{
	const struct proc *self = proc_self();
	const struct group *group;

	if (p == NULL || (p != self && p->parent != self))
		return -ESRCH;
	if (p->group->session != self->group->session)
		return -EPERM;
	if (p != self && p->did_exec)
		return -EACCES;
	if (p->group->session->id == p->pid)
		return -EPERM;
	if (pgid == p->pid)
		return 0;
	group = group_find(pgid);
	return group == NULL || group->session != self->group->session ? -EPERM
								       : 0;
}

/*
 * Returns the group `pgid` of the session of `p`; if there is none, `fresh`
 * becomes it. A group that has lost its members may get its leader back.
 */
static struct group *find_or_make(const struct proc *p, pid_t pgid,
    struct group *fresh) REQUIRES(sched_lock)
{
	struct group *group = group_of_number(pgid);

	if (group != NULL)
		return group;
	fresh->id = pgid;
	fresh->session = p->group->session;
	return fresh;
}

long group_set(pid_t pid, pid_t pgid)
{
	struct group *fresh = group_create(0, NULL), *group, *dead = NULL;
	struct proc *p;
	long err;

	if (fresh == NULL)
		return -ENOMEM;
	if (pid == 0)
		pid = proc_self()->pid;
	if (pgid == 0)
		pgid = pid;
	lock_acquire(&sched_lock);
	p = proc_find(pid);
	err = pgid < 0 ? -EINVAL : may_set(p, pgid);
	if (err == 0) {
		group = find_or_make(p, pgid, fresh);
		if (group != p->group)
			dead = group_move(p, group);
		if (group == fresh)
			fresh = NULL;
	}
	lock_release(&sched_lock);
	if (fresh != NULL)
		group_free(fresh);
	if (dead != NULL)
		group_free(dead);
	return err;
}

/*
 * Fails if a group has the number of the process, with members or without: the
 * process leads that group, or has led it.
 */
long session_begin(void)
{
	struct proc *p = proc_self();
	struct group *fresh = group_create(p->pid, NULL), *dead = NULL;
	long result = -EPERM;

	if (fresh == NULL)
		return -ENOMEM;
	lock_acquire(&sched_lock);
	if (group_of_number(p->pid) == NULL) {
		dead = group_move(p, fresh);
		result = p->pid;
	}
	lock_release(&sched_lock);
	if (result < 0)
		group_free(fresh);
	if (dead != NULL)
		group_free(dead);
	return result;
}
