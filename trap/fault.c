/* SPDX-License-Identifier: MIT */
/*
 * fault.c - page faults: resolved by the memory system, or a signal for the
 * process. Nothing that a program does to itself is an error of the kernel.
 */
#include "fault.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "lib/print.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/walk.h"
#include "syscalls.h"

static const char *cause_name(uint64_t cause)
{
	switch (cause) {
	case ILLEGAL:
		return "illegal instruction";
	case BREAKPOINT:
		return "breakpoint";
	case FETCH_PAGE:
	case FETCH_ACCESS:
	case FETCH_MISALIGNED:
		return "bad jump";
	case LOAD_PAGE:
	case LOAD_ACCESS:
	case LOAD_MISALIGNED:
		return "bad load";
	case STORE_PAGE:
	case STORE_ACCESS:
	case STORE_MISALIGNED:
		return "bad store";
	default:
		return "unknown exception";
	}
}

/* One line for a process that dies of it; none if it has a handler. */
static void report(struct proc *p, int sig, uint64_t cause, vaddr_t va)
{
	if ((p->sig.set & SIGNAL_BIT(sig)) &&
	    p->sig.actions[sig - 1].handler != HANDLER_DEFAULT)
		return;
	kprintf("%s[%d]: %s, address %p, pc %p, signal %d\n", p->name, p->pid,
	    cause_name(cause), (void *)va, (void *)p->t.tf.pc, sig);
}

static void raise_fault(struct proc *p, int sig, int code, uint64_t cause,
    vaddr_t va)
{
	report(p, sig, cause, va);
	signal_force(p, sig, (struct siginfo_small){code, 0, va});
}

static bool is_mapped(struct proc *p, vaddr_t va)
{
	return va < USER_TOP &&
	    !aspace_is_empty(p->as, page_floor(va), page_floor(va) + 1);
}

#define YOUNGEST 1024 /* who are looked at */

/*
 * The youngest process but `p`, unless one of the youngest is on its way out
 * already. Zombies come first in the list, and so last here.
 */
static struct proc *choose_victim(struct proc *p) REQUIRES(sched_lock)
{
	struct list *link = proc_all.prev;
	struct proc *victim = NULL;

	for (int i = 0; i < YOUNGEST && link != &proc_all; i++) {
		struct proc *q = list_entry(link, struct proc, all);

		link = link->prev;
		if (list_is_mark(&q->all) || q == p)
			continue;
		if (q->t.state == PROC_ZOMBIE)
			break;
		if (q->exiting || (q->sig.pending & SIGNAL_BIT(SIGKILL)))
			return q;
		if (victim == NULL)
			victim = q;
	}
	return victim;
}

/*
 * The machine would end with process 1, so another one goes in its place.
 * False if there is no other. What found no memory is tried again.
 */
static bool spare_init(struct proc *p)
{
	struct proc *victim;

	if (p->pid != INIT_PID)
		return false;
	lock_acquire(&sched_lock);
	victim = choose_victim(p);
	if (victim != NULL && !victim->exiting &&
	    !(victim->sig.pending & SIGNAL_BIT(SIGKILL))) {
		signal_send(victim, SIGKILL,
		    (struct siginfo_small){SI_KERNEL, 0, 0});
		stats_count(oom_kills);
	}
	lock_release(&sched_lock);
	if (victim != NULL)
		sched_yield();
	return victim != NULL;
}

void fault_no_memory(struct proc *p)
{
	if (spare_init(p))
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
	raise_fault(p, SIGSEGV, is_mapped(p, va) ? SEGV_ACCERR : SEGV_MAPERR,
	    cause, va);
}

void fault_exception(struct proc *p, uint64_t cause, vaddr_t va)
{
	switch (cause) {
	case ILLEGAL:
		raise_fault(p, SIGILL, ILL_ILLOPC, cause, p->t.tf.pc);
		break;
	case BREAKPOINT:
		raise_fault(p, SIGTRAP, TRAP_BRKPT, cause, p->t.tf.pc);
		break;
	case FETCH_MISALIGNED:
	case LOAD_MISALIGNED:
	case STORE_MISALIGNED:
		raise_fault(p, SIGBUS, BUS_ADRALN, cause, va);
		break;
	case FETCH_ACCESS:
	case LOAD_ACCESS:
	case STORE_ACCESS:
		raise_fault(p, SIGBUS, BUS_ADRERR, cause, va);
		break;
	default:
		/* A newer machine than the kernel; still the program's. */
		raise_fault(p, SIGILL, ILL_ILLTRP, cause, p->t.tf.pc);
	}
}
