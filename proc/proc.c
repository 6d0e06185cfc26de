/* SPDX-License-Identifier: MIT */
/*
 * proc.c - the table of processes: by pid, in order of age, as a family tree.
 */
#include "proc/proc.h"

#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/victim.h"
#include "proc/walk.h"

#define HASH_SIZE 1024

_Static_assert(sizeof(struct proc) <= PAGE_SIZE, "one frame a process");
_Static_assert(offsetof(struct proc, t.work) == PROC_WORK, "trapvec.S");
_Static_assert(offsetof(struct proc, t.call.word) == PROC_CALL, "trapvec.S");

struct list proc_all = {&proc_all, &proc_all};
unsigned proc_count;
struct proc *proc_init_task;

struct proc proc_keeper ALIGNED(PAGE_SIZE) = {.t.state = PROC_ZOMBIE,
    .children = {&proc_keeper.children, &proc_keeper.children},
    .child_event = {.procs = {&proc_keeper.child_event.procs,
			&proc_keeper.child_event.procs}},
    .sig.set = SIGNAL_BIT(SIGCHLD),
    .sig.actions[SIGCHLD - 1].handler = HANDLER_IGNORE};

static struct proc *by_pid[HASH_SIZE] GUARDED_BY(sched_lock);
pid_t proc_last_pid;

/* Only what has to be zero is cleared: fork is in a hurry. */
struct proc *proc_create(void)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);
	struct proc *p;

	if (frame == NULL)
		return NULL;
	p = frame_virt(frame);
	p->t.work = p->t.held = p->t.call.word = 0;
	memset(&p->t.fp_used, 0,
	    sizeof p->t - offsetof(struct thread, fp_used));
	memset(&p->as, 0,
	    offsetof(struct proc, sig.actions) - offsetof(struct proc, as));
	memset(&p->root, 0, sizeof *p - offsetof(struct proc, root));
	p->fds.files = p->fds.few;
	p->t.tf.hart = hart_self();
	p->t.fp_hart = UINT8_MAX;
	p->t.state = PROC_RUNNING;
	p->t.wake.proc = p->alarm.proc = p;
	list_init(&p->children);
	list_init(&p->t.link);
	waitq_init(&p->child_event);
	return p;
}

void proc_discard(struct proc *p)
{
	if (unlikely(p->group != NULL))
		group_free(p->group);
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
	return proc_find(pid) != NULL || group_number_is_taken(pid);
}

_Static_assert((PID_MAX & (PID_MAX - 1)) == 0, "each number is tried once");

/*
 * The numbers that are tried are the 1st, 3rd, 6th, 10th behind the last one:
 * where many in a row are taken, few of them are looked at.
 */
static pid_t pid_next(void) REQUIRES(sched_lock)
{
	pid_t pid = (proc_last_pid + 1) % PID_MAX;

	for (pid_t step = 2; pid == 0 || pid_is_taken(pid); step++)
		pid = (pid + step) % PID_MAX;
	proc_last_pid = pid;
	return pid;
}

void proc_publish(struct proc *p, struct proc *parent, struct group *group)
{
	struct proc **slot;

	p->pid = pid_next();
	group_join(p, group);
	slot = hash_slot(p->pid);
	p->hash_next = *slot;
	*slot = p;
	list_push_back(&proc_all, &p->all);
	proc_count += !p->is_system;
	victim_add(p);
	p->parent = parent;
	if (parent != NULL)
		list_push_back(&parent->children, &p->sibling);
	else
		list_init(&p->sibling);
	TRACE(process_born, "pid parent frame:root system", p->pid,
	    parent != NULL ? parent->pid : 0,
	    p->as != NULL ? frame_trace(p->as->root) : 0, p->is_system);
	TRACE(process_named, "pid text:name", p->pid, TRACE_TEXT(p->name));
}

void proc_remove(struct proc *p)
{
	struct proc **slot = hash_slot(p->pid);

	assert(p->t.state == PROC_ZOMBIE && list_is_empty(&p->children));
	while (*slot != p)
		slot = &(*slot)->hash_next;
	*slot = p->hash_next;
	list_remove(&p->all);
	list_remove(&p->sibling);
	p->group = group_leave(p); /* for proc_discard(), if it is dead */
	proc_count -= !p->is_system;
	TRACE(process_gone, "pid", p->pid);
}

void proc_tell_parent(struct proc *parent)
{
	parent->child_news = true;
	waitq_wake_all_locked(&parent->child_event);
}

/* The smallest pid that is larger than `after`, so far. */
static bool look_at_pid(struct proc *p, void *after) NO_LOCK_CHECK
{
	struct list_walk *walk = call_walk();

	if (p->pid > *(const pid_t *)after &&
	    (walk->value == 0 || (uint64_t)p->pid < walk->value))
		walk->value = (uint64_t)p->pid;
	return true;
}

#define PIDS_PART 64 /* numbers that are tried without a pause */

/*
 * The numbers that follow are tried before all processes are looked at: as many
 * as there are processes. So who asks for one after the other looks at all of
 * them only where that many numbers in a row are nobody's.
 */
bool proc_next(pid_t after, struct proc **next)
{
	struct list_walk *walk = call_walk();
	pid_t first = after > 0 ? after : 0;

	for (int i = 0; !walk->marked && first < PID_MAX &&
	     (uint64_t)walk->tried < proc_count;
	     i++) {
		if (i == PIDS_PART)
			return false;
		*next = proc_find(first + ++walk->tried);
		if (*next != NULL)
			return true;
	}
	if (!walk_part(proc_self(), &walk->marked, &proc_all,
		offsetof(struct proc, all), look_at_pid, &after))
		return false;
	*next = proc_find((pid_t)walk->value);
	if (*next != NULL || walk->value == 0)
		return true;
	/* It has gone since it was looked at. There may be others. */
	walk->value = 0;
	return false;
}
