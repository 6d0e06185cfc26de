/* SPDX-License-Identifier: MIT */
/*
 * kill.c - one process sends a signal to others.
 */
#include "abi/errno.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/twin.h"
#include "proc/walk.h"

static void send_to_process(struct proc *p, const struct signal *signal)
    REQUIRES(sched_lock)
{
	if (signal->sig != 0)
		signal_send(p, signal->sig, signal->info);
}

/*
 * What is meant for many spares servers of boot's, which go on if one of them
 * is killed, but not if all are at once.
 */
static bool send_to_member(struct proc *p, void *arg) NO_LOCK_CHECK
{
	if (!p->is_system)
		send_to_process(p, arg);
	return true;
}

bool signal_send_group(struct proc *walker, struct group *group,
    struct signal signal)
{
	return walk_part(walker, &walker->t.call.walk.marked, &group->members,
	    offsetof(struct proc, group_link), send_to_member, &signal);
}

/* kill(-1): all but process 1, servers of boot's, and the caller. */
static bool send_to_any(struct proc *p, void *arg) NO_LOCK_CHECK
{
	if (p->pid == INIT_PID || p->is_system || p == proc_self())
		return true;
	call_walk()->value++;
	return send_to_member(p, arg);
}

/*
 * To many, a part at a time. In the order of their creation: a child that one
 * of them forks meanwhile is met as well.
 */
static long send_to_all(struct signal signal)
{
	struct list_walk *walk = call_walk();
	bool done;

	lock_acquire(&sched_lock);
	done = walk_part(proc_self(), &walk->marked, &proc_all,
	    offsetof(struct proc, all), send_to_any, &signal);
	lock_release(&sched_lock);
	if (!done)
		return call_go_on(SIGNAL_HELD);
	return walk->value > 0 ? 0 : -ESRCH;
}

/*
 * To the caller's group if `pgid` is 0. All members may have gone before the
 * last part, so the walk keeps the group: its mark is in there.
 */
static long send_to_group(pid_t pgid, struct signal signal)
{
	struct list_walk *walk = call_walk();
	struct group *group = walk->group;
	bool done = true;

	lock_acquire(&sched_lock);
	if (group == NULL)
		group = pgid == 0 ? proc_self()->group : group_find(pgid);
	if (group != NULL) {
		walk->value++;
		done = signal_send_group(proc_self(), group, signal);
	}
	if (!done && walk->group == NULL) {
		group->refs++;
		walk->group = group;
	}
	lock_release(&sched_lock);
	if (!done)
		return call_go_on(SIGNAL_HELD);
	return walk->value > 0 ? 0 : -ESRCH;
}

/* -EAGAIN: who would go on for it is ending, and has to be followed first. */
static long send_to_one(pid_t pid, struct signal signal)
{
	struct proc *p;
	long result = -ESRCH;

	lock_acquire(&sched_lock);
	p = proc_find(pid);
	if (p != NULL)
		result = twin_is_spared(p, signal.sig) ? -EAGAIN : 0;
	if (result == 0)
		send_to_process(p, &signal);
	lock_release(&sched_lock);
	return result;
}

static bool is_number(int sig)
{
	return sig >= 0 && sig <= SIGNAL_LAST;
}

static long send_to(pid_t pid, struct signal signal)
{
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0)
		return send_to_one(pid, signal);
	if (pid == -1)
		return send_to_all(signal);
	return send_to_group(-pid, signal);
}

/* Whether there is anybody to get it is asked before what it is. */
long signal_kill(pid_t pid, int sig)
{
	long result = send_to(pid,
	    (struct signal){is_number(sig) ? sig : 0,
		{SI_USER, proc_self()->pid, 0}});

	return result == 0 && !is_number(sig) ? -EINVAL : result;
}

long signal_kill_group(pid_t pgid, int sig)
{
	if (pgid <= 0 || !is_number(sig))
		return -EINVAL;
	return send_to_group(pgid,
	    (struct signal){sig, {SI_USER, proc_self()->pid, 0}});
}

long signal_tgkill(pid_t pid, int sig)
{
	long result;

	if (pid <= 0)
		return -EINVAL;
	result = send_to_one(pid,
	    (struct signal){is_number(sig) ? sig : 0,
		{SI_TKILL, proc_self()->pid, 0}});
	return result == 0 && !is_number(sig) ? -EINVAL : result;
}

long signal_queue(pid_t pid, int sig, vaddr_t from)
{
	struct proc *self = proc_self();
	struct siginfo_abi info;
	struct signal signal = {is_number(sig) ? sig : 0, {0}};
	long err = copyin(self->as, &info, from, sizeof info);

	if (err < 0)
		return err;
	/* Nobody passes for the kernel, or for kill. */
	if ((info.code >= 0 || info.code == SI_TKILL) && pid != self->pid)
		return -EPERM;
	signal.info = (struct siginfo_small){info.code, info.u.child.pid,
	    info.u.child.value};
	err = send_to_one(pid, signal);
	return err == 0 && !is_number(sig) ? -EINVAL : err;
}
