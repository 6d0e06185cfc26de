/* SPDX-License-Identifier: MIT */
/*
 * page.S - copy and clear one page.
 *
 * Unrolled: 4 KiB take 512 loads and 512 stores whatever one does, so the loop
 * around them is what can be saved.
 */
	.macro	copy8	off
	ld	t0, \off+0(a1)
	ld	t1, \off+8(a1)
	ld	t2, \off+16(a1)
	ld	t3, \off+24(a1)
	ld	t4, \off+32(a1)
	ld	t5, \off+40(a1)
	ld	t6, \off+48(a1)
	ld	a7, \off+56(a1)
	sd	t0, \off+0(a0)
	sd	t1, \off+8(a0)
	sd	t2, \off+16(a0)
	sd	t3, \off+24(a0)
	sd	t4, \off+32(a0)
	sd	t5, \off+40(a0)
	sd	t6, \off+48(a0)
	sd	a7, \off+56(a0)
	.endm

	.text
	/* page_copy(dst, src) */
	.globl	page_copy
page_copy:
	li	a3, 1 << 12
	add	a3, a3, a1
1:	.set	at, 0
	.rept	32
	copy8	at
	.set	at, at + 64
	.endr
	addi	a0, a0, 2047
	addi	a1, a1, 2047
	addi	a0, a0, 1
	addi	a1, a1, 1
	bne	a1, a3, 1b
	ret

	/* page_zero(page) */
	.globl	page_zero
page_zero:
	li	a3, 1 << 12
	add	a3, a3, a0
1:	.set	at, 0
	.rept	256
	sd	zero, at(a0)
	.set	at, at + 8
	.endr
	addi	a0, a0, 2047
	addi	a0, a0, 1
	bne	a0, a3, 1b
	ret
