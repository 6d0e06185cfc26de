/* SPDX-License-Identifier: MIT */
/*
 * board_start.S - where board.c begins, its traps, and its user mode.
 *
 * trapped[] has the number of traps, and scause and stval of the last one. A
 * fault in S-mode skips its instruction, of four bytes; an interrupt disables
 * all further ones; and a trap from user mode ends user_run(), which returns
 * the a0 of user mode.
 */
	.section	.start, "ax"
	.globl	_start, start_other, user_run, loads, count_up, touch, nothing
_start:
	la	sp, stack + 16384
	la	t0, trap
	csrw	stvec, t0
	j	main

/* The entry of a hart: passes on satp, and the interrupt enable of sstatus. */
start_other:
	la	sp, stack + 32768
	csrr	a0, satp
	csrr	t0, sstatus
	andi	t0, t0, 2
	or	a0, a0, t0
	la	t0, trap
	csrw	stvec, t0
	j	other

	.balign	4
trap:
	addi	sp, sp, -16
	sd	t0, 0(sp)
	sd	t1, 8(sp)
	la	t1, trapped
	ld	t0, 0(t1)
	addi	t0, t0, 1
	sd	t0, 0(t1)
	csrr	t0, stval
	sd	t0, 16(t1)
	csrr	t0, scause
	sd	t0, 8(t1)
	csrr	t1, sstatus
	andi	t1, t1, 0x100
	beqz	t1, 3f
	bltz	t0, 1f
	csrr	t0, sepc
	addi	t0, t0, 4
	csrw	sepc, t0
	j	2f
1:
	csrw	sie, zero
2:
	ld	t0, 0(sp)
	ld	t1, 8(sp)
	addi	sp, sp, 16
	sret
3:
	csrw	sie, zero
	la	t0, back
	ld	sp, 0(t0)
	ld	s0, 8(t0)
	ld	s1, 16(t0)
	ld	ra, 24(t0)
	ret

/* uint64_t user_run(entry, a1): a0 of user mode, when it traps. */
user_run:
	la	t0, back
	sd	sp, 0(t0)
	sd	s0, 8(t0)
	sd	s1, 16(t0)
	sd	ra, 24(t0)
	csrw	sepc, a0
	li	t0, 0x100
	csrc	sstatus, t0
	li	a0, 0
	sret

/* One load, of four bytes. */
loads:
	.option	push
	.option	norvc
	ld	a0, 0(a0)
	.option	pop
	ret

	.bss
	.balign	16
stack:
	.space	32768
back:
	.space	32

	.text
/* The program of user mode. */
	.option	push
	.option	norvc
count_up:
	addi	a0, a0, 1
	j	count_up
touch:
	ld	a0, 0(a1)
nothing:
	ecall
	.option	pop
