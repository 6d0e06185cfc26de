/* SPDX-License-Identifier: MIT */
/*
 * late.c - stores that others see later.
 *
 * A late store is kept back: its own hart sees it, the others and all page
 * table walks do not, until a fence, an atomic operation that releases, or
 * chance. Stores to one place keep their order, others do not.
 *
 * Ref: Volume I, "RVWMO Memory Consistency Model".
 */
#include "late.h"

#include <inttypes.h>

#include "report.h"

void reservation_drop(struct core *c)
{
	if (c->reserved != NOWHERE)
		machine.reservations--;
	c->reserved = NOWHERE;
}

/* Each is in one word: it is aligned, or a byte. */
static bool overlaps(const struct late_store *s, uint64_t pa, unsigned size)
{
	return unlikely((s->pa ^ pa) >> 3 == 0) && s->pa < pa + size &&
	    pa < s->pa + s->size;
}

/* With a constant size, memcpy() is one instruction instead of a call. */
static void write_bytes(void *to, unsigned size, uint64_t value)
{
	switch (size) {
	case 8:
		memcpy(to, &value, 8);
		break;
	case 4:
		memcpy(to, &value, 4);
		break;
	case 2:
		memcpy(to, &value, 2);
		break;
	default:
		memcpy(to, &value, 1);
	}
}

/* A store to a place that others have reserved, or that is checked. */
static NOINLINE void notice_store(struct core *c, uint64_t pa, unsigned size)
{
	if (machine.reservations != 0)
		for (unsigned i = 0; i < machine.hart_count; i++) {
			struct core *other = &machine.cores[i];

			if (other != c && other->reserved == (pa & ~LINE_MASK))
				reservation_drop(other);
		}
	if (check_wants_stores(pa))
		check_store(c, pa);
	report_watch(c, pa, size);
}

static void show(struct core *c, uint64_t pa, unsigned size, uint64_t value)
{
	write_bytes(ram_at(pa), size, value);
	if (unlikely(machine.reservations != 0 || check_wants_stores(pa) ||
		report_may_watch(pa)))
		notice_store(c, pa, size);
}

void store_now(struct core *c, uint64_t pa, unsigned size, uint64_t value)
{
	late_check_pointer(c, pa, size, value, c->late_count);
	show(c, pa, size, value);
}

/* `n` is 1 for a store that is late now, and -1 for one that no longer is. */
static void late_tally(struct core *c, uint64_t pa, int n)
{
	c->late_words[late_word(pa)] += (uint8_t)n;
	c->late_pages[late_page(pa)] += (uint8_t)n;
}

/* The k-th late store; the first is the oldest. */
static struct late_store *late_at(const struct core *c, unsigned k)
{
	return (struct late_store *)&c->late[c->late_order >> (8 * k) & 0xff];
}

/*
 * The store that has to be done before the k-th one, and has none before it:
 * each store to a place waits for the older ones that overlap with it.
 */
static unsigned first_of(const struct core *c, unsigned k)
{
	for (unsigned i = k; i-- > 0;)
		if (overlaps(late_at(c, i), late_at(c, k)->pa,
			late_at(c, k)->size))
			k = i;
	return k;
}

/* The place of the k-th late store becomes the last that is free. */
static void free_place(struct core *c, unsigned k)
{
	unsigned bit = 8 * k;
	uint64_t order = c->late_order, older = order & ((1UL << bit) - 1);
	uint64_t younger = order >> bit >> 8 << bit;

	c->late_order = older | younger | (order >> bit & 0xff) << 56;
	c->late_count--;
}

/* Are there late stores to the page among the first `n`? */
static bool are_in_page(const struct core *c, uint64_t pa, unsigned n)
{
	while (n > 0)
		if ((late_at(c, --n)->pa ^ pa) >> PAGE_SHIFT == 0)
			return true;
	return false;
}

bool late_is_in_page(const struct core *c, uint64_t pa)
{
	return are_in_page(c, pa, c->late_count);
}

void late_check_table(struct core *c, uint64_t table, unsigned older)
{
	for (unsigned i = 0; i < machine.hart_count; i++) {
		const struct core *other = &machine.cores[i];

		if (other == c ? are_in_page(c, table, older)
			       : late_has_page(other, table))
			report_failure(c,
			    "table: expected that all stores to the table "
			    "%#" PRIx64 " are seen before it can be walked; "
			    "one of hart %u is late",
			    table, i);
	}
}

static void release(struct core *c, unsigned k)
{
	const struct late_store *s = late_at(c, k);

	late_check_pointer(c, s->pa, s->size, s->value, k);
	late_tally(c, s->pa, -1);
	free_place(c, k);
	show(c, s->pa, s->size, s->value);
}

static NOINLINE void release_first_of(struct core *c, unsigned k)
{
	release(c, first_of(c, k));
}

static void late_release(struct core *c, unsigned k)
{
	if (c->late_words[late_word(late_at(c, k)->pa)] > 1)
		release_first_of(c, k);
	else
		release(c, k);
}

void late_drain(struct core *c)
{
	while (c->late_count > 0)
		late_release(c, (unsigned)random_below(c->late_count));
}

void late_drain_some(struct core *c)
{
	while (c->late_count > 0 && chance(2))
		late_release(c, (unsigned)random_below(c->late_count));
}

void late_release_at(struct core *c, uint64_t pa, unsigned size)
{
	for (unsigned i = 0; i < c->late_count;) {
		if (overlaps(late_at(c, i), pa, size)) {
			late_release(c, i);
			i = 0;
		} else {
			i++;
		}
	}
}

void store_late(struct core *c, uint64_t pa, unsigned size, uint64_t value)
{
	note_store(c, pa, size);
	if (c->late_count == SB_SIZE)
		late_release(c, (unsigned)random_below(SB_SIZE));
	if (!late_has_page(c, pa))
		hart_watch_windows(&c->hart, ram_at(pa & ~PAGE_MASK));
	*late_at(c, c->late_count++) =
	    (struct late_store){pa, value, (uint8_t)size};
	late_tally(c, pa, 1);
}

void store_some_time(struct core *c, uint64_t pa, unsigned size, uint64_t value)
{
	if (c->storing_late) {
		store_late(c, pa, size, value);
		return;
	}
	note_store(c, pa, size);
	late_drain_at(c, pa, size);
	store_now(c, pa, size, value);
}

/* As many bytes, all ones. */
static uint64_t ones(unsigned bytes)
{
	return ~0UL >> (64 - 8 * bytes);
}

/* The load is within one word, as each store is. */
uint64_t load_with_late(const struct core *c, uint64_t pa, unsigned size)
{
	uint64_t word = *(const uint64_t *)ram_at(pa & ~7UL);

	for (unsigned i = 0; i < c->late_count; i++) {
		const struct late_store *s = late_at(c, i);
		unsigned bit = 8 * (s->pa & 7);
		uint64_t mask = ones(s->size) << bit;

		if ((s->pa ^ pa) >> 3 == 0)
			word = (word & ~mask) | (s->value << bit & mask);
	}
	return word >> (8 * (pa & 7)) & ones(size);
}
