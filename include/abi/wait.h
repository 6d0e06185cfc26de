/* SPDX-License-Identifier: MIT */
/*
 * wait.h - options of wait4 and waitid.
 */
#ifndef ABI_WAIT_H
#define ABI_WAIT_H

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

#endif
