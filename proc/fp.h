/* SPDX-License-Identifier: MIT */
/*
 * fp.h - whose floating point registers a hart holds, for proc/ alone.
 */
#ifndef PROC_FP_H
#define PROC_FP_H

#include "proc/proc.h"

/* Brings tf.f up to date. */
void fp_sync(struct proc *p);

/* The process leaves this hart. */
INLINE void fp_leave(struct proc *p)
{
	if (unlikely(fp_is_dirty()))
		fp_sync(p);
}

/* It comes to this hart. Mostly, neither it nor the one before has any. */
void fp_restore(struct proc *p);

INLINE void fp_enter(struct proc *p)
{
	if (unlikely(p->t.fp_used || !hart_self()->fp_is_clear))
		fp_restore(p);
}

/* The same for who never used them: tf.f, which is not clear, is cleared. */
void fp_show(struct proc *p);

/* tf.f was changed: loads it. */
void fp_reload(struct proc *p);

/* Back to the state of a new program. */
void fp_reset(struct proc *p);

#endif
