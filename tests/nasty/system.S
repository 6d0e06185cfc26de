/* SPDX-License-Identifier: MIT */
/*
 * system.S - runs the programs of system.c, one after the other, in S-mode;
 * takes their traps; and ends with all that they left in their blocks.
 *
 * The same bytes run on QEMU, below system_m.S, and on the nasty machine.
 */
#include "system.h"

	.section .text
	.global	_start
_start:
	j	1f
	.balign	8
	j	save				/* WAY_OUT */
1:
	la	x3, _start
	li	x4, BLOCK_SIZE
	add	x3, x3, x4

/* The program whose record is at x3. */
begin:
	la	x6, vectors
	csrw	stvec, x6
	ld	x4, RECORD_X(x3)
	beqz	x4, end
	csrw	sie, zero
	csrw	sip, zero
	li	x6, -1
	csrw	0x14d, x6			/* stimecmp */
	li	x6, 3 << 13			/* floating point on */
	csrs	sstatus, x6
	ld	x6, RECORD_FCSR(x3)
	csrw	fcsr, x6
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,\
		23,24,25,26,27,28,29,30,31
	fld	f\n, RECORD_F + 8 * \n(x3)
	.endr
	ld	x6, RECORD_CSRS + 8 * 10(x3)
	csrw	satp, x6
	sfence.vma
	fence.i
	ld	x6, RECORD_CSRS + 8 * 3(x3)
	csrw	scounteren, x6
	ld	x6, RECORD_CSRS + 8 * 4(x3)
	csrw	senvcfg, x6
	ld	x6, RECORD_CSRS + 8 * 5(x3)
	csrw	sscratch, x6
	ld	x6, RECORD_CSRS + 8 * 6(x3)
	csrw	sepc, x6
	ld	x6, RECORD_CSRS + 8 * 7(x3)
	csrw	scause, x6
	ld	x6, RECORD_CSRS + 8 * 8(x3)
	csrw	stval, x6
	ld	x6, RECORD_CSRS(x3)
	csrw	sstatus, x6
	ld	x1, RECORD_X + 8 * 1(x3)
	ld	x2, RECORD_X + 8 * 2(x3)
	li	x5, 0
	.irp	n, 6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,\
		27,28,29,30,31
	ld	x\n, RECORD_X + 8 * \n(x3)
	.endr
	jr	x4

/* The end of a program, which is in S-mode. */
	.macro	keep csr, n
	csrr	x6, \csr
	sd	x6, RECORD_CSRS + 8 * \n(x3)
	.endm
save:
	.irp	n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,\
		24,25,26,27,28,29,30,31
	sd	x\n, RECORD_X + 8 * \n(x3)
	.endr
	keep	sstatus, 0
	csrci	sstatus, 2
	keep	sie, 1
	keep	sip, 2
	keep	scounteren, 3
	keep	senvcfg, 4
	keep	sscratch, 5
	keep	sepc, 6
	keep	scause, 7
	keep	stval, 8
	keep	0x14d, 9
	keep	satp, 10
	keep	stvec, 11
	li	x6, 3 << 13
	csrs	sstatus, x6
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,\
		23,24,25,26,27,28,29,30,31
	fsd	f\n, RECORD_F + 8 * \n(x3)
	.endr
	csrr	x6, fcsr
	sd	x6, RECORD_FCSR(x3)
	csrw	satp, zero
	sfence.vma
	li	x6, BLOCK_SIZE
	add	x3, x3, x6
	j	begin

end:
	csrw	satp, zero
	li	x6, 0x100000			/* the test device */
	li	x7, 0x5555
	sw	x7, 0(x6)
	j	.

/* --- traps ---------------------------------------------------------------- */

/* x5 says which of these it was. */
	.balign	64
vectors:
	.rept	16
	.option	push
	.option	norvc
	jal	x5, trap
	.option	pop
	.endr

/* Writes down a trap, and goes on at x4; after an interrupt, where it was. */
trap:
	sd	x6, RECORD_SAVED(x3)
	sd	x7, RECORD_SAVED + 8(x3)
	sd	x8, RECORD_SAVED + 16(x3)
	jal	x8, even_out
	ld	x6, RECORD_TRAPS(x3)
	csrr	x7, scause
	sd	x7, 0(x6)
	csrr	x8, sepc
	sd	x8, 8(x6)
	csrr	x8, stval
	sd	x8, 16(x6)
	csrr	x8, sstatus
	sd	x8, 24(x6)
	sd	x5, 32(x6)
	csrr	x8, sip
	sd	x8, 40(x6)
	addi	x6, x6, TRAP_SIZE
	sd	x6, RECORD_TRAPS(x3)
	li	x5, 0
	bltz	x7, interrupt
	/* After a fault of a fetch, or a call from U-mode, go on in S-mode. */
	li	x8, 1 << 0 | 1 << 1 | 1 << 8 | 1 << 12
	srl	x8, x8, x7
	andi	x8, x8, 1
	bnez	x8, supervise
	csrw	sepc, x4
	j	resume

/*
 * Goes on at x4 in S-mode, where the two pages of code are mapped at their
 * physical address.
 */
supervise:
	ld	x6, RECORD_CODE(x3)
	slli	x8, x4, 51
	srli	x8, x8, 51
	add	x6, x6, x8
	csrw	sepc, x6
	li	x8, 1 << 8
	csrs	sstatus, x8
	j	resume

/*
 * Makes traps equal where QEMU differs, or may: stval at an ebreak is 0 or its
 * address; for an address without memory it is that of the eight bytes around,
 * and an atomic operation is reported as a load.
 */
even_out:
	csrr	x7, scause
	li	x6, 3
	bne	x7, x6, 1f
	csrw	stval, zero
1:
	ori	x6, x7, 2
	addi	x6, x6, -7			/* 0 for 5 and 7 */
	bnez	x6, 2f
	csrr	x6, stval
	andi	x6, x6, -8
	csrw	stval, x6
	ld	x7, RECORD_CODE(x3)
	csrr	x6, sepc
	slli	x6, x6, 51
	srli	x6, x6, 51
	add	x6, x6, x7
	lbu	x6, 0(x6)
	addi	x6, x6, -0x2f
	andi	x6, x6, 0x7f
	bnez	x6, 2f
	li	x6, 7
	csrw	scause, x6
2:
	jr	x8

interrupt:
	csrw	sie, zero
resume:
	ld	x6, RECORD_SAVED(x3)
	ld	x7, RECORD_SAVED + 8(x3)
	ld	x8, RECORD_SAVED + 16(x3)
	sret

