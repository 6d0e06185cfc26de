/* SPDX-License-Identifier: MIT */
/*
 * syscall.S - long syscall(long number, ...), by which the library makes most
 * calls; and functions for the calls that are made most often, which only load
 * the number of the call.
 *
 * Arguments of a variadic function travel in a1 to a6 just as fixed ones do,
 * so they only move down by one register.
 */
#include "abi/syscall.h"

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
	bgtu	a0, t0, failed		/* -4095 to -1 are errors */
	ret
failed:
	negw	a0, a0			/* errno */
	sw	a0, errno, t0
	li	a0, -1
	ret
	.size	syscall, . - syscall

	.macro	stub name, number
	.section .text.\name, "ax"
	.globl	\name
	.type	\name, @function
\name:
	li	a7, \number
	ecall
	li	t0, -4096
	bgtu	a0, t0, 1f
	ret
1:	tail	failed
	.size	\name, . - \name
	.endm
	stub	read, SYS_read
	stub	write, SYS_write
	stub	pread, SYS_pread64
	stub	close, SYS_close
	stub	port_next, SYS_port_next
	stub	port_read, SYS_port_read
	stub	port_write, SYS_port_write

	.section .sbss, "aw", @nobits
	.globl	errno
	.type	errno, @object
	.balign	4
errno:
	.zero	4
	.size	errno, 4
	.section .note.GNU-stack, "", @progbits
