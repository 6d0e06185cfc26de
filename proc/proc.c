/* SPDX-License-Identifier: MIT */
/*
 * proc.c - the table of processes: by pid, in order of age, as a family tree.
 */
#include "proc/proc.h"

#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/sched.h"

#define HASH_SIZE 1024

_Static_assert(sizeof(struct proc) <= PAGE_SIZE, "one frame a process");
_Static_assert(offsetof(struct proc, work) == PROC_WORK, "trapvec.S");
_Static_assert(offsetof(struct proc, progress.active) == PROC_PROGRESS,
    "trapvec.S");

struct list proc_all = {&proc_all, &proc_all};
unsigned proc_count;
struct proc *proc_init_task;

static struct proc *by_pid[HASH_SIZE] GUARDED_BY(sched_lock);
static pid_t last_pid GUARDED_BY(sched_lock);

/* Only what has to be zero is cleared: fork is in a hurry. */
struct proc *proc_create(void)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);
	struct proc *p;

	if (frame == NULL)
		return NULL;
	p = frame_virt(frame);
	memset(&p->as, 0,
	    offsetof(struct proc, sig.actions) - offsetof(struct proc, as));
	memset(&p->cwd, 0, sizeof *p - offsetof(struct proc, cwd));
	p->work = p->on_hart = 0;
	p->progress.active = false;
	p->fds.files = p->fds.few;
	p->fp_hart = UINT8_MAX;
	p->state = PROC_RUNNING;
	p->wake.proc = p->alarm.proc = p;
	list_init(&p->children);
	list_init(&p->link);
	waitq_init(&p->child_event);
	return p;
}

void proc_discard(struct proc *p)
{
	frame_put(frame_of_virt(p));
}

static struct proc **hash_slot(pid_t pid) REQUIRES(sched_lock)
{
	return &by_pid[(uint32_t)pid % HASH_SIZE];
}

struct proc *proc_find(pid_t pid)
{
	struct proc *p = *hash_slot(pid);

	while (p != NULL && p->pid != pid)
		p = p->hash_next;
	return p;
}

static bool pid_is_taken(pid_t pid) REQUIRES(sched_lock)
{
	return proc_find(pid) != NULL;
}

static pid_t pid_next(void) REQUIRES(sched_lock)
{
	do {
		if (++last_pid >= PID_MAX)
			last_pid = INIT_PID + 1;
	} while (pid_is_taken(last_pid));
	return last_pid;
}

void proc_publish(struct proc *p, struct proc *parent)
{
	struct proc **slot;

	p->pid = pid_next();
	slot = hash_slot(p->pid);
	p->hash_next = *slot;
	*slot = p;
	list_push_back(&proc_all, &p->all);
	proc_count++;
	p->parent = parent;
	if (parent != NULL)
		list_push_back(&parent->children, &p->sibling);
	else
		list_init(&p->sibling);
}

void proc_remove(struct proc *p)
{
	struct proc **slot = hash_slot(p->pid);

	assert(p->state == PROC_ZOMBIE && list_is_empty(&p->children));
	while (*slot != p)
		slot = &(*slot)->hash_next;
	*slot = p->hash_next;
	list_remove(&p->all);
	list_remove(&p->sibling);
	proc_count--;
}

struct aspace *proc_aspace_get(struct proc *p)
{
	if (p->as != NULL)
		aspace_get(p->as);
	return p->as;
}

struct proc *proc_next(pid_t after)
{
	struct proc *best = NULL;

	list_for_each(link, &proc_all) {
		struct proc *p = list_entry(link, struct proc, all);

		if (p->pid > after && (best == NULL || p->pid < best->pid))
			best = p;
	}
	return best;
}
