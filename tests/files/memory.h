/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the file server's memory in tests: each page and object is one of
 * the C library's, which the sanitizers watch, and can be told to fail.
 */
#ifndef TESTS_FILES_MEMORY_H
#define TESTS_FILES_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Objects and pages that are in use. */
extern uint64_t memory_in_use;

/* Is called whenever memory is asked for or given back, if it is not NULL. */
extern void (*memory_asks)(void);

/* How many objects and pages were asked for since this was set to 0. */
extern uint64_t memory_asked;

/*
 * Lets the n-th allocation from now on fail, counted from 1; with `from` all
 * later ones too. With n = 0 none fails.
 */
void memory_fail(uint64_t n, bool from);

/*
 * Shared memory comes from a pool. It is made when it is first needed, or by
 * memory_pool_make() before the processes that share it are forked. It may be
 * cleared while no process uses it.
 */
void memory_pool_make(void);
void memory_pool_clear(void);

#endif
