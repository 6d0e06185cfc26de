/* SPDX-License-Identifier: MIT */
/*
 * sys_proc.c - system calls about processes: they check arguments and hand
 * over to proc/.
 */
#include "abi/clone.h"
#include "abi/errno.h"
#include "abi/reboot.h"
#include "abi/wait.h"
#include "arch/power.h"
#include "proc/exec.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "syscalls.h"

/*
 * fork and vfork in the forms that libraries use. Threads, which share memory
 * and go on side by side, are refused.
 */
long sys_clone(const struct trapframe *tf)
{
	uint64_t flags = tf_arg(tf, 0);
	bool vm = flags & CLONE_VM, vfork = flags & CLONE_VFORK;
	struct fork_args args = {
	    .share_memory = vm,
	    .wait = vfork,
	    .set_tls = flags & CLONE_SETTLS,
	    .exit_signal = (int)(flags & CSIGNAL),
	    .stack = tf_arg(tf, 1),
	    .tls = tf_arg(tf, 3),
	    .child_tid = flags & CLONE_CHILD_SETTID ? tf_arg(tf, 4) : 0,
	    .clear_tid = flags & CLONE_CHILD_CLEARTID ? tf_arg(tf, 4) : 0,
	};

	if (flags & ~(uint64_t)CLONE_KNOWN || args.exit_signal > SIGNAL_LAST)
		return -EINVAL;
	if (vm && !vfork)
		return -EINVAL;
	if (flags & CLONE_PARENT_SETTID)
		args.parent_tid = tf_arg(tf, 2);
	return proc_fork(&args);
}

long sys_execve(const struct trapframe *tf)
{
	long result = proc_exec(tf_arg(tf, 0), tf_arg(tf, 1), tf_arg(tf, 2));

	if (result == CALL_ENDED)
		stats_count(execs);
	return result;
}

long sys_exit(const struct trapframe *tf)
{
	proc_exit(STATUS_EXITED(tf_int(tf, 0)));
	return CALL_ENDED;
}

long sys_wait4(const struct trapframe *tf)
{
	return proc_wait((pid_t)tf_arg(tf, 0), tf_arg(tf, 1), tf_int(tf, 2),
	    tf_arg(tf, 3));
}

long sys_waitid(const struct trapframe *tf)
{
	pid_t id = (pid_t)tf_arg(tf, 1), pid = -1;
	uint32_t type = (uint32_t)tf_arg(tf, 0);

	if (type > P_PGID || (type == P_PID && id <= 0) ||
	    (type == P_PGID && id < 0))
		return -EINVAL;
	if (type != P_ALL)
		pid = type == P_PID ? id : -id;
	return proc_waitid(pid, tf_arg(tf, 2), tf_int(tf, 3), tf_arg(tf, 4));
}

long sys_kill(const struct trapframe *tf)
{
	return signal_kill((pid_t)tf_arg(tf, 0), tf_int(tf, 1));
}

long sys_tkill(const struct trapframe *tf)
{
	return signal_tgkill((pid_t)tf_arg(tf, 0), tf_int(tf, 1));
}

long sys_tgkill(const struct trapframe *tf)
{
	pid_t group = (pid_t)tf_arg(tf, 0), pid = (pid_t)tf_arg(tf, 1);

	if (group <= 0 || pid <= 0)
		return -EINVAL;
	if (group != pid)
		return -ESRCH;
	return signal_tgkill(pid, tf_int(tf, 2));
}

long sys_getpid(const struct trapframe *tf)
{
	(void)tf;
	return proc_self()->pid;
}

long sys_getppid(const struct trapframe *tf)
{
	pid_t pid;

	(void)tf;
	lock_acquire(&sched_lock);
	pid = proc_self()->parent->pid;
	lock_release(&sched_lock);
	return pid;
}

long sys_setpgid(const struct trapframe *tf)
{
	return group_set((pid_t)tf_arg(tf, 0), (pid_t)tf_arg(tf, 1));
}

