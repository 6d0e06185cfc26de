/* SPDX-License-Identifier: MIT */
/*
 * fuzz_world.c - a family's memory, with pages of all kinds side by side.
 *
 * Around borders of pages, of 2 MiB, of 1 GiB and of the user half lie pages
 * of random kinds. Addresses handed to calls are near these borders, mostly.
 */
#include "fuzz.h"

/* The kinds of a page. Some become COW and LAZY when the family forks. */
enum kind {
	UNMAPPED,
	WRITTEN,
	WRITTEN_EXEC,
	READ_ONLY,
	HIDDEN,
	SHARED,
	RESERVED,
	RESERVED_READ_ONLY,
	RESERVED_NONE,
	KINDS,
};

/* A border of 1 GiB, with much unused memory on both sides. */
#define WORLD 0x1040000000UL

/* Reserved in one piece, by an entry of level 1 and one of level 2. */
#define BIG_2M (WORLD + 8 * MIB)
#define BIG_1G (WORLD + GIB)

/* The member's own memory for structures; a fourth page is not mapped. */
#define SCRATCH       (WORLD + 12 * MIB - 2 * PAGE)
#define SCRATCH_PAGES 3UL

/*
 * Memory that a whole family shares, for structures as well: other members
 * change them while a call reads them.
 */
#define COMMON       (WORLD + 16 * MIB)
#define COMMON_PAGES 2UL
#define COMMON_WORDS (COMMON_PAGES * PAGE / sizeof(uint64_t))

/* Each border has so many pages of random kinds before and behind it. */
#define SPREAD 3UL

#define ECALL  0x00000073U
#define RET    0x00008067U
#define LI_777 0x77700513U /* li a0, 0x777 */

static const uintptr_t borders[] = {
    WORLD,
    WORLD + 2 * MIB,
    WORLD + 4 * MIB,
    WORLD + 4 * MIB + 16 * PAGE,
    WORLD - 16 * PAGE,
    USER_END,
};

/* Other addresses for calls: every border of the user half. */
static const uintptr_t corners[] = {
    0,
    PAGE,
    0x1010000, /* this program's text */
    0x1011000,
    BIG_2M,
    BIG_2M + 2 * MIB,
    BIG_1G,
    BIG_1G + 2 * MIB,
    BIG_1G + GIB,
    CANARY_AT,
    CANARY_AT + PAGE,
    CANARY_AT + 2 * PAGE, /* a border of 2 MiB */
    CANARY_AT + 4 * PAGE,
    USER_END,
};

static const uintptr_t outside[] = {
    USER_END,
    USER_END + PAGE,
    1UL << 39,
    1UL << 63,
    0xffffffc000000000UL, /* the kernel half */
    0xffffffc080000000UL, /* memory */
    0xffffffc080200000UL, /* the kernel */
    0xffffffffffffffffUL,
};

static bool map_at(uintptr_t at, size_t len, int prot, int kind)
{
	return mmap((void *)at, len, prot, kind | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) != MAP_FAILED;
}

static void fill(uintptr_t at, size_t bytes, uint64_t word)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(word); i++)
		((volatile uint64_t *)at)[i] = word;
}

/* ---- Process 1's canary ---- */

static uint64_t canary_word(size_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15UL;
}

bool canary_map(void)
{
	size_t i;

	if (!map_at(CANARY_AT, CANARY_PAGES * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE))
		return false;
	for (i = 0; i < CANARY_PAGES * PAGE / 8; i++)
		((volatile uint64_t *)CANARY_AT)[i] = canary_word(i);
	return true;
}

bool canary_lives(void)
{
	size_t i;

	for (i = 0; i < CANARY_PAGES * PAGE / 8; i++)
		if (((volatile uint64_t *)CANARY_AT)[i] != canary_word(i))
			return false;
	return true;
}

/* ---- A family's world ---- */

