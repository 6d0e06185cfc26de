/* SPDX-License-Identifier: MIT */
/*
 * entry.S - the first instructions of every hart.
 *
 * The firmware enters in S-mode with the MMU off, a0 = the hart's number and
 * a1 = the device tree (boot hart) or what hart_start_others() passed (the
 * others). Nothing else is certain: stvec points here, a timer interrupt may
 * be pending, the floating point unit may be on.
 *
 * The boot root maps all 256 GiB of physical addresses into the upper half
 * with 1 GiB leaves, and this code at its own physical address; the kernel's
 * real tables replace it as soon as the memory map is known.
 */
#include "arch/layout.h"
#include "asm_offsets.h"

	.section .text.entry, "ax"
	.globl _start
_start:
	csrw	sie, zero
	la	t0, boot_taken
	li	t1, 1
	amoswap.w.aqrl t1, t1, (t0)
	bnez	t1, start_late
	mv	s0, a0			/* hart's number */
	mv	s1, a1			/* device tree */

	la	t0, kernel_bss_start
	la	t1, kernel_bss_end
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b

	/* Upper half: entry 256 + i is a leaf R W X G A D for i GiB. */
	la	a0, boot_root
	addi	t0, a0, 2047
	addi	t0, t0, 1		/* &boot_root[256] */
	li	t1, 0xef		/* the leaf for physical 0 */
	li	t2, 1 << 28		/* 1 GiB as a page number, in place */
	li	t3, 256
2:	sd	t1, 0(t0)
	addi	t0, t0, 8
	add	t1, t1, t2
	addi	t3, t3, -1
	bnez	t3, 2b

	/* Lower half: the GiB that this code runs in. */
	la	t0, _start
	srli	t0, t0, 30
	slli	t1, t0, 28
	addi	t1, t1, 0xef
	slli	t0, t0, 3
	add	t0, a0, t0
	sd	t1, 0(t0)

	la	a2, harts		/* the boot hart is harts[0] */
	li	t0, DIRECT_MAP
	add	tp, a2, t0
	la	sp, kernel_stacks
	li	t1, KSTACK_STRIDE
	add	sp, sp, t1
	add	sp, sp, t0
	la	a3, kmain
	add	a3, a3, t0
	j	enter_upper_half

/*
 * Every other hart takes the next struct hart by itself: one that comes late
 * takes none that is another's, and one that comes when hart_start_others() has
 * counted finds no more and sleeps.
 *
 * OpenSBI before 1.3 marks a hart as starting before it notes the address: one
 * that looks at that moment comes to where the boot hart came.
 */
start_late:
	.globl _start_other
_start_other:
	csrw	sie, zero
	la	t0, hart_next
	li	t1, 1
	amoadd.w.aqrl t1, t1, (t0)	/* index */
	li	t0, MAX_HARTS
	bltu	t1, t0, 4f
3:	wfi
	j	3b
4:	mv	s0, a0
	mv	s1, zero
	la	tp, harts
	li	t0, HART_SIZE
	mul	t1, t1, t0
	add	tp, tp, t1
	sd	a0, HART_HARTID(tp)
	ld	sp, HART_KERNEL_SP(tp)
	li	t0, DIRECT_MAP
	add	tp, tp, t0		/* struct hart, a kernel address */
	la	a0, boot_root
	la	a3, hart_main
	add	a3, a3, t0

	/* a0 = boot_root, physical; sp, tp, a3 are kernel addresses. */
enter_upper_half:
	srli	a0, a0, 12
	li	t0, 8 << 60
	or	a0, a0, t0
	sfence.vma
	csrw	satp, a0
	sfence.vma
	csrr	t0, satp		/* a mode that is missing is not set */
	bne	t0, a0, no_sv39

	/* From here every trap in the kernel is a bug with a report. */
	la	t0, trap_vector
	li	t1, DIRECT_MAP
	add	t0, t0, t1
	csrw	stvec, t0
	csrw	sscratch, zero
	li	t0, 1 << 8 | 3 << 13 | 3 << 9 | 1 << 1 /* SPP FS VS SIE */
	csrc	sstatus, t0
	li	t0, 7			/* cycle, time, instret for user mode */
	csrw	scounteren, t0

	mv	a0, s0
	mv	a1, s1
	mv	s0, zero		/* the end of every backtrace */
	mv	ra, zero
	jr	a3

	/* Addresses are physical still, and only the firmware can speak. */
no_sv39:
	la	s0, no_sv39_text
5:	lbu	a0, 0(s0)
	beqz	a0, 3b
	li	a7, 1			/* the legacy console_putchar */
	ecall
	addi	s0, s0, 1
	j	5b

	.section .rodata
no_sv39_text:
	.asciz	"Bail out! expected an MMU with Sv39\n"

	/* Not in .bss, which is cleared when this is set already. */
	.data
	.balign 4
boot_taken:
	.word	0
	/* The first struct hart that is free; none but from start to count. */
	.globl hart_next
hart_next:
	.word	MAX_HARTS

	.bss
	.balign 4096
	.globl boot_root
boot_root:
	.skip 4096

	.section .stacks, "aw", @nobits
	.balign 4096
	.skip MAX_HARTS * KSTACK_STRIDE
