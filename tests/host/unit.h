/* SPDX-License-Identifier: MIT */
/*
 * unit.h - the tests of lib/, for the list in unit.c.
 */
#ifndef HOST_UNIT_H
#define HOST_UNIT_H

#include "tap.h"

/* Appends them to a list; returns how many. */
unsigned unit_lib_tests(struct test *list);

#endif
