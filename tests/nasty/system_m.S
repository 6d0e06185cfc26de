/* SPDX-License-Identifier: MIT */
/*
 * system_m.S - M-mode below the programs of system.c on QEMU: leaves all that
 * it can to S-mode, and answers a call of the firmware as one that knows none.
 */
	.section .text
	.global	_start
_start:
	csrr	t0, mhartid			/* one is enough */
1:
	bnez	t0, 1b
	la	t0, trap
	csrw	mtvec, t0
	li	t0, 0xb1ff			/* but for calls from S-mode */
	csrw	medeleg, t0
	li	t0, 0x222
	csrw	mideleg, t0
	li	t0, -1
	csrw	pmpaddr0, t0
	li	t0, 0x1f
	csrw	pmpcfg0, t0
	li	t0, 7
	csrw	mcounteren, t0
	li	t0, 5 << 61			/* stimecmp; A and D are set */
	csrs	0x30a, t0			/* menvcfg */
	li	t0, 3 << 11
	csrc	mstatus, t0
	li	t0, 1 << 11
	csrs	mstatus, t0
	la	t0, _start
	li	t1, 0x200000
	add	t0, t0, t1
	csrw	mepc, t0
	mret

	.balign	4
trap:
	csrr	a0, mcause
	addi	a0, a0, -9
	bnez	a0, fail
	csrr	a0, mepc
	addi	a0, a0, 4
	csrw	mepc, a0
	li	a0, -2
	li	a1, 0
	mret

fail:
	li	a0, 0x100000			/* the test device */
	li	a1, 0x13333
	sw	a1, 0(a0)
	j	.
