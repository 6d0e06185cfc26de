/* SPDX-License-Identifier: MIT */
/*
 * starve.c - every allocation of every operation fails once: what can be
 * observed is as before, no frame is lost, and the next attempt succeeds.
 */
#include "ballast.h"
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

#define PAGES 6
#define LEN   (PAGES * PAGE_SIZE)
#define START (4 * GIB - 3 * PAGE_SIZE) /* in two tables of each level */

/* A parent with pages, reservations and a hole, and its child. */
struct scene {
	struct aspace *parent, *child;
	struct aspace *made; /* by the attempt */
	struct frame *frame;
	uint64_t parent_digest, child_digest;
};

struct trial {
	const char *name;
	int (*attempt)(struct scene *s);
	enum {
		TABLES_STAY, /* tables copied before the failure */
		MORE_STAYS,  /* and what was done to the pages before it */
		NOTHING_STAYS,
	} residue;
};

static uint64_t scene_digest(struct aspace *as)
{
	return digest(as, START - LEN, START + 2 * LEN) ^
	    31 * digest(as, 8 * GIB - LEN, 8 * GIB + LEN);
}

static void scene_set(struct scene *s)
{
	struct aspace *as = space_new();

	*s = (struct scene){.parent = as};
	map(as, START, LEN, RW);
	put_pages(as, START, PAGES, 10);
	protect(as, START + LEN - PAGE_SIZE, PAGE_SIZE, PTE_R);
	map(as, 7 * GIB, 2 * GIB, RW);
	s->child = space_fork(as);
	s->frame = frame_alloc(FRAME_KERNEL);
	assert(s->frame != NULL);
	s->parent_digest = scene_digest(as);
	s->child_digest = scene_digest(s->child);
}

static void scene_clear(struct scene *s)
{
	if (s->made != NULL)
		space_drop(s->made);
	space_drop(s->child);
	space_drop(s->parent);
	frame_put(s->frame);
}

static int fork_it(struct scene *s)
{
	s->made = aspace_fork(s->child);
	return s->made != NULL ? 0 : -ENOMEM;
}

static int create(struct scene *s)
{
	s->made = aspace_create();
	return s->made != NULL ? 0 : -ENOMEM;
}

static int read_shared(struct scene *s)
{
	return try_access(s->child, START, ACCESS_READ);
}

static int write_shared(struct scene *s)
{
	return try_access(s->child, START + 3 * PAGE_SIZE, ACCESS_WRITE);
}

static int fault_shared(struct scene *s)
{
	return aspace_fault(s->parent, START, ACCESS_WRITE);
}

static int write_reserved(struct scene *s)
{
	return try_access(s->child, 8 * GIB + PAGE_SIZE, ACCESS_WRITE);
}

static int map_part(struct scene *s)
{
	return try_map(s->child, START + PAGE_SIZE, 3 * PAGE_SIZE, PTE_R);
}

static int map_fresh(struct scene *s)
{
	return try_map(s->child, 16 * GIB - PAGE_SIZE, 2 * PAGE_SIZE, RW);
}

static int map_over_reserved(struct scene *s)
{
	return try_map(s->child, 8 * GIB - PAGE_SIZE, 2 * PAGE_SIZE, PTE_R);
}

static int unmap_part(struct scene *s)
{
	return try_unmap(s->child, START + PAGE_SIZE, 3 * PAGE_SIZE);
}

static int unmap_reserved(struct scene *s)
{
	return try_unmap(s->child, 8 * GIB - PAGE_SIZE, 2 * PAGE_SIZE);
}

static int protect_part(struct scene *s)
{
	return try_protect(s->child, START + PAGE_SIZE, 3 * PAGE_SIZE, PTE_R);
}

static int protect_reserved(struct scene *s)
{
	return try_protect(s->child, 8 * GIB - PAGE_SIZE, 2 * PAGE_SIZE, 0);
}

static int protect_in_slices(struct scene *s)
{
	return range_do(s->child,
	    (struct range_op){.kind = RANGE_PROTECT,
		.start = START,
		.end = START + LEN,
		.perms = 0},
	    1);
}

static int discard_part(struct scene *s)
{
	return try_discard(s->child, START + PAGE_SIZE, 3 * PAGE_SIZE);
}

static int share_reserved(struct scene *s)
{
	return try_share(s->parent, 8 * GIB - PAGE_SIZE, 3 * PAGE_SIZE, RW);
}

static int map_kernel_frame(struct scene *s)
{
	return aspace_map_frame(s->child, 16 * GIB, s->frame, PTE_R);
}

static int load(struct scene *s)
{
	struct aspace *as = s->made;
	paddr_t page;
	int err;

	if (as == NULL)
		s->made = as = aspace_create();
	if (as == NULL)
		return -ENOMEM;
	err = try_map(as, START, LEN, RX);
	return err < 0 ? err : aspace_load(as, START, &page);
}

static int copy_out(struct scene *s)
{
	static char bytes[2 * PAGE_SIZE];

	return copyout(s->child, START + 100, bytes, sizeof bytes);
}

static int copy_in(struct scene *s)
{
	static char bytes[4 * PAGE_SIZE];

	return copyin(s->child, bytes, START + 100, sizeof bytes);
}

