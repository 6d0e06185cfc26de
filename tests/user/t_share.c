/* SPDX-License-Identifier: MIT */
/*
 * t_share.c - too little memory for shared mappings: one that is too large is
 * refused, and no other process notices.
 */
#include "harness.h"

/* More than any machine has on which this runs. */
#define TOO_MUCH (1UL << 36)

/* Cells. */
enum { ASKED, LEAST, LOOKS };

static void *ask(void *at, size_t bytes, int fixed)
{
	return mmap(at, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | fixed, -1, 0);
}

static const char *needs_calf(void)
{
	return on_calf() ? NULL : SKIP("this system may promise that much");
}

/* Notes how few frames are free at any time. */
_Noreturn static void watch_frames(void)
{
	for (;;) {
		int free = (int)counters().frames_free;

		if (free < cell_get(LEAST))
			cell_set(LEAST, free);
		(void)cell_add(LOOKS, 1);
	}
}

/* Frames that other processes and tables of the reservation may take. */
#define SOME 600

TEST(too_much_is_refused_before_any_is_taken)
{
	struct calf_stat before, after;
	pid_t pid;
	int i;

	TRY(needs_calf());
	before = counters();
	cell_set(LEAST, (int)before.frames_free);
	pid = must_fork();
	if (pid == 0)
		watch_frames();
	cell_await(LOOKS, 1);
	for (i = 0; i < 3; i++)
		MUST(ask(NULL, TOO_MUCH >> i, 0) == MAP_FAILED &&
			errno == ENOMEM,
		    "more than there is was given");
	cell_await(LOOKS, cell_get(LOOKS) + 2);
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	after = counters();
	if ((int)before.frames_free - cell_get(LEAST) > SOME)
		return found("%d frames were taken for nothing",
		    (int)before.frames_free - cell_get(LEAST));
	return after.oom_kills == before.oom_kills ? NULL
						   : "somebody was killed";
}

/* A mapping of all free frames is too large too, as it needs tables. */
TEST(a_little_too_much_is_refused)
{
	struct calf_stat before, after;
	size_t frames;
	void *p;

	TRY(needs_calf());
	before = counters();
	for (frames = before.frames_free + 8; frames > before.frames_free / 2;
	     frames -= 16) {
		p = ask(NULL, frames * PAGE, 0);
		if (p != MAP_FAILED)
			break;
		MUST(errno == ENOMEM, found("errno %d", errno));
	}
	MUST(p != MAP_FAILED, "not even half is given");
	MUST(munmap(p, frames * PAGE) == 0, "munmap failed");
	after = counters();
	if (frames + 64 + frames / 256 < before.frames_free)
		return found("%lu of %lu frames were given",
		    (unsigned long)frames, (unsigned long)before.frames_free);
	return after.oom_kills == before.oom_kills ? NULL
						   : "somebody was killed";
}

_Noreturn static void ask_over_and_over(void)
{
	for (;;) {
		void *p = ask(NULL, TOO_MUCH, 0);

		(void)cell_add(ASKED, 1);
		if (p != MAP_FAILED)
			(void)munmap(p, TOO_MUCH);
	}
}

static void use_a_little(void)
{
	unsigned char *p = pages_private(16);
	int i;

	for (i = 0; i < 16; i++) {
		p[(size_t)i * PAGE] = 1;
		sleep_ms(1);
	}
}

TEST(nobody_dies_because_another_asks_for_too_much)
{
	pid_t hog;
	const char *sentence = NULL;
	int i;

	TRY(needs_calf());
	hog = must_fork();
	if (hog == 0)
		ask_over_and_over();
	cell_await(ASKED, 1);
	for (i = 0; i < 60 && sentence == NULL; i++) {
		pid_t pid = fork();
		int status;

		if (pid < 0) {
			sentence = "fork found no memory";
			break;
		}
		if (pid == 0) {
			use_a_little();
			_exit(0);
		}
		status = reap(pid);
		if (status != 0)
			sentence = found("status 0x%x", (unsigned)status);
	}
	(void)kill(hog, SIGKILL);
	(void)reap(hog);
	return sentence;
}

/* ---- What was there before stays ---- */

TEST(a_mapping_that_is_refused_leaves_the_old_one)
{
	unsigned char *p, *end;

	TRY(needs_calf());
	p = reserve(16 * GIB, 2 * MIB);
	end = p + 16 * GIB - PAGE;
	MUST(mprotect(p, PAGE, PROT_READ | PROT_WRITE) == 0 &&
		mprotect(end, PAGE, PROT_READ | PROT_WRITE) == 0,
	    "mprotect failed");
	stamp(p, 1, 1);
	stamp(end, 1, 2);
	MUST(ask(p, 16 * GIB, MAP_FIXED) == MAP_FAILED && errno == ENOMEM,
	    "more than there is was given");
	MUST(raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)p, 8) == 0 &&
		raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)end, 8) == 0,
	    "the old mapping is gone");
	return NULL;
}

/* The old mapping also stays if memory runs out in the middle. */
TEST(a_mapping_that_fails_leaves_the_old_one)
{
	unsigned char *p = pages_private(600);
	long result;
	int n;

	if (!on_calf_test_build())
		return SKIP("allocations cannot be made to fail");
	stamp(p, 600, 1);
	for (n = 1; n < 40; n++) {
		(void)fail_allocation((uint64_t)n, CALF_FAIL_FROM);
		result =
		    raw(SYS_mmap, (long)p, 600 * PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		(void)fail_allocation(0, 0);
		if (result != -ENOMEM)
			return found("allocation %d: result %lx", n, result);
		MUST(raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)p, 8) == 0,
		    "the old mapping is gone");
		stamp(p, 1, 1);
		MUST(stamped(p, 600, 1), "the old contents are gone");
	}
	return NULL;
}

/* ---- What is shared ---- */

TEST(shared_memory_is_one_for_all_who_inherit_it)
{
	volatile unsigned char *p = pages_shared(600);
	pid_t pid = must_fork();

	if (pid == 0) {
		stamp((void *)(uintptr_t)p, 600, 7);
		_exit(0);
	}
	(void)reap(pid);
	return stamped((void *)(uintptr_t)p, 600, 7) ? NULL : "other contents";
}

static const struct test tests[] = {
    T(too_much_is_refused_before_any_is_taken),
    T(a_little_too_much_is_refused),
    T(nobody_dies_because_another_asks_for_too_much),
    T(a_mapping_that_is_refused_leaves_the_old_one),
    T(a_mapping_that_fails_leaves_the_old_one),
    T(shared_memory_is_one_for_all_who_inherit_it),
};

SUITE(tests)
