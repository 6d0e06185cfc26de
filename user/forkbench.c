/* SPDX-License-Identifier: MIT */
/*
 * forkbench [MIB...] - what fork costs, by the size of the process.
 *
 * For each size it maps and fills so much memory, then measures
 *
 *   fork        the call itself, in the parent
 *   +exit+wait  until the child, which does nothing, is gone again
 *   1st write   by a child, to memory it has not touched: tables and a page
 *   next        each write to another page nearby: one page
 *   last owner  each write by the parent when the child is gone: no copy
 *
 * and, once, what a page of zeros costs. Every figure is the best of a few
 * rounds. What was measured is then verified: each side must find every page as
 * it should be, or the figures mean nothing.
 *
 * It counts instructions where the machine has a counter that does (QEMU: only
 * with -icount), the kernel's included, and nanoseconds elsewhere. It runs on
 * Linux as well.
 */
#include <program.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    forkbench - what fork costs, by the size of the process\n"
    "\n"
    "SYNOPSIS\n"
    "    forkbench [MIB...]\n"
    "\n"
    "DESCRIPTION\n"
    "    For each size, by default 1, 4, 16, 64 and 256 MiB, it fills so much\n"
    "    memory and measures, in instructions where QEMU counts them\n"
    "    (-icount), otherwise in nanoseconds:\n"
    "\n"
    "    fork        the call itself, in the parent\n"
    "    +exit+wait  until the child, which does nothing, is gone again\n"
    "    1st write   by a child, to memory it has not touched: tables and a\n"
    "                page\n"
    "    next        each write to another page nearby: one page\n"
    "    last owner  each write by the parent when the child is gone: no copy\n"
    "\n"
    "EXIT STATUS\n"
    "    1 if a page had not the contents that it should have had, else 0.\n"
    "\n"
    "SEE ALSO\n"
    "    make bench; docs/bench/README.md\n";

#define MIB         (1UL << 20)
#define PAGE_BYTES  4096UL
#define ROUNDS      8
#define WRITES      64        /* for the average cost of one */
#define SPARE_BYTES (8 * MIB) /* memory for what is copied while measuring */

struct figures {
	uint64_t fork, whole, first_write, next_write, last_owner;
	bool child_was_right;
};

/* Words of the region at this distance are in different pages. */
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))

static bool counts_instructions;
static struct figures *from_child; /* on a page that both share */

/* ---- counting ---- */

static uint64_t instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count;
}

static uint64_t now(void)
{
	struct timespec t;

	if (counts_instructions)
		return instructions();
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What a loop of 2n instructions costs according to the counter. */
static uint64_t count_loop(uint64_t n)
{
	uint64_t start = instructions();

	__asm__ volatile("1: addi %0, %0, -1\n"
			 "   bnez %0, 1b"
			 : "+r"(n));
	return instructions() - start;
}

/* Reading the counter may be forbidden: a child tries it first. */
static bool counter_is_readable(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		instructions();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return pid > 0 && status == 0;
}

/*
 * Two exact counts of ten are enough, as an interrupt adds instructions of the
 * kernel.
 */
static bool counter_counts_instructions(void)
{
	int exact = 0;

	for (int i = 0; i < 10; i++)
		exact += count_loop(20000) - count_loop(10000) == 20000;
	return exact >= 2;
}

static void keep_smaller(uint64_t *best, uint64_t value)
{
	if (*best == 0 || value < *best)
		*best = value;
}

/* ---- memory with known contents ---- */

static void *map(size_t len, int sharing)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_ANONYMOUS | sharing, -1, 0);

	if (mem == MAP_FAILED) {
		perror("forkbench: mmap");
		exit(1);
	}
	return mem;
}

static uint64_t pattern(size_t page)
{
	return 0x9e3779b97f4a7c15 * (page + 1);
}

static void fill(volatile uint64_t *mem, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		mem[i * PAGE_WORDS] = pattern(i);
}

/* Pages below `changed` hold their pattern inverted, the others as filled. */
static bool is_right(volatile uint64_t *mem, size_t pages, size_t changed)
{
	for (size_t i = 0; i < pages; i++)
		if (mem[i * PAGE_WORDS] !=
		    (i < changed ? ~pattern(i) : pattern(i)))
			return false;
	return true;
}

/* Inverts pages [from, to); returns what that cost. */
static uint64_t invert(volatile uint64_t *mem, size_t from, size_t to)
{
	uint64_t start = now();

	for (size_t i = from; i < to; i++)
		mem[i * PAGE_WORDS] = ~pattern(i);
	return now() - start;
}

