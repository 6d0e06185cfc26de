/* SPDX-License-Identifier: MIT */
/*
 * trapvec.S - from user mode into the kernel and back.
 *
 * sscratch holds the trap frame of the running process while it is in user
 * mode, and 0 while this hart is in the kernel, where no trap may happen.
 *
 * A trap saves the registers that C functions may clobber. A system call then
 * goes straight to its handler, a page fault to trap_fault(), and most traps
 * end there: the other registers are still in place. If more is to be done,
 * these functions return a verdict other than 0: then the other registers are
 * saved too and trap_slow() is called, which may switch to another process and
 * never come back. A call that may become a message to another process has all
 * registers saved before its fast path runs.
 *
 * The registers that C functions may clobber are ra, t0, t1 and the arguments:
 * the kernel is compiled without gp and t2 to t6, so these stay the user's
 * until it leaves the hart. Ten instructions less in each trap outweigh what
 * the compiler could do with five registers more. Clang accepts the option but
 * uses these registers nevertheless, so with Clang each trap saves them, too.
 */
#include "abi/syscall.h"
#include "arch/trapframe.h"
#include "asm_offsets.h"

	/* save and load: `tf` is the register that points to the trap frame. */
	.macro	save	reg, n, tf=a0
	sd	\reg, TF_REG(\n)(\tf)
	.endm
	.macro	load	reg, n, tf=a0
	ld	\reg, TF_REG(\n)(\tf)
	.endm

	.macro	temporaries op, tf
	\op	t2, 7, \tf
	\op	t3, 28, \tf
	\op	t4, 29, \tf
	\op	t5, 30, \tf
	\op	t6, 31, \tf
	.endm
#ifdef __clang__
#define ALWAYS(op, tf) temporaries op, tf
#define LATE(op, tf)
#else
#define ALWAYS(op, tf)
#define LATE(op, tf) temporaries op, tf
#endif

	/* With the trap frame in t0; a0 is left as it is. */
	.macro	load_caller_saved_but_a0
	ALWAYS(load, t0)
	load	ra, 1, t0
	load	sp, 2, t0
	load	tp, 4, t0
	load	t1, 6, t0
	load	a1, 11, t0
	load	a2, 12, t0
	load	a3, 13, t0
	load	a4, 14, t0
	load	a5, 15, t0
	load	a6, 16, t0
	load	a7, 17, t0
	load	t0, 5, t0
	.endm

	/* The registers that C functions leave as they are. */
	.macro	save_rest
	LATE(save, a0)
	save	gp, 3
	save	s0, 8
	save	s1, 9
	save	s2, 18
	save	s3, 19
	save	s4, 20
	save	s5, 21
	save	s6, 22
	save	s7, 23
	save	s8, 24
	save	s9, 25
	save	s10, 26
	save	s11, 27
	.endm

	.text
	.balign	4
	.globl	trap_vector
trap_vector:
	csrrw	a0, sscratch, a0	/* a0 = trap frame, or 0 */
	beqz	a0, trap_in_kernel
	save	ra, 1
	save	sp, 2
	save	tp, 4
	save	t0, 5
	save	t1, 6
	save	a1, 11
	save	a2, 12
	save	a3, 13
	save	a4, 14
	save	a5, 15
	save	a6, 16
	save	a7, 17
	ALWAYS(save, a0)
	csrrw	t0, sscratch, zero	/* the user's a0; now in the kernel */
	save	t0, 10
	csrr	t1, sepc
	ld	tp, TF_HART(a0)
	ld	sp, HART_KERNEL_SP(tp)
#ifdef CALF_TEST
	csrr	t0, instret
	sd	t0, HART_ENTERED(tp)
#endif
	csrr	a1, scause
#ifdef CALF_TRACE
	sd	t1, TF_PC(a0)
	csrr	a2, stval
	call	trap_trace
	ld	a0, HART_PROC(tp)
	load	a7, 17
	ld	t1, TF_PC(a0)
	csrr	a1, scause
#endif
	li	t0, CAUSE_ECALL
	bne	a1, t0, trap_other

	/*
	 * A system call: calls the function that syscall_table has for the
	 * number in a7. The program will go on behind the ecall.
	 */
	addi	t1, t1, 4
	sd	t1, TF_PC(a0)
	li	t0, SYSCALL_TABLE_SIZE
	bgeu	a7, t0, trap_call_of_server
	slli	t0, a7, SYSCALL_ENTRY_SHIFT
	la	t1, syscall_table
	add	t1, t1, t0
	ld	t1, 0(t1)
	beqz	t1, trap_call_of_server
	jalr	t1
trap_call_returns:
	bltz	a0, trap_call_more
	ld	t0, HART_PROC(tp)
	lw	t1, PROC_WORK(t0)
	bnez	t1, trap_call_more
	sw	zero, PROC_CALL(t0)	/* call_finish(), with a0 in place */
#if defined(CALF_TEST) || defined(CALF_TRACE)
	save	a0, 10, t0
	j	trap_return
#endif
	ld	t1, TF_PC(t0)
	csrw	sepc, t1
	csrw	sscratch, t0
	load_caller_saved_but_a0
	sret

	/* In syscall_table for calls that want all registers saved. */
	.globl	trap_call_full
