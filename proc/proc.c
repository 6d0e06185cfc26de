/* SPDX-License-Identifier: MIT */
/*
 * proc.c - the table of processes: by pid, in order of age, as a family tree.
 */
#include "proc/proc.h"

#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/random.h"
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

static struct tree *by_pid[HASH_SIZE] GUARDED_BY(sched_lock);
pid_t proc_last_pid;

/* Clears only what has to be zero, to save time in fork. */
struct proc *proc_create(void)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);
	struct proc *p;

	if (frame == NULL)
		return NULL;
	p = frame_virt(frame);
	p->t.work = p->t.held = p->t.call.word = 0;
	memset(&p->t.fp_used, 0,
	    offsetof(struct proc, sig.actions) -
		offsetof(struct proc, t.fp_used));
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

/*
 * Processes whose pids end alike are in a tree over the other bits: it is not
 * deep, whichever of its children a program lets live (C5).
 */
static struct tree **pid_slot(pid_t pid) REQUIRES(sched_lock)
{
	return tree_place(by_pid, HASH_SIZE, pid,
	    TREE_KEY(struct proc, number, pid));
}

struct proc *proc_find(pid_t pid)
{
	struct tree *found = *pid_slot(pid);

	return found != NULL ? container_of(found, struct proc, number) : NULL;
}

static bool pid_is_taken(pid_t pid) REQUIRES(sched_lock)
{
	return proc_find(pid) != NULL || group_number_is_taken(pid);
}

#define ROW_TRIES 8 /* numbers in a row, before any */

static pid_t pid_random(void)
{
	uint32_t pid;

	random_bytes(&pid, sizeof pid);
	return (pid_t)(pid % PID_MAX);
}

/*
 * A free number, where `pid` is not: that behind it, or where a row of them is
 * taken, any. A program cannot see to it that many are tried (C5).
 */
static NOINLINE pid_t pid_search(pid_t pid) REQUIRES(sched_lock)
{
	for (int tries = 1; pid == 0 || pid_is_taken(pid); tries++)
		pid = tries < ROW_TRIES ? (pid + 1) % PID_MAX : pid_random();
	return pid;
}

/* From here on the process is found by its pid. */
static void take_pid(struct proc *p) REQUIRES(sched_lock)
{
	pid_t pid = (pid_t)((uint32_t)(proc_last_pid + 1) % PID_MAX);
	struct tree **slot = pid_slot(pid);

	if (unlikely(pid == 0 || *slot != NULL || group_number_is_taken(pid))) {
		pid = pid_search(pid);
		slot = pid_slot(pid);
	}
	proc_last_pid = p->pid = pid;
	*slot = &p->number;
}

void proc_publish(struct proc *p, struct proc *parent, struct group *group)
{
	take_pid(p);
	group_join(p, group);
	list_push_back(&proc_all, &p->all);
	proc_count += !p->is_system;
	victim_add(p);
	p->parent = parent;
	list_push_back(&parent->children, &p->sibling);
	TRACE(process_born, "pid parent frame:root system", p->pid, parent->pid,
	    p->as != NULL ? frame_trace(p->as->root) : 0, p->is_system);
	TRACE(process_named, "pid text:name", p->pid, TRACE_TEXT(p->name));
}

void proc_remove(struct proc *p)
{
	assert(p->t.state == PROC_ZOMBIE && list_is_empty(&p->children));
	tree_remove(pid_slot(p->pid));
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

/* Keeps the smallest pid above `after` that the walk has met so far. */
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
 * First tries the numbers after `after`, as many as there are processes, and
 * only then looks at all processes. So a program that lists the processes one
 * by one makes the kernel look at all of them only where that many numbers in a
 * row are free.
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
	/* The process found has gone meanwhile: the walk begins anew. */
	walk->value = 0;
	return false;
}
