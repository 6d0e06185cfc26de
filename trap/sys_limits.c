/* SPDX-License-Identifier: MIT */
/*
 * sys_limits.c - what a process may be and may do: user, priority, harts,
 * limits, name. Most of it cannot be changed here; who asks for what is so gets
 * it, and who asks for anything else is refused.
 */
#include "abi/errno.h"
#include "abi/misc.h"
#include "abi/resource.h"
#include "abi/syscall.h"
#include "arch/hart.h"
#include "lib/string.h"
#include "proc/exec.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "syscalls.h"

/* ---- Users: there is user 0, and group 0 ---- */

#define ID_UNCHANGED UINT32_MAX

long sys_set_id(const struct trapframe *tf)
{
	return (uint32_t)tf_arg(tf, 0) == 0 ? 0 : -EINVAL;
}

static bool id_is_known(uint64_t id)
{
	return (uint32_t)id == 0 || (uint32_t)id == ID_UNCHANGED;
}

long sys_set_two_ids(const struct trapframe *tf)
{
	return id_is_known(tf_arg(tf, 0)) && id_is_known(tf_arg(tf, 1))
	    ? 0
	    : -EINVAL;
}

long sys_set_three_ids(const struct trapframe *tf)
{
	return id_is_known(tf_arg(tf, 2)) ? sys_set_two_ids(tf) : -EINVAL;
}

long sys_get_three_ids(const struct trapframe *tf)
{
	uint32_t id = 0;
	int err = 0;

	for (unsigned i = 0; i < 3 && err == 0; i++)
		err = copyout(proc_self()->as, tf_arg(tf, i), &id, sizeof id);
	return err;
}

/* getgroups and setgroups: there are no groups beside group 0. */
long sys_groups(const struct trapframe *tf)
{
	bool set = tf->x[REG_A7 - 1] == SYS_setgroups;
	int count = (int)tf_arg(tf, 0);

	return count < 0 || (set && count > 0) ? -EINVAL : 0;
}

/* ---- Priorities and harts: all processes are alike ---- */

static bool is_process(pid_t pid)
{
	bool found;

	lock_acquire(&sched_lock);
	found = pid == 0 || proc_find(pid) != NULL;
	lock_release(&sched_lock);
	return found;
}

/* Who is asked about: a process, a group, or a user. */
static long check_which(uint64_t which, pid_t who)
{
	bool found = who == 0;

	if (which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS)
		found = is_process(who);
	lock_acquire(&sched_lock);
	if (which == PRIO_PGRP && !found)
		found = group_find(who) != NULL;
	lock_release(&sched_lock);
	return found ? 0 : -ESRCH;
}

long sys_getpriority(const struct trapframe *tf)
{
	long err = check_which(tf_arg(tf, 0), (pid_t)tf_arg(tf, 1));

	return err < 0 ? err : 20; /* 20 - nice */
}

long sys_setpriority(const struct trapframe *tf)
{
	long err = check_which(tf_arg(tf, 0), (pid_t)tf_arg(tf, 1));

	return err == 0 && (int)tf_arg(tf, 2) != 0 ? -EPERM : err;
}

/* The highest priority of a policy, or -EINVAL; real-time ones begin at 1. */
static long policy_max(uint64_t policy)
{
	static const int8_t max[] = {0, 99, 99, 0, -1, 0, 0};

	return policy < sizeof max && max[policy] >= 0 ? max[policy] : -EINVAL;
}

static long check_sched(const struct trapframe *tf)
{
	if ((pid_t)tf_arg(tf, 0) < 0)
		return -EINVAL;
	return is_process((pid_t)tf_arg(tf, 0)) ? 0 : -ESRCH;
}

long sys_sched_getscheduler(const struct trapframe *tf)
{
	return check_sched(tf); /* SCHED_OTHER */
}

long sys_sched_getparam(const struct trapframe *tf)
{
	int32_t priority = 0;
	long err = tf_arg(tf, 1) != 0 ? check_sched(tf) : -EINVAL;

	if (err == 0)
		err = copyout(proc_self()->as, tf_arg(tf, 1), &priority,
		    sizeof priority);
	return err;
}

long sys_sched_setscheduler(const struct trapframe *tf)
{
	long max = policy_max(tf_arg(tf, 1));
	int32_t priority;
	long err = tf_arg(tf, 2) != 0 ? check_sched(tf) : -EINVAL;

	if (err == 0)
		err = copyin(proc_self()->as, &priority, tf_arg(tf, 2),
		    sizeof priority);
	if (err < 0)
		return err;
	if (max < 0 || priority < (max > 0) || priority > max)
		return -EINVAL;
	return tf_arg(tf, 1) == 0 ? 0 : -EPERM;
}

