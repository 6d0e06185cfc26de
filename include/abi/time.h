/* SPDX-License-Identifier: MIT */
/*
 * time.h - clocks, and structures of time.
 */
#ifndef ABI_TIME_H
#define ABI_TIME_H

#include <stdint.h>

#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID  3
#define CLOCK_MONOTONIC_RAW      4
#define CLOCK_REALTIME_COARSE    5
#define CLOCK_MONOTONIC_COARSE   6
#define CLOCK_BOOTTIME           7
#define TIMER_ABSTIME            1

#define ITIMER_REAL 0

struct timeval_abi {
	int64_t seconds;
	int64_t micros;
};

struct timespec_abi {
	int64_t seconds;
	int64_t nanos;
};

#endif
