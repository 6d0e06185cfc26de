/* SPDX-License-Identifier: MIT */
/*
 * counts.c - reference counts, and the slabs of small objects.
 */
#include "ballast.h"
#include "ktest.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "space.h"

TEST(the_last_reference_frees_and_no_other)
{
	struct frame *f = frame_alloc(FRAME_PAGE);
	uint64_t free = frame_free_count();

	MUST(f != NULL && frame_is_sole(f), "not alone from the start");
	for (unsigned i = 0; i < 299; i++)
		frame_get(f);
	MUST(f->refs == 300, found("%u references", f->refs));
	for (unsigned i = 0; i < 299; i++) {
		MUST(!frame_is_sole(f), found("alone after %u", i));
		frame_put(f);
	}
	MUST(frame_is_sole(f) && frame_free_count() == free, "freed early");
	frame_put(f);
	MUST(frame_free_count() == free + 1, "not freed");
	return NULL;
}

TEST(dropping_says_last_once)
{
	struct frame *f = frame_alloc(FRAME_TABLE);

	MUST(f != NULL, "no memory");
	frame_get(f);
	MUST(!frame_drop(f), "the first of two was the last");
	MUST(frame_drop(f), "the second of two was not");
	MUST(f->state == FRAME_TABLE, "dropping freed it");
	frame_free(f);
	return NULL;
}

TEST(a_count_goes_beyond_sixteen_bits)
{
	struct frame *f = frame_alloc(FRAME_PAGE);

	MUST(f != NULL, "no memory");
	for (unsigned i = 1; i < 70000; i++)
		frame_get(f);
	MUST(f->refs == 70000, found("%u references", f->refs));
	for (unsigned i = 1; i < 70000; i++)
		MUST(!frame_drop(f), found("the last but %u", 70000 - i));
	MUST(frame_is_sole(f), "not alone in the end");
	frame_put(f);
	return NULL;
}

#define MANY 70000

/* Touches one page of each table that the mappings are in. */
static void touch_tables(struct aspace *as)
{
	for (vaddr_t va = HERE; va < HERE + MANY * PAGE_SIZE; va += 2 * MIB)
		(void)get(as, va);
	(void)get(as, HERE + (MANY - 1) * PAGE_SIZE);
}

TEST(a_frame_is_mapped_seventy_thousand_times_and_twice_that_after_fork)
{
	struct frame *f = frame_alloc(FRAME_KERNEL);
	struct aspace *as = space_new(), *child;

	MUST(f != NULL, "no memory");
	memset(frame_virt(f), 7, PAGE_SIZE);
	for (vaddr_t i = 0; i < MANY; i++)
		MUST(aspace_map_frame(as, HERE + i * PAGE_SIZE, f, PTE_R) == 0,
		    found("mapping %lu failed", i));
	MUST(f->refs == 1 + MANY, found("%u references", f->refs));
	child = space_fork(as);
	MUST(f->refs == 1 + MANY, "fork itself touched the page");
	touch_tables(child);
	MUST(f->refs == 1 + 2 * MANY, found("%u after reads", f->refs));
	(void)aspace_audit();
	space_drop(as);
	MUST(f->refs == 1 + MANY, found("%u after one left", f->refs));
	space_drop(child);
	MUST(frame_is_sole(f), found("%u in the end", f->refs));
	frame_put(f);
	return NULL;
}

static const struct test counts_tests[] = {
    T(the_last_reference_frees_and_no_other),
    T(dropping_says_last_once),
    T(a_count_goes_beyond_sixteen_bits),
    T(a_frame_is_mapped_seventy_thousand_times_and_twice_that_after_fork),
};
SUITE(counts, counts_tests);

static struct slab slab;
static char *objects[600];

static void slab_reset(size_t size)
{
	slab = (struct slab){.size = size};
}

