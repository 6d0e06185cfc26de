/* SPDX-License-Identifier: MIT */
/*
 * signal.h - signals, in the layouts of the riscv64 Linux kernel.
 */
#ifndef USER_SIGNAL_H
#define USER_SIGNAL_H

#include <sys/types.h>

#include "abi/signal.h"

#define NSIG (SIGNAL_LAST + 1)

typedef void (*sighandler_t)(int);
typedef int sig_atomic_t;
typedef unsigned long sigset_t; /* bit n - 1 stands for signal n */

#define SIG_DFL ((sighandler_t)HANDLER_DEFAULT)
#define SIG_IGN ((sighandler_t)HANDLER_IGNORE)
#define SIG_ERR ((sighandler_t)-1)

typedef struct {
	int si_signo;
	int si_errno;
	int si_code;
	int reserved;
	union {
		struct {
			pid_t pid;
			uid_t uid;
			int status;
		} child;
		void *addr;
		char size[112];
	} fields;
} siginfo_t;

#define si_pid    fields.child.pid
#define si_uid    fields.child.uid
#define si_status fields.child.status
#define si_addr   fields.addr

typedef struct {
	void *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;

#define SIGSTKSZ 8192

/* The machine when the signal came: pc in place of x0, then x1 to x31. */
#define REG_PC 0
#define REG_RA 1
#define REG_SP 2
#define REG_A0 10

typedef struct {
	unsigned long __gregs[32];
	unsigned char __fpregs[528] __attribute__((aligned(16)));
} mcontext_t;

typedef struct ucontext {
	unsigned long uc_flags;
	struct ucontext *uc_link;
	stack_t uc_stack;
	sigset_t uc_sigmask;
	unsigned char reserved[120];
	mcontext_t uc_mcontext __attribute__((aligned(16)));
} ucontext_t;

/* Flags before mask, and as wide as the kernel wants them. */
struct sigaction {
	union {
		sighandler_t handler;
		void (*action)(int, siginfo_t *, void *);
	} sa_fn;
	unsigned long sa_flags;
	sigset_t sa_mask;
};

#define sa_handler   sa_fn.handler
#define sa_sigaction sa_fn.action

sighandler_t signal(int sig, sighandler_t handler);
int sigaction(int sig, const struct sigaction *restrict new_action,
    struct sigaction *restrict old);
int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old);
int sigsuspend(const sigset_t *mask);
int sigpending(sigset_t *set);
int sigaltstack(const stack_t *restrict stack, stack_t *restrict old);
int kill(pid_t pid, int sig);
int killpg(pid_t pgid, int sig);
int raise(int sig);

/* "KILL", without SIG, or "9": 0 and the number, or -1. */
int str2sig(const char *restrict name, int *restrict sig);

int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigaddset(sigset_t *set, int sig);
int sigdelset(sigset_t *set, int sig);
int sigismember(const sigset_t *set, int sig);

#endif
