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
static struct slab session_slab = SLAB_INIT(struct session);
static struct group *groups[HASH_SIZE] GUARDED_BY(sched_lock);
static struct session *sessions[HASH_SIZE] GUARDED_BY(sched_lock);

static struct group **group_slot(pid_t id) REQUIRES(sched_lock)
{
	struct group **slot = &groups[(uint32_t)id % HASH_SIZE];

	while (*slot != NULL && (*slot)->id != id)
		slot = &(*slot)->hash_next;
	return slot;
}

static struct session **session_slot(pid_t id) REQUIRES(sched_lock)
{
	struct session **slot = &sessions[(uint32_t)id % HASH_SIZE];

	while (*slot != NULL && (*slot)->id != id)
		slot = &(*slot)->hash_next;
	return slot;
}

struct group *group_find(pid_t id)
{
	struct group *group = *group_slot(id);

	return group != NULL && group->count > 0 ? group : NULL;
}

bool group_number_is_taken(pid_t id)
{
	return *group_slot(id) != NULL || *session_slot(id) != NULL;
}

struct group *group_create(pid_t id, struct session *session)
{
	struct group *group = slab_alloc(&group_slab);

	if (group == NULL)
		return NULL;
	*group = (struct group){.id = id, .session = session};
	list_init(&group->members);
	return group;
}

struct group *session_create(pid_t id)
{
	struct session *session = slab_alloc(&session_slab);
	struct group *group;

	if (session == NULL)
		return NULL;
	*session = (struct session){.id = id};
	group = group_create(id, session);
	if (group == NULL)
		slab_free(&session_slab, session);
	return group;
}

void group_free(struct group *group)
{
	assert(list_is_empty(&group->members)); /* of marks, too */
	if (group->ends_session)
		slab_free(&session_slab, group->session);
	slab_free(&group_slab, group);
}

/* The first member makes a group, and the first group a session, known. */
void group_join(struct proc *p, struct group *group)
{
	struct session *session = group->session;

	if (unlikely(group->refs == 0)) {
		*group_slot(group->id) = group;
		if (session->refs++ == 0)
			*session_slot(session->id) = session;
	}
	group->refs++;
	group->count++;
	p->group = group;
	list_push_back(&group->members, &p->group_link);
}

struct group *group_put(struct group *group)
{
	struct session *session = group->session;

	if (--group->refs > 0)
		return NULL;
	*group_slot(group->id) = group->hash_next;
	if (--session->refs == 0) {
		*session_slot(session->id) = session->hash_next;
		group->ends_session = true;
	}
	return group;
}

/* The process is no member any more, but its reference is still there. */
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

/* The new group comes first, so that the session has one all the time. */
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

	return parent != NULL && parent != proc_init_task &&
	    parent != &proc_keeper && parent->group != p->group &&
	    parent->group->session == p->group->session;
}

bool group_is_anchored_by(const struct proc *p)
{
	return p->exiting == EXIT_NOT && group_has_been_anchored_by(p);
}

/* Ends the search at the first member that does. */
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
 * May the caller put `p` into the group `pgid`, of itself or of a child that
 * has not become another program yet? 0, or why not.
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
 * The group `pgid` of the caller's session; if need be, `fresh` becomes it. One
 * that has lost its members may get its leader back.
 */
static struct group *find_or_make(const struct proc *p, pid_t pgid,
    struct group *fresh) REQUIRES(sched_lock)
{
	struct group *group = *group_slot(pgid);

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
 * Not for the leader of a group, nor while there is one that it has led, with
 * members or without.
 */
long session_begin(void)
{
	struct proc *p = proc_self();
	struct group *fresh = session_create(p->pid), *dead = NULL;
	long result = -EPERM;

	if (fresh == NULL)
		return -ENOMEM;
	lock_acquire(&sched_lock);
	if (*group_slot(p->pid) == NULL) {
		dead = group_move(p, fresh);
		result = p->pid;
	}
	lock_release(&sched_lock);
	if (result < 0) {
		fresh->ends_session = true;
		group_free(fresh);
	}
	if (dead != NULL)
		group_free(dead);
	return result;
}
