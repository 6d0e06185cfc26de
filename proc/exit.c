/* SPDX-License-Identifier: MIT */
/*
 * exit.c - the end of a process, and the parent that waits for it.
 *
 * Exit has two halves. proc_exit() closes files and lets go of the address
 * space, whose tables are then freed in parts, on the time of the process
 * itself (sched_before_user). When the last frame is back, proc_exit_finish()
 * makes it a zombie: what a parent has waited for uses no memory any more.
 */
#include "exit.h"

#include "abi/errno.h"
#include "abi/wait.h"
#include "arch/power.h"
#include "arch/timer.h"
#include "lib/print.h"
#include "lib/string.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "sigframe.h"

void vfork_release(struct proc *p)
{
	struct proc *parent = p->vfork_parent;

	if (parent == NULL)
		return;
	p->vfork_parent = NULL;
	/* A SIGKILL may have been faster, and woken it already. */
	if (!parent->vfork_wait)
		return;
	parent->vfork_wait = false;
	sched_wake(parent);
}

/* Its children no longer keep a waiting parent. */
static void forget_vfork_children(struct proc *p) REQUIRES(sched_lock)
{
	list_for_each(link, &p->children) {
		struct proc *child = list_entry(link, struct proc, sibling);

		if (child->vfork_parent == p)
			child->vfork_parent = NULL;
	}
}

/* The machine goes with its first process. */
static NORETURN void init_exit(int status)
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
	struct aspace *as = p->as;
	uint32_t zero = 0;

	if (p->pid == INIT_PID)
		init_exit(status);
	p->exiting = true;
	p->call = CALL_NONE;
	/*
	 * Only a vfork parent is left to see it, and it is not running. A vfork
	 * child may be, if we are killed: its hart would have to be fenced.
	 */
	if (p->clear_tid != 0 && p->vfork_parent != NULL && !p->as_is_lent)
		IGNORE_RESULT(copyout(as, p->clear_tid, &zero, sizeof zero));
	fd_table_close(&p->fds);
	sched_set_alarm(0, 0);
	/* Before a vfork parent, once woken, frees tables on another hart. */
	tlb_switch_kernel();
	lock_acquire(&sched_lock);
	p->exit_status = status;
	vfork_release(p);
	forget_vfork_children(p);
	p->as = NULL;
	lock_release(&sched_lock);
	if (aspace_put(as))
		p->old = as;
	sched_before_user(p);
	panic("expected process %d to be gone", p->pid);
}

/* A parent that ignores SIGCHLD does not want to wait. */
static bool parent_does_not_wait(const struct proc *parent) REQUIRES(sched_lock)
{
	const struct sigaction_abi *act = &parent->sig.actions[SIGCHLD - 1];

	if (!(parent->sig.set & SIGNAL_BIT(SIGCHLD)))
		return false;
	return act->handler == SIG_IGN || (act->flags & SA_NOCLDWAIT) != 0;
}

/* Init adopts it, or a zombie that init does not wait for goes to `gone`. */
static void orphan(struct proc *child, struct list *gone) REQUIRES(sched_lock)
{
	struct proc *init = proc_init_task;

	list_remove(&child->sibling);
	if (child->death_signal != 0)
		signal_send(child, child->death_signal,
		    (struct siginfo_small){SI_USER, child->parent->pid, 0});
	child->parent = init;
	child->exit_signal = SIGCHLD;
	if (child->state == PROC_ZOMBIE) {
		list_push_front(&init->children, &child->sibling);
		signal_send(init, SIGCHLD,
		    (struct siginfo_small){CLD_EXITED, child->pid, 0});
		waitq_wake_all_locked(&init->child_event);
		if (parent_does_not_wait(init)) {
			proc_remove(child);
			list_push_back(gone, &child->sibling);
		}
	} else {
		list_push_back(&init->children, &child->sibling);
	}
}

/* Frees a zombie that nobody finds any more. */
static void discard_zombie(struct proc *p)
{
	/* The hart that it ended on may still be on its way out. */
	while (__atomic_load_n(&p->on_hart, __ATOMIC_ACQUIRE))
		hart_relax();
	proc_discard(p);
}

/* What wait4 says in one word, as waitid and SIGCHLD say it. */
static struct siginfo_small child_info(pid_t pid, int status)
{
	int sig = status & 0x7f, code = status >> 8 & 0xff;

	if (status == STATUS_CONTINUED)
		return (struct siginfo_small){CLD_CONTINUED, pid, SIGCONT};
	if (sig == 0x7f)
		return (struct siginfo_small){CLD_STOPPED, pid, (uint64_t)code};
	if (sig != 0)
		return (struct siginfo_small){CLD_KILLED, pid, (uint64_t)sig};
	return (struct siginfo_small){CLD_EXITED, pid, (uint64_t)code};
}

void proc_exit_finish(struct proc *p)
{
	struct list gone = {&gone, &gone};
	struct proc *parent;

	lock_acquire(&sched_lock);
	list_for_each_safe(link, &p->children) {
		orphan(list_entry(link, struct proc, sibling), &gone);
	}
	parent = p->parent;
	p->state = PROC_ZOMBIE;
	list_remove(&p->sibling);
	list_push_front(&parent->children, &p->sibling);
	if (parent_does_not_wait(parent)) {
		proc_remove(p);
		p->auto_reaped = true;
	}
	if (p->exit_signal != 0)
		signal_send(parent, p->exit_signal,
		    child_info(p->pid, p->exit_status));
	waitq_wake_all_locked(&parent->child_event);
	lock_release(&sched_lock);
	list_for_each_safe(link, &gone) {
		discard_zombie(list_entry(link, struct proc, sibling));
	}
	schedule();
}

