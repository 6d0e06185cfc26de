/* SPDX-License-Identifier: MIT */
/*
 * sched.h - giving way, where one runs, and the flags of clone.
 */
#ifndef USER_SCHED_H
#define USER_SCHED_H

#include <sys/types.h>

#include "abi/clone.h"

int sched_yield(void);
int sched_getcpu(void);

#endif
