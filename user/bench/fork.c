/* SPDX-License-Identifier: MIT */
/*
 * fork.c - making a process, and its whole life.
 *
 * Fork is measured as its caller sees it: until the instruction after the call
 * has been executed, with the faults that this takes. What the copy costs
 * later is in the rows of fault.c and bulk.c.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS       15
#define LARGE_ROUNDS 5 /* rounds of what takes another kernel long */
#define LARGE        GIB

/* Both halves of a child's life: until fork returns, and until it is gone. */
struct life {
	struct samples call, whole;
};

static void measure_life(struct life *life)
{
	uint64_t start = count_start(), middle;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(42);
	middle = count_stop();
	check(pid > 0 && waitpid(pid, &status, 0) == pid &&
		WEXITSTATUS(status) == 42,
	    "a child did not live and end as it should");
	sample(&life->call, count_since(start, middle), 1);
}

static void measure_whole(struct life *life)
{
	uint64_t start = count_start(), stop;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(42);
	check(waitpid(pid, &status, 0) == pid, "wait");
	stop = count_stop();
	check(WEXITSTATUS(status) == 42, "a child's status is wrong");
	sample(&life->whole, count_since(start, stop), 1);
}

/* Both sides must find all pages as they were before. */
static void verify_copy(volatile uint64_t *mem, size_t pages)
{
	pid_t pid = start_child();

	if (pid == 0) {
		bool right = is_filled(mem, 0, pages);

		if (pages > 0)
			invert(mem, pages / 2, pages / 2 + 1);
		end_child(right);
	}
	wait_child(pid);
	check(is_filled(mem, 0, pages), "memory changed after fork");
}

static void fork_row(const char *row, volatile uint64_t *mem, size_t pages)
{
	int rounds = pages < LARGE / PAGE_BYTES ? ROUNDS : LARGE_ROUNDS;
	struct life life = {0};

	for (int i = 0; i < rounds; i++)
		measure_life(&life);
	verify_copy(mem, pages);
	report(row, &life.call);
}

/*
 * One mapping, filled step by step: of the largest size on every machine, so
 * that the figures do not depend on how many of them fit.
 */
void bench_fork(void)
{
	static const struct {
		const char *row;
		size_t bytes;
	} sizes[] = {{"fork-0", 0}, {"fork-1m", MIB}, {"fork-16m", 16 * MIB},
	    {"fork-256m", 256 * MIB}, {"fork-1g", GIB}, {"fork-4g", 4 * GIB},
	    {"fork-8g", 8 * GIB}};
	const unsigned count = sizeof sizes / sizeof sizes[0];
	volatile uint64_t *mem;
	size_t filled = 0, pages;
	unsigned fit = 1;

	while (fit < count && memory_suffices(sizes[fit].bytes))
		fit++;
	mem = map(sizes[count - 1].bytes);
	for (unsigned i = 0; i < fit; i++) {
		pages = sizes[i].bytes / PAGE_BYTES;
		fill(mem, filled, pages);
		filled = pages;
		fork_row(sizes[i].row, mem, pages);
	}
	for (unsigned i = fit; i < count; i++)
		skip(sizes[i].row, "not enough memory");
}

/*
 * Makes so many mappings, of which the kernel can merge none with the next:
 * every other page of a range. Each has a page in it.
 */
static void maps_row(const char *row, size_t mappings)
{
	size_t len = 2 * mappings * PAGE_BYTES;
	volatile uint64_t *mem = map(len);
	struct life life = {0};
	bool right = true;

	for (size_t i = 0; i < mappings; i++) {
		fill(mem, 2 * i, 2 * i + 1);
		unmap(mem + (2 * i + 1) * PAGE_WORDS, PAGE_BYTES);
	}
	for (int i = 0; i < ROUNDS; i++)
		measure_life(&life);
	for (size_t i = 0; i < mappings; i++)
		right = right && is_filled(mem, 2 * i, 2 * i + 1);
	check(right, "a mapping lost its page");
	report(row, &life.call);
	unmap(mem, len);
}

void bench_maps(void)
{
	maps_row("fork-maps-1", 1);
	maps_row("fork-maps-100", 100);
	maps_row("fork-maps-10000", 10000);
}

