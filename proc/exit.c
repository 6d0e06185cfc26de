/* SPDX-License-Identifier: MIT */
/*
 * exit.c - the end of a process.
 *
 * A process ends in parts, on its own time; each part deals with a few files,
 * tables or children (enum exit_phase). When the last frame of its memory is
 * freed it becomes a zombie: a child that has been waited for uses no memory.
 */
#include "proc/proc.h"

#include "abi/errno.h"
#include "abi/wait.h"
#include "arch/power.h"
#include "arch/timer.h"
#include "lib/print.h"
#include "lib/string.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/space.h"
#include "proc/twin.h"
#include "proc/victim.h"
#include "proc/walk.h"
#include "timers.h"
#include "zombie.h"

NORETURN void init_exit(int status)
{
	int sig = status & 0x7f;

	if (sig != 0)
		kprintf("init was killed by signal %d\n", sig);
	power_off(
	    sig != 0 ? 128U + (unsigned)sig : (unsigned)(status >> 8) & 0xff);
}

void proc_exit(int status)
{
	struct proc *p = proc_self();

	TRACE(process_exits, "pid status", p->pid, status);
	if (p->pid == INIT_PID)
		init_exit(status);
	call_abandon(p);
	if (p->t.searches)
		group_search_end(p);
	p->t.has_saved = false;
	p->exit_status = status;
	/* From here on no server is told of its files any more. */
	lock_acquire(&sched_lock);
	twin_end(p);
	victim_ends(p);
	p->exiting = EXIT_FILES;
	lock_release(&sched_lock);
	port_leave(p);
	p->t.work = 1;
}

/*
 * Leaves the address space, which the next parts tear down if no other process
 * uses it. The word at clear_tid is cleared only if a process shares the space
 * (vfork) and so can see it. False: to be called again after a pause.
 */
static bool exit_memory(struct proc *p)
{
	struct aspace *as = p->as;
	uint32_t zero = 0;

	if (p->t.clear_tid != 0 && as->sharers > 1 &&
	    copyout(as, p->t.clear_tid, &zero, sizeof zero) == -ENOMEM &&
	    user_is_late())
		return false;
	tlb_switch_kernel();
	lock_acquire(&sched_lock);
	timer_stop(&p->alarm);
	p->alarm_period = 0;
	p->t.held = 1;
	p->as = NULL;
	lock_release(&sched_lock);
	TRACE(memory_left, "pid frame:root", p->pid, frame_trace(as->root));
	space_quit(p, as);
	return true;
}

/* Does the parent not want to wait for `p`? It ignores SIGCHLD, for example. */
static bool parent_does_not_wait(const struct proc *p) REQUIRES(sched_lock)
{
	const struct proc *parent = p->parent;
	const struct sigaction_abi *act = &parent->sig.actions[SIGCHLD - 1];

	if (p->exit_signal != SIGCHLD ||
	    !(parent->sig.set & SIGNAL_BIT(SIGCHLD)))
		return false;
	return act->handler == HANDLER_IGNORE ||
	    (act->flags & SA_NOCLDWAIT) != 0;
}

/*
 * Gives the child to init, or to the keeper if it is a system process. True if
 * it is a zombie that is not waited for, which no process can find any more:
 * the caller has to free it.
 */
static bool orphan(struct proc *child) REQUIRES(sched_lock)
{
	struct proc *init = child->is_system ? &proc_keeper : proc_init_task;

	list_remove(&child->sibling);
	if (child->death_signal != 0)
		signal_send(child, child->death_signal,
		    (struct siginfo_small){SI_USER, child->parent->pid, 0});
	child->parent = init;
	child->exit_signal = SIGCHLD;
	if (child->t.state != PROC_ZOMBIE) {
		list_push_back(&init->children, &child->sibling);
		return false;
	}
	list_push_front(&init->children, &child->sibling);
	signal_send(init, SIGCHLD,
	    (struct siginfo_small){CLD_EXITED, child->pid, 0});
	proc_tell_parent(init);
	if (!parent_does_not_wait(child))
		return false;
	proc_remove(child);
	return true;
}

/*
 * The group has just lost a member that kept it from being orphaned. If a
 * member is stopped, the group becomes a suspect: if it turns out that it is
 * orphaned, all members get SIGHUP and SIGCONT.
 */
static void suspect(struct proc *p, struct group *group) REQUIRES(sched_lock)
{
	if (group->stopped == 0 || group->is_suspect)
		return;
	group->refs++;
	group->is_suspect = true;
	group->next_suspect = p->suspects;
	p->suspects = group;
}

static bool hang_up(struct proc *member, void *arg) NO_LOCK_CHECK
{
	const struct siginfo_small info = {.code = SI_KERNEL};

	(void)arg;
	signal_send(member, SIGHUP, info);
	signal_send(member, SIGCONT, info);
	return true;
}

/*
 * Takes the first of the suspects, to be searched. If the group loses another
 * member that anchored it after this, it becomes a suspect again.
 */