static long group_or_session(pid_t pid, bool session)
{
	struct proc *p;
	long result = -ESRCH;

	lock_acquire(&sched_lock);
	p = pid == 0 ? proc_self() : proc_find(pid);
	if (p != NULL)
		result = session ? p->group->session->id : p->group->id;
	lock_release(&sched_lock);
	return result;
}

long sys_getpgid(const struct trapframe *tf)
{
	return group_or_session((pid_t)tf_arg(tf, 0), false);
}

long sys_getsid(const struct trapframe *tf)
{
	return group_or_session((pid_t)tf_arg(tf, 0), true);
}

long sys_setsid(const struct trapframe *tf)
{
	(void)tf;
	return session_begin();
}

/*
 * Finishes the call before it queues the process: another hart may run the
 * process from then on.
 */
long sys_sched_yield(const struct trapframe *tf)
{
	(void)tf;
	if (!sched_others_are_ready())
		return 0;
	call_finish(proc_self(), 0);
	sched_queue();
	return CALL_WAITS;
}

long sys_set_tid_address(const struct trapframe *tf)
{
	proc_self()->t.clear_tid = tf_arg(tf, 0);
	return proc_self()->pid;
}

#define ROBUST_LIST_SIZE 24

/* There are no threads that could leave a mutex behind: nothing is done. */
long sys_set_robust_list(const struct trapframe *tf)
{
	return tf_arg(tf, 1) == ROBUST_LIST_SIZE ? 0 : -EINVAL;
}

#define SIGSET_SIZE 8

long sys_rt_sigaction(const struct trapframe *tf)
{
	if (tf_arg(tf, 3) != SIGSET_SIZE)
		return -EINVAL;
	return signal_action(tf_int(tf, 0), tf_arg(tf, 1), tf_arg(tf, 2));
}

long sys_rt_sigprocmask(const struct trapframe *tf)
{
	if (tf_arg(tf, 3) != SIGSET_SIZE)
		return -EINVAL;
	return signal_mask(tf_int(tf, 0), tf_arg(tf, 1), tf_arg(tf, 2));
}

long sys_rt_sigpending(const struct trapframe *tf)
{
	if (tf_arg(tf, 1) > SIGSET_SIZE)
		return -EINVAL;
	return signal_pending(tf_arg(tf, 0), tf_arg(tf, 1));
}

long sys_rt_sigsuspend(const struct trapframe *tf)
{
	if (tf_arg(tf, 1) != SIGSET_SIZE)
		return -EINVAL;
	return signal_suspend(tf_arg(tf, 0));
}

long sys_rt_sigqueueinfo(const struct trapframe *tf)
{
	return signal_queue((pid_t)tf_arg(tf, 0), tf_int(tf, 1), tf_arg(tf, 2));
}

long sys_rt_sigreturn(const struct trapframe *tf)
{
	(void)tf;
	return signal_return();
}

long sys_sigaltstack(const struct trapframe *tf)
{
	return signal_stack(tf_arg(tf, 0), tf_arg(tf, 1));
}

static bool is_reboot_magic2(uint32_t magic)
{
	return magic == REBOOT_MAGIC2 || magic == REBOOT_MAGIC2A ||
	    magic == REBOOT_MAGIC2B || magic == REBOOT_MAGIC2C;
}

long sys_reboot(const struct trapframe *tf)
{
	if ((uint32_t)tf_arg(tf, 0) != REBOOT_MAGIC1 ||
	    !is_reboot_magic2((uint32_t)tf_arg(tf, 1)))
		return -EINVAL;
	switch ((uint32_t)tf_arg(tf, 2)) {
	case REBOOT_POWER_OFF:
	case REBOOT_HALT:
		power_off(0);
	case REBOOT_RESTART:
		power_reboot();
	case REBOOT_CAD_OFF:
	case REBOOT_CAD_ON:
		return 0;
	default:
		return -EINVAL;
	}
}
