/* SPDX-License-Identifier: MIT */
/*
 * trapvec.S - from user mode into the kernel and back.
 *
 * sscratch holds the trap frame of the running process while it is in user
 * mode, and 0 while this hart is in the kernel, where no trap may happen.
 *
 * A trap saves what C functions may clobber and calls trap_fast(). Most traps
 * end there: the callee-saved registers are still in place when it returns.
 * Where trap_fast() asks for it, the rest is saved too and trap_slow() is
 * called, which may switch to another process and never come back.
 *
 * The kernel does not use gp, so it stays the user's.
 */
#include "arch/trapframe.h"
#include "asm_offsets.h"

	.macro	save	reg, n
	sd	\reg, TF_REG(\n)(a0)
	.endm
	.macro	load	reg, n
	ld	\reg, TF_REG(\n)(a0)
	.endm

	.macro	load_caller_saved_but_a0
	load	ra, 1
	load	sp, 2
	load	tp, 4
	load	t0, 5
	load	t1, 6
	load	t2, 7
	load	a1, 11
	load	a2, 12
	load	a3, 13
	load	a4, 14
	load	a5, 15
	load	a6, 16
	load	a7, 17
	load	t3, 28
	load	t4, 29
	load	t5, 30
	load	t6, 31
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
	save	t2, 7
	save	a1, 11
	save	a2, 12
	save	a3, 13
	save	a4, 14
	save	a5, 15
	save	a6, 16
	save	a7, 17
	save	t3, 28
	save	t4, 29
	save	t5, 30
	save	t6, 31
	csrrw	t0, sscratch, zero	/* the user's a0; now in the kernel */
	save	t0, 10
	csrr	t1, sepc
	sd	t1, TF_PC(a0)
	ld	tp, TF_HART(a0)
	ld	sp, HART_KERNEL_SP(tp)
	csrr	a1, scause
	call	trap_fast
	bnez	a0, trap_needs_all

	.globl	trap_return
trap_return:
	ld	a0, HART_PROC(tp)
	ld	t0, TF_PC(a0)
	csrw	sepc, t0
	csrw	sscratch, a0
	load_caller_saved_but_a0
	load	a0, 10
	sret

trap_needs_all:
	mv	a1, a0			/* what trap_fast() wants done */
	ld	a0, HART_PROC(tp)
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
	mv	s0, zero		/* the end of backtraces */
	csrr	a2, scause
	csrr	a3, stval
	call	trap_slow
	ld	a0, HART_PROC(tp)
	j	trapframe_enter		/* the frame may be another program's */

	/* trapframe_enter(tf): user mode, with all registers from the frame. */
	.globl	trapframe_enter
trapframe_enter:
	addi	t0, sp, -8
	sc.d	zero, zero, (t0)	/* drop another process's reservation */
	ld	t0, TF_PC(a0)
	csrw	sepc, t0
	csrw	sscratch, a0
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
	load_caller_saved_but_a0
	load	a0, 10
	sret

	/* stack_restart(fn) */
	.globl	stack_restart
stack_restart:
	ld	sp, HART_KERNEL_SP(tp)
	mv	s0, zero
	mv	ra, zero
	jr	a0

	/*
	 * A bug. Whatever the stack was, the report gets a fresh one: the trap
	 * may have come from the guard page under it.
	 */
trap_in_kernel:
	ld	sp, HART_KERNEL_SP(tp)
	csrr	a0, scause
	csrr	a1, sepc
	csrr	a2, stval
	call	trap_in_kernel_report

	/* Floating point: the kernel itself is built without. */
	.macro	each_fp op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	f\n, TF_F(\n)(a0)
	.endr
	.endm

	.option	push
	.option	arch, +d
	.globl	fp_save
fp_save:
	each_fp	fsd
	frcsr	t0
	sd	t0, TF_FCSR(a0)
	ret

	/* fp_load(tf), fp_clear(): the unit must be on; see fp_set_clean(). */
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
	.option	pop
