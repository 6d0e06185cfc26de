/* SPDX-License-Identifier: MIT */
/*
 * unit_sparse.c - random changes of a sparse array, compared with a plain one.
 */
#include <string.h>

#include "../../user/servers/files/memory.h"
#include "../../user/servers/files/sparse.h"
#include "memory.h"
#include "sim.h"
#include "tap.h"
#include "unit.h"

#define PLACES 200

static uint64_t places[PLACES];
static void *items[PLACES];

static bool is_new_place(unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (places[k] == places[i])
			return false;
	return true;
}

static void choose_places(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		do
			places[i] =
			    i < 70 ? i : sim_random() >> (sim_below(11) * 6);
		while (!is_new_place(i));
}

/* How many levels the largest index needs. */
static unsigned levels_needed(void)
{
	uint64_t largest = 0;
	unsigned levels = 0;

	for (unsigned i = 0; i < PLACES; i++)
		if (items[i] != NULL && places[i] > largest)
			largest = places[i];
	for (; largest > 0; largest >>= SPARSE_BITS)
		levels++;
	return levels;
}

static const char *check_places(const struct sparse *s)
{
	uint64_t count = 0, seen = 0, index = 0;

	for (unsigned i = 0; i < PLACES; i++) {
		void *item = sparse_get(s, places[i]);
		uint64_t next = places[i];

		count += items[i] != NULL;
		MUST(item == items[i], found("another item at %lx", places[i]));
		MUST(item == NULL || sparse_next(s, &next) == item,
		    found("the next from %lx is not itself", places[i]));
		MUST((sparse_gap(s, places[i]) == places[i]) == (item == NULL),
		    found("a gap at %lx", places[i]));
	}
	MUST(sparse_count(s) == count, found("%lu items", sparse_count(s)));
	MUST(s->levels == levels_needed(), found("%u levels", s->levels));
	while (sparse_next(s, &index) != NULL && ++seen)
		if (++index == 0)
			break;
	MUST(seen == count, found("%lu of %lu one by one", seen, count));
	return NULL;
}

static void change_place(struct sparse *s, unsigned i)
{
	if (items[i] == NULL) {
		items[i] = memory_page();
		(void)sparse_put(s, places[i], items[i]);
	} else {
		memory_page_free(sparse_take(s, places[i]));
		items[i] = NULL;
	}
}

TEST(a_sparse_array_holds_what_is_put_into_it)
{
	struct scrap scrap = {.free = memory_page_free};

	for (unsigned round = 0; round < 300; round++) {
		struct sparse s = {0};
		uint64_t border;
		const char *problem;

		sim_seed(round);
		choose_places();
		memset(items, 0, sizeof items);
		for (unsigned n = 0; n < 40 + round; n++)
			change_place(&s, sim_below(PLACES));
		problem = check_places(&s);
		MUST(problem == NULL, problem);
		border = places[sim_below(PLACES)] + sim_below(2);
		sparse_cut(&s, border, &scrap);
		for (unsigned i = 0; i < PLACES; i++)
			if (places[i] >= border)
				items[i] = NULL;
		problem = check_places(&s);
		MUST(problem == NULL, problem);
		sparse_cut(&s, 0, &scrap);
		MUST(s.root == NULL && s.levels == 0, "not empty");
		scrap_free(&scrap, UINT64_MAX);
		MUST(memory_in_use == 0 && scrap.items == 0,
		    found("%lu objects left", memory_in_use));
	}
	return NULL;
}

static const struct test tests[] = {
    LISTED(a_sparse_array_holds_what_is_put_into_it),
};

int main(void)
{
	return tap_run(tests, sizeof tests / sizeof *tests);
}
