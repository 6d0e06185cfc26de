/* SPDX-License-Identifier: MIT */
/*
 * fault.c - what becomes of a process that has taken an exception, or a page
 * fault that the memory system could not resolve: it gets a signal, or ends.
 * The kernel goes on, whatever a program does to itself.
 */
#include "fault.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "lib/print.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/victim.h"
#include "syscalls.h"

/* The name of a cause, as it is printed, and the signal for it. */
struct cause_info {
	const char *name;
	uint8_t sig;
	uint8_t code; /* 0 for a page fault: fault_failed() chooses */
};

static const struct cause_info causes[] = {
    [FETCH_MISALIGNED] = {"bad jump", SIGBUS, BUS_ADRALN},
    [FETCH_ACCESS] = {"bad jump", SIGBUS, BUS_ADRERR},
    [ILLEGAL] = {"illegal instruction", SIGILL, ILL_ILLOPC},
    [BREAKPOINT] = {"breakpoint", SIGTRAP, TRAP_BRKPT},
    [LOAD_MISALIGNED] = {"bad load", SIGBUS, BUS_ADRALN},
    [LOAD_ACCESS] = {"bad load", SIGBUS, BUS_ADRERR},
    [STORE_MISALIGNED] = {"bad store", SIGBUS, BUS_ADRALN},
    [STORE_ACCESS] = {"bad store", SIGBUS, BUS_ADRERR},
    [FETCH_PAGE] = {"bad jump", SIGSEGV, 0},
    [LOAD_PAGE] = {"bad load", SIGSEGV, 0},
    [STORE_PAGE] = {"bad store", SIGSEGV, 0},
};

/* For a cause that this kernel does not know, as of a newer machine. */
static const struct cause_info unknown = {"unknown exception", SIGILL,
    ILL_ILLTRP};

static const struct cause_info *info_of(uint64_t cause)
{
	if (cause >= array_len(causes) || causes[cause].name == NULL)
		return &unknown;
	return &causes[cause];
}

/* Sends the signal. Prints a line if it is not handled, and so kills. */
static void raise_fault(struct proc *p, const struct cause_info *info, int code,
    vaddr_t va)
{
	int sig = info->sig;

	if (!(p->sig.set & SIGNAL_BIT(sig)) ||
	    p->sig.actions[sig - 1].handler == HANDLER_DEFAULT)
		kprintf("%s[%d]: %s, address %p, pc %p, signal %d\n", p->name,
		    p->pid, info->name, (void *)va, (void *)p->t.tf.pc, sig);
	signal_force(p, sig, (struct siginfo_small){code, 0, va});
}

static bool is_mapped(struct proc *p, vaddr_t va)
{
	return va < USER_TOP &&
	    !aspace_is_empty(p->as, page_floor(va), page_floor(va) + 1);
}

void fault_no_memory(struct proc *p)
{
	if (victim_goes_for(p))
		return;
	stats_count(oom_kills);
	kprintf("%s[%d]: out of memory, killed\n", p->name, p->pid);
	proc_exit(STATUS_SIGNALED(SIGKILL));
}

void fault_failed(struct proc *p, uint64_t cause, vaddr_t va, long error)
{
	if (error == -ENOMEM) {
		fault_no_memory(p);
		return;
	}
	raise_fault(p, info_of(cause),
	    is_mapped(p, va) ? SEGV_ACCERR : SEGV_MAPERR, va);
}

void fault_exception(struct proc *p, uint64_t cause, vaddr_t va)
{
	const struct cause_info *info = info_of(cause);

	/* These signals tell the address of the instruction itself. */
	if (info->sig == SIGILL || info->sig == SIGTRAP)
		va = p->t.tf.pc;
	raise_fault(p, info, info->code, va);
}
