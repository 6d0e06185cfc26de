/* SPDX-License-Identifier: MIT */
/*
 * check.h - what the machine knows of the kernel, and finds wrong by itself.
 */
#ifndef NASTY_CHECK_H
#define NASTY_CHECK_H

#include "machine.h"

/* After the kernel was loaded: finds the symbols. */
void check_init(void);

/* A user's access by translation `t`, which comes to `pa`. */
void check_user_access(struct core *c, uint64_t va, enum access access,
    struct translation t, uint64_t pa);

/* A user's fetch from a page as its hart has it. */
void check_user_code(struct core *c, const struct code_page *page);

/* Counts the states that a frame went through. */
unsigned check_life(uint64_t frame);

/* Is the place in a page table, or in a root? */
bool check_is_table(uint64_t pa);

/* satp was written. */
void check_root(struct core *c);

/* The hart comes into the kernel, or leaves it. */
void check_entry(struct core *c);
void check_return(struct core *c);

/* The pages of the frame table; none are told of if the machine is kind. */
extern struct told_pages {
	uint64_t start, bytes;
} told_pages;

/* Must stores to this page be told to check_store()? */
static inline bool check_wants_stores(uint64_t pa)
{
	return pa - told_pages.start < told_pages.bytes;
}
void check_store(struct core *c, uint64_t pa);

/* Is it data that harts share: the kernel's own variables? */
bool check_is_shared_data(uint64_t pa);

/* A hart stored something, which releases the locks that were there. */
void check_release(struct core *c, uint64_t pa, unsigned size);

/* Does the hart hold a lock in the page? Then stores there must be told. */
bool check_holds_lock_in(const struct core *c, uint64_t pa);

/* A hart has made a reservation. */
void check_reserve(struct core *c);

/* An atomic exchange put `value` where `old` was. */
void check_exchange(struct core *c, uint64_t pa, uint64_t old, uint64_t value);

#endif
