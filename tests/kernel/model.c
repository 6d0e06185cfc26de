/* SPDX-License-Identifier: MIT */
/*
 * model.c - random histories of a few address spaces, each step compared with
 * a model that copies everything at once and has no tables at all.
 */
#include "ktest.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "space.h"

#define SPACES 5
#define PAGES  24
#define GROUPS 64

/* Where page i lies: around a border of 2 MiB, and one of 1 GiB. */
static vaddr_t page_va(unsigned i)
{
	return i < PAGES / 2 ? 2 * MIB - PAGES / 4 * PAGE_SIZE + i * PAGE_SIZE
			     : GIB - 3 * PAGES / 4 * PAGE_SIZE + i * PAGE_SIZE;
}

struct page {
	bool mapped;
	uint8_t group; /* of MAP_SHARED pages; 0: private */
	uint8_t perms;
	uint64_t word; /* unless it is in a group */
};

/* A group's word, and how many pages of the model name it. */
struct group {
	unsigned users;
	uint64_t word;
};

static struct aspace *spaces[SPACES];
static struct page pages[SPACES][PAGES];
static struct group groups[GROUPS];

/* What a step does, to which pages of which address space. */
struct pick {
	unsigned who, first, end;
	uint64_t perms, random;
};

static void leave(struct page *page)
{
	if (page->group != 0)
		groups[page->group].users--;
	*page = (struct page){0};
}

static uint8_t group_find(void)
{
	for (unsigned i = 1; i < GROUPS; i++)
		if (groups[i].users == 0)
			return (uint8_t)i;
	return 0;
}

/* The range as the kernel sees it covers both areas where it crosses over. */
static struct range_op op_of(enum range_kind kind, const struct pick *pick)
{
	return (struct range_op){.kind = kind,
	    .start = page_va(pick->first),
	    .end = page_va(pick->end - 1) + PAGE_SIZE,
	    .perms = pick->perms};
}

static bool has_hole(const struct pick *pick)
{
	for (unsigned i = pick->first; i < pick->end; i++)
		if (!pages[pick->who][i].mapped)
			return true;
	/* Nothing is mapped between the two areas. */
	return pick->first < PAGES / 2 && pick->end > PAGES / 2;
}

static int run(const struct pick *pick, enum range_kind kind)
{
	static const unsigned budgets[] = {1, 3, 100, UINT32_MAX};

	return range_do(spaces[pick->who], op_of(kind, pick),
	    budgets[pick->random % array_len(budgets)]);
}

static const char *do_map(struct pick *pick)
{
	/* In one area, lest the gap between them be mapped, too. */
	if (pick->first < PAGES / 2 && pick->end > PAGES / 2)
		pick->end = PAGES / 2;
	MUST(run(pick, RANGE_MAP) == 0, "map failed");
	for (unsigned i = pick->first; i < pick->end; i++) {
		leave(&pages[pick->who][i]);
		pages[pick->who][i].mapped = true;
		pages[pick->who][i].perms = (uint8_t)pick->perms;
	}
	return NULL;
}

static const char *do_unmap(struct pick *pick)
{
	MUST(run(pick, RANGE_UNMAP) == 0, "unmap failed");
	for (unsigned i = pick->first; i < pick->end; i++)
		leave(&pages[pick->who][i]);
	return NULL;
}

static const char *do_protect(struct pick *pick)
{
	int err = run(pick, RANGE_PROTECT);

	MUST(err == (has_hole(pick) ? -ENOMEM : 0),
	    found("protect: error %d", err));
	if (err < 0)
		return NULL;
	for (unsigned i = pick->first; i < pick->end; i++)
		pages[pick->who][i].perms = (uint8_t)pick->perms;
	return NULL;
}

static const char *do_discard(struct pick *pick)
{
	int err = run(pick, RANGE_DISCARD);

	MUST(err == (has_hole(pick) ? -ENOMEM : 0),
	    found("discard: error %d", err));
	if (err < 0)
		return NULL;
	for (unsigned i = pick->first; i < pick->end; i++)
		pages[pick->who][i].word = 0;
	return NULL;
}

/* Maps one fresh shared page. */
static const char *do_share(struct pick *pick)
{
	struct page *page = &pages[pick->who][pick->first];
	uint8_t group = group_find();

	if (group == 0)
		return NULL;
	pick->end = pick->first + 1;
	MUST(run(pick, RANGE_MAP) == 0, "map failed");
	MUST(run(pick, RANGE_SHARE) == 0, "share failed");
	leave(page);
	*page = (struct page){.mapped = true,
	    .group = group,
	    .perms = (uint8_t)pick->perms};
	groups[group] = (struct group){.users = 1};
	return NULL;
}

