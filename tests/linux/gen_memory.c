/* SPDX-License-Identifier: MIT */
/*
 * gen_memory.c - operations on the address space.
 */
#include "genprog.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Not compared: PROT_WRITE or PROT_EXEC alone. Without PROT_READ the hardware
 * under an emulator allows accesses that RISC-V does not, or forbids others.
 */
static const int prots[] = {
    PROT_NONE,
    PROT_READ,
    PROT_READ | PROT_WRITE,
    PROT_READ | PROT_WRITE,
    PROT_READ | PROT_WRITE,
    PROT_READ | PROT_EXEC,
    PROT_READ | PROT_WRITE | PROT_EXEC,
};

#define BAD_PROT    0x100
#define SHARED_MOST 12 /* pages, as shared ones are allocated at once */

static unsigned long brk_base;

void memory_start(void)
{
	unsigned long now = (unsigned long)SYS(SYS_brk, 0);

	brk_base = (now + PAGE - 1) & ~(PAGE - 1);
	(void)SYS(SYS_brk, brk_base);
}

static unsigned long length(struct range r)
{
	return point(r.to) - point(r.from);
}

/* The result of a call that returns an address, as the transcript has it. */
static unsigned long told(long result)
{
	return result < 0 ? (unsigned long)result
			  : relative((unsigned long)result);
}

static bool may_share(struct range r)
{
	return !self.alone && r.from >= FIRST_SHARED &&
	    length(r) <= SHARED_MOST * PAGE;
}

/*
 * Not compared: the result if the addresses are taken. qemu-user 7.2 returns
 * another address, as Linux before 4.17 did.
 */
static void map_where_free(struct range r, int prot, int flags)
{
	long got = SYS(SYS_mmap, point(r.from), length(r), prot,
	    flags | MAP_FIXED_NOREPLACE, -1, 0);
	bool done = got == (long)point(r.from);

	say("mmap where free %lx %lx prot %x flags %x = %s",
	    relative(point(r.from)), length(r), prot, flags,
	    done ? "done" : "taken");
	if (done)
		model_set(r, prot);
	else if (got != -EEXIST)
		(void)SYS(SYS_munmap, got, length(r));
}

void op_map(void)
{
	struct range r = pick_range();
	int prot = prots[pick(COUNT(prots))];
	int flags = MAP_ANONYMOUS | MAP_NORESERVE;
	long got;

	flags |= chance(3) && may_share(r) ? MAP_SHARED : MAP_PRIVATE;
	if (chance(6)) {
		map_where_free(r, prot, flags);
		return;
	}
	flags |= MAP_FIXED;
	got = SYS(SYS_mmap, point(r.from), length(r), prot, flags, -1, 0);
	say("mmap %lx %lx prot %x flags %x = %lx", relative(point(r.from)),
	    length(r), prot, flags, told(got));
	if (got >= 0)
		model_set(r, prot);
}