trap_call_full:
	li	a0, TRAP_SLOW
	j	trap_call_needs_all

	/* A call that has no handler is for a server. */
trap_call_of_server:
	call	sys_remote
	j	trap_call_returns
trap_call_more:
	li	t0, -TRAP_WAITS
	beq	a0, t0, trap_leaves
#ifndef CALF_NO_FAST_PATHS
	li	t0, -TRAP_SENDS
	beq	a0, t0, trap_sends
#endif
	call	trap_call
	bnez	a0, trap_call_needs_all
	j	trap_return

trap_other:
	sd	t1, TF_PC(a0)
	csrr	a2, stval
	call	trap_fault
	bnez	a0, trap_needs_all

	.globl	trap_return
trap_return:
#if defined(CALF_TEST) || defined(CALF_TRACE)
	ld	a0, HART_PROC(tp)
	call	trap_check
#endif
	ld	t0, HART_PROC(tp)
	ld	t1, TF_PC(t0)
	csrw	sepc, t1
	csrw	sscratch, t0
	load	a0, 10, t0
	load_caller_saved_but_a0
	sret

trap_call_needs_all:
	li	a2, CAUSE_ECALL
	j	1f
trap_needs_all:
	csrr	a2, scause
1:	mv	a1, a0			/* what trap_slow() is to do */
	ld	a0, HART_PROC(tp)
	save_rest
	mv	s0, zero		/* the end of backtraces */
2:	csrr	a3, stval
	call	trap_slow
	ld	a0, HART_PROC(tp)
	j	trapframe_enter

	/* The process waits: the hart goes on with another one. */
trap_leaves:
	ld	a0, HART_PROC(tp)
	save_rest
	mv	s0, zero
#ifdef CALF_NO_FAST_PATHS
	j	sched_switch
#else
	j	schedule

	/*
	 * In syscall_table for calls that may give the hart to the other side
	 * of a message. Each of these saves all registers and calls a function
	 * of C, which may change all registers but s0 and s1 (Makefile:
	 * MESSAGE_CFLAGS). That function returns only if it has left the call
	 * to its ordinary handler, and then with the handler's result.
	 */
	.macro	message name
	.globl	trap_\name
trap_\name:
	la	t1, \name
	j	trap_message
	.endm
	message	fast_remote
	message	fast_lend_at
	message	fast_path
	message	fast_stat
	message	fast_close
	message	fast_port_next
trap_sends:
	ld	a0, HART_PROC(tp)
	message	fast_lend
trap_message:
	save_rest
	mv	s0, zero
	jalr	t1
	li	t0, -TRAP_WAITS
	bne	a0, t0, 3f
	j	schedule
3:	call	trap_call
	mv	a1, a0
	li	a2, CAUSE_ECALL
	ld	a0, HART_PROC(tp)
	bnez	a1, 2b
	j	trapframe_enter
#endif

	.macro	load_rest
	addi	t0, sp, -8
	sc.d	zero, zero, (t0)	/* drop another process's reservation */
	LATE(load, a0)
	load	gp, 3
	load	s0, 8
	load	s1, 9
	load	s2, 18
	load	s3, 19
	load	s4, 20
	load	s5, 21
	load	s6, 22
	load	s7, 23
	load	s8, 24
	load	s9, 25
	load	s10, 26
	load	s11, 27
	.endm

	/*
	 * trapframe_resume(tf): does what is to be done before user mode, and
	 * enters it.
	 */
	.globl	trapframe_resume
trapframe_resume:
	ld	sp, HART_KERNEL_SP(tp)
	mv	s0, zero
	call	trap_resume
	ld	a0, HART_PROC(tp)

	/* trapframe_enter(tf): user mode, with all registers from the frame. */
	.globl	trapframe_enter
trapframe_enter:
#if defined(CALF_TEST) || defined(CALF_TRACE)
	mv	s0, a0
	call	trap_check
	mv	a0, s0
#endif
	load_rest
	ld	t0, TF_PC(a0)
	csrw	sepc, t0
	csrw	sscratch, a0
	mv	t0, a0
	load	a0, 10
	load_caller_saved_but_a0
	sret

	/*
	 * A trap in the kernel is a bug. The report gets an empty stack, as the
	 * trap may have come from the guard page under the stack.
	 */
trap_in_kernel:
	ld	sp, HART_KERNEL_SP(tp)
	csrr	a0, scause
	csrr	a1, sepc
	csrr	a2, stval
	call	trap_in_kernel_report

	/* Floating point, which the kernel itself does not use. */
	.macro	each_fp op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	f\n, TF_F(\n)(a0)
	.endr
	.endm

	.globl	fp_save
fp_save:
	each_fp	fsd
	frcsr	t0
	sd	t0, TF_FCSR(a0)
	ret

	/* fp_load(tf), fp_clear() turn the unit on first; fp_set_clean(). */
	.globl	fp_load
fp_load:
	li	t0, 1 << 13
	csrs	sstatus, t0
	ld	t0, TF_FCSR(a0)
	fscsr	t0
	each_fp	fld
	ret

	.globl	fp_clear
fp_clear:
	li	t0, 1 << 13
	csrs	sstatus, t0
	fscsr	zero
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fmv.d.x	f\n, zero
	.endr
	ret