static void take_suspect(struct proc *p) REQUIRES(sched_lock)
{
	struct group *first = p->suspects;

	p->suspects = first->next_suspect;
	first->is_suspect = false;
	p->suspect = first;
	p->hangs_up = false;
}

/*
 * Does a part of the search of the suspect, or, if it is orphaned, of telling
 * its members. True when all is done.
 */
static bool suspect_part(struct proc *p) REQUIRES(sched_lock)
{
	struct group *group = p->suspect;
	bool orphaned;

	if (p->hangs_up)
		return walk_part(p, &p->t.searches, &group->members,
		    offsetof(struct proc, group_link), hang_up, NULL);
	if (!group_search(p, group, &orphaned))
		return false;
	if (orphaned)
		p->hangs_up = true;
	return !orphaned;
}

/*
 * Does a part of the work on the suspects. True when there are none left, as
 * only the process itself adds any.
 */
static bool exit_suspects(struct proc *p)
{
	struct group *dead = NULL;

	if (p->suspect == NULL && p->suspects == NULL)
		return true;
	lock_acquire(&sched_lock);
	if (p->suspect == NULL)
		take_suspect(p);
	if (suspect_part(p)) {
		dead = group_put(p->suspect);
		p->suspect = NULL;
	}
	lock_release(&sched_lock);
	if (dead != NULL)
		group_free(dead);
	return false;
}

/* Gives the first child to init; false if there is none. */
static bool exit_child(struct proc *p)
{
	struct proc *child = NULL;
	bool found, anchored, gone = false;

	lock_acquire(&sched_lock);
	found = !list_is_empty(&p->children);
	if (found) {
		child = list_entry(p->children.next, struct proc, sibling);
		anchored = child->t.state != PROC_ZOMBIE &&
		    group_is_anchored_by(child);
		gone = orphan(child);
		if (anchored)
			suspect(p, child->group);
	}
	lock_release(&sched_lock);
	if (gone)
		discard_zombie(child);
	return found;
}

static struct proc *system_child(const struct proc *p) REQUIRES(sched_lock)
{
	list_for_each(link, &p->children) {
		struct proc *child = list_entry(link, struct proc, sibling);

		if (child->is_system)
			return child;
	}
	return NULL;
}

void proc_disown(struct proc *p)
{
	struct proc *child;

	lock_acquire(&sched_lock);
	while ((child = system_child(p)) != NULL) {
		bool gone = orphan(child);

		lock_release(&sched_lock);
		if (gone)
			discard_zombie(child);
		lock_acquire(&sched_lock);
	}
	twin_end(p);
	p->is_system = false;
	victim_add(p);
	proc_count++;
	lock_release(&sched_lock);
}

/* The process may have anchored its own group, too. */
static void exit_group(struct proc *p)
{
	lock_acquire(&sched_lock);
	if (group_has_been_anchored_by(p))
		suspect(p, p->group);
	lock_release(&sched_lock);
}

/*
 * Makes the process a zombie. Its time is complete before its parent can read
 * it. The process is on this hart until schedule() has let go of it.
 */
static NORETURN void exit_last(struct proc *p)
{
	struct proc *parent;

	lock_acquire(&sched_lock);
	parent = p->parent;
	p->t.time_ticks += timer_now() - p->t.started;
	p->t.state = PROC_ZOMBIE;
	victim_ended(p);
	TRACE(process_ended, "pid", p->pid);
	list_remove(&p->all);
	list_push_front(&proc_all, &p->all);
	list_remove(&p->sibling);
	list_push_front(&parent->children, &p->sibling);
	if (parent_does_not_wait(p)) {
		proc_remove(p);
		p->auto_reaped = true;
	}
	if (p->exit_signal != 0)
		signal_send(parent, p->exit_signal,
		    child_info(p->pid, p->exit_status));
	proc_tell_parent(parent);
	lock_release(&sched_lock);
	schedule();
}

#define CHILDREN_PART 32 /* children that are given away without a pause */

/* True when all have been given away. */
static bool exit_children(struct proc *p)
{
	for (int i = 0; i < CHILDREN_PART; i++)
		if (!exit_child(p))
			return true;
	return false;
}

/* Does a part of the phase at hand; true when it is over. */
static bool exit_phase_part(struct proc *p)
{
	switch (p->exiting) {
	case EXIT_FILES:
		if (!fd_table_close_part(&p->fds))
			return false;
		remote_place_leave(p);
		return true;
	case EXIT_MEMORY:
		return exit_memory(p);
	case EXIT_CHILDREN:
		return exit_children(p);
	case EXIT_GROUP:
		exit_group(p);
		return true;
	case EXIT_SUSPECTS:
		return exit_suspects(p);
	default:
		exit_last(p);
	}
}

/* Goes on only when the memory and the ports that it has left are freed. */
void proc_exit_part(struct proc *p)
{
	while (p->dead == NULL && p->closed == NULL && exit_phase_part(p))
		p->exiting++;
}
