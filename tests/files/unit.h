/* SPDX-License-Identifier: MIT */
/*
 * unit.h - what the unit tests have in common.
 */
#ifndef TESTS_FILES_UNIT_H
#define TESTS_FILES_UNIT_H

/* Ends a test with what was found, unless it is true. */
#define MUST(what, ...)                     \
	do {                                \
		if (!(what))                \
			return __VA_ARGS__; \
	} while (0)

#endif