static uint64_t all_harts(void)
{
	return (1UL << hart_count) - 1;
}

long sys_sched_getaffinity(const struct trapframe *tf)
{
	uint64_t mask = all_harts();
	int err;

	if (tf_arg(tf, 1) < sizeof mask || tf_arg(tf, 1) % sizeof mask != 0)
		return -EINVAL;
	if (!is_process((pid_t)tf_arg(tf, 0)))
		return -ESRCH;
	err = copyout(proc_self()->as, tf_arg(tf, 2), &mask, sizeof mask);
	return err < 0 ? err : (long)sizeof mask;
}

/* A mask may name harts that there are not, but must leave out none. */
long sys_sched_setaffinity(const struct trapframe *tf)
{
	uint64_t mask = 0;
	int err = copyin(proc_self()->as, &mask, tf_arg(tf, 2),
	    min_u64(tf_arg(tf, 1), sizeof mask));

	if (err < 0)
		return err;
	if (!is_process((pid_t)tf_arg(tf, 0)))
		return -ESRCH;
	return (mask & all_harts()) == all_harts() ? 0 : -EINVAL;
}

/* ---- Limits ---- */

/* The soft limit, and the hard one. */
struct limit {
	uint64_t now;
	uint64_t max;
};

static struct limit limit_of(const struct proc *p, uint64_t resource)
{
	struct limit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (resource == RLIMIT_STACK)
		limit.now = STACK_SIZE;
	if (resource == RLIMIT_CORE)
		limit.now = 0;
	if (resource == RLIMIT_NOFILE)
		limit = (struct limit){p->fds.limit, p->fds.limit_max};
	return limit;
}

/* That of descriptors can be changed, the others asked to stay as they are. */
static long limit_set(struct proc *p, uint64_t resource, struct limit limit)
{
	if (limit.now > limit.max)
		return -EINVAL;
	if (resource != RLIMIT_NOFILE)
		return limit.now == limit_of(p, resource).now ? 0 : -EPERM;
	if (limit.max > FD_MAX)
		return -EPERM;
	p->fds.limit = (uint16_t)limit.now;
	p->fds.limit_max = (uint16_t)limit.max;
	return 0;
}

long sys_prlimit64(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	uint64_t resource = tf_arg(tf, 1);
	vaddr_t from = tf_arg(tf, 2), to = tf_arg(tf, 3);
	struct limit limit, before;
	long err = 0;

	if (resource > RLIMIT_LAST)
		return -EINVAL;
	if (tf_arg(tf, 0) != 0 && (pid_t)tf_arg(tf, 0) != p->pid)
		return -ESRCH;
	before = limit_of(p, resource);
	if (from != 0)
		err = copyin(p->as, &limit, from, sizeof limit);
	/* What cannot be told is not set (C3). */
	if (err == 0 && to != 0)
		err = user_prepare(p->as, to, sizeof before, ACCESS_WRITE);
	if (err == 0 && from != 0)
		err = limit_set(p, resource, limit);
	if (err == 0 && to != 0)
		err = copyout(p->as, to, &before, sizeof before);
	return err;
}

/* ---- prctl ---- */

static long name_set(struct proc *p, vaddr_t from)
{
	char name[COMM_LEN];
	int err = copyinstr(p->as, name, from, sizeof name - 1);

	if (err < 0 && err != -ENAMETOOLONG)
		return err;
	name[sizeof name - 1] = '\0';
	lock_acquire(&sched_lock);
	str_copy(p->name, name, sizeof p->name);
	lock_release(&sched_lock);
	return 0;
}

static long name_get(const struct proc *p, vaddr_t to)
{
	char name[COMM_LEN] = "";

	str_copy(name, p->name, sizeof name);
	return copyout(p->as, to, name, sizeof name);
}

long sys_prctl(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	uint64_t arg = tf_arg(tf, 1);
	int32_t death;

	switch ((int)tf_arg(tf, 0)) {
	case PR_SET_NAME:
		return name_set(p, arg);
	case PR_GET_NAME:
		return name_get(p, arg);
	case PR_SET_PDEATHSIG:
		if (arg > SIGNAL_LAST)
			return -EINVAL;
		p->death_signal = (uint8_t)arg;
		return 0;
	case PR_GET_PDEATHSIG:
		death = p->death_signal;
		return copyout(p->as, arg, &death, sizeof death);
	default:
		return -EINVAL;
	}
}
