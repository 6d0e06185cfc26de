/* SPDX-License-Identifier: MIT */
/*
 * oom - what happens when memory runs out.
 *
 * A child takes memory until there is none. The kernel promised it more than
 * there is, as mmap only reserves. So the child is killed at the touch that
 * finds no frame, and its parent, which shared everything with it, goes on as
 * if nothing had happened.
 */
#include <calf.h>
#include <program.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    oom - what happens when memory runs out\n"
    "\n"
    "SYNOPSIS\n"
    "    oom\n"
    "\n"
    "DESCRIPTION\n"
    "    A child takes memory until there is none. The kernel promised it\n"
    "    more than there is, as mmap only reserves. So the child is killed at\n"
    "    the touch that finds no frame, and its parent, which shared\n"
    "    everything with it, goes on.\n"
    "\n"
    "SEE ALSO\n"
    "    free --help\n";

#define MIB          (1UL << 20)
#define CHUNK        (16 * MIB)
#define SAMPLE_PAGES 64

/* What the child tells the parent: this is on a page that both share. */
static volatile uint64_t *pages_touched;

static unsigned char sample[SAMPLE_PAGES * CALF_PAGE_SIZE];

static void *map(size_t len, int sharing)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS,
	    -1, 0);
}

static uint64_t frames_free(void)
{
	struct calf_stat st = {.frames_free = 0};

	calf_stat(&st, sizeof st);
	return st.frames_free;
}

static uint64_t oom_kills(void)
{
	struct calf_stat st = {.oom_kills = 0};

	calf_stat(&st, sizeof st);
	return st.oom_kills;
}

/* Runs in the child. Returns if it has enough, or a reservation is refused. */
static void eat_memory(uint64_t pages_wanted)
{
	char *chunk;

	/* These copies are the first thing that needs memory. */
	memset(sample, 0xff, sizeof sample);
	while (*pages_touched < pages_wanted) {
		chunk = map(CHUNK, MAP_PRIVATE);
		if (chunk == MAP_FAILED)
			return;
		for (size_t i = 0; i < CHUNK; i += CALF_PAGE_SIZE) {
			chunk[i] = 1;
			++*pages_touched;
		}
	}
}

static void fill_sample(void)
{
	for (size_t i = 0; i < sizeof sample; i++)
		sample[i] = (unsigned char)(i % 251);
}

static bool sample_is_intact(void)
{
	for (size_t i = 0; i < sizeof sample; i++)
		if (sample[i] != i % 251)
			return false;
	return true;
}

static void print_frames(const char *when, uint64_t frames)
{
	printf("%-8s %8lu free frames (%lu MiB)\n", when, frames,
	    frames * CALF_PAGE_SIZE / MIB);
}

static int report(int status, uint64_t before, uint64_t kills)
{
	uint64_t after = frames_free();
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	printf("the child touched %lu MiB and was then %s\n",
	    *pages_touched * CALF_PAGE_SIZE / MIB,
	    WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "refused more");
	print_frames("after:", after);
	printf("processes killed for want of memory: %lu\n",
	    oom_kills() - kills);
	/*
	 * There may be more than before, as programs kept for reuse are freed
	 * first.
	 */
	printf("free frames, compared with before: %+ld\n",
	    (long)(after - before));
	if (!sample_is_intact()) {
		printf("the parent's memory was overwritten\n");
		return 1;
	}
	printf("the parent goes on, and its memory is as it was\n");
	return killed ? 0 : 1;
}

/* Returns the wait status of a child that touches so many pages. */
static int run_child(uint64_t pages_wanted)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0) {
		perror("oom: fork");
		exit(1);
	}
	if (pid == 0) {
		*pages_touched = 0;
		eat_memory(pages_wanted);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return status;
}

int main(int argc, char **argv)
{
	uint64_t before, kills;

	program_no_more(argc, argv, 1);
	calf_require();
	pages_touched = map(CALF_PAGE_SIZE, MAP_SHARED);
	if (pages_touched == MAP_FAILED) {
		perror("oom: mmap");
		return 1;
	}
	fill_sample();

	/*
	 * This run comes first, so that the parent itself needs no new memory
	 * later.
	 */
	run_child(1);
	kills = oom_kills();
	before = frames_free();
	print_frames("before:", before);
	return report(run_child(UINT64_MAX), before, kills);
}