static void page_make(uintptr_t at, enum kind kind)
{
	int prot = PROT_READ | PROT_WRITE;

	if (kind == UNMAPPED)
		return;
	if (kind == RESERVED_READ_ONLY)
		prot = PROT_READ;
	if (kind == RESERVED_NONE)
		prot = PROT_NONE;
	if (!map_at(at, PAGE, prot, kind == SHARED ? MAP_SHARED : MAP_PRIVATE))
		return;
	if (kind >= RESERVED)
		return;
	fill(at, PAGE, TAG(me.family));
	if (kind == READ_ONLY)
		(void)mprotect((void *)at, PAGE, PROT_READ);
	if (kind == WRITTEN_EXEC)
		(void)mprotect((void *)at, PAGE, PROT_READ | PROT_EXEC);
	if (kind == HIDDEN)
		(void)mprotect((void *)at, PAGE, PROT_NONE);
}

void world_build(void)
{
	uintptr_t at;
	int i;

	for (i = 0; i < COUNT(borders); i++)
		for (at = borders[i] - SPREAD * PAGE;
		     at < borders[i] + SPREAD * PAGE && at < USER_END;
		     at += PAGE)
			page_make(at, below(KINDS));
	(void)map_at(BIG_2M, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	(void)map_at(BIG_1G, GIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	(void)map_at(SCRATCH, SCRATCH_PAGES * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE);
	fill(SCRATCH, SCRATCH_PAGES * PAGE, TAG(me.family));
	(void)map_at(COMMON, COMMON_PAGES * PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED);
	(void)map_at(STUB_AT, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_SHARED);
	((volatile uint32_t *)STUB_AT)[1] = RET;
	stub_restore();
}

/* ---- What others change ---- */

static void stub_put(uint32_t instruction)
{
	*(volatile uint32_t *)STUB_AT = instruction;
	__asm__ volatile("fence.i" ::: "memory");
}

void stub_restore(void)
{
	stub_put(ECALL);
}

static uint64_t any_word(void)
{
	switch (below(5)) {
	case 0:
		return 0;
	case 1:
		return below(4 * PAGE);
	case 2:
		return roll();
	case 3:
		return ((volatile uint64_t *)COMMON)[below(COMMON_WORDS)];
	default:
		return any_address();
	}
}

void meddle(void)
{
	volatile uint64_t *words = (volatile uint64_t *)COMMON;
	volatile uint64_t wait = below(3000);
	uint64_t n;

	for (n = below(100); n > 0; n--)
		words[below(COMMON_WORDS)] = any_word();
	if (!once_in(3))
		return;
	stub_put(LI_777);
	/* A call that waits, or is done in parts, goes on meanwhile. */
	if (once_in(2))
		(void)plain(SYS_sched_yield);
	while (wait > 0)
		wait--;
	stub_restore();
}

/* ---- Addresses ---- */

/* A small distance, mostly so that a structure lies across the border. */
static long nudge(void)
{
	static const int near[] = {0, 0, 1, 2, 4, 7, 8, 12, 16, 24, 64, 128};
	long n = near[below(COUNT(near))];

	if (once_in(8))
		n = (long)below(2 * PAGE);
	return once_in(4) ? n : -n;
}

uintptr_t any_page(void)
{
	uintptr_t at = borders[below(COUNT(borders))];

	if (once_in(10))
		return corners[below(COUNT(corners))];
	return at + PAGE * (below(2 * SPREAD + 1) - SPREAD);
}

uintptr_t bad_address(void)
{
	return outside[below(COUNT(outside))] + below(PAGE);
}

uintptr_t any_address(void)
{
	char local;

	switch (below(16)) {
	case 0:
		return 0;
	case 1:
		return bad_address();
	case 2:
		return outside[below(COUNT(outside))] + nudge();
	case 3:
		return roll();
	case 4:
		return 1UL << below(64);
	case 5:
		return (uintptr_t)&local - 32 * PAGE + nudge();
	case 6:
		return CANARY_AT + below(CANARY_PAGES * PAGE);
	case 7:
		return corners[below(COUNT(corners))] + nudge();
	case 8:
	case 9:
	case 10:
		return SCRATCH + below(SCRATCH_PAGES * PAGE);
	default:
		return any_page() + nudge();
	}
}

/* The program ends far below this. */
#define CODE_END 0x100000UL

uintptr_t code_address(void)
{
	uintptr_t at = any_address();

	return at < CODE_END ? bad_address() : at;
}

/* The kernel says what is there, so that looking does not kill. */
static unsigned flags_at(uintptr_t at)
{
	struct calf_walk walk;
	struct calf_entry *last;

	if (plain(SYS_calf_walk, 0, (long)at, (long)&walk) != 0)
		return 0;
	last = &walk.entry[walk.depth - 1];
	return last->kind == CALF_PAGE ? last->flags : 0;
}

uintptr_t place(const void *bytes, size_t len)
{
	bool common = once_in(3);
	uintptr_t at = common ? COMMON : SCRATCH;
	uintptr_t end = at + (common ? COMMON_PAGES : SCRATCH_PAGES) * PAGE;
	const unsigned char *from = bytes;
	size_t i;

	if (once_in(3))
		at += PAGE * (common ? 1 : 1 + below(2)) - below(len + 1);
	else if (once_in(8))
		at = end - below(len + 1);
	else
		at += below(PAGE) & ~7UL;
	for (i = 0; i < len && at + i < end; i++)
		((volatile unsigned char *)at)[i] = from[i];
	return at;
}

/* ---- What may not be there ---- */

/*
 * The pattern with which test kernels fill free frames, in halves, so that the
 * whole word is never in a register, from which a signal frame would copy it.
 */
#define POISON_HALF 0xa5a5a5a5U

static bool is_poison(const volatile uint64_t *word)
{
	const volatile uint32_t *half = (const volatile uint32_t *)word;

	return half[0] == POISON_HALF && half[1] == POISON_HALF;
}

/*
 * Compares the halves. If a whole tag were computed from the word, which may be
 * any number, a signal at that moment would store this tag of another family on
 * the signal stack, in the frame with the registers.
 */
static bool is_tag(uint64_t word)
{
	uint64_t family = word >> 16 & 0xffff;

	return (uint32_t)word == TAG_LOWER(family) &&
	    word >> 32 == TAG_UPPER(family);
}

static void look_at(uintptr_t start, size_t bytes)
{
	const volatile uint64_t *word = (const volatile uint64_t *)start;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++) {
		uint64_t w;

		if (is_poison(&word[i]))
			fail("family %lu read a free frame at %lx", me.family,
			    (uintptr_t)&word[i]);
		w = word[i];
		if (is_tag(w) && w != me.tag)
			fail("family %lu read memory of family %lu at %lx",
			    me.family, w >> 16 & 0xffff, (uintptr_t)&word[i]);
	}
}

/* Fresh memory is zero, and has no words of others. */
static void look_at_fresh(void)
{
	volatile uint64_t *fresh = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (fresh == MAP_FAILED)
		return;
	for (i = 0; i < 2 * PAGE / sizeof(*fresh); i++)
		if (fresh[i] != 0)
			fail("family %lu got fresh memory with %lx in it",
			    me.family, fresh[i]);
	(void)munmap((void *)(uintptr_t)fresh, 2 * PAGE);
}

void world_look(void)
{
	uintptr_t at;
	int i;

	/* Its tag was overwritten, so it does not know what is its own. */
	if (me.tag != TAG(me.family))
		leave(0);
	for (i = 0; i < COUNT(borders); i++)
		for (at = borders[i] - SPREAD * PAGE;
		     at < borders[i] + SPREAD * PAGE && at < USER_END;
		     at += PAGE)
			if (flags_at(at) & CALF_R)
				look_at(at, PAGE);
	/* The structures that the kernel stored for our handlers. */
	look_at((uintptr_t)signal_stack, sizeof(signal_stack));
	look_at_fresh();
}
