/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the groups of rows share.
 *
 * A row is measured in rounds, each of which leaves one sample. Where an
 * operation is too short for one, a round repeats it and the sample is the
 * average. Samples are kept in hundredths of the row's unit.
 *
 * A group runs in a process of its own, so that no group sees what another one
 * left in its address space. It keeps whether everything it measured had the
 * contents it should have had; a row printed after that is FAILED.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KIB        1024UL
#define MIB        (1024 * KIB)
#define GIB        (1024 * MIB)
#define PAGE_BYTES 4096UL
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
#define REGION     (2 * MIB) /* what one table of the lowest level maps */

/* ---- counting ---- */

#define TICK 100 /* instructions in a tick of the timebase, under -icount */

/*
 * An instruction without effect, of a kind that the architecture leaves to such
 * uses: tests/bench/hidden.c watches for it from outside the machine.
 */
#define MARK(n)    "slti zero, zero, " #n "\n"
#define MARK_START MARK(1)
#define MARK_STOP  MARK(2)
#define MARK_ROW   MARK(3)

/*
 * Instructions executed until now. Both wait for the clock to tick, the first
 * before what is measured, the second after it, and so are far finer than the
 * clock: to within three instructions. The wait is not counted.
 */
static inline uint64_t count_start(void)
{
	uint64_t before, now;

	__asm__ volatile("   rdtime %0\n"
			 "1: rdtime %1\n"
			 "   beq %0, %1, 1b\n" MARK_START
			 : "=&r"(before), "=&r"(now)
			 :
			 : "memory");
	return now * TICK;
}

static inline uint64_t count_stop(void)
{
	uint64_t before, now, steps;

	__asm__ volatile(MARK_STOP);
	__asm__ volatile("   li %2, 0\n"
			 "   rdtime %0\n"
			 "1: rdtime %1\n"
			 "   addi %2, %2, 1\n"
			 "   beq %0, %1, 1b"
			 : "=&r"(before), "=&r"(now), "=&r"(steps)
			 :
			 : "memory");
	return now * TICK - 3 * steps;
}

/* What was executed since count_start() returned `start`. */
uint64_t count_since(uint64_t start, uint64_t stop);

/* Measures the counter itself. Call once, first. */
void count_init(void);

/* "instr", or "ns" where a tick is time rather than instructions. */
extern const char *count_unit;

/* ---- samples and rows ---- */

#define MAX_SAMPLES 64

struct samples {
	uint64_t value[MAX_SAMPLES]; /* hundredths */
	unsigned count;
};

/* Adds one sample: `total` for `n` operations, at most MAX_SAMPLES of them. */
void sample(struct samples *s, uint64_t total, uint64_t n);

/* The lowest and the middle sample. There is at least one. */
uint64_t sample_min(const struct samples *s);
uint64_t sample_median(struct samples *s);

/* Prints a row in count_unit, or in `unit`. Ends the group if it is wrong. */
void report(const char *row, struct samples *s);
void report_unit(const char *row, struct samples *s, const char *unit);

/* The text that goes before the name of each row. */
extern const char *row_prefix;

/* Prints why a row is left out. */
void skip(const char *row, const char *reason);

/* Notes that the contents which were measured were not as they should be. */
void wrong(const char *what);

/* Calls wrong(what) unless `right`. */
void check(bool right, const char *what);

/* ---- processes and memory ---- */

/* A page that a group and its children share. */
struct exchange {
	volatile uint64_t value[16];
	volatile uint64_t turn, switches, yields;
	volatile uint64_t stop;
};
extern struct exchange *exchange;

/* Forks a child; without one the group ends. */
pid_t start_child(void);

/* Ends the child; `right` says whether all it measured was right. */
_Noreturn void end_child(bool right);

/* Waits for a child; wrong() if it was not right. */
void wait_child(pid_t pid);

void make_pipe(int ends[2]);

/* Private memory, or MAP_SHARED; the group ends if there is none. */
void *map(size_t len);
void *map_shared(size_t len);
void unmap(volatile void *mem, size_t len);

/* `len` more bytes of the heap, at a whole page; the group ends without. */
void *grow_heap(size_t len);
void shrink_heap(size_t len);

/* `len` bytes at a multiple of `align`, a power of two of whole pages. */
void *map_aligned(size_t len, size_t align);

/* The first word of a page that was filled and of one that was changed. */
static inline uint64_t pattern(size_t page)
{
	return 0x9e3779b97f4a7c15 * (page + 1);
}

/* Stores the first words of pages [from, to). */
void fill(volatile uint64_t *mem, size_t from, size_t to);
void invert(volatile uint64_t *mem, size_t from, size_t to);

/* Reads these words, and says if all are as fill() or invert() left them. */
bool is_filled(volatile uint64_t *mem, size_t from, size_t to);
bool is_inverted(volatile uint64_t *mem, size_t from, size_t to);

/* Stores all words of pages [from, to), or says whether they are right. */
void fill_words(volatile uint64_t *mem, size_t from, size_t to);
bool words_are_filled(volatile uint64_t *mem, size_t from, size_t to);

/* Frames that are free now, as far as the kernel tells. */
uint64_t free_frames(void);

/* Is so much memory there, and are rows of that size wanted? */
bool memory_suffices(size_t bytes);

/* Set by `small`: rows that need more than this are left out. */
extern size_t memory_limit;

/* ---- groups ---- */

void bench_call(void);
void bench_signal(void);
void bench_switch(void);
void bench_pipe(void);
void bench_port(void);
void bench_read(void);
void bench_file(void);
void bench_fork(void);
void bench_maps(void);
void bench_life(void);
void bench_tree(void);
void bench_server(void);
void bench_cow(void);
void bench_worst(void);
void bench_zero(void);
void bench_mmap(void);
void bench_brk(void);
void bench_bulk(void);
void bench_exit(void);
void bench_idle(void);

/* Throughput of 1 to `most` processes at once, by the clock. */
void bench_scale(unsigned most);

/* The path of the program, and what it does in the file server's tree. */
extern const char *bench_path;
void bench_in_tree(void);

#endif
