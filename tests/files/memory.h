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

/* How many were asked for since this was set to 0. */
extern uint64_t memory_asked;

/*
 * Lets the n-th from now on fail, counted from 1, and with `from` all behind
 * it. 0: none.
 */
void memory_fail(uint64_t n, bool from);

/*
 * Memory that is shared comes from a pool, which is made when it is first
 * wanted, or before there are processes to share it. To clear it is for when
 * nobody uses it.
 */
void memory_pool_make(void);
void memory_pool_clear(void);

#endif
