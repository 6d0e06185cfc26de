/* SPDX-License-Identifier: MIT */
/*
 * signal.h - signals as riscv64 Linux numbers and lays them out.
 */
#ifndef ABI_SIGNAL_H
#define ABI_SIGNAL_H

#include <stdint.h>

#define SIGNAL_LAST 64 /* signals are 1 .. SIGNAL_LAST */

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

/* What stands in the place of a handler's address. */
#define HANDLER_DEFAULT 0
#define HANDLER_IGNORE  1

#define SA_NOCLDSTOP 1UL
#define SA_NOCLDWAIT 2UL
#define SA_SIGINFO   4UL
#define SA_ONSTACK   0x08000000UL
#define SA_RESTART   0x10000000UL
#define SA_NODEFER   0x40000000UL
#define SA_RESETHAND 0x80000000UL
/* Asks for tags in si_addr; addresses have none here. */
#define SA_EXPOSE_TAGBITS 0x800UL
#define SA_KNOWN                                                        \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | \
	    SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND)

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SI_USER       0
#define SI_QUEUE      (-1)
#define SI_KERNEL     0x80
#define SI_TKILL      (-6)
#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define ILL_ILLOPC    1
#define ILL_ILLTRP    4
#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define TRAP_BRKPT    1
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM (1U << 31)
#define MINSIGSTKSZ   2048

/* rt_sigaction: there is no sa_restorer on riscv64. */
struct sigaction_abi {
	uint64_t handler;
	uint64_t flags;
	uint64_t mask;
};

/* What is kept of a pending signal. */
struct siginfo_small {
	int32_t code;
	int32_t pid;
	uint64_t value; /* an address, an exit status, or what was queued */
};

struct siginfo_abi {
	int32_t signo;
	int32_t error;
	int32_t code;
	int32_t pad;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value; /* of a child: its status */
		} child;
		uint64_t addr;
		uint8_t size[112];
	} u;
};

struct stack_abi {
	uint64_t sp;
	int32_t flags;
	int32_t pad;
	uint64_t size;
};

struct ucontext_head_abi {
	uint64_t flags;
	uint64_t link;
	struct stack_abi stack;
	uint64_t sigmask;
};

struct ucontext_abi {
	struct ucontext_head_abi head;
	uint8_t sigmask_pad[120];
	uint64_t align;
	uint64_t regs[32]; /* pc, x1 .. x31 */
	uint64_t f[32];
	uint32_t fcsr;
	uint8_t f_pad[268];
};

struct sigframe_abi {
	struct siginfo_abi info;
	struct ucontext_abi uc;
};

#endif
