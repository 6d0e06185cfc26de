/* SPDX-License-Identifier: MIT */
/*
 * fp.h - whose floating point registers a hart holds, for proc/ alone.
 */
#ifndef PROC_FP_H
#define PROC_FP_H

#include "proc/proc.h"

/* The process comes to this hart, or leaves it. */
void fp_enter(struct proc *p);
void fp_leave(struct proc *p);

/* Brings tf.f up to date. */
void fp_sync(struct proc *p);

/* The same for who never used them: tf.f, which is not clear, is cleared. */
void fp_show(struct proc *p);

/* tf.f was changed: loads it. */
void fp_reload(struct proc *p);

/* Back to the state of a new program. */
void fp_reset(struct proc *p);

#endif
