/* SPDX-License-Identifier: MIT */
/*
 * limits.h - how long names, paths and vectors may be.
 */
#ifndef ABI_LIMITS_H
#define ABI_LIMITS_H

#define PATH_MAX 4096 /* with its NUL */
#define NAME_MAX 255
#define PIPE_BUF 4096 /* bytes that are written in one piece */
#define IOV_MAX  1024

#endif
