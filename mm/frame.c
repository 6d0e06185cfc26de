/* SPDX-License-Identifier: MIT */
/*
 * frame.c - counts and states of frames, and where the free ones are.
 *
 * Each hart has a cache, a stack of free frames, so that harts seldom meet.
 * What it has too many of goes to the depot in chains of CHAIN_MAX, and comes
 * from there. When that is empty, frames are taken that have never been used:
 * until then nothing is written to them, nor to what frames[] says of them, so
 * that a large machine boots like a small one.
 *
 * Each cache has a lock of its own, all but uncontended, through which a hart
 * that finds nothing left takes from the others: memory is exhausted only when
 * it is gone everywhere.
 *
 * A cache keeps some frames apart that are known to be zero, freed page tables
 * mostly: clearing a frame costs more than most of what is done with it.
 *
 * In test builds a freed frame is filled with a pattern, which is checked when
 * it is allocated: a write through a stale reference is noticed there.
 */
#include "mm/frame.h"

#include "arch/hart.h"
#include "arch/lock.h"
#include "arch/machine.h"
#include "arch/page.h"
#include "lib/print.h"
#include "lib/string.h"
#include "memmap.h"

#define CACHE_SIZE  (2 * CHAIN_MAX)
#define ZEROED_SIZE 32
#define POISON      0xa5a5a5a5a5a5a5a5UL

/* The first words of a free frame are the links of its chain. */
#define POISON_FROM 2

struct frame_cache {
	struct lock lock;
	uint64_t count;  /* [A] written under lock */
	uint64_t zeroed; /* [A] likewise */
	struct frame *free[CACHE_SIZE];
	struct frame *zero[ZEROED_SIZE];
} ALIGNED(64);

struct frame *frames;
paddr_t frame_base;
uint64_t frame_count;

static struct lock depot_lock;
static struct chain *depot GUARDED_BY(depot_lock);
static uint64_t depot_count; /* [A] frames, written under depot_lock */

static struct frame_cache caches[MAX_HARTS];

#ifdef CALF_TEST
uint32_t *frame_audit_words;
bool frame_watched = true;

static struct frame_failure *failures[MAX_HARTS];

void frame_fail_set(struct frame_failure *failure)
{
	failures[hart_index()] = failure;
}

bool frame_must_fail(void)
{
	struct frame_failure *failure = failures[hart_index()];

	if (failure == NULL || failure->countdown == 0)
		return false;
	if (failure->countdown > 1) {
		failure->countdown--;
		return false;
	}
	if (!failure->from)
		failure->countdown = 0;
	failure->failed++;
	alloc_site_failed();
	return true;
}

void frame_poison(struct frame *f)
{
	uint64_t *word = frame_virt(f);

	for (size_t i = 0; frame_watched && i < PAGE_SIZE / sizeof *word; i++)
		word[i] = POISON;
}

/*
 * The pattern is looked at in POISON_PARTS parts: in all of them when the frame
 * is allocated, in one of them at each audit, since an audit looks at every
 * free frame.
 */
#define POISON_WORDS (PAGE_SIZE / sizeof(uint64_t) - POISON_FROM)
#define PART_WORDS   (POISON_WORDS / POISON_PARTS)

_Static_assert(POISON_WORDS % (POISON_PARTS * 6) == 0,
    "check_part() looks at every word, six at a time");

static void check_part(const struct frame *f, unsigned part)
{
	const uint64_t *word = frame_virt(f);
	size_t from = POISON_FROM + part * PART_WORDS, end = from + PART_WORDS;
	uint64_t differs = 0;

	for (size_t i = from; frame_watched && i < end; i += 6)
		differs |= (word[i] ^ POISON) | (word[i + 1] ^ POISON) |
		    (word[i + 2] ^ POISON) | (word[i + 3] ^ POISON) |
		    (word[i + 4] ^ POISON) | (word[i + 5] ^ POISON);
	for (size_t i = from; differs != 0 && i < end; i++)
		if (word[i] != POISON)
			panic("expected free frame %lx untouched, found %lx "
			      "at offset %lx",
			    frame_paddr(f), word[i], i * sizeof *word);
}

static void check_poison(const struct frame *f)
{
	for (unsigned part = 0; part < POISON_PARTS; part++)
		check_part(f, part);
}