static const char *do_write(struct pick *pick)
{
	struct page *page = &pages[pick->who][pick->first];
	vaddr_t va = page_va(pick->first) + 8 * (pick->random % 2);
	int err = try_put(spaces[pick->who], va, pick->random);
	bool may = page->mapped && (page->perms & PTE_W);

	MUST(err == (may ? 0 : -EFAULT), found("write: error %d", err));
	if (err == 0 && pick->random % 2 == 0) {
		if (page->group != 0)
			groups[page->group].word = pick->random;
		else
			page->word = pick->random;
	}
	return NULL;
}

static const char *do_read(struct pick *pick)
{
	struct page *page = &pages[pick->who][pick->first];
	vaddr_t va = page_va(pick->first);
	int err = try_access(spaces[pick->who], va, ACCESS_READ);
	bool may = page->mapped && (page->perms & PTE_R);
	uint64_t want =
	    page->group != 0 ? groups[page->group].word : page->word;

	MUST(err == (may ? 0 : -EFAULT), found("read: error %d", err));
	MUST(err < 0 || get(spaces[pick->who], va) == want,
	    found("page %u holds %lx, not %lx", pick->first,
		get(spaces[pick->who], va), want));
	return NULL;
}

/* Another address space becomes a fork of this one. */
static const char *do_fork(struct pick *pick)
{
	unsigned to = (unsigned)(pick->random % SPACES);

	if (to == pick->who)
		return NULL;
	space_drop(spaces[to]);
	spaces[to] = space_fork(spaces[pick->who]);
	for (unsigned i = 0; i < PAGES; i++) {
		leave(&pages[to][i]);
		pages[to][i] = pages[pick->who][i];
		if (pages[to][i].group != 0)
			groups[pages[to][i].group].users++;
	}
	return NULL;
}

static const char *step(uint64_t *state)
{
	static const char *(*const steps[])(struct pick *) = {do_map, do_unmap,
	    do_protect, do_discard, do_share, do_fork, do_fork, do_write,
	    do_write, do_write, do_read, do_read};
	static const uint64_t perms[] = {RW, RW, RW, PTE_R, RX, 0};
	struct pick pick = {.who = (unsigned)rnd(state, SPACES),
	    .first = (unsigned)rnd(state, PAGES)};

	pick.end = pick.first + 1 + (unsigned)rnd(state, PAGES - pick.first);
	pick.perms = perms[rnd(state, array_len(perms))];
	pick.random = rnd(state, UINT64_MAX);
	return steps[rnd(state, array_len(steps))](&pick);
}

/* Compares every page of every address space with the model. */
static const char *compare(void)
{
	struct pick pick = {0};

	for (pick.who = 0; pick.who < SPACES; pick.who++)
		for (pick.first = 0; pick.first < PAGES; pick.first++)
			TRY(do_read(&pick));
	return NULL;
}

static const char *history(uint64_t seed, unsigned length)
{
	uint64_t state = seed;

	memset(pages, 0, sizeof pages);
	memset(groups, 0, sizeof groups);
	for (unsigned i = 0; i < SPACES; i++)
		spaces[i] = space_new();
	for (unsigned i = 1; i <= length; i++) {
		const char *sentence = step(&state);

		if (sentence == NULL && i % 50 == 0)
			sentence = compare();
		if (sentence != NULL)
			return found("seed %lu, step %u: %s", seed, i,
			    sentence);
		if (i % 25 == 0)
			(void)aspace_audit();
	}
	for (unsigned i = 0; i < SPACES; i++)
		space_drop(spaces[i]);
	return NULL;
}

TEST(random_histories_agree_with_a_model_that_copies)
{
	for (uint64_t seed = 1; seed <= 8; seed++)
		TRY(history(seed, 1000));
	return NULL;
}

TEST(many_short_histories_agree_with_it_too)
{
	for (uint64_t seed = 100; seed < 400; seed++)
		TRY(history(seed, 40));
	return NULL;
}

static const struct test model_tests[] = {
    T(random_histories_agree_with_a_model_that_copies),
    T(many_short_histories_agree_with_it_too),
};
SUITE(model, model_tests);
