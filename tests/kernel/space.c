/* SPDX-License-Identifier: MIT */
/*
 * space.c - address spaces as tests use them.
 */
#include "space.h"

#include "ktest.h"
#include "mm/frame.h"
#include "mm/inspect.h"

struct aspace *space_new(void)
{
	struct aspace *as = aspace_create();

	assert(as != NULL);
	return as;
}

struct aspace *space_fork(struct aspace *as)
{
	struct aspace *copy = aspace_fork(as);

	assert(copy != NULL);
	return copy;
}

void space_drop(struct aspace *as)
{
	unsigned budget;

	if (!aspace_put(as))
		return;
	do
		budget = RANGE_BUDGET;
	while (!aspace_teardown(as, &budget));
}

int range_do(struct aspace *as, struct range_op op, unsigned budget)
{
	int err;

	do
		err = range_run(as, &op, budget);
	while (err == RANGE_MORE);
	return err;
}

#define ALL_AT_ONCE UINT32_MAX

int try_map(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms)
{
	return range_do(as,
	    (struct range_op){.kind = RANGE_MAP,
		.start = start,
		.end = start + len,
		.perms = perms},
	    ALL_AT_ONCE);
}

int try_unmap(struct aspace *as, vaddr_t start, uint64_t len)
{
	return range_do(as,
	    (struct range_op){.kind = RANGE_UNMAP,
		.start = start,
		.end = start + len},
	    ALL_AT_ONCE);
}

int try_protect(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms)
{
	return range_do(as,
	    (struct range_op){.kind = RANGE_PROTECT,
		.start = start,
		.end = start + len,
		.perms = perms},
	    ALL_AT_ONCE);
}

int try_discard(struct aspace *as, vaddr_t start, uint64_t len)
{
	return range_do(as,
	    (struct range_op){.kind = RANGE_DISCARD,
		.start = start,
		.end = start + len},
	    ALL_AT_ONCE);
}

int try_share(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms)
{
	return range_do(as,
	    (struct range_op){.kind = RANGE_SHARE,
		.start = start,
		.end = start + len,
		.perms = perms},
	    ALL_AT_ONCE);
}

void map(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms)
{
	int err = try_map(as, start, len, perms);

	assert(err == 0);
}

void unmap(struct aspace *as, vaddr_t start, uint64_t len)
{
	int err = try_unmap(as, start, len);

	assert(err == 0);
}

void protect(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms)
{
	int err = try_protect(as, start, len, perms);

	assert(err == 0);
}

void discard(struct aspace *as, vaddr_t start, uint64_t len)
{
	int err = try_discard(as, start, len);

	assert(err == 0);
}

void map_shared(struct aspace *as, vaddr_t start, uint64_t len, uint64_t perms)
{
	int err;

	map(as, start, len, perms);
	err = try_share(as, start, len, perms);
	assert(err == 0);
}

void bag_open(struct aspace *as, uint64_t len, uint64_t perms)
{
	int err = range_do(as,
	    (struct range_op){.kind = RANGE_PASS,
		.start = THERE,
		.end = THERE + len,
		.perms = perms},
	    64);

	assert(err == RANGE_BAG);
}

long bag_put(struct aspace *as, struct aspace *from, vaddr_t va, unsigned count)
{
	uint64_t pages[BAG_PUT_MAX];

	assert(count <= BAG_PUT_MAX);
	for (unsigned i = 0; i < count; i++)
		pages[i] = va + i * PAGE_SIZE;
	return bag_fill(as, from, pages, count);
}

int bag_close(struct aspace *as, int err)
{
	return range_do(as, bag_range(as, err), 64);
}

int try_access(struct aspace *as, vaddr_t va, enum access access)
{
	paddr_t page;

	return aspace_resolve(as, va, access, &page);
}

static uint64_t *word_at(paddr_t page, vaddr_t va)
{
	char *kernel = phys_to_virt(page);

	return (uint64_t *)(void *)(kernel + (va & PAGE_MASK));
}

