/* SPDX-License-Identifier: MIT */
/*
 * trapframe.h - the registers of a process while the kernel runs.
 *
 * trapvec.S fills it in two steps: what C may clobber at every trap, the rest
 * only on the way to a different process or to code that looks at it.
 * The offsets are checked in arch/trapframe.c.
 */
#ifndef ARCH_TRAPFRAME_H
#define ARCH_TRAPFRAME_H

/* Register x(n) of x1 .. x31 is at 8 * n; the program counter is at 0. */
#define TF_PC     0
#define TF_REG(n) (8 * (n))
#define TF_F(n)   (256 + 8 * (n))
#define TF_FCSR   512
#define TF_HART   520
#define TF_SIZE   528

/* What trapvec.S looks at in the process around the frame: proc/proc.c. */
#define PROC_WORK 528
#define PROC_CALL 536

#define CAUSE_ECALL 8

/* What trap_slow() is told for a call that has not been executed. */
#define TRAP_SLOW 2

/* The negated result of a call whose process waits: CALL_WAITS. */
#define TRAP_WAITS 512

/* The negated result of a call that fast_lend() goes on with: CALL_SENDS. */
#define TRAP_SENDS 515

#ifndef __ASSEMBLER__

#include "lib/compiler.h"
#include "lib/types.h"

enum reg {
	REG_RA = 1,
	REG_SP = 2,
	REG_GP = 3,
	REG_TP = 4,
	REG_T0,
	REG_T1,
	REG_A0 = 10,
	REG_A1,
	REG_A2,
	REG_A3,
	REG_A4,
	REG_A5,
	REG_A6,
	REG_A7,
};

struct trapframe {
	uint64_t pc;
	uint64_t x[31]; /* x1 .. x31: use tf_reg() */
	uint64_t f[32];
	uint64_t fcsr;
	struct hart *hart; /* where it runs; loaded into tp at a trap */
};

static inline uint64_t *tf_reg(struct trapframe *tf, enum reg reg)
{
	return &tf->x[reg - 1];
}

static inline uint64_t tf_arg(const struct trapframe *tf, unsigned i)
{
	return tf->x[REG_A0 - 1 + i];
}

/* An argument that is an int: its upper half means nothing, as on Linux. */
static inline int tf_int(const struct trapframe *tf, unsigned i)
{
	return (int)tf_arg(tf, i);
}

static inline uint64_t tf_number(const struct trapframe *tf)
{
	return tf->x[REG_A7 - 1];
}

/* Enters user mode with every register from `tf`, on this hart. */
NORETURN void trapframe_enter(struct trapframe *tf);

/*
 * Comes back to a process that has a call, or something else to do before user
 * mode: trap_resume() with an empty stack, then as above.
 */
NORETURN void trapframe_resume(struct trapframe *tf);

/* Saves the floating point registers of this hart, or loads them. */
void fp_save(struct trapframe *tf);
void fp_load(const struct trapframe *tf);
void fp_clear(void);

/*
 * The state of this hart's floating point unit.
 *
 * Ref: RISC-V Privileged Architecture, "Extension Context Status in mstatus
 * Register".
 */
#define SSTATUS_FS       (3UL << 13)
#define SSTATUS_FS_CLEAN (2UL << 13)

static inline bool fp_is_dirty(void)
{
	uint64_t sstatus;

	__asm__ volatile("csrr %0, sstatus" : "=r"(sstatus));
	return (sstatus & SSTATUS_FS) == SSTATUS_FS;
}

void fp_set_clean(void);

#endif
#endif
