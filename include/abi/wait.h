/* SPDX-License-Identifier: MIT */
/*
 * wait.h - options of wait4, and structures of time.
 */
#ifndef ABI_WAIT_H
#define ABI_WAIT_H

#include <stdint.h>

#define WNOHANG    1
#define WUNTRACED  2
#define WEXITED    4 /* of waitid, with WUNTRACED as WSTOPPED */
#define WCONTINUED 8
#define WNOWAIT    0x01000000
#define P_ALL      0
#define P_PID      1
#define P_PGID     2
/* __WNOTHREAD, __WALL, __WCLONE: there are no threads to tell apart. */
#define WAIT_CLONE_FLAGS ((int)0xe0000000)

struct timeval_abi {
	int64_t seconds;
	int64_t micros;
};

struct timespec_abi {
	int64_t seconds;
	int64_t nanos;
};

struct rusage_abi {
	struct timeval_abi utime;
	struct timeval_abi stime;
	int64_t rest[14];
};

#endif
