/* SPDX-License-Identifier: MIT */
/*
 * page.S - copy and fill one page.
 *
 * Unrolled: 4 KiB take 512 loads and 512 stores whatever one does, so the loop
 * around them is what can be saved.
 */
	.macro	copy4	off
	ld	a2, \off+0(a1)
	ld	a4, \off+8(a1)
	ld	a5, \off+16(a1)
	ld	a6, \off+24(a1)
	sd	a2, \off+0(a0)
	sd	a4, \off+8(a0)
	sd	a5, \off+16(a0)
	sd	a6, \off+24(a0)
	.endm

	.text
	/* page_copy(dst, src) */
	.globl	page_copy
page_copy:
	li	a3, 1 << 12
	add	a3, a3, a1
1:	.set	at, 0
	.rept	64
	copy4	at
	.set	at, at + 32
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
	li	a1, 0

	/* page_fill(page, word) */
	.globl	page_fill
page_fill:
	li	a3, 1 << 12
	add	a3, a3, a0
1:	.set	at, 0
	.rept	256
	sd	a1, at(a0)
	.set	at, at + 8
	.endr
	addi	a0, a0, 2047
	addi	a0, a0, 1
	bne	a0, a3, 1b
	ret
