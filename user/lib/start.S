/* SPDX-License-Identifier: MIT */
/*
 * start.S - the first instruction of every program.
 *
 * The kernel enters here with sp on argc, and nothing else of interest in any
 * register. The linker reaches small data relative to gp.
 */
	.section .text.start, "ax"
	.globl	_start
	.type	_start, @function
_start:
	.option	push
	.option	norelax			/* gp has no value yet */
	lla	gp, __global_pointer$
	.option	pop
	li	ra, 0			/* a backtrace ends here */
	li	s0, 0
	mv	a0, sp			/* argc, argv, NULL, envp, NULL */
	andi	sp, sp, -16
	tail	program_start
	.size	_start, . - _start
	.section .note.GNU-stack, "", @progbits
