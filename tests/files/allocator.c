/* SPDX-License-Identifier: MIT */
/*
 * allocator.c - the file server's allocator, which gives and takes back random
 * pages and objects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../user/servers/files/memory.h"
#include "sim.h"
#include "tap.h"
#include "unit.h"

#define THINGS 3000

static struct {
	uint8_t *mem;
	size_t size; /* 0: a page */
	uint8_t byte;
} things[THINGS];

static size_t bytes_of(unsigned i)
{
	return things[i].size > 0 ? things[i].size : MEMORY_PAGE;
}

static void take(unsigned i)
{
	things[i].size = sim_below(3) == 0
	    ? 0
	    : 1 + sim_below(sim_below(2) > 0 ? 300 : MEMORY_PAGE);
	things[i].byte = (uint8_t)sim_below(256);
	things[i].mem =
	    things[i].size > 0 ? memory_alloc(things[i].size) : memory_page();
	if (things[i].mem != NULL)
		memset(things[i].mem, things[i].byte, bytes_of(i));
}

static void give(unsigned i)
{
	if (things[i].size > 0)
		memory_free(things[i].mem, things[i].size);
	else
		memory_page_free(things[i].mem);
	things[i].mem = NULL;
}

static const char *check(unsigned i)
{
	uintptr_t at = (uintptr_t)things[i].mem;

	MUST(at % (things[i].size > 0 ? 16 : MEMORY_PAGE) == 0, "not aligned");
	for (size_t n = 0; n < bytes_of(i); n++)
		MUST(things[i].mem[n] == things[i].byte,
		    found("byte %lu of %lu is of something else", n,
			bytes_of(i)));
	return NULL;
}

/*
 * Takes and gives back at random. Every 5000 rounds the number of things
 * changes from many to few, or back.
 */
static const char *churn(unsigned rounds)
{
	for (unsigned n = 0; n < rounds; n++) {
		unsigned i = sim_below(n / 5000 % 2 == 0 ? THINGS : THINGS / 9);

		if (things[i].mem == NULL) {
			take(i);
		} else {
			const char *problem = check(i);

			MUST(problem == NULL, problem);
			give(i);
		}
	}
	return NULL;
}

static const char *end(void)
{
	for (unsigned i = 0; i < THINGS; i++)
		if (things[i].mem != NULL)
			give(i);
	MUST(memory_pages_free() == memory_pages_total(),
	    found("%lu pages left",
		memory_pages_total() - memory_pages_free()));
	return NULL;
}

TEST(what_is_taken_is_nobody_elses)
{
	const char *problem;

	sim_seed(1);
	problem = churn(100000);
	MUST(problem == NULL, problem);
	return end();
}

TEST(there_is_no_more_than_the_limit)
{
	unsigned count = 0;

	memory_limit(100);
	while (count < THINGS && (things[count].mem = memory_page()) != NULL)
		count++;
	MUST(count == 100, found("%u pages", count));
	MUST(memory_alloc(1) == NULL, "an object without a page");
	memory_page_free(things[50].mem);
	things[50].size = 100;
	things[50].mem = memory_alloc(100);
	MUST(things[50].mem != NULL, "nothing comes back");
	memory_limit(10);
	MUST(memory_pages_free() == 0, "free below the limit");
	memory_limit(100);
	return end();
}

TEST(what_is_free_goes_back_to_the_kernel)
{
	static void *pages[THINGS];
	unsigned char in_core;

	for (unsigned i = 0; i < THINGS; i++)
		things[i].mem = pages[i] = memory_page();
	MUST(end() == NULL, "pages left");
	for (unsigned i = 0; i < THINGS; i++)
		MUST(mincore(pages[i], MEMORY_PAGE, &in_core) != 0,
		    found("page %u is still there", i));
	return NULL;
}

static const struct test tests[] = {
    LISTED(what_is_taken_is_nobody_elses),
    LISTED(there_is_no_more_than_the_limit),
    LISTED(what_is_free_goes_back_to_the_kernel),
};

int main(void)
{
	return tap_run(tests, sizeof tests / sizeof *tests);
}
