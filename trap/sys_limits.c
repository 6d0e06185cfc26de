/* SPDX-License-Identifier: MIT */
/*
 * sys_limits.c - limits of a process, and its name. Most limits cannot be
 * changed: a call that sets one to the value that it has succeeds, and any
 * other is refused.
 */
#include "abi/errno.h"
#include "abi/misc.h"
#include "abi/resource.h"
#include "arch/trace.h"
#include "lib/string.h"
#include "proc/exec.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "syscalls.h"

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

/* The limit of descriptors can be changed; others only set to what they are. */
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
	uint32_t resource = (uint32_t)tf_arg(tf, 1);
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
	/* If the old limit cannot be told, the new one is not set (C3). */
	if (err == 0 && to != 0)
		err = user_prepare(p->as, to, sizeof before, ACCESS_WRITE);
	if (err == 0 && from != 0)
		err = limit_set(p, resource, limit);
	if (err == 0 && to != 0)
		err = copyout(p->as, to, &before, sizeof before);
	return err;
}

/* Servers are told the umask with their requests, and apply it. */
long sys_umask(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	uint32_t before = p->umask;

	p->umask = (uint16_t)(tf_arg(tf, 0) & 0777);
	return before;
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
	TRACE(process_named, "pid text:name", p->pid, TRACE_TEXT(p->name));
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

	switch (tf_int(tf, 0)) {
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