static void check_zero(const struct frame *f)
{
	uint64_t *word = frame_virt(f);

	for (size_t i = 0; frame_watched && i < PAGE_SIZE / sizeof *word; i++)
		if (word[i] != 0)
			panic("expected zeroed frame %lx, found %lx",
			    frame_paddr(f), word[i]);
}
#else
static void check_poison(const struct frame *f)
{
	(void)f;
}

static void check_zero(const struct frame *f)
{
	(void)f;
}
#endif

void frame_caches_init(void)
{
	for (unsigned i = 0; i < MAX_HARTS; i++)
		harts[i].frame_cache = &caches[i];
}

/* A full chain goes to the depot. */
static void depot_put(struct chain *chain)
{
	lock_acquire(&depot_lock);
	chain->next_chain = depot;
	depot = chain;
	depot_count += CHAIN_MAX;
	lock_release(&depot_lock);
}

/* Makes room in a full cache. */
static NOINLINE void cache_spill(struct frame_cache *cache)
    REQUIRES(cache->lock)
{
	struct chain *chain = NULL;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		struct chain *link = frame_virt(cache->free[--cache->count]);

		link->next = chain;
		chain = link;
	}
	depot_put(chain);
}

/* Takes a chain; NULL if there is none. */
static struct chain *depot_get(void)
{
	struct chain *chain;

	lock_acquire(&depot_lock);
	chain = depot;
	if (chain != NULL) {
		depot = chain->next_chain;
		depot_count -= CHAIN_MAX;
	}
	lock_release(&depot_lock);
	return chain;
}

/* Fills an empty cache. */
static NOINLINE void cache_refill(struct frame_cache *cache)
    REQUIRES(cache->lock)
{
	struct chain *chain = depot_get();
	struct frame *first;
	unsigned count;

	for (; chain != NULL; chain = chain->next)
		cache->free[cache->count++] = frame_of_virt(chain);
	if (cache->count > 0)
		return;
	count = fresh_take(&first, CHAIN_MAX);
	for (unsigned i = count; i-- > 0;) {
		first[i].word = FRAME_WORD(FRAME_FREE, 0);
		frame_poison(&first[i]);
		cache->free[cache->count++] = &first[i];
	}
}

/* A zeroed frame as one of any kind. */
static struct frame *zeroed_pop(struct frame_cache *cache) REQUIRES(cache->lock)
{
	struct frame *f = cache->zero[--cache->zeroed];

	check_zero(f);
	frame_poison(f);
	return f;
}

/* Any frame of a cache, the zeroed ones last. */
static struct frame *cache_pop(struct frame_cache *cache) REQUIRES(cache->lock)
{
	if (likely(cache->count > 0))
		return cache->free[--cache->count];
	if (cache->zeroed > 0)
		return zeroed_pop(cache);
	return NULL;
}

/* The last resort: a frame from any cache. */
static NOINLINE struct frame *cache_steal(void)
{
	for (unsigned i = 0; i < MAX_HARTS; i++) {
		struct frame *f;

		lock_acquire(&caches[i].lock);
		f = cache_pop(&caches[i]);
		lock_release(&caches[i].lock);
		if (f != NULL)
			return f;
	}
	return NULL;
}

static inline struct frame *frame_begin(struct frame *f, enum frame_state state)
{
	assert(f->word == FRAME_WORD(FRAME_FREE, 0));
	__atomic_store_n(&f->word, FRAME_WORD(state, 1), __ATOMIC_RELAXED);
	return f;
}

/* The hart's own cache is empty. */
static NOINLINE struct frame *alloc_slow(enum frame_state state)
{
	struct frame_cache *cache = hart_self()->frame_cache;
	struct frame *f;

	lock_acquire(&cache->lock);
	cache_refill(cache);
	f = cache_pop(cache);
	lock_release(&cache->lock);
	if (f == NULL)
		f = cache_steal();
	if (f == NULL)
		return NULL;
	check_poison(f);
	return frame_begin(f, state);
}

static struct frame *alloc(enum frame_state state)
{
	struct frame_cache *cache = hart_self()->frame_cache;
	struct frame *f;

	lock_acquire(&cache->lock);
	if (unlikely(cache->count == 0)) {
		lock_release(&cache->lock);
		return alloc_slow(state);
	}
	f = cache->free[--cache->count];
	lock_release(&cache->lock);
	check_poison(f);
	return frame_begin(f, state);
}

struct frame *(frame_alloc)(enum frame_state state)
{
	return frame_must_fail() ? NULL : alloc(state);
}

