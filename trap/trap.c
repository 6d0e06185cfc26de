/* SPDX-License-Identifier: MIT */
/*
 * trap.c - why a process came into the kernel, and what is done about it.
 *
 * All called by arch/trapvec.S. Most system calls need nothing from here, and
 * nearly all page faults only trap_fault(). What they cannot finish goes
 * through trap_slow(), with all registers saved, where the process may be
 * exchanged for another.
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

_Static_assert(ERESTART == TRAP_WAITS, "trapvec.S");

/* What trapvec.S is told to do; negative values are errors of a page fault. */
enum trap_verdict { DONE, WORK, SLOW = TRAP_SLOW };

long trap_call(long result);
long trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va);
void trap_slow(struct trapframe *tf, long verdict, uint64_t cause, vaddr_t va);

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

/*
 * A fast call that ended with an error or a result of the kernel's own, or
 * whose process has something to do before it goes on.
 */
long trap_call(long result)
{
	struct proc *p = proc_self();

	if (may_reclaim(result))
		return SLOW;
	if (result != -ERESTART)
		finish_call(p, result);
	return __atomic_load_n(&p->work, __ATOMIC_RELAXED) ? WORK : DONE;
}

/* Everything that is not a system call. */
long trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va)
{
	struct proc *p = container_of(tf, struct proc, tf);
	enum access access = fault_access(cause);
	int err;

	if (access == 0)
		return SLOW;
	stats_count(page_faults);
	err = aspace_fault(p->as, va, access);
	if (unlikely(err < 0))
		return err;
	return __atomic_load_n(&p->work, __ATOMIC_RELAXED) ? WORK : DONE;
}

/* An exec may fill the cache again, so it is tried again only once. */
static void call_slow(struct proc *p)
{
	long result = syscall_execute(&p->tf);

	if (reclaimed(result))
		result = syscall_execute(&p->tf);
	/* The memory that a call works on is gone, not what it asks for. */
	if (may_reclaim(result) && !syscall_wants_memory(&p->tf)) {
		fault_no_memory(p);
		return;
	}
	if (result != -ERESTART)
		finish_call(p, result);
}

static void fault_slow(struct proc *p, uint64_t cause, vaddr_t va, long error)
{
	if (reclaimed(error))
		error = aspace_fault(p->as, va, fault_access(cause));
	if (error < 0)
		fault_failed(p, cause, va, error);
}

void trap_slow(struct trapframe *tf, long verdict, uint64_t cause, vaddr_t va)
{
	struct proc *p = container_of(tf, struct proc, tf);

	if (verdict < 0)
		fault_slow(p, cause, va, verdict);
	else if (verdict == SLOW && cause == CAUSE_ECALL)
		call_slow(p);
	else if (cause & CAUSE_INTERRUPT)
		sched_tick();
	else if (verdict == SLOW)
		fault_exception(p, cause, va);
	if (hart_self()->leaving)
		schedule();
	sched_before_user(p);
}
