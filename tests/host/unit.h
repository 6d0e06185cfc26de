/* SPDX-License-Identifier: MIT */
/*
 * unit.h - tests of other files, for the list in unit.c.
 */
#ifndef HOST_UNIT_H
#define HOST_UNIT_H

#include "tap.h"

/* Append tests to a list, and return how many. */
unsigned unit_lib_tests(struct test *list);
unsigned unit_late_tests(struct test *list);

#endif
