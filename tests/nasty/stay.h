/* SPDX-License-Identifier: MIT */
/*
 * stay.h - how long a hart stays in the kernel: the checks `entry` and `loop`.
 */
#ifndef NASTY_STAY_H
#define NASTY_STAY_H

#include "machine.h"

/* The hart has come from user mode, or is about to return there. */
void stay_begin(struct core *c);
void stay_end(struct core *c);

/* Fails if it has come by the same page fault too often. */
void stay_check_loop(struct core *c);

/* The hart has a turn, perhaps in an entry that does not end. */
void stay_check(struct core *c);

/* Called at the end: prints the longest entry to the kernel. */
void stay_summary(void);

#endif
