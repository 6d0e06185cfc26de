/* SPDX-License-Identifier: MIT */
/*
 * gen_access.S - single accesses that may fault.
 *
 * Each function returns 0, or 1 if there was a fault: the handler stores 1 to
 * a0 and goes on at ra. access_call() returns something other than 1 if the
 * call succeeded.
 */
	.text
	.globl	access_load1, access_load8, access_store1, access_store8
	.globl	access_call
	.type	access_load1, @function
	.type	access_load8, @function
	.type	access_store1, @function
	.type	access_store8, @function
	.type	access_call, @function
access_load1:				/* (address, uint64_t *value) */
	lbu	t1, 0(a0)
	j	1f
access_load8:
	ld	t1, 0(a0)
1:	sd	t1, 0(a1)
	li	a0, 0
	ret
access_store1:				/* (address, value) */
	sb	a1, 0(a0)
	li	a0, 0
	ret
access_store8:
	sd	a1, 0(a0)
	li	a0, 0
	ret
access_call:				/* (address) */
	mv	t0, ra
	jalr	ra, 0(a0)
	mv	ra, t0
	ret
	.section .note.GNU-stack, "", @progbits
