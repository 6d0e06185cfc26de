/* SPDX-License-Identifier: MIT */
/*
 * assert.h - conditions that must hold, or else the kernel panics.
 *
 * Always on: a kernel that has broken an invariant must stop before it writes
 * anything else. User input is checked, never asserted.
 */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

#include "lib/compiler.h"

/* Stops the machine with a report. Defined by arch/, or by the host tests. */
NORETURN void panic(const char *fmt, ...) PRINTF(1, 2);

#define ASSERT_STR2(x) #x
#define ASSERT_STR(x)  ASSERT_STR2(x)
#define assert(cond)                                                       \
	do {                                                               \
		if (unlikely(!(cond)))                                     \
			panic("%s",                                        \
			    __FILE__                                       \
			    ":" ASSERT_STR(__LINE__) ": expected " #cond); \
	} while (0)

/* For the innermost loops: in test builds only. */
#ifdef CALF_TEST
#define test_assert(cond) assert(cond)
#else
#define test_assert(cond) ((void)sizeof(cond))
#endif

#endif
