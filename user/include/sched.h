/* SPDX-License-Identifier: MIT */
/*
 * sched.h - giving way, where one runs, and the flags of clone.
 */
#ifndef USER_SCHED_H
#define USER_SCHED_H

#include <sys/types.h>

#define CLONE_VM             0x00000100
#define CLONE_VFORK          0x00004000
#define CLONE_PARENT_SETTID  0x00100000
#define CLONE_CHILD_CLEARTID 0x00200000
#define CLONE_CHILD_SETTID   0x01000000

int sched_yield(void);
int sched_getcpu(void);

#endif
