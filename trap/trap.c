/* SPDX-License-Identifier: MIT */
/*
 * trap.c - why a process came into the kernel, and what is done about it.
 *
 * Two doors, both called by arch/trapvec.S. trap_fast() handles what needs
 * only the registers that C may clobber: most system calls and nearly all page
 * faults. What it cannot finish goes through trap_slow(), with all registers
 * saved, where the process may be exchanged for another.
 *
 * Ref: RISC-V Privileged Architecture, "Supervisor Cause Register".
 */
#include "abi/errno.h"
#include "arch/hart.h"
#include "fault.h"
#include "mm/frame.h"
#include "proc/exec.h"
#include "proc/sched.h"
#include "syscalls.h"

#define CAUSE_INTERRUPT (1UL << 63)
#define CAUSE_ECALL     8

/* What trap_fast() returns; negative values are errors of a page fault. */
enum trap_verdict { DONE = 0, WORK = 1, SLOW = 2 };

struct trap_stats trap_stats[MAX_HARTS];

long trap_fast(struct trapframe *tf, uint64_t cause);
void trap_slow(struct trapframe *tf, long verdict, uint64_t cause,
    uint64_t address);

static bool is_page_fault(uint64_t cause)
{
	return cause == 12 || cause == 13 || cause == 15;
}

/* Memory may be short because programs are cached that nobody runs. */
static bool may_reclaim(long error)
{
	return unlikely(error == -ENOMEM) && frame_free_count() < RECLAIM_BELOW;
}

/* All at once, so that a caller who tries once more has had every chance. */
static bool reclaimed(long error)
{
	bool found = false;

	while (may_reclaim(error) && image_reclaim())
		found = true;
	return found;
}

static void finish_call(struct proc *p, long result)
{
	p->progress.active = false;
	if (result == -ENORESULT)
		return;
	*tf_reg(&p->tf, REG_A0) = (uint64_t)result;
	p->tf.pc += 4;
}

long trap_fast(struct trapframe *tf, uint64_t cause)
{
	struct proc *p = proc_self();
	long result;

	if (likely(cause == CAUSE_ECALL)) {
		result = syscall_execute(tf, true);
		if (result == -EAGAIN_SLOW || may_reclaim(result))
			return SLOW;
		finish_call(p, result);
	} else if (likely(is_page_fault(cause))) {
		result = fault_resolve(p, cause);
		if (result < 0)
			return result;
	} else {
		return SLOW;
	}
	return __atomic_load_n(&p->work, __ATOMIC_RELAXED) ? WORK : DONE;
}

/* An exec may fill the cache again, so it is tried again only once. */
static void call_slow(struct proc *p)
{
	long result = syscall_execute(&p->tf, false);

	if (reclaimed(result))
		result = syscall_execute(&p->tf, false);
	/* The memory that a call works on is gone, not what it asks for. */
	if (may_reclaim(result) && !syscall_wants_memory(&p->tf)) {
		fault_no_memory(p);
		return;
	}
	if (result != -ERESTART)
		finish_call(p, result);
	if (hart_self()->leaving)
		schedule();
}

static void fault_slow(struct proc *p, uint64_t cause, uint64_t address,
    long error)
{
	if (reclaimed(error))
		error = fault_resolve(p, cause);
	if (error < 0)
		fault_failed(p, cause, address, error);
}

void trap_slow(struct trapframe *tf, long verdict, uint64_t cause,
    uint64_t address)
{
	struct proc *p = proc_self();

	(void)tf;
	if (verdict < 0)
		fault_slow(p, cause, address, verdict);
	else if (verdict == SLOW && cause == CAUSE_ECALL)
		call_slow(p);
	else if (cause & CAUSE_INTERRUPT)
		sched_tick();
	else if (verdict == SLOW)
		fault_exception(p, cause, address);
	sched_before_user(p);
}
