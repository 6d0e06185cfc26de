/* SPDX-License-Identifier: MIT */
/*
 * trap.c - why a process came into the kernel, and what is done about it.
 *
 * arch/trapvec.S calls these functions. Most system calls need none of them,
 * and nearly all page faults only trap_fault(). What a call's handler or
 * trap_fault() cannot finish goes through trap_slow(), with all registers
 * saved, where the hart may go on with another process.
 *
 * Ref: RISC-V Privileged Architecture, "Supervisor Cause Register".
 */
#include "abi/errno.h"
#include "arch/hart.h"
#include "fault.h"
#include "mm/frame.h"
#include "proc/exec.h"
#include "proc/port.h"
#include "proc/queue.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/space.h"
#include "syscalls.h"

#define CAUSE_INTERRUPT (1UL << 63)

_Static_assert(CALL_WAITS == -TRAP_WAITS, "trapvec.S");
_Static_assert(CALL_SENDS == -TRAP_SENDS, "trapvec.S");

/* Tells trapvec.S what to do; negative values are errors of a page fault. */
enum trap_verdict { DONE, WORK, SLOW = TRAP_SLOW };

long trap_call(long result);
long trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va);
void trap_slow(struct trapframe *tf, long verdict, uint64_t cause, vaddr_t va);
void trap_resume(struct trapframe *tf);
#if defined(CALF_TEST) || defined(CALF_TRACE)
void trap_check(struct trapframe *tf);
#endif
#ifdef CALF_TRACE
void trap_trace(struct trapframe *tf, uint64_t cause, vaddr_t va);
#endif

/* Has memory run out, so that a cached program should be given up for it? */
static bool may_reclaim(long error)
{
	return unlikely(error == -ENOMEM) && frame_free_count() < RECLAIM_BELOW;
}

/*
 * Called if the handler of a call has returned a negative result, which is an
 * error or one of proc/call.h, or if the process has work. Returns a verdict.
 */
long trap_call(long result)
{
	struct proc *p = proc_self();

	result = call_or_later(result, SIGNAL_HELD);
	if (may_reclaim(result))
		return SLOW;
	if (result == CALL_GOES_ON)
		return WORK;
	call_finish(p, result);
	return __atomic_load_n(&p->t.work, __ATOMIC_RELAXED) ? WORK : DONE;
}

/* Called for all traps that are not system calls. Returns a verdict. */
long trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va)
{
	struct proc *p = container_of(tf, struct proc, t.tf);
	enum access access = fault_access(cause);
	int err;

	if (access == 0)
		return SLOW;
	stats_count(page_faults);
	err = aspace_fault(p->as, va, access);
	if (unlikely(err < 0))
		return err;
	return __atomic_load_n(&p->t.work, __ATOMIC_RELAXED) ? WORK : DONE;
}

/*
 * The call found no memory. If a program is cached that nobody runs, it is
 * given up, and the call is executed again. Else -ENOMEM is the result, if the
 * call has asked for memory; or if a page of user memory that it works on is
 * missing, the process is treated as if it had touched that page itself.
 */
static long call_without_memory(struct proc *p)
{
	if (image_reclaim(p))
		return call_go_on(SIGNAL_HELD);
	if (syscall_wants_memory(&p->t.tf))
		return -ENOMEM;
	/* First: a process that is spared then executes its call again. */
	(void)call_go_on(SIGNAL_HELD);
	fault_no_memory(p);
	return p->exiting ? CALL_ENDED : CALL_GOES_ON;
}

/*
 * Executes the call of the process, for the first time or once more. If it has
 * to wait, that is all for now.
 */
static void call_execute(struct proc *p)
{
	long result = call_or_later(syscall_execute(&p->t.tf), SIGNAL_HELD);

	if (may_reclaim(result))
		result = call_without_memory(p);
	if (result == CALL_WAITS)
		schedule();
	if (result == CALL_ENDED)
		p->t.call.word = 0; /* earlier parts may have set it */
	else if (result != CALL_GOES_ON)
		call_finish(p, result);
}

static void fault_slow(struct proc *p, uint64_t cause, vaddr_t va, long error)
{
	if (may_reclaim(error) && image_reclaim(p))
		return;
	fault_failed(p, cause, va, error);
}

/*
 * What a process does before it enters user mode or goes on with its call:
 * tears down what it left behind, ends, takes its signals. At each pause the
 * hart may go on with another process.
 */
static void before_user(struct proc *p)
{
	while (__atomic_load_n(&p->t.work, __ATOMIC_ACQUIRE)) {
		if (p->dead != NULL) {
			space_tear_down_part(p);
		} else if (p->closed != NULL) {
			port_clear_part(p);
		} else if (p->exiting != EXIT_NOT) {
			proc_exit_part(p);
		} else if (call_holds_signals(p)) {
			return;
		} else {
			__atomic_store_n(&p->t.work, 0, __ATOMIC_RELAXED);
			if (signal_deliver(p))
				continue;
		}
		sched_preemption_point();
	}
}

#ifdef CALF_TRACE
/* Records a trap; trap_check() records the return to user mode. */
void trap_trace(struct trapframe *tf, uint64_t cause, vaddr_t va)
{
	TRACE(trapped, "cause va call pc", cause, va, *tf_reg(tf, REG_A7),
	    tf->pc);
}

void trap_check(struct trapframe *tf)
{
	TRACE(returned, "result", *tf_reg(tf, REG_A0));
}
#endif

#ifdef CALF_TEST
/* Checks what has to hold whenever user mode is entered: C1, C4 and C5. */
void trap_check(struct trapframe *tf)
{
	const struct proc *p = container_of(tf, struct proc, t.tf);

	assert(p == proc_self() && p->t.state == PROC_RUNNING);
	assert(p->t.call.word == 0);
	assert(!p->t.has_saved && p->t.awaited == 0);
	assert(!p->t.searches);
	assert(aspace_is_ours(p->as));
	assert(!user_is_late());
	hart_pause(*tf_reg(tf, REG_A7));
}
#endif

void trap_resume(struct trapframe *tf)
{
	struct proc *p = container_of(tf, struct proc, t.tf);

	for (;;) {
		before_user(p);
		if (p->t.call.state == CALL_NONE)
			break;
		sched_preemption_point();
		call_execute(p);
	}
}

void trap_slow(struct trapframe *tf, long verdict, uint64_t cause, vaddr_t va)
{
	struct proc *p = container_of(tf, struct proc, t.tf);

	if (verdict < 0)
		fault_slow(p, cause, va, verdict);
	else if (verdict == SLOW && cause == CAUSE_ECALL)
		call_execute(p);
	else if (cause & CAUSE_INTERRUPT)
		sched_tick();
	else if (verdict == SLOW)
		fault_exception(p, cause, va);
	trap_resume(tf);
}