/* Maps with a hint. Not compared: the address, if the hint was not taken. */
static void map_with_hint(void)
{
	struct range r = pick_range();
	unsigned long hint = point(r.from) + (chance(2) ? 0 : 123);
	long got = SYS(SYS_mmap, hint, length(r), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool taken = got == (long)point(r.from);

	say("mmap hint %lx %lx = %s", relative(hint), length(r),
	    taken          ? "taken"
		: got >= 0 ? "elsewhere"
			   : "error");
	if (taken)
		model_set(r, PROT_READ | PROT_WRITE);
	else if (got >= 0)
		say("munmap = %ld", SYS(SYS_munmap, got, length(r)));
}

struct bad_map {
	const char *name;
	unsigned long add, len;
	int flags;
	unsigned long offset;
};

void op_map_badly(void)
{
	static const struct bad_map bad[] = {
	    {"no length", 0, 0, MAP_PRIVATE | MAP_FIXED, 0},
	    {"misaligned", 1, PAGE, MAP_PRIVATE | MAP_FIXED, 0},
	    {"all there is", 0, -PAGE, MAP_PRIVATE, 0},
	    {"wraps to nothing", 0, -1UL, MAP_PRIVATE, 0},
	    {"beyond the end", -1UL << 40, PAGE, MAP_PRIVATE | MAP_FIXED, 0},
	    {"neither", 0, PAGE, MAP_FIXED, 0},
	    {"both", 0, PAGE, MAP_SHARED | MAP_PRIVATE | MAP_FIXED, 0},
	    {"odd offset", 0, PAGE, MAP_PRIVATE | MAP_FIXED, 7},
	};
	const struct bad_map *b;
	struct range r = pick_range();
	unsigned long at = point(r.from);

	if (chance(2)) {
		map_with_hint();
		return;
	}
	b = &bad[pick(COUNT(bad))];
	say("mmap %s = %lx", b->name,
	    told(SYS(SYS_mmap, at + b->add, b->len, PROT_READ,
		b->flags | MAP_ANONYMOUS, -1, b->offset)));
}

void op_unmap(void)
{
	struct range r = pick_range();
	unsigned long at = point(r.from), len = length(r);
	long got;

	switch (pick(16)) {
	case 0:
		say("munmap misaligned = %ld", SYS(SYS_munmap, at + 8, len));
		return;
	case 1:
		say("munmap nothing = %ld", SYS(SYS_munmap, at, 0));
		return;
	case 2:
		say("munmap all = %ld", SYS(SYS_munmap, at, -PAGE));
		return;
	case 3: /* a part of a page counts as a page */
		len -= PAGE - 1;
		break;
	default:
		break;
	}
	got = SYS(SYS_munmap, at, len);
	say("munmap %lx %lx = %ld", relative(at), len, got);
	if (got == 0)
		model_set(r, UNMAPPED);
}

/*
 * Not compared: a length of 0, for which qemu-user wants a mapping.
 */
static bool protect_badly(unsigned long at, unsigned long len)
{
	switch (pick(24)) {
	case 0:
		say("mprotect misaligned = %ld",
		    SYS(SYS_mprotect, at + 8, len, PROT_READ));
		return true;
	case 1:
		say("mprotect as no one knows = %ld",
		    SYS(SYS_mprotect, at, len, BAD_PROT));
		return true;
	case 2:
		say("mprotect all = %ld",
		    SYS(SYS_mprotect, at, -2 * PAGE, PROT_NONE));
		return true;
	default:
		return false;
	}
}

/*
 * Not compared: how far a call came that found a hole. Linux changes the pages
 * before it, Calf none (docs/abi.md). So the range is unmapped afterwards, and
 * is equal on both.
 */
void op_protect(void)
{
	struct range r = pick_range();
	unsigned long at = point(r.from), len = length(r);
	int prot = prots[pick(COUNT(prots))];
	long got;

	if (protect_badly(at, len))
		return;
	got = SYS(SYS_mprotect, at, len, prot);
	say("mprotect %lx %lx prot %x = %ld", relative(at), len, prot, got);
	if (got == 0) {
		model_set(r, prot);
		return;
	}
	say("munmap = %ld", SYS(SYS_munmap, at, len));
	model_set(r, UNMAPPED);
}

/*
 * Not compared: ranges with holes, and unknown advice. qemu-user does nothing
 * and returns 0 for both.
 */
void op_discard(void)
{
	struct range r = pick_range();
	unsigned long at = point(r.from);

	if (chance(12)) {
		say("madvise misaligned = %ld",
		    SYS(SYS_madvise, at + 8, PAGE, MADV_DONTNEED));
		return;
	}
	if (chance(12)) {
		say("madvise nothing = %ld",
		    SYS(SYS_madvise, at, 0, MADV_DONTNEED));
		return;
	}
	while (r.to > r.from + 1 && model_has_hole(r))
		r.to--;
	if (model_has_hole(r))
		return;
	say("madvise %lx %lx = %ld", relative(at), length(r),
	    SYS(SYS_madvise, at, length(r), MADV_DONTNEED));
}

/*
 * Whole pages only. Not compared: the rest of a page that the break lies in,
 * which Linux keeps and qemu-user clears.
 */
void op_brk(void)
{
	unsigned long pages = pick(6), to = brk_base + pages * PAGE, got, i;
	uint64_t sum = 0;

	if (chance(10)) {
		pages = 99;
		to = chance(2) ? 1 : -PAGE;
	}
	got = (unsigned long)SYS(SYS_brk, to);
	for (i = brk_base; i < got; i += PAGE) {
		volatile uint64_t *word = (volatile uint64_t *)(i + 8);

		sum = sum * 31 + *word;
		*word = self.rng;
	}
	say("brk %lx = %lx, held %lx", pages, got - brk_base,
	    (unsigned long)sum);
}

/* The page of a fault: an access across a border may name either byte. */
static void say_access(const char *what, unsigned long at, int size,
    const struct fault *fault, uint64_t value)
{
	if (fault != NULL)
		say("%s %lx %d: signal %d code %d page %lx", what, relative(at),
		    size, fault->sig, fault->code,
		    relative(fault->address & ~(PAGE - 1)));
	else
		say("%s %lx %d: %lx", what, relative(at), size,
		    (unsigned long)value);
}

void op_load(void)
{
	int stretch, size = chance(2) ? 8 : 1;
	unsigned long at = pick_address(&stretch);
	uint64_t value = 0;
	const struct fault *fault;

	if (self.alone && stretch == FIRST_SHARED - 1)
		at &= ~7UL; /* not across the border to what is shared */
	fault = try_load(at, size, &value);
	say_access("load", at, size, fault, value);
}

void op_store(void)
{
	int stretch, size = chance(3) ? 1 : 8;
	unsigned long at = pick_address(&stretch);
	uint64_t value = self.rng >> 8;
	const struct fault *fault;

	if (self.alone && stretch == FIRST_SHARED - 1)
		at &= ~7UL;
	fault = try_store(at, size, value);
	say_access("store", at, size, fault, value);
}

/* Stores an instruction that returns, and executes it. */
void op_call(void)
{
	static const uint32_t code = 0x00008067; /* ret */
	int stretch;
	unsigned long at = pick_address(&stretch) & ~(PAGE - 1);
	struct range r = {stretch, stretch + 1};
	int prot = model_prot(stretch);
	const struct fault *fault;

	if (prot == UNMAPPED || !(prot & PROT_EXEC)) {
		fault = try_call(at);
		if (fault != NULL) {
			say_access("call", at, 4, fault, 0);
			return;
		}
		say("call %lx: executed what may not be", relative(at));
	}
	if (prot == UNMAPPED || length(r) > 8 * MIB)
		return;
	if (SYS(SYS_mprotect, point(r.from), length(r),
		PROT_READ | PROT_WRITE) != 0)
		say("mprotect for code failed");
	memcpy((void *)at, &code, sizeof(code));
	say("mprotect %lx %lx for code = %ld", relative(point(r.from)),
	    length(r),
	    SYS(SYS_mprotect, point(r.from), length(r), PROT_READ | PROT_EXEC));
	model_set(r, PROT_READ | PROT_EXEC);
	(void)SYS(SYS_riscv_flush_icache, at, at + 4, 0);
	__asm__ volatile("fence.i" ::: "memory");
	fault = try_call(at);
	say_access("call", at, 4, fault, 0);
}

static uint64_t sum_page(uint64_t sum, unsigned long at)
{
	const volatile uint64_t *word = (const volatile uint64_t *)at;

	for (unsigned i = 0; i < PAGE / sizeof(*word); i++)
		sum = (sum ^ word[i]) * 0x100000001b3u;
	return sum;
}

/* First and last page of each stretch; the ones between hold nothing. */
void op_sum(void)
{
	int end = self.alone ? FIRST_SHARED : STRETCHES;
	uint64_t sum = 0xcbf29ce484222325u;

	for (int i = 0; i < end; i++) {
		if (model_prot(i) <= 0)
			continue;
		sum = sum_page(sum + (unsigned)i, point(i));
		if (point(i) + PAGE < point(i + 1))
			sum = sum_page(sum, point(i + 1) - PAGE);
	}
	say("sum %lx", (unsigned long)sum);
}
