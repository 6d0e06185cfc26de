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

#include <string.h>

#include "check.h"
#include "report.h"

void reservation_drop(struct core *c)
{
	if (c->reserved != NOWHERE)
		machine.reservations--;
	c->reserved = NOWHERE;
}

static bool overlaps(const struct late_store *s, uint64_t pa, unsigned size)
{
	return s->pa < pa + size && pa < s->pa + s->size;
}

/* Each size has code of its own, which is no call. */
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

static uint64_t read_bytes(const void *from, unsigned size)
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

void store_now(struct core *c, uint64_t pa, unsigned size, uint64_t value)
{
	write_bytes(ram_at(pa), size, value);
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

/* The first that must go before the k-th, or that one itself. */
static unsigned first_of(const struct core *c, unsigned k)
{
	for (unsigned i = 0; i < k; i++)
		if (overlaps(&c->late[i], c->late[k].pa, c->late[k].size))
			return i;
	return k;
}

static void late_release(struct core *c, unsigned k)
{
	struct late_store s;

	k = first_of(c, k);
	s = c->late[k];
	c->late_count--;
	memmove(&c->late[k], &c->late[k + 1],
	    (c->late_count - k) * sizeof c->late[0]);
	store_now(c, s.pa, s.size, s.value);
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

void late_drain_at(struct core *c, uint64_t pa, unsigned size)
{
	for (unsigned i = 0; i < c->late_count;) {
		if (overlaps(&c->late[i], pa, size)) {
			late_release(c, i);
			i = 0;
		} else {
			i++;
		}
	}
}

bool late_has_page(const struct core *c, uint64_t pa)
{
	for (unsigned i = 0; i < c->late_count; i++)
		if ((c->late[i].pa ^ pa) >> PAGE_SHIFT == 0)
			return true;
	return false;
}

void late_add(struct core *c, uint64_t pa, unsigned size, uint64_t value)
{
	if (c->late_count == SB_SIZE)
		late_release(c, (unsigned)random_below(SB_SIZE));
	if (!late_has_page(c, pa))
		hart_watch_windows(&c->hart, ram_at(pa & ~PAGE_MASK));
	c->late[c->late_count++] =
	    (struct late_store){pa, value, (uint8_t)size};
}

/* What was read from `pa`, with the bytes of a store put over it. */
static uint64_t put_over(uint64_t value, const struct late_store *s,
    uint64_t pa, unsigned size)
{
	for (unsigned n = 0; n < s->size; n++) {
		uint64_t at = s->pa + n - pa;
		uint64_t byte = s->value >> (8 * n) & 0xff;

		if (at < size)
			value =
			    (value & ~(0xffUL << (8 * at))) | byte << (8 * at);
	}
	return value;
}

uint64_t load_ram(const struct core *c, uint64_t pa, unsigned size)
{
	uint64_t value = read_bytes(ram_at(pa), size);

	for (unsigned i = 0; i < c->late_count; i++)
		if (overlaps(&c->late[i], pa, size))
			value = put_over(value, &c->late[i], pa, size);
	return value;
}
