/* SPDX-License-Identifier: MIT */
/*
 * scale.c - throughput of independent processes, by the clock.
 *
 * Instructions cannot show whether harts wait for each other; time can. Each
 * worker repeats its own work for a fixed time, and the sum is what counts.
 */
#include "bench.h"

#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS     2
#define MAX_WORKERS 15
#define BATCH_PAGES 512

typedef uint64_t work_fn(volatile uint64_t *mem, bool *right);

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A child that changes one page and is waited for. */
static uint64_t fork_once(volatile uint64_t *mem, bool *right)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		bool ok = is_filled(mem, 3, 4);

		invert(mem, 3, 4);
		end_child(ok);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		*right = false;
	*right = *right && is_filled(mem, 3, 4);
	return 1;
}

static uint64_t zero_batch(volatile uint64_t *mem, bool *right)
{
	volatile uint64_t *fresh = map(BATCH_PAGES * PAGE_BYTES);

	(void)mem;
	fill(fresh, 0, BATCH_PAGES);
	*right = *right && is_filled(fresh, 0, BATCH_PAGES) && fresh[1] == 0;
	unmap(fresh, BATCH_PAGES * PAGE_BYTES);
	return BATCH_PAGES;
}

/* A child writes to pages that its own parent shares with it. */
static uint64_t cow_batch(volatile uint64_t *mem, bool *right)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		invert(mem, 0, BATCH_PAGES);
		end_child(is_inverted(mem, 0, BATCH_PAGES));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		*right = false;
	*right = *right && is_filled(mem, 0, BATCH_PAGES);
	return BATCH_PAGES;
}

static _Noreturn void worker(unsigned number, int gate, work_fn *work)
{
	volatile uint64_t *mem = map(2 * BATCH_PAGES * PAGE_BYTES);
	uint64_t done = 0, end;
	bool right = true;
	char byte;

	fill(mem, 0, 2 * BATCH_PAGES);
	right = read(gate, &byte, 1) == 0;
	end = now_ms() + SECONDS * 1000;
	while (now_ms() < end)
		done += work(mem, &right);
	exchange->value[number] = done;
	end_child(right);
}

static void scale_row(const char *name, unsigned workers, work_fn *work)
{
	struct samples s = {0};
	pid_t pids[MAX_WORKERS];
	uint64_t done = 0;
	char row[40];
	int gate[2];

	make_pipe(gate);
	for (unsigned i = 0; i < workers; i++) {
		pids[i] = start_child();
		if (pids[i] == 0) {
			close(gate[1]);
			worker(i, gate[0], work);
		}
	}
	close(gate[0]);
	close(gate[1]); /* all begin */
	for (unsigned i = 0; i < workers; i++) {
		wait_child(pids[i]);
		done += exchange->value[i];
	}
	sample(&s, done, SECONDS);
	snprintf(row, sizeof row, "scale-%s-%u", name, workers);
	report_unit(row, &s, "per-s");
}

void bench_scale(unsigned most)
{
	if (most > MAX_WORKERS)
		most = MAX_WORKERS;
	for (unsigned n = 1; n <= most; n++)
		scale_row("fork", n, fork_once);
	for (unsigned n = 1; n <= most; n++)
		scale_row("zero", n, zero_batch);
	for (unsigned n = 1; n <= most; n++)
		scale_row("cow", n, cow_batch);
}
