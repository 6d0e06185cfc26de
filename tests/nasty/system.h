/* SPDX-License-Identifier: MIT */
/*
 * system.h - the image of random programs of S and U mode: system.c makes them,
 * and system.S runs them.
 *
 * The image lies at IMAGE_BASE. Its first block is the code of system.S, and
 * each further one a program with all that it touches:
 *
 *   page  0   struct record: what it begins with, and what it leaves
 *         1   a struct trap for each trap that it takes
 *         2   its code, up to page 3
 *         4   two root tables, two tables of level 1, two of level 0
 *        10   two pages full of `jalr x0, 0(x4)`, in every second place
 *        12   three pages for loads and stores, and one for what crosses them
 *
 * Memory is mapped where it is, for S-mode, by entry 2 of each root. Entry 0,
 * and others in the two halves, lead to the block itself, whatever the level of
 * the leaf: an address there has the low 30 bits of the block's.
 *
 * Programs may not use three registers: x3 is the record's address, x4 the
 * address at which a program goes on after a trap, and x5 is lost at a trap.
 */
#ifndef NASTY_SYSTEM_H
#define NASTY_SYSTEM_H

#define IMAGE_BASE 0x80200000
#define BLOCK_SIZE 0x10000
#define WAY_OUT    (IMAGE_BASE + 8) /* where a program goes at its end */
#define CODE_SIZE  0x2000           /* two pages; a power of 2 */

#define PAGE_TRAPS  1
#define PAGE_CODE   2
#define PAGE_ROOTS  4
#define PAGE_MIDDLE 6
#define PAGE_LEAVES 8
#define PAGE_PADS   10
#define PAGE_DATA   12
#define PAGE_GUARD  15

#define RECORD_X     0
#define RECORD_F     256
#define RECORD_FCSR  512
#define RECORD_CSRS  520
#define RECORD_TRAPS 616
#define RECORD_CODE  624
#define RECORD_SAVED 632

#define TRAP_SIZE 48
#define TRAPS_MAX 85

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Their numbers. */
enum {
	SSTATUS = 0x100,
	SIE = 0x104,
	STVEC = 0x105,
	SCOUNTEREN = 0x106,
	SENVCFG = 0x10a,
	SSCRATCH = 0x140,
	SEPC = 0x141,
	SCAUSE = 0x142,
	STVAL = 0x143,
	SIP = 0x144,
	STIMECMP = 0x14d,
	SATP = 0x180
};

/* The registers that a program begins with and leaves, in this order. */
enum {
	SYS_SSTATUS,
	SYS_SIE,
	SYS_SIP,
	SYS_SCOUNTEREN,
	SYS_SENVCFG,
	SYS_SSCRATCH,
	SYS_SEPC,
	SYS_SCAUSE,
	SYS_STVAL,
	SYS_STIMECMP,
	SYS_SATP,
	SYS_STVEC,
	SYS_CSRS
};

struct record {
	uint64_t x[32]; /* x0: where the code is; 0: no more programs */
	uint64_t f[32];
	uint64_t fcsr;
	uint64_t csrs[SYS_CSRS];
	uint64_t traps; /* the address of the next struct trap */
	uint64_t code;
	uint64_t saved[4];
	uint64_t seed;
	uint64_t end;
};

struct trap {
	uint64_t cause, pc, value, status, entry, pending;
};

/* Makes the block of a program; the image begins at `image`. */
void system_make(uint8_t *image, unsigned block, uint64_t seed);
#endif

#endif
