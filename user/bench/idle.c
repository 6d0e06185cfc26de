/* SPDX-License-Identifier: MIT */
/*
 * idle.c - what a child costs that only waits, in frames.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHILDREN     1024
#define PARENT_BYTES (16 * MIB)
#define PARENT_PAGES (PARENT_BYTES / PAGE_BYTES)
#define FRAMES_OF_1G (GIB / PAGE_BYTES)

/* Some work on the stack and on data, as any program does before it waits. */
static __attribute__((noinline)) int prepare(int depth)
{
	volatile char buf[64];

	memset((char *)(uintptr_t)buf, depth, sizeof buf);
	return depth == 0 ? buf[1] : prepare(depth - 1) + buf[depth];
}

static _Noreturn void idle(int ready, int wake, volatile uint64_t *mem)
{
	char byte = (char)prepare(5);

	if (byte != 15 || write(ready, &byte, 1) != 1)
		end_child(false);
	if (read(wake, &byte, 1) != 0)
		end_child(false);
	end_child(is_filled(mem, 0, PARENT_PAGES));
}

/*
 * Starts all children, and returns how many fewer frames are free when all
 * sleep.
 */
static int64_t start_all(pid_t *pids, volatile uint64_t *mem, int *wake)
{
	int ready[2], sleep_on[2];
	uint64_t before;
	char byte;

	make_pipe(ready);
	make_pipe(sleep_on);
	before = free_frames();
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = start_child();
		if (pids[i] == 0) {
			close(sleep_on[1]);
			idle(ready[1], sleep_on[0], mem);
		}
		check(read(ready[0], &byte, 1) == 1, "a child did not start");
	}
	*wake = sleep_on[1];
	close(ready[0]);
	close(ready[1]);
	close(sleep_on[0]);
	return (int64_t)(before - free_frames());
}

/*
 * Runs once, and before other groups: a kernel that keeps freed memory in
 * caches of its own, and does not count it as free, would seem to need less.
 */
void bench_idle(void)
{
	pid_t *pids = map(CHILDREN * sizeof *pids);
	volatile uint64_t *mem = map(PARENT_BYTES);
	struct samples frames = {0}, fit = {0};
	int64_t used;
	int wake;

	fill(mem, 0, PARENT_PAGES);
	used = start_all(pids, mem, &wake);
	close(wake);
	for (int i = 0; i < CHILDREN; i++)
		wait_child(pids[i]);
	check(is_filled(mem, 0, PARENT_PAGES), "the parent's pages changed");
	if (used <= 0) {
		skip("idle-child-frames", "free memory did not go down");
		return;
	}
	sample(&frames, (uint64_t)used, CHILDREN);
	sample(&fit, FRAMES_OF_1G * CHILDREN, (uint64_t)used);
	report_unit("idle-child-frames", &frames, "frames");
	report_unit("idle-children-1g", &fit, "children");
}