static bool is_waited_for(const struct proc *self, const struct proc *child,
    pid_t pid) REQUIRES(sched_lock)
{
	if (pid > 0)
		return child->pid == pid;
	if (pid == 0)
		return child->pgid == self->pgid;
	return pid == -1 || child->pgid == -pid;
}

/* Has it something to tell, and with which status? */
static bool has_news(const struct proc *child, int options, int *status)
    REQUIRES(sched_lock)
{
	if (child->state == PROC_ZOMBIE) {
		*status = child->exit_status;
		return options & WEXITED;
	}
	if ((options & WUNTRACED) && child->state == PROC_STOPPED &&
	    !child->stop_reported) {
		*status = child->stop_signal << 8 | 0x7f;
		return true;
	}
	if ((options & WCONTINUED) && child->cont_pending) {
		*status = STATUS_CONTINUED;
		return true;
	}
	return false;
}

/*
 * A child with news, or NULL; *any says whether there is one to wait for. A
 * zombie cannot go away afterwards: only we can remove it.
 */
static struct proc *find_child(struct proc *self, pid_t pid, int options,
    int *status, bool *any) REQUIRES(sched_lock)
{
	*any = false;
	list_for_each(link, &self->children) {
		struct proc *child = list_entry(link, struct proc, sibling);

		if (!is_waited_for(self, child, pid))
			continue;
		/* A zombie will not be stopped or continued any more. */
		if (child->state != PROC_ZOMBIE || (options & WEXITED))
			*any = true;
		if (has_news(child, options, status))
			return child;
	}
	return NULL;
}

/*
 * Takes the news of a child that lives: it may end at any time from now on,
 * and what it has to say then is other news. True if it is a zombie, which
 * stays until it is reaped.
 */
static bool take_news(struct proc *child) REQUIRES(sched_lock)
{
	if (child->state == PROC_ZOMBIE)
		return true;
	if (child->state == PROC_STOPPED)
		child->stop_reported = true;
	else
		child->cont_pending = false;
	return false;
}

static void reap(struct proc *self, struct proc *child)
{
	lock_acquire(&sched_lock);
	self->child_ticks += child->time_ticks + child->child_ticks;
	proc_remove(child);
	lock_release(&sched_lock);
	discard_zombie(child);
}

static int copyout_rusage(struct aspace *as, vaddr_t to, uint64_t ticks)
{
	struct rusage_abi usage;
	uint64_t ns = timer_to_ns(ticks);

	memset(&usage, 0, sizeof usage);
	usage.utime.seconds = (int64_t)(ns / 1000000000);
	usage.utime.micros = (int64_t)(ns % 1000000000 / 1000);
	return copyout(as, to, &usage, sizeof usage);
}

/* What a child had to tell; `zombie` if it is to be reaped. */
struct news {
	pid_t pid;
	int status;
	uint64_t ticks;
	struct proc *zombie;
};

/* 1 with news, 0 if there are none with WNOHANG, -ECHILD, or -ERESTART. */
static long wait_news(pid_t pid, int options, struct news *news)
{
	struct proc *self = proc_self(), *child;
	bool any, zombie;
	long result = 1;

	lock_acquire(&sched_lock);
	child = find_child(self, pid, options, &news->status, &any);
	if (child != NULL) {
		zombie = child->state == PROC_ZOMBIE;
		if (!(options & WNOWAIT))
			zombie = take_news(child);
		news->pid = child->pid;
		news->ticks = child->time_ticks;
		news->zombie = zombie && !(options & WNOWAIT) ? child : NULL;
	} else if (!any) {
		result = -ECHILD;
	} else if (options & WNOHANG) {
		result = 0;
	} else {
		sched_block_locked(&self->child_event, CALL_RESTARTABLE);
		result = -ERESTART;
	}
	lock_release(&sched_lock);
	return result;
}

static long finish_wait(struct news *news, vaddr_t usage_to, long result)
{
	struct proc *self = proc_self();
	int err = 0;

	if (usage_to != 0)
		err = copyout_rusage(self->as, usage_to, news->ticks);
	if (err < 0)
		return err;
	if (news->zombie != NULL)
		reap(self, news->zombie);
	return result;
}

long proc_wait(pid_t pid, vaddr_t status_to, int options, vaddr_t usage_to)
{
	struct news news;
	long result;
	int err = 0;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WAIT_CLONE_FLAGS))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	result = wait_news(pid, options | WEXITED, &news);
	if (result <= 0)
		return result;
	if (status_to != 0)
		err = copyout(proc_self()->as, status_to, &news.status,
		    sizeof news.status);
	return err < 0 ? err : finish_wait(&news, usage_to, news.pid);
}

long proc_waitid(pid_t pid, vaddr_t info_to, int options, vaddr_t usage_to)
{
	int any_of = WEXITED | WUNTRACED | WCONTINUED, err = 0;
	struct siginfo_small info = {0};
	struct news news;
	long result;

	if (options & ~(any_of | WNOHANG | WNOWAIT | WAIT_CLONE_FLAGS) ||
	    !(options & any_of))
		return -EINVAL;
	result = wait_news(pid, options, &news);
	if (result < 0)
		return result;
	if (result > 0)
		info = child_info(news.pid, news.status);
	if (info_to != 0)
		err = siginfo_copyout(info_to, result > 0 ? SIGCHLD : 0, &info);
	if (err < 0)
		return err;
	return result > 0 ? finish_wait(&news, usage_to, 0) : 0;
}
