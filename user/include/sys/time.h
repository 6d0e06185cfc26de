/* SPDX-License-Identifier: MIT */
/*
 * sys/time.h - the older clock calls, and the interval timer.
 */
#ifndef USER_SYS_TIME_H
#define USER_SYS_TIME_H

#include <sys/types.h>

#include "abi/time.h"

struct timeval {
	time_t tv_sec;
	suseconds_t tv_usec;
};

struct itimerval {
	struct timeval it_interval;
	struct timeval it_value;
};

int gettimeofday(struct timeval *now, void *zone);
int setitimer(int which, const struct itimerval *value, struct itimerval *old);

#endif