struct frame *(frame_alloc_zeroed)(enum frame_state state)
{
	struct frame_cache *cache = hart_self()->frame_cache;
	struct frame *f = NULL;

	if (frame_must_fail())
		return NULL;
	lock_acquire(&cache->lock);
	if (cache->zeroed > 0)
		f = cache->zero[--cache->zeroed];
	lock_release(&cache->lock);
	if (likely(f != NULL)) {
		check_zero(f);
		return frame_begin(f, state);
	}
	f = alloc(state);
	if (f != NULL)
		page_zero(frame_virt(f));
	return f;
}

void frame_count_is_wrong(const struct frame *f, uint32_t count)
{
	panic("expected a live frame at %lx, found count %u", frame_paddr(f),
	    count);
}

/* What the frame holds does not matter any more. */
static void cache_push(struct frame_cache *cache, struct frame *f)
    REQUIRES(cache->lock)
{
	if (unlikely(cache->count == CACHE_SIZE))
		cache_spill(cache);
	cache->free[cache->count++] = f;
}

void frame_free(struct frame *f)
{
	struct frame_cache *cache = hart_self()->frame_cache;

	frame_end(f);
	frame_poison(f);
	lock_acquire(&cache->lock);
	cache_push(cache, f);
	lock_release(&cache->lock);
}

void freeing_done(struct freeing freeing)
{
	struct frame_cache *cache = hart_self()->frame_cache;
	struct chain *link = freeing.first;

	if (freeing.count == CHAIN_MAX) {
		depot_put(link);
	} else {
		lock_acquire(&cache->lock);
		for (; link != NULL; link = link->next)
			cache_push(cache, frame_of_virt(link));
		lock_release(&cache->lock);
	}
}

void frame_free_zeroed(struct frame *f)
{
	struct frame_cache *cache = hart_self()->frame_cache;

	check_zero(f);
	/* Other harts only take from it. */
	if (__atomic_load_n(&cache->zeroed, __ATOMIC_RELAXED) == ZEROED_SIZE) {
		frame_free(f);
		return;
	}
	frame_end(f);
	lock_acquire(&cache->lock);
	cache->zero[cache->zeroed++] = f;
	lock_release(&cache->lock);
}

uint64_t frame_free_count(void)
{
	uint64_t sum =
	    fresh_count() + __atomic_load_n(&depot_count, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < MAX_HARTS; i++)
		sum += __atomic_load_n(&caches[i].count, __ATOMIC_RELAXED) +
		    __atomic_load_n(&caches[i].zeroed, __ATOMIC_RELAXED);
	return sum;
}

#ifdef CALF_TEST
/* A cache or a chain has it: counts it, once. */
static void audit_free_frame(const struct frame *f, bool zeroed, unsigned part)
{
	uint32_t *word = &frame_audit_words[f - frames];

	assert(f->word == FRAME_WORD(FRAME_FREE, 0));
	if (*word != 0)
		panic("frame %lx is free twice", frame_paddr(f));
	*word = 1;
	if (zeroed)
		check_zero(f);
	else
		check_part(f, part);
}

static uint64_t audit_cache(const struct frame_cache *cache, unsigned part)
{
	for (uint64_t i = 0; i < cache->count; i++)
		audit_free_frame(cache->free[i], false, part);
	for (uint64_t i = 0; i < cache->zeroed; i++)
		audit_free_frame(cache->zero[i], true, part);
	return cache->count + cache->zeroed;
}

uint64_t frame_audit_free(void) NO_LOCK_CHECK
{
	static unsigned audits;
	unsigned audit = __atomic_fetch_add(&audits, 1, __ATOMIC_RELAXED);
	unsigned part = audit % POISON_PARTS;
	uint64_t listed = 0, free = 0;

	for (struct frame *f = frame_next_known(NULL); f != NULL;
	     f = frame_next_known(f)) {
		frame_audit_words[f - frames] = 0;
		free += f->state == FRAME_FREE;
	}
	for (unsigned i = 0; i < MAX_HARTS; i++)
		listed += audit_cache(&caches[i], part);
	for (const struct chain *c = depot; c != NULL; c = c->next_chain)
		for (const struct chain *link = c; link != NULL;
		     link = link->next, listed++)
			audit_free_frame(frame_of_virt(link), false, part);
	if (listed != free)
		panic("expected %lu free frames, found %lu", free, listed);
	return free + fresh_count();
}

#endif