/* Takes `count` objects, each filled with a byte of its own. */
static const char *take(size_t size, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		objects[i] = slab_alloc(&slab);
		MUST(objects[i] != NULL, "no memory");
		MUST((uintptr_t)objects[i] % 16 == 0, "one is not aligned");
		MUST(page_floor((uintptr_t)objects[i]) ==
			page_floor((uintptr_t)objects[i] + size - 1),
		    "one crosses a page");
		memset(objects[i], (int)(i + 1), size);
	}
	return NULL;
}

static const char *check_objects(size_t size, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		for (size_t k = 0; k < size; k++)
			if (objects[i][k] != (char)(i + 1))
				return found("object %u of size %lu lost "
					     "byte %lu",
				    i, size, k);
	return NULL;
}

TEST(objects_of_every_size_are_apart_and_give_their_frames_back)
{
	static const size_t sizes[] = {16, 32, 48, 112, 256, 1008, 2032, 4064};
	uint64_t free = frame_free_count();

	for (unsigned s = 0; s < array_len(sizes); s++) {
		slab_reset(sizes[s]);
		TRY(take(sizes[s], 300));
		TRY(check_objects(sizes[s], 300));
		for (unsigned i = 0; i < 300; i++)
			slab_free(&slab, objects[(i * 7) % 300]);
		MUST(frame_free_count() == free,
		    found("size %lu: %lu frames, %lu before", sizes[s],
			frame_free_count(), free));
	}
	return NULL;
}

TEST(a_frame_is_shared_until_it_is_full_and_returned_when_empty)
{
	uint64_t free = frame_free_count();
	unsigned count = 0;

	slab_reset(512);
	do
		objects[count++] = slab_alloc(&slab);
	while (frame_free_count() == free - 1);
	MUST(count == 8, found("%u objects before the second frame", count));
	slab_free(&slab, objects[3]);
	MUST(slab_alloc(&slab) == objects[3], "a hole was not used");
	slab_free(&slab, objects[7]);
	MUST(frame_free_count() == free - 1, "the empty frame stays");
	for (unsigned i = 0; i < 7; i++)
		slab_free(&slab, objects[i]);
	MUST(frame_free_count() == free, "the first frame stays");
	return NULL;
}

TEST(random_allocations_never_overlap)
{
	uint64_t state = 3;

	slab_reset(112);
	memset(objects, 0, sizeof objects);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = (unsigned)rnd(&state, array_len(objects));

		if (objects[i] == NULL) {
			objects[i] = slab_alloc(&slab);
			MUST(objects[i] != NULL, "no memory");
			memset(objects[i], (int)i, 112);
			continue;
		}
		for (unsigned k = 0; k < 112; k++)
			MUST(objects[i][k] == (char)i, "an object was changed");
		slab_free(&slab, objects[i]);
		objects[i] = NULL;
	}
	for (unsigned i = 0; i < array_len(objects); i++)
		if (objects[i] != NULL)
			slab_free(&slab, objects[i]);
	return NULL;
}

TEST(without_memory_there_is_no_object_but_in_a_frame_already_there)
{
	void *first, *second;

	slab_reset(1024);
	hoard_all_but(&eaten, 0);
	MUST(slab_alloc(&slab) == NULL, "one from nowhere");
	hoard_return(&eaten);
	first = slab_alloc(&slab);
	MUST(frame_free_count() == 0, "there is still a frame");
	second = slab_alloc(&slab);
	hoard_drop(&eaten);
	MUST(first != NULL && second != NULL, "there was room in the frame");
	slab_free(&slab, first);
	slab_free(&slab, second);
	return NULL;
}

static const struct test slab_tests[] = {
    T(objects_of_every_size_are_apart_and_give_their_frames_back),
    T(a_frame_is_shared_until_it_is_full_and_returned_when_empty),
    T(random_allocations_never_overlap),
    T(without_memory_there_is_no_object_but_in_a_frame_already_there),
};
SUITE(slab, slab_tests);
