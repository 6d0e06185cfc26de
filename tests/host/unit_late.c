/* SPDX-License-Identifier: MIT */
/*
 * unit_late.c - how many tables a call may copy between two pauses.
 */
#include "unit.h"

#include <string.h>

#include "abi/errno.h"
#include "sim.h"

#define FRAMES 256
#define TABLES 6

/* A child, all of whose tables it shares: pages at both ends of each. */
static struct aspace *space_of_tables(void)
{
	static const struct sim_config config = {.frames = FRAMES};
	struct aspace *as;

	sim_boot(&config);
	as = aspace_create();
	for (unsigned i = 1; i <= TABLES; i++) {
		struct range_op map = {.kind = RANGE_MAP,
		    .start = i * level_span(1) - PAGE_SIZE,
		    .end = i * level_span(1) + PAGE_SIZE,
		    .perms = PTE_R | PTE_W};

		if (range_finish(as, &map) != 0 ||
		    copyout(as, map.start, "old", 4) != 0)
			sim_fail("no memory");
	}
	return aspace_fork(as);
}

/* How many tables can be read one after the other. */
static unsigned tables_read(struct aspace *as)
{
	unsigned n = 0;
	char byte;

	while (n < TABLES && copyin(as, &byte, (n + 1) * level_span(1), 1) == 0)
		n++;
	return n;
}

TEST(a_call_copies_a_few_tables_between_two_pauses)
{
	struct aspace *as = space_of_tables();
	struct hart *self = hart_self();
	unsigned n, before = 0, pauses = 0;

	self->proc = as;
	while ((n = tables_read(as)) < TABLES) {
		if (!user_is_late())
			return "memory is out";
		if (n <= before)
			return "it gets no further";
		before = n;
		pauses++;
		user_pause();
	}
	self->proc = NULL;
	user_pause();
	return pauses > 0 ? NULL : "it copies any number";
}

TEST(a_buffer_that_is_late_in_part_is_late)
{
	struct aspace *as = space_of_tables();
	struct hart *self = hart_self();
	vaddr_t border;
	long ready;

	self->proc = as;
	border = (tables_read(as) + 1) * level_span(1);
	ready = user_ready(as, border - 1, 2, ACCESS_READ);
	self->proc = NULL;
	user_pause();
	return ready == -ENOMEM ? NULL : found("%ld", ready);
}

TEST(where_no_process_runs_no_table_is_late)
{
	struct aspace *as = space_of_tables();
	unsigned n = tables_read(as);

	return n == TABLES ? NULL : found("%u tables", n);
}

static const struct test tests[] = {
    LISTED(a_call_copies_a_few_tables_between_two_pauses),
    LISTED(a_buffer_that_is_late_in_part_is_late),
    LISTED(where_no_process_runs_no_table_is_late),
};

unsigned unit_late_tests(struct test *list)
{
	memcpy(list, tests, sizeof tests);
	return array_len(tests);
}
