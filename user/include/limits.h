/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the compiler's limits, and the few that a system adds.
 */
#ifndef USER_LIMITS_H
#define USER_LIMITS_H

#include_next <limits.h>

#define PATH_MAX  4096
#define NAME_MAX  255
#define PIPE_BUF  4096
#define SSIZE_MAX LONG_MAX

#endif
