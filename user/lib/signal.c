/* SPDX-License-Identifier: MIT */
/*
 * signal.c - signals: sending, handling, blocking.
 *
 * riscv64 has no restorer: the kernel supplies what a handler returns to. So
 * struct sigaction is passed on as it is.
 */
#include <signal.h>

#include "internal.h"

#include <errno.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigaction(int sig, const struct sigaction *restrict new_action,
    struct sigaction *restrict old)
{
	return (
	    int)syscall(SYS_rt_sigaction, sig, new_action, old, SIGSET_SIZE);
}

sighandler_t signal(int sig, sighandler_t handler)
{
	struct sigaction action = {.sa_flags = SA_RESTART};
	struct sigaction old;

	action.sa_handler = handler;
	return sigaction(sig, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return (int)syscall(SYS_rt_sigprocmask, how, set, old, SIGSET_SIZE);
}

int sigsuspend(const sigset_t *mask)
{
	return (int)syscall(SYS_rt_sigsuspend, mask, SIGSET_SIZE);
}

int sigpending(sigset_t *set)
{
	return (int)syscall(SYS_rt_sigpending, set, SIGSET_SIZE);
}

int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
	return (int)syscall(SYS_sigaltstack, stack, old);
}

int kill(pid_t pid, int sig)
{
	return (int)syscall(SYS_kill, pid, sig);
}

int killpg(pid_t pgid, int sig)
{
	return kill(-pgid, sig);
}

int raise(int sig)
{
	return (int)syscall(SYS_tkill, gettid(), sig);
}

int sigemptyset(sigset_t *set)
{
	*set = 0;
	return 0;
}

int sigfillset(sigset_t *set)
{
	*set = ~0UL;
	return 0;
}

static int signal_is_valid(int sig)
{
	if (sig > 0 && sig < NSIG)
		return 1;
	errno = EINVAL;
	return 0;
}

int sigaddset(sigset_t *set, int sig)
{
	if (!signal_is_valid(sig))
		return -1;
	*set |= 1UL << (sig - 1);
	return 0;
}

int sigdelset(sigset_t *set, int sig)
{
	if (!signal_is_valid(sig))
		return -1;
	*set &= ~(1UL << (sig - 1));
	return 0;
}

int sigismember(const sigset_t *set, int sig)
{
	if (!signal_is_valid(sig))
		return -1;
	return (*set >> (sig - 1)) & 1;
}

void sigjmp_save(sigjmp_buf env, int save_mask)
{
	env->mask_is_saved = save_mask;
	if (save_mask)
		sigprocmask(SIG_SETMASK, NULL, &env->mask);
}

void siglongjmp(sigjmp_buf env, int value)
{
	if (env->mask_is_saved)
		sigprocmask(SIG_SETMASK, &env->mask, NULL);
	longjmp(env->registers, value);
}