static const struct trial trials[] = {
    {"create", create, NOTHING_STAYS},
    {"fork", fork_it, NOTHING_STAYS},
    {"read", read_shared, TABLES_STAY},
    {"write", write_shared, TABLES_STAY},
    {"fault", fault_shared, TABLES_STAY},
    {"write reserved", write_reserved, TABLES_STAY},
    {"map part", map_part, TABLES_STAY},
    {"map fresh", map_fresh, NOTHING_STAYS},
    {"map over reserved", map_over_reserved, TABLES_STAY},
    {"unmap part", unmap_part, TABLES_STAY},
    {"unmap reserved", unmap_reserved, TABLES_STAY},
    {"protect part", protect_part, TABLES_STAY},
    {"protect reserved", protect_reserved, TABLES_STAY},
    {"protect in slices", protect_in_slices, TABLES_STAY},
    {"discard part", discard_part, TABLES_STAY},
    {"share", share_reserved, MORE_STAYS},
    {"map a kernel frame", map_kernel_frame, NOTHING_STAYS},
    {"load", load, TABLES_STAY},
    {"copyout", copy_out, MORE_STAYS},
    {"copyin", copy_in, TABLES_STAY},
};

/* Checks the state after a failed attempt. */
static const char *check_scene(const struct trial *t, struct scene *s)
{
	(void)aspace_audit();
	if (t->attempt == share_reserved) {
		MUST(scene_digest(s->child) == s->child_digest, "the sharer");
		return NULL;
	}
	MUST(scene_digest(s->parent) == s->parent_digest, "the parent changed");
	MUST(t->residue == MORE_STAYS ||
		scene_digest(s->child) == s->child_digest,
	    "the child changed");
	return NULL;
}

/* One attempt whose n-th allocation fails; *more if it came that far. */
static const char *attempt(const struct trial *t, uint64_t n, bool from,
    bool *more)
{
	struct frame_failure failure = {.countdown = (uint32_t)n, .from = from};
	struct scene s;
	uint64_t free;
	int err;

	scene_set(&s);
	free = frame_free_count();
	frame_fail_set(&failure);
	err = t->attempt(&s);
	frame_fail_set(NULL);
	*more = failure.failed > 0;
	if (*more) {
		MUST(err == -ENOMEM, found("error %d", err));
		TRY(check_scene(t, &s));
		MUST(t->residue != NOTHING_STAYS || frame_free_count() == free,
		    "frames stay behind");
		err = t->attempt(&s);
	}
	MUST(err == 0, found("error %d with memory", err));
	(void)aspace_audit();
	scene_clear(&s);
	return NULL;
}

static const char *sweep(bool from)
{
	for (unsigned i = 0; i < array_len(trials); i++) {
		uint64_t free = frame_free_count(), n = 0;
		bool more = true;

		while (more) {
			const char *sentence =
			    attempt(&trials[i], ++n, from, &more);

			if (sentence != NULL)
				return found("%s, allocation %lu: %s",
				    trials[i].name, n, sentence);
			MUST(frame_free_count() == free,
			    found("%s, allocation %lu: frames lost",
				trials[i].name, n));
		}
		MUST(n > 1, found("%s allocates nothing", trials[i].name));
	}
	return NULL;
}

TEST(every_single_failed_allocation_is_survived)
{
	return sweep(false);
}

TEST(every_point_at_which_memory_may_end_is_survived)
{
	return sweep(true);
}

/* No allocation is made to fail: k frames are free and no more. */
TEST(with_few_frames_left_fork_and_writes_fail_cleanly)
{
	for (uint64_t k = 0; k < 12; k++) {
		struct scene s;
		int err = 0;

		scene_set(&s);
		hoard_all_but(&eaten, k);
		for (unsigned i = 0; i < PAGES - 1 && err == 0; i++)
			err = try_access(s.child, START + i * PAGE_SIZE,
			    ACCESS_WRITE);
		MUST(err == (k < 9 ? -ENOMEM : 0), found("error %d", err));
		MUST(frame_free_count() > 0 || aspace_fork(s.parent) == NULL,
		    "a fork from nothing");
		MUST(scene_digest(s.parent) == s.parent_digest,
		    "the parent's memory changed");
		MUST(scene_digest(s.child) == s.child_digest,
		    "the child's memory changed");
		hoard_drop(&eaten);
		scene_clear(&s);
	}
	return NULL;
}

TEST(the_last_owner_writes_with_no_frame_left)
{
	struct scene s;

	scene_set(&s);
	(void)get(s.child, START);
	space_drop(s.child);
	s.child = space_new();
	hoard_all_but(&eaten, 0);
	put_pages(s.parent, START, PAGES - 1, 20);
	MUST(try_access(s.parent, 8 * GIB, ACCESS_WRITE) == -ENOMEM,
	    "a page from nothing");
	TRY(expect_pages(s.parent, START, PAGES - 1, 20));
	unmap(s.parent, START, LEN);
	hoard_drop(&eaten);
	scene_clear(&s);
	return NULL;
}

TEST(a_failed_write_succeeds_once_somebody_leaves)
{
	struct scene s;

	scene_set(&s);
	(void)get(s.parent, START);
	(void)get(s.child, START);
	hoard_all_but(&eaten, 0);
	MUST(try_put(s.child, START, 1) == -ENOMEM, "a copy from nothing");
	MUST(get(s.child, START) == 10, "another content");
	unmap(s.parent, START, PAGE_SIZE);
	MUST(try_put(s.child, START, 1) == 0, "no reuse");
	hoard_drop(&eaten);
	scene_clear(&s);
	return NULL;
}

static const struct test starve_tests[] = {
    T(every_single_failed_allocation_is_survived),
    T(every_point_at_which_memory_may_end_is_survived),
    T(with_few_frames_left_fork_and_writes_fail_cleanly),
    T(the_last_owner_writes_with_no_frame_left),
    T(a_failed_write_succeeds_once_somebody_leaves),
};
SUITE(starve, starve_tests);
