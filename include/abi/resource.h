/* SPDX-License-Identifier: MIT */
/*
 * resource.h - limits, priorities, and what was used.
 */
#ifndef ABI_RESOURCE_H
#define ABI_RESOURCE_H

#include <stdint.h>

#include "abi/time.h"

#define RLIMIT_DATA   2
#define RLIMIT_STACK  3
#define RLIMIT_CORE   4
#define RLIMIT_NPROC  6
#define RLIMIT_NOFILE 7
#define RLIMIT_AS     9
#define RLIMIT_LAST   15
#define RLIM_INFINITY (~0UL)

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

#define RUSAGE_CHILDREN (-1)
#define RUSAGE_SELF     0
#define RUSAGE_THREAD   1

struct rusage_abi {
	struct timeval_abi utime;
	struct timeval_abi stime;
	int64_t rest[14];
};

#endif
