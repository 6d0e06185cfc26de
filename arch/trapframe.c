/* SPDX-License-Identifier: MIT */
/*
 * trapframe.c - the check that assembly and C agree on the layout of a trap
 * frame, and the floating point unit's state.
 */
#include "arch/trapframe.h"

#include "csr.h"
#include "lib/assert.h"

_Static_assert(offsetof(struct trapframe, pc) == TF_PC, "trapvec.S");
_Static_assert(offsetof(struct trapframe, x) == TF_REG(1), "trapvec.S");
_Static_assert(offsetof(struct trapframe, hart) == TF_HART, "trapvec.S");
_Static_assert(offsetof(struct trapframe, fcsr) == TF_FCSR, "trapvec.S");
_Static_assert(offsetof(struct trapframe, f) == TF_F(0), "trapvec.S");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "trapvec.S");

void fp_set_clean(void)
{
	csr_clear(sstatus, SSTATUS_FS);
	csr_set(sstatus, SSTATUS_FS_CLEAN);
}
