/* SPDX-License-Identifier: MIT */
/*
 * frame.h - physical memory: one struct frame for each 4 KiB of it.
 *
 * A frame is in one state, which says what `refs` counts:
 *
 *   FRAME_FREE     refs == 0   in a hart's cache, or in the depot; poisoned in
 *                              test builds
 *   FRAME_KERNEL   refs >= 1   one for the kernel that holds it, one for each
 *                              entry that maps it into a process
 *   FRAME_TABLE    refs >= 1   entries (in distinct tables) that name this
 *                              table; 1 for a root
 *   FRAME_PAGE     refs >= 1   entries (in distinct tables) that name it
 *
 * Counts are atomic and there is no lock around them. What makes that enough
 * is said once, in docs/design.md: a count of 1, seen by the one who holds
 * that reference, stays 1, because only a holder can make another.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "arch/atomic.h"
#include "arch/layout.h"
#include "lib/assert.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include "mm/alloc_site.h"

enum frame_state {
	FRAME_FREE,
	FRAME_KERNEL,
	FRAME_TABLE,
	FRAME_PAGE,
};

struct frame {
	union {
		struct {
			uint32_t refs; /* [A] */
			union {
				struct {
					/* FRAME_TABLE: entries not EMPTY */
					uint16_t used : 15;
					/*
					 * FRAME_TABLE of level 0: in it are
					 * only reservations, and private pages
					 * of no more than this entry of it,
					 * with which their owner may do the
					 * same.
					 */
					uint16_t alike : 1;
				};
				uint16_t use; /* both, as a copy has them */
			};
			/*
			 * FRAME_TABLE: bit n is set if an entry of the n-th
			 * eighth of it may be used.
			 */
			uint8_t eighths;
			uint8_t state; /* enum frame_state */
		};
		uint64_t word; /* all of it */
	};
};

_Static_assert(sizeof(struct frame) == 8, "two of them would fit badly");

/* What `used` can hold. */
#define USED_MASK 0x7fffU

/* What `word` is for a frame of which nothing is used. */
#define FRAME_WORD(state, refs) ((uint64_t)(state) << 56 | (refs))

/*
 * frames[0] is the frame at frame_base; frames cover holes too. Of what is no
 * memory, or has never been used, nothing has been written here.
 */
extern struct frame *frames;
extern paddr_t frame_base;
extern uint64_t frame_count;

/* Memory as the machine has it, and the parts that are taken. */
struct region;
struct memory_map {
	const struct region *ram;
	unsigned ram_count;
	const struct region *taken;
	unsigned taken_count;
};

/* Builds the frame table inside the memory it describes. Called once. */
void frame_init(const struct memory_map *map);

/* Tells each hart its cache; for frame_init(). */
void frame_caches_init(void);

/* Gives a stretch that was taken at boot to the allocator. Whole pages only. */
void frame_give(paddr_t start, paddr_t end);

/*
 * As frame_give(), for a stretch that is in use. The caller says of each frame
 * what it is; frames go to the allocator when they are freed.
 */
void frame_adopt(paddr_t start, paddr_t end);

/*
 * A frame in the given state with one reference and undefined contents, or
 * NULL if there is none left anywhere.
 */
MUST_USE struct frame *frame_alloc(enum frame_state state);

/* As frame_alloc(), with all bytes zero. */
MUST_USE struct frame *frame_alloc_zeroed(enum frame_state state);

static inline paddr_t frame_paddr(const struct frame *f)
{
	return frame_base + ((paddr_t)(f - frames) << PAGE_SHIFT);
}

static inline struct frame *frame_of(paddr_t pa)
{
	assert(pa - frame_base < frame_count << PAGE_SHIFT);
	return &frames[(pa - frame_base) >> PAGE_SHIFT];
}

/* The frame of a page number, which is what entries hold. */
static inline struct frame *frame_of_ppn(uint64_t ppn)
{
	uint64_t index = ppn - (frame_base >> PAGE_SHIFT);

	assert(index < frame_count);
	return &frames[index];
}

/* A frame and its count as one value: the page number, and the count above. */
static inline uint64_t frame_trace(const struct frame *f)
{
	return frame_paddr(f) >> PAGE_SHIFT | (uint64_t)f->refs << 32;
}

static inline void *frame_virt(const struct frame *f)
{
	return phys_to_virt(frame_paddr(f));
}

static inline struct frame *frame_of_virt(const void *p)
{
	return frame_of(virt_to_phys(p));
}

NORETURN void frame_count_is_wrong(const struct frame *f, uint32_t count);

