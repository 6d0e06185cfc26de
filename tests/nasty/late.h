/* SPDX-License-Identifier: MIT */
/*
 * late.h - what a store does, now or later.
 */
#ifndef NASTY_LATE_H
#define NASTY_LATE_H

#include <string.h>

#include "check.h"

#define LINE_MASK 63UL /* of a reservation */

/* Stores so that all harts see it from now on. */
void store_now(struct core *c, uint64_t pa, unsigned size, uint64_t value);

/* Stores so that only this hart sees it, until later. */
void store_late(struct core *c, uint64_t pa, unsigned size, uint64_t value);

/* Stores now, or late, as the hart does at present. */
void store_some_time(struct core *c, uint64_t pa, unsigned size,
    uint64_t value);

/* A store by `c` releases the lock that it is to. */
static inline void note_store(struct core *c, uint64_t pa, unsigned size)
{
	if (c->lock_count != 0)
		check_release(c, pa, size);
}

/* Where a word, or a page, is counted in late_words or late_pages. */
static inline unsigned late_word(uint64_t pa)
{
	return pa >> 3 & (LATE_SLOTS - 1);
}

static inline unsigned late_page(uint64_t pa)
{
	return pa >> PAGE_SHIFT & (LATE_SLOTS - 1);
}

/* What late_drain_at() does if there may be any. */
void late_release_at(struct core *c, uint64_t pa, unsigned size);

/* Makes the late stores that overlap with a place visible to all. */
static inline void late_drain_at(struct core *c, uint64_t pa, unsigned size)
{
	if (c->late_words[late_word(pa)] != 0)
		late_release_at(c, pa, size);
}

/* What late_has_page() says if there may be one. */
bool late_is_in_page(const struct core *c, uint64_t pa);

/* Is there a late store to the page of `pa`? */
static inline bool late_has_page(const struct core *c, uint64_t pa)
{
	return c->late_pages[late_page(pa)] != 0 && late_is_in_page(c, pa);
}

/*
 * The table can be walked from now on. Fails if something that was stored to it
 * before is not seen yet, as a walk could keep what its frame held earlier. Of
 * this hart's late stores, the first `older` were made before.
 */
void late_check_table(struct core *c, uint64_t table, unsigned older);

/* The value is seen from now on: does it lead to a table? */
static inline void late_check_pointer(struct core *c, uint64_t pa,
    unsigned size, uint64_t value, unsigned older)
{
	if (unlikely(size == 8 && (value & (PTE_V | PTE_LEAF)) == PTE_V) &&
	    check_is_table(pa))
		late_check_table(c, pte_pa(value), older);
}

/* What load_ram() returns if late stores may be in the word. */
uint64_t load_with_late(const struct core *c, uint64_t pa, unsigned size);

/* With a constant size, memcpy() is one instruction instead of a call. */
static inline uint64_t read_bytes(const void *from, unsigned size)
{
	uint64_t value = 0;

	switch (size) {
	case 8:
		memcpy(&value, from, 8);
		break;
	case 4:
		memcpy(&value, from, 4);
		break;
	case 2:
		memcpy(&value, from, 2);
		break;
	default:
		memcpy(&value, from, 1);
	}
	return value;
}

/* Loads as this hart sees it: from memory, and its own late stores. */
static inline uint64_t load_ram(const struct core *c, uint64_t pa,
    unsigned size)
{
	if (c->late_words[late_word(pa)] != 0)
		return load_with_late(c, pa, size);
	return read_bytes(ram_at(pa), size);
}

#endif
