/* SPDX-License-Identifier: MIT */
/*
 * fp.h - whose floating point registers a hart holds, for proc/ alone.
 */
#ifndef PROC_FP_H
#define PROC_FP_H

#include "proc/proc.h"

/* Brings tf.f, the registers as they are in the trap frame, up to date. */
void fp_sync(struct proc *p);

/* To be called when a process leaves this hart. */
INLINE void fp_leave(struct proc *p)
{
	if (unlikely(fp_is_dirty()))
		fp_sync(p);
}

/* Loads the registers of a process that comes to this hart, or clears them. */
void fp_restore(struct proc *p);

/*
 * Mostly neither a process that comes to this hart nor the one before has used
 * the registers, and there is nothing to do.
 */
INLINE bool fp_is_at_rest(const struct proc *p)
{
	return !p->t.fp_used && hart_self()->fp_is_clear;
}

/* To be called when a process comes to this hart. */
INLINE void fp_enter(struct proc *p)
{
	if (unlikely(!fp_is_at_rest(p)))
		fp_restore(p);
}

/*
 * Brings tf.f up to date for one who reads it. A process that never used the
 * registers finds zeros in it.
 */
void fp_show(struct proc *p);

/* Loads tf.f, which was changed. */
void fp_reload(struct proc *p);

/* Clears the registers, as a new program finds them. */
void fp_reset(struct proc *p);

#endif