static void measure_exec(struct samples *s, char *const argv[])
{
	uint64_t start = count_start(), stop;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(99);
	}
	check(waitpid(pid, &status, 0) == pid, "wait");
	stop = count_stop();
	check(status == 0, "the program did not run");
	sample(s, count_since(start, stop), 1);
}

static void exec_row(const char *row)
{
	static char name[] = "/bin/true";
	char *argv[] = {name, NULL};
	struct samples s = {0};

	if (access(name, X_OK) < 0) {
		skip(row, "there is no /bin/true");
		return;
	}
	for (int i = 0; i < ROUNDS; i++)
		measure_exec(&s, argv);
	report(row, &s);
}

/* `mem` is a GiB, not used yet. */
static void life_1g_row(const char *row, volatile uint64_t *mem)
{
	struct life life = {0};

	fill(mem, 0, GIB / PAGE_BYTES);
	for (int i = 0; i < LARGE_ROUNDS; i++)
		measure_whole(&life);
	verify_copy(mem, GIB / PAGE_BYTES);
	report(row, &life.whole);
}

/*
 * Measures in a mapping, away from what a child writes, and in the heap, whose
 * upper tables are also those of the program's data.
 */
static void life_1g_rows(void)
{
	volatile uint64_t *mem;

	if (!memory_suffices(GIB)) {
		skip("fork-exit-wait-1g", "not enough memory");
		skip("fork-exit-wait-1g-heap", "not enough memory");
		return;
	}
	mem = map(GIB);
	life_1g_row("fork-exit-wait-1g", mem);
	unmap(mem, GIB);
	mem = grow_heap(GIB);
	life_1g_row("fork-exit-wait-1g-heap", mem);
	shrink_heap(GIB);
}

void bench_life(void)
{
	struct life life = {0};

	for (int i = 0; i < ROUNDS; i++)
		measure_whole(&life);
	report("fork-exit-wait", &life.whole);
	exec_row("fork-exec-wait");
	life_1g_rows();
}

#define REQUESTS 10
#define TOUCHED  10

/* Forks a child for each request; the child changes some pages, and ends. */
static void serve(volatile uint64_t *mem, size_t distance)
{
	for (int i = 0; i < REQUESTS; i++) {
		pid_t pid = start_child();

		if (pid == 0) {
			bool right = true;

			for (size_t k = 1; k <= TOUCHED; k++) {
				size_t page = k * distance;

				right = right && is_filled(mem, page, page + 1);
				invert(mem, page, page + 1);
			}
			end_child(right);
		}
		wait_child(pid);
	}
}

static void server_rows(const char *row, const char *rate_row,
    volatile uint64_t *mem, size_t distance)
{
	struct samples s = {0}, rate = {0};

	for (int i = 0; i < LARGE_ROUNDS; i++) {
		uint64_t start = count_start(), total;

		serve(mem, distance);
		total = count_since(start, count_stop());
		sample(&s, total, REQUESTS);
	}
	check(is_filled(mem, 0, GIB / PAGE_BYTES), "the server's memory");
	/* A tick is 100 ns: a second is 10^9 instructions. */
	sample(&rate, 100000000000, sample_median(&s));
	report(row, &s);
	report_unit(rate_row, &rate, "forks/s");
}

void bench_server(void)
{
	volatile uint64_t *mem;

	if (!memory_suffices(GIB)) {
		skip("fork-server", "not enough memory");
		return;
	}
	mem = map(GIB);
	fill(mem, 0, GIB / PAGE_BYTES);
	server_rows("fork-server-near", "fork-server-near-rate", mem, 1);
	server_rows("fork-server-far", "fork-server-far-rate", mem, 24 * 1024);
	unmap(mem, GIB);
}

#define SERVED "fork-exec-wait-served"

void bench_in_tree(void)
{
	exec_row(SERVED);
}

/* Runs the benchmark itself as a program of a file server's tree. */
void bench_tree(void)
{
	pid_t pid;

	if (access("/bin/files", X_OK) < 0) {
		skip(SERVED, "there is no /bin/files");
		return;
	}
	pid = start_child();
	if (pid == 0) {
		execl("/bin/files", "files", "-c", "/bin/true", "-c",
		    bench_path, bench_path, "in-tree", NULL);
		end_child(false);
	}
	wait_child(pid);
}
