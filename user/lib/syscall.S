/* SPDX-License-Identifier: MIT */
/*
 * syscall.S - long syscall(long number, ...), under every other call.
 *
 * Arguments of a variadic function travel in a1 to a6 just as fixed ones do,
 * so they only move down by one register.
 */
	.section .text.syscall, "ax"
	.globl	syscall
	.type	syscall, @function
syscall:
	mv	a7, a0			/* number */
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	mv	a5, a6
	ecall
	li	t0, -4096
	bgtu	a0, t0, 1f		/* -4095 to -1 are errors */
	ret
1:
	negw	a0, a0			/* errno */
	sw	a0, errno, t0
	li	a0, -1
	ret
	.size	syscall, . - syscall

	.section .sbss, "aw", @nobits
	.globl	errno
	.type	errno, @object
	.balign	4
errno:
	.zero	4
	.size	errno, 4
	.section .note.GNU-stack, "", @progbits