int try_put(struct aspace *as, vaddr_t va, uint64_t word)
{
	paddr_t page;
	int err = aspace_resolve(as, va, ACCESS_WRITE, &page);

	if (err == 0)
		*word_at(page, va) = word;
	return err;
}

void put(struct aspace *as, vaddr_t va, uint64_t word)
{
	int err = try_put(as, va, word);

	assert(err == 0);
}

uint64_t get(struct aspace *as, vaddr_t va)
{
	paddr_t page;
	int err = aspace_resolve(as, va, ACCESS_READ, &page);

	assert(err == 0);
	return *word_at(page, va);
}

void put_pages(struct aspace *as, vaddr_t va, unsigned count, uint64_t word)
{
	for (unsigned i = 0; i < count; i++)
		put(as, va + i * PAGE_SIZE, word + i);
}

const char *expect_pages(struct aspace *as, vaddr_t va, unsigned count,
    uint64_t word)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t have = get(as, va + i * PAGE_SIZE);

		if (have != word + i)
			return found("page %u holds %lx, not %lx", i, have,
			    word + i);
	}
	return NULL;
}

struct calf_entry last_entry(struct aspace *as, vaddr_t va)
{
	struct calf_walk walk;

	inspect_walk(as, va, &walk);
	return walk.entry[walk.depth - 1];
}

struct calf_entry entry_at(struct aspace *as, vaddr_t va, int level)
{
	unsigned i = (unsigned)(SV39_ROOT_LEVEL - level);
	struct calf_walk walk;

	inspect_walk(as, va, &walk);
	assert(i < walk.depth);
	return walk.entry[i];
}

const char *expect_end(struct aspace *as, vaddr_t va, enum calf_kind kind,
    int level)
{
	struct calf_walk walk;
	int end;

	inspect_walk(as, va, &walk);
	end = SV39_ROOT_LEVEL - (int)walk.depth + 1;
	if (end == level && walk.entry[walk.depth - 1].kind == kind)
		return NULL;
	return found("at %lx kind %u at level %d, not %u at %d", va,
	    walk.entry[walk.depth - 1].kind, end, kind, level);
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * 0x100000001b3 ^ sum >> 29;
}

/* A reservation and a page of zeroes are the same to a process. */
static uint64_t digest_page(struct calf_entry e)
{
	static const uint16_t places[] = {0, 1, 255, 511};
	uint64_t perms = e.flags & (CALF_R | CALF_W | CALF_X), sum = 1;
	bool has_page = e.kind == CALF_PAGE || e.kind == CALF_HIDDEN;
	const uint64_t *words = has_page ? phys_to_virt(e.pa) : NULL;

	if (e.kind == CALF_EMPTY)
		return 0;
	if (e.flags & CALF_COW)
		perms |= CALF_W;
	sum = mix(sum, perms | (e.flags & CALF_SHARED));
	for (unsigned i = 0; i < array_len(places); i++)
		sum = mix(sum, has_page ? words[places[i]] : 0);
	return sum;
}

uint64_t digest(struct aspace *as, vaddr_t start, vaddr_t end)
{
	uint64_t sum = 0;

	for (vaddr_t va = start; va < end; va += PAGE_SIZE)
		sum = mix(sum, digest_page(last_entry(as, va)));
	return sum;
}

struct stats stats_since(struct stats before)
{
	struct stats now = stats_sum();

	now.forks -= before.forks;
	now.page_copies -= before.page_copies;
	now.page_reuses -= before.page_reuses;
	now.page_zeros -= before.page_zeros;
	now.table_copies -= before.table_copies;
	now.table_reuses -= before.table_reuses;
	now.table_passes -= before.table_passes;
	return now;
}

const char *expect_deeds(struct stats before, struct deeds deeds)
{
	struct stats s = stats_since(before);

	if (s.page_copies == deeds.page_copies &&
	    s.page_reuses == deeds.page_reuses &&
	    s.table_copies == deeds.table_copies &&
	    s.table_reuses == deeds.table_reuses)
		return NULL;
	return found("pages %lu copied %lu reused, tables %lu copied "
		     "%lu reused",
	    s.page_copies, s.page_reuses, s.table_copies, s.table_reuses);
}
