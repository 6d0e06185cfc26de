/* SPDX-License-Identifier: MIT */
/*
 * bulk.c - what is done to memory by the gigabyte.
 *
 * The rows that say read or write 1 GiB after a fork are what a fork that
 * copies nothing has put off. They are the difference to the same loop in a
 * process that has not forked.
 */
#include "bench.h"

#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 3
#define PAGES  (GIB / PAGE_BYTES)

static uint64_t count_read_all(volatile uint64_t *mem, bool *right)
{
	uint64_t start = count_start();

	*right = is_filled(mem, 0, PAGES) && *right;
	return count_since(start, count_stop());
}

static uint64_t count_write_all(volatile uint64_t *mem)
{
	uint64_t start = count_start();

	invert(mem, 0, PAGES);
	return count_since(start, count_stop());
}

/* The cost of the loops alone, where nothing faults. */
struct plain {
	uint64_t read, write;
};

static struct plain measure_plain(volatile uint64_t *mem)
{
	struct plain plain;
	bool right = true;

	plain.write = count_write_all(mem);
	fill(mem, 0, PAGES);
	plain.read = count_read_all(mem, &right);
	check(right, "memory is not as written");
	return plain;
}

static uint64_t without(uint64_t total, uint64_t plain)
{
	return total > plain ? total - plain : 0;
}

static uint64_t read_in_child(volatile uint64_t *mem)
{
	pid_t pid = start_child();

	if (pid == 0) {
		bool right = true;

		exchange->value[0] = count_read_all(mem, &right);
		end_child(right);
	}
	wait_child(pid);
	check(is_filled(mem, 0, PAGES), "the parent's pages changed");
	return exchange->value[0];
}

static uint64_t write_in_child(volatile uint64_t *mem)
{
	pid_t pid = start_child();

	if (pid == 0) {
		exchange->value[0] = count_write_all(mem);
		end_child(is_inverted(mem, 0, PAGES));
	}
	wait_child(pid);
	check(is_filled(mem, 0, PAGES), "the parent's pages changed");
	return exchange->value[0];
}

/* A child that sleeps until the other end is closed, and then looks. */
static pid_t start_sleeper(volatile uint64_t *mem, int *wake)
{
	int ends[2];
	char byte;
	pid_t pid;

	make_pipe(ends);
	pid = start_child();
	if (pid == 0) {
		close(ends[1]);
		end_child(
		    read(ends[0], &byte, 1) == 0 && is_filled(mem, 0, PAGES));
	}
	close(ends[0]);
	*wake = ends[1];
	return pid;
}

static void in_parent(volatile uint64_t *mem, uint64_t *reads, uint64_t *writes)
{
	bool right = true;
	int wake;
	pid_t pid = start_sleeper(mem, &wake);

	*reads = count_read_all(mem, &right);
	close(wake);
	wait_child(pid);
	check(right, "the parent's pages changed");

	pid = start_sleeper(mem, &wake);
	*writes = count_write_all(mem);
	close(wake);
	wait_child(pid);
	check(is_inverted(mem, 0, PAGES), "the parent's writes are lost");
	fill(mem, 0, PAGES);
}

static void report_both(const char *row, const char *page_row,
    const struct samples *s)
{
	struct samples total = *s, each = {0};

	for (unsigned i = 0; i < s->count; i++)
		sample(&each, s->value[i] / 100, PAGES);
	report(row, &total);
	report(page_row, &each);
}

void bench_bulk(void)
{
	struct samples child_read = {0}, child_write = {0};
	struct samples parent_read = {0}, parent_write = {0};
	volatile uint64_t *mem;

	if (!memory_suffices(2 * GIB + 64 * MIB)) {
		skip("read-1g-child and the like", "not enough memory");
		return;
	}
	mem = map_aligned(GIB, GIB);
	fill(mem, 0, PAGES);
	for (int i = 0; i < ROUNDS; i++) {
		struct plain plain = measure_plain(mem);
		uint64_t reads, writes;

		sample(&child_read, without(read_in_child(mem), plain.read), 1);
		sample(&child_write, without(write_in_child(mem), plain.write),
		    1);
		in_parent(mem, &reads, &writes);
		sample(&parent_read, without(reads, plain.read), 1);
		sample(&parent_write, without(writes, plain.write), 1);
	}
	report_both("read-1g-child", "read-1g-child-page", &child_read);
	report_both("write-1g-child", "write-1g-child-page", &child_write);
	report_both("read-1g-parent", "read-1g-parent-page", &parent_read);
	report_both("write-1g-parent", "write-1g-parent-page", &parent_write);
	unmap(mem, GIB);
}

/* Counts from the child's last instruction to the parent's next. */
static uint64_t count_exit(void)
{
	pid_t pid = start_child();
	int status = -1;
	uint64_t stop;

	if (pid == 0) {
		volatile uint64_t *mem = map(GIB);

		fill(mem, 0, PAGES);
		if (!is_filled(mem, 0, PAGES))
			end_child(false);
		exchange->value[0] = count_start();
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid, "wait");
	stop = count_stop();
	check(status == 0, "the child's memory was wrong");
	return count_since(exchange->value[0], stop);
}

void bench_exit(void)
{
	struct samples s = {0};
	uint64_t before, after;

	if (!memory_suffices(GIB)) {
		skip("exit-1g-page", "not enough memory");
		return;
	}
	before = free_frames();
	for (int i = 0; i < ROUNDS; i++)
		sample(&s, count_exit(), PAGES);
	after = free_frames();
	/* Some memory may be missing: what a kernel keeps in its caches. */
	check(after + GIB / 2 / PAGE_BYTES > before, "memory is not back");
	report("exit-1g-page", &s);
}

/* ---- mmap and munmap ---- */

static void mmap_rows(const char *row, const char *touched_row, size_t len)
{
	struct samples s = {0}, touched = {0};
	const int batch = 50;

	for (int i = 0; i < 9; i++) {
		uint64_t start = count_start();

		for (int k = 0; k < batch; k++)
			unmap(map(len), len);
		sample(&s, count_since(start, count_stop()), batch);

		start = count_start();
		for (int k = 0; k < batch; k++) {
			volatile uint64_t *mem = map(len);

			check(mem[1] == 0, "a fresh page is not zero");
			mem[1] = 1;
			unmap(mem, len);
		}
		sample(&touched, count_since(start, count_stop()), batch);
	}
	report(row, &s);
	report(touched_row, &touched);
}

void bench_mmap(void)
{
	mmap_rows("mmap-4k", "mmap-4k-touched", PAGE_BYTES);
	if (memory_suffices(GIB))
		mmap_rows("mmap-1g", "mmap-1g-touched", GIB);
	else
		skip("mmap-1g", "not enough memory");
}

/* ---- brk ---- */

#define STEPS 32

/* The heap grows page by page, as a C library lets it; all of it is used. */
void bench_brk(void)
{
	struct samples s = {0};
	volatile uint64_t *heap = grow_heap(0);

	for (size_t i = 0; i < STEPS; i++) {
		volatile uint64_t *page = heap + i * PAGE_WORDS;
		uint64_t start = count_start();
		void *got = sbrk((intptr_t)PAGE_BYTES);

		sample(&s, count_since(start, count_stop()), 1);
		check(got == (void *)(uintptr_t)page && page[1] == 0,
		    "a page of the heap");
		fill(heap, i, i + 1);
	}
	check(is_filled(heap, 0, STEPS), "the heap's contents");
	report("brk", &s);
}