/* ---- measuring ---- */

static pid_t checked_fork(void)
{
	pid_t pid = fork();

	if (pid >= 0)
		return pid;
	perror("forkbench: fork");
	exit(1);
}

static void measure_fork(struct figures *f)
{
	uint64_t start = now(), middle;
	pid_t pid = checked_fork();

	if (pid == 0)
		_exit(0);
	middle = now();
	waitpid(pid, NULL, 0);
	keep_smaller(&f->fork, middle - start);
	keep_smaller(&f->whole, now() - start);
}

/* A child writes and verifies; then the parent verifies and writes. */
static bool measure_writes(struct figures *f, volatile uint64_t *mem,
    size_t pages)
{
	bool right;
	pid_t pid;

	/*
	 * This is stored before the fork, as the child may be done before the
	 * parent goes on.
	 */
	from_child->child_was_right = false;
	pid = checked_fork();
	if (pid == 0) {
		from_child->first_write = invert(mem, 0, 1);
		from_child->next_write = invert(mem, 1, 1 + WRITES) / WRITES;
		from_child->child_was_right = is_right(mem, pages, 1 + WRITES);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	keep_smaller(&f->first_write, from_child->first_write);
	keep_smaller(&f->next_write, from_child->next_write);
	right = from_child->child_was_right && is_right(mem, pages, 0);

	invert(mem, 0, 1);
	keep_smaller(&f->last_owner, invert(mem, 1, 1 + WRITES) / WRITES);
	right = right && is_right(mem, pages, 1 + WRITES);
	fill(mem, 1 + WRITES);
	return right;
}

static bool bench(size_t mib)
{
	size_t pages = mib * MIB / PAGE_BYTES;
	volatile uint64_t *mem = map(mib * MIB, MAP_PRIVATE);
	struct figures f = {.fork = 0};
	bool right = true;

	fill(mem, pages);
	for (int i = 0; i < ROUNDS; i++)
		measure_fork(&f);
	for (int i = 0; i < ROUNDS && right; i++)
		right = measure_writes(&f, mem, pages);
	munmap((void *)(uintptr_t)mem, mib * MIB);
	printf("%6zu %10lu %11lu %10lu %10lu %11lu%s\n", mib, f.fork, f.whole,
	    f.first_write, f.next_write, f.last_owner,
	    right ? "" : "  WRONG CONTENTS");
	return right;
}

/* The first page is not counted: it may need tables as well. */
static bool bench_zeros(void)
{
	size_t len = (1 + WRITES) * PAGE_BYTES;
	uint64_t best = 0;
	bool right = true;

	for (int round = 0; round < ROUNDS; round++) {
		volatile uint64_t *mem = map(len, MAP_PRIVATE);

		invert(mem, 0, 1);
		keep_smaller(&best, invert(mem, 1, 1 + WRITES) / WRITES);
		for (size_t i = 0; i < len / sizeof *mem; i++)
			if (i % PAGE_WORDS != 0 && mem[i] != 0)
				right = false;
		munmap((void *)(uintptr_t)mem, len);
	}
	printf("a page of zeros, at its first touch: %lu%s\n", best,
	    right ? "" : "  NOT ZERO");
	return right;
}

static bool memory_suffices(size_t mib)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return true;
	return mib * MIB + SPARE_BYTES <= info.freeram * info.mem_unit;
}

static bool bench_if_possible(size_t mib)
{
	if (mib > 0 && memory_suffices(mib))
		return bench(mib);
	printf("%6zu not measured: %s\n", mib,
	    mib == 0 ? "no size" : "not enough free memory");
	return true;
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {1, 4, 16, 64, 256};
	bool right = true;

	counts_instructions =
	    counter_is_readable() && counter_counts_instructions();
	from_child = map(PAGE_BYTES, MAP_SHARED);
	printf("in %s, best of %d rounds\n",
	    counts_instructions
		? "instructions, the kernel's included"
		: "nanoseconds (instructions are counted only under -icount)",
	    ROUNDS);
	printf("   MiB       fork  +exit+wait  1st write       next  last "
	       "owner\n");
	for (int i = 1; i < argc; i++)
		right &= bench_if_possible((size_t)atol(argv[i]));
	for (size_t i = 0; argc < 2 && i < sizeof sizes / sizeof sizes[0]; i++)
		right &= bench_if_possible(sizes[i]);
	right &= bench_zeros();
	printf(right ? "contents verified in parent and child\n"
		     : "contents are WRONG: these figures mean nothing\n");
	return right ? 0 : 1;
}
