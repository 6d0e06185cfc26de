/* SPDX-License-Identifier: MIT */
/*
 * late.h - what a store does, now or later.
 */
#ifndef NASTY_LATE_H
#define NASTY_LATE_H

#include "machine.h"

#define LINE_MASK 63UL /* of a reservation */

/* All harts see it from now on. */
void store_now(struct core *c, uint64_t pa, unsigned size, uint64_t value);

/* Nobody but the hart sees it, yet. */
void late_add(struct core *c, uint64_t pa, unsigned size, uint64_t value);

/* Does those that overlap with a place. */
void late_drain_at(struct core *c, uint64_t pa, unsigned size);

/* Is one of them to the page of `pa`? */
bool late_has_page(const struct core *c, uint64_t pa);

/* What this hart reads: memory, and over it what it stored itself. */
uint64_t load_ram(const struct core *c, uint64_t pa, unsigned size);

#endif
