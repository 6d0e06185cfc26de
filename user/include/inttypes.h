/* SPDX-License-Identifier: MIT */
/*
 * inttypes.h - printf's names for the types of stdint.h.
 */
#ifndef USER_INTTYPES_H
#define USER_INTTYPES_H

#include <stdint.h>

#define PRId32  "d"
#define PRIi32  "i"
#define PRIu32  "u"
#define PRIx32  "x"
#define PRIX32  "X"
#define PRId64  "ld"
#define PRIi64  "li"
#define PRIu64  "lu"
#define PRIx64  "lx"
#define PRIX64  "lX"
#define PRIdPTR "ld"
#define PRIuPTR "lu"
#define PRIxPTR "lx"

#endif
