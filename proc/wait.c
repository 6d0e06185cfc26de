/* SPDX-License-Identifier: MIT */
/*
 * wait.c - a parent waits until a child ends, stops or continues.
 */
#include "abi/wait.h"
#include "abi/errno.h"
#include "abi/resource.h"
#include "arch/timer.h"
#include "lib/string.h"
#include "proc/sched.h"
#include "proc/walk.h"
#include "sigframe.h"
#include "zombie.h"

struct siginfo_small child_info(pid_t pid, int status)
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

void discard_zombie(struct proc *p)
{
	/* The hart that it ended on may still be on its way out. */
	while (__atomic_load_n(&p->t.held, __ATOMIC_ACQUIRE))
		hart_relax();
	proc_discard(p);
}

/* Which children a call waits for, and what it found. */
struct search {
	struct proc *self;
	pid_t pid; /* as for wait4 */
	int options;
	bool any;    /* there is a child to wait for */
	pid_t found; /* the child with news, or 0 */
	int status;  /* the news */
};

static bool is_waited_for(const struct search *search, const struct proc *child)
    REQUIRES(sched_lock)
{
	pid_t pid = search->pid;

	if (pid > 0)
		return child->pid == pid;
	if (pid == 0)
		return child->group == search->self->group;
	return pid == -1 || child->group->id == -pid;
}

/* Has the child changed its state in a way that the call waits for? */
static bool has_news(struct search *search, const struct proc *child)
    REQUIRES(sched_lock)
{
	if (child->t.state == PROC_ZOMBIE) {
		search->status = child->exit_status;
		return search->options & WEXITED;
	}
	if ((search->options & WUNTRACED) && child->t.state == PROC_STOPPED &&
	    !child->stop_reported) {
		search->status = child->stop_signal << 8 | 0x7f;
		return true;
	}
	if ((search->options & WCONTINUED) && child->cont_pending) {
		search->status = STATUS_CONTINUED;
		return true;
	}
	return false;
}

/* A visit of the walk over all children; ends it at the first with news. */
static bool look_at_child(struct proc *child, void *arg) NO_LOCK_CHECK
{
	struct search *search = arg;

	if (!is_waited_for(search, child))
		return true;
	/* A zombie will not be stopped or continued any more. */
	if (child->t.state != PROC_ZOMBIE || (search->options & WEXITED))
		search->any = true;
	if (!has_news(search, child))
		return true;
	search->found = child->pid;
	return false;
}

/*
 * Does a part of the search for a child with news. True when it is known
 * whether there is one. If a child gets news after it was looked at, the search
 * begins anew.
 */
static bool search_children(struct search *search) REQUIRES(sched_lock)
{
	struct proc *self = search->self, *child;
	struct list_walk *walk;
	bool done;

	search->any = false;
	search->found = 0;
	if (search->pid > 0) {
		child = proc_find(search->pid);
		if (child != NULL && child->parent == self)
			(void)look_at_child(child, search);
		return true;
	}
	walk = call_walk();
	if (!walk->marked) {
		walk->value = false;
		self->child_news = false;
	}
	search->any = walk->value;
	done = walk_part(self, &walk->marked, &self->children,
	    offsetof(struct proc, sibling), look_at_child, search);
	walk->value = search->any;
	return done && (search->found != 0 || !self->child_news);
}

int rusage_copyout(vaddr_t to, uint64_t ticks)
{
	struct rusage_abi usage;
	uint64_t ns = timer_to_ns(ticks);

	memset(&usage, 0, sizeof usage);
	usage.utime.seconds = (int64_t)(ns / 1000000000);
	usage.utime.micros = (int64_t)(ns % 1000000000 / 1000);
	return copyout(proc_self()->as, to, &usage, sizeof usage);
}

/*
 * Takes the news of the child that was found; NULL if it has none any more. A
 * child that lives may have continued meanwhile, or have ended and so have
 * other news, or be gone if its parent does not want to wait. A zombie stays.
 */
static struct proc *take_news(struct search *search) REQUIRES(sched_lock)
{
	struct proc *child = proc_find(search->found);
	int status = search->status;

