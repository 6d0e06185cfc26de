/* SPDX-License-Identifier: MIT */
/*
 * signal.h - signals, in the layouts of the riscv64 Linux kernel.
 */
#ifndef USER_SIGNAL_H
#define USER_SIGNAL_H

#include <sys/types.h>

#define SIGHUP    1
#define SIGINT    2
#define SIGQUIT   3
#define SIGILL    4
#define SIGTRAP   5
#define SIGABRT   6
#define SIGBUS    7
#define SIGFPE    8
#define SIGKILL   9
#define SIGUSR1   10
#define SIGSEGV   11
#define SIGUSR2   12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGTERM   15
#define SIGSTKFLT 16
#define SIGCHLD   17
#define SIGCONT   18
#define SIGSTOP   19
#define SIGTSTP   20
#define SIGTTIN   21
#define SIGTTOU   22
#define SIGURG    23
#define SIGXCPU   24
#define SIGXFSZ   25
#define SIGVTALRM 26
#define SIGPROF   27
#define SIGWINCH  28
#define SIGIO     29
#define SIGPWR    30
#define SIGSYS    31
#define NSIG      65

typedef void (*sighandler_t)(int);
typedef int sig_atomic_t;
typedef unsigned long sigset_t; /* bit n - 1 stands for signal n */

#define SIG_DFL ((sighandler_t)0)
#define SIG_IGN ((sighandler_t)1)
#define SIG_ERR ((sighandler_t)-1)

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP 0x00000001
#define SA_NOCLDWAIT 0x00000002
#define SA_SIGINFO   0x00000004
#define SA_ONSTACK   0x08000000
#define SA_RESTART   0x10000000
#define SA_NODEFER   0x40000000
#define SA_RESETHAND 0x80000000

/* Values of si_code */
#define SI_USER       0
#define SI_KERNEL     0x80
#define SI_TKILL      (-6)
#define ILL_ILLOPC    1
#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define TRAP_BRKPT    1
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

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

#define SS_ONSTACK  1
#define SS_DISABLE  2
#define MINSIGSTKSZ 2048
#define SIGSTKSZ    8192

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
