/* SPDX-License-Identifier: MIT */
/*
 * kill.c - one process sends a signal to others.
 */
#include "abi/errno.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/twin.h"
#include "proc/walk.h"

struct signal {
	int sig; /* 0: none, only to see whether it could be sent */
	struct siginfo_small info;
};

static void send_to_process(struct proc *p, const struct signal *signal)
    REQUIRES(sched_lock)
{
	if (signal->sig != 0)
		signal_send(p, signal->sig, signal->info);
}

/*
 * Signals to many processes are not sent to system processes: a service goes on
 * if one of its servers is killed, but not if all of them are at once.
 */
static bool send_to_member(struct proc *p, void *arg) NO_LOCK_CHECK
{
	if (!p->is_system)
		send_to_process(p, arg);
	return true;
}

/* kill(-1): all but process 1, system processes, and the caller. */
static bool send_to_any(struct proc *p, void *arg) NO_LOCK_CHECK
{
	if (p->pid == INIT_PID || p->is_system || p == proc_self())
		return true;
	call_walk()->value++;
	return send_to_member(p, arg);
}

/*
 * Sends a signal to all processes, a part of them at a time, in the order of
 * their creation: so it also comes to a child that one of them forks meanwhile.
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
 * Sends a signal to a group, to the caller's if `pgid` is 0. All members may
 * have gone before the last part, so the walk has a reference to the group, in
 * whose list its mark is.
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
		done = walk_part(proc_self(), &walk->marked, &group->members,
		    offsetof(struct proc, group_link), send_to_member, &signal);
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

/* -EAGAIN: it is the last of a service, until it has forked another twin. */
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

/* As on Linux, -ESRCH comes before -EINVAL: the signal is looked at last. */
static long send_to(pid_t pid, struct signal signal)
{
	bool valid = is_number(signal.sig);
	long result;

	if (!valid)
		signal.sig = 0;
	if (pid == INT32_MIN)
		result = -ESRCH;
	else if (pid > 0)
		result = send_to_one(pid, signal);
	else if (pid == -1)
		result = send_to_all(signal);
	else
		result = send_to_group(-pid, signal);
	return result == 0 && !valid ? -EINVAL : result;
}

long signal_kill(pid_t pid, int sig)
{
	return send_to(pid,
	    (struct signal){sig, {SI_USER, proc_self()->pid, 0}});
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
	if (pid <= 0)
		return -EINVAL;
	return send_to(pid,
	    (struct signal){sig, {SI_TKILL, proc_self()->pid, 0}});
}

long signal_queue(pid_t pid, int sig, vaddr_t from)
{
	struct proc *self = proc_self();
	struct siginfo_abi info;
	int err = copyin(self->as, &info, from, sizeof info);

	if (err < 0)
		return err;
	/* To another process it must not look like the kernel's or kill's. */
	if ((info.code >= 0 || info.code == SI_TKILL) && pid != self->pid)
		return -EPERM;
	if (pid <= 0)
		return -ESRCH;
	return send_to(pid,
	    (struct signal){sig,
		{info.code, info.u.child.pid, info.u.child.value}});
}
