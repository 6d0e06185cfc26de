/* SPDX-License-Identifier: MIT */
/*
 * misaligned.S - words are loaded from any address, where a hart does that by
 * itself and does not leave it to software. In assembly, as the compiler would
 * load the bytes one by one.
 */
	.text
	/* misaligned_copy(dst, src, len): include/lib/string.h:words_copy */
	.globl	misaligned_copy
misaligned_copy:
	andi	a2, a2, -8
	mv	a3, a2			/* what is left */
	li	t0, 64
	bltu	a3, t0, 2f
1:	.irp	at, 0, 16, 32, 48
	ld	a4, \at(a1)
	ld	a5, \at + 8(a1)
	sd	a4, \at(a0)
	sd	a5, \at + 8(a0)
	.endr
	addi	a0, a0, 64
	addi	a1, a1, 64
	addi	a3, a3, -64
	bgeu	a3, t0, 1b
2:	beqz	a3, 4f
3:	ld	a4, 0(a1)
	addi	a1, a1, 8
	sd	a4, 0(a0)
	addi	a0, a0, 8
	addi	a3, a3, -8
	bnez	a3, 3b
4:	mv	a0, a2
	ret

	/*
	 * load_cycles(src): how many cycles it takes to load the word at `src`
	 * 32 times; or the largest number, if something here is refused by a
	 * trap: the loads, or to read the counter.
	 */
	.globl	load_cycles
load_cycles:
	la	t0, 1f
	csrrw	t0, stvec, t0
	csrr	a1, cycle
	.rept	32
	ld	a2, 0(a0)
	.endr
	csrr	a2, cycle
	csrw	stvec, t0
	sub	a0, a2, a1
	ret
	.balign	4
1:	csrw	stvec, t0
	li	t0, 1 << 8
	csrc	sstatus, t0		/* SPP: the next sret is to user mode */
	li	a0, -1
	ret
