/* SPDX-License-Identifier: MIT */
/*
 * time.h - reading the clocks, and waiting for them.
 */
#ifndef USER_TIME_H
#define USER_TIME_H

#include <sys/types.h>

#include "abi/time.h"

struct timespec {
	time_t tv_sec;
	long tv_nsec;
};

time_t time(time_t *result);
int clock_gettime(clockid_t clock, struct timespec *now);
int clock_getres(clockid_t clock, struct timespec *resolution);
int nanosleep(const struct timespec *duration, struct timespec *rest);

/* Unlike the others this one returns the error instead of setting errno. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *duration,
    struct timespec *rest);

#endif
