/* SPDX-License-Identifier: MIT */
/*
 * fp.h - saves and loads the floating point registers of processes; for proc/
 * alone.
 */
#ifndef PROC_FP_H
#define PROC_FP_H

#include "proc/proc.h"

/* Saves the registers to tf.f, in the trap frame, if they were written. */
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
 * Is there nothing to load or clear? Mostly so, as neither the process that
 * comes to this hart nor the one before has used the registers.
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
 * Brings tf.f up to date, as it is about to be read. If the process has never
 * written the registers, all of it is zero.
 */
void fp_show(struct proc *p);

/* Loads the registers from tf.f, which was changed. */
void fp_reload(struct proc *p);

/* Clears the registers, as a new program finds them. */
void fp_reset(struct proc *p);

#endif