/* Adds a reference; the caller holds one already. */
static inline void frame_get(struct frame *f)
{
	int64_t before = atomic_add_relaxed(&f->refs, 1);

	/* Neither a free frame nor one with absurdly many references. */
	if (unlikely(before <= 0))
		frame_count_is_wrong(f, (uint32_t)before);
}

/*
 * Drops a reference and says whether it was the last, in which case the caller
 * has to free the frame. All that the caller read from the frame is done.
 */
static inline bool frame_drop(struct frame *f)
{
	int64_t before = atomic_add_acq_rel(&f->refs, -1);

	if (unlikely(before <= 0))
		frame_count_is_wrong(f, (uint32_t)before);
	return before == 1;
}

/*
 * True if the caller's reference is the only one. Then it stays so, and what
 * the former holders did to the frame is done. A stale false costs a copy.
 */
static inline bool frame_is_sole(const struct frame *f)
{
	return __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) == 1;
}

/* Returns a frame whose last reference was dropped. */
void frame_free(struct frame *f);

/*
 * As frame_free(), for a frame whose bytes are all zero: it is kept for
 * frame_alloc_zeroed().
 */
void frame_free_zeroed(struct frame *f);

/* Drops a reference to a page or kernel frame; the last frees it. */
static inline void frame_put(struct frame *f)
{
	if (frame_drop(f))
		frame_free(f);
}

/*
 * Frames on their way back, chained through their first words, CHAIN_MAX at
 * most; the chains of the depot hang together through the second.
 */
struct chain {
	struct chain *next;
	struct chain *next_chain;
};

struct freeing {
	struct chain *first;
	unsigned count;
};

#define CHAIN_MAX 32

/* Gives back all that is chained. By value: it lives in registers. */
void freeing_done(struct freeing freeing);

/*
 * In test builds: fills a free frame with a pattern. Unless free frames are not
 * watched, where it matters how many instructions something takes.
 */
#ifdef CALF_TEST
extern bool frame_watched; /* [c] */
void frame_poison(struct frame *f);
#else
static inline void frame_poison(struct frame *f)
{
	(void)f;
}
#endif

static inline void frame_end(struct frame *f)
{
	assert(f->refs == 0 && f->state >= FRAME_KERNEL);
	f->word = FRAME_WORD(FRAME_FREE, 0);
}

/*
 * frame_drop() for a page; a last reference leaves it free, to be chained. A
 * page with one owner, which is nearly all of them, takes no atomic operation:
 * its count stays 1 for the one who holds it.
 */
INLINE bool frame_drop_page(struct frame *f)
{
	if (likely(__atomic_load_n(&f->word, __ATOMIC_RELAXED) ==
		FRAME_WORD(FRAME_PAGE, 1))) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		f->word = FRAME_WORD(FRAME_FREE, 0);
		return true;
	}
	if (!frame_drop(f))
		return false;
	frame_end(f);
	return true;
}

/* Chains a free frame by its memory. */
INLINE void freeing_add(struct freeing *freeing, void *memory)
{
	struct chain *link = memory;

	link->next = freeing->first;
	freeing->first = link;
	if (unlikely(++freeing->count == CHAIN_MAX)) {
		freeing_done(*freeing);
		*freeing = (struct freeing){0};
	}
}

/* Frames free now, wherever they are; and in all. */
uint64_t frame_free_count(void);
uint64_t frame_total_count(void);

#ifdef CALF_TEST
/*
 * Verifies what is free, and returns how many frames that are. It looks at one
 * part of the words of each; POISON_PARTS calls look at all.
 */
#define POISON_PARTS 5
uint64_t frame_audit_free(void);

/* Goes through all frames that have ever been used; NULL: to the first. */
struct frame *frame_next_known(const struct frame *f);

/* Does it stand for memory that was given to the allocator? */
bool frame_is_memory(const struct frame *f);

/* So many of those that were never used are not to be had. */
extern uint64_t frame_aside;

/* A word for each frame, for the audit to count in. */
extern uint32_t *frame_audit_words;

/*
 * Failing on purpose: while set on a hart, of its next allocations the n-th
 * fails, or all from the n-th on.
 */
struct frame_failure {
	uint32_t countdown; /* 0: none fails */
	bool from : 1;
	uint32_t failed : 31;
};
void frame_fail_set(struct frame_failure *failure);

/* Is this the one? Asked once by every way to allocate. */
bool frame_must_fail(void);
#else
static inline bool frame_must_fail(void)
{
	return false;
}
#endif

/* From here on a call of an allocator is known by its place. */
#ifdef ALLOC_SITE
#define frame_alloc(state)        (ALLOC_SITE, (frame_alloc)(state))
#define frame_alloc_zeroed(state) (ALLOC_SITE, (frame_alloc_zeroed)(state))
#endif

#endif