	if (child == NULL || child->parent != search->self)
		return NULL;
	if (!has_news(search, child) || search->status != status)
		return NULL;
	if (search->options & WNOWAIT)
		return child;
	if (child->t.state == PROC_STOPPED)
		child->stop_reported = true;
	else if (child->t.state != PROC_ZOMBIE)
		child->cont_pending = false;
	return child;
}

/* Where a call has its results written; 0: nowhere. */
struct report {
	vaddr_t status, info, usage;
};

/* Makes sure that everything can be written (C3). */
static int report_prepare(const struct report *report)
{
	struct aspace *as = proc_self()->as;
	int err = 0;

	if (report->status != 0)
		err =
		    user_prepare(as, report->status, sizeof(int), ACCESS_WRITE);
	if (err == 0 && report->info != 0)
		err = user_prepare(as, report->info, sizeof(struct siginfo_abi),
		    ACCESS_WRITE);
	if (err == 0 && report->usage != 0)
		err = user_prepare(as, report->usage, sizeof(struct rusage_abi),
		    ACCESS_WRITE);
	return err;
}

/* Writes what report_prepare() has made ready, so it cannot fail. */
static void report_write(const struct report *report, pid_t pid, int status,
    uint64_t ticks)
{
	struct aspace *as = proc_self()->as;
	struct siginfo_small info;
	int err = 0;

	if (report->status != 0)
		err = copyout(as, report->status, &status, sizeof status);
	if (report->info != 0) {
		info = child_info(pid, status);
		err |= siginfo_copyout(report->info, SIGCHLD, &info);
	}
	if (report->usage != 0)
		err |= rusage_copyout(report->usage, ticks);
	assert(err == 0);
}

/*
 * Reports the news that were found. Without WNOWAIT they are taken, and a
 * zombie is freed.
 */
static long report_child(struct search *search, const struct report *report)
{
	struct proc *self = search->self, *child;
	uint64_t ticks = 0;
	bool reap = false;
	int err = report_prepare(report);

	if (err < 0)
		return err;
	lock_acquire(&sched_lock);
	child = take_news(search);
	if (child != NULL) {
		ticks = child->t.time_ticks + child->child_ticks;
		reap = child->t.state == PROC_ZOMBIE &&
		    !(search->options & WNOWAIT);
	}
	if (reap) {
		self->child_ticks += ticks;
		proc_remove(child);
	}
	lock_release(&sched_lock);
	if (child == NULL)
		return call_go_on(SIGNAL_RESTARTS);
	report_write(report, search->found, search->status, ticks);
	if (reap)
		discard_zombie(child);
	return search->found;
}

/* The pid of a child with news; 0 if there are none (WNOHANG); -ECHILD. */
static long wait_for_child(struct search *search, const struct report *report)
{
	long result = 0;

	lock_acquire(&sched_lock);
	if (!search_children(search))
		result = call_go_on(SIGNAL_RESTARTS);
	else if (search->found == 0 && !search->any)
		result = -ECHILD;
	else if (search->found == 0 && !(search->options & WNOHANG))
		result = call_wait_locked(&search->self->child_event,
		    SIGNAL_RESTARTS);
	lock_release(&sched_lock);
	return search->found != 0 ? report_child(search, report) : result;
}

long proc_wait(pid_t pid, vaddr_t status_to, int options, vaddr_t usage_to)
{
	struct report report = {.status = status_to, .usage = usage_to};
	struct search search = {.self = proc_self(),
	    .pid = pid,
	    .options = options | WEXITED};

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WAIT_CLONE_FLAGS))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	return wait_for_child(&search, &report);
}

long proc_waitid(pid_t pid, vaddr_t info_to, int options, vaddr_t usage_to)
{
	int any_of = WEXITED | WUNTRACED | WCONTINUED;
	struct report report = {.info = info_to, .usage = usage_to};
	struct search search = {.self = proc_self(),
	    .pid = pid,
	    .options = options};
	struct siginfo_small nothing = {0};
	long result;

	if (options & ~(any_of | WNOHANG | WNOWAIT | WAIT_CLONE_FLAGS) ||
	    !(options & any_of))
		return -EINVAL;
	result = wait_for_child(&search, &report);
	if (result == 0 && info_to != 0)
		return siginfo_copyout(info_to, 0, &nothing);
	return result > 0 ? 0 : result;
}
