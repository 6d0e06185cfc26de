/* SPDX-License-Identifier: MIT */
/*
 * t_oom.c - no memory left.
 *
 * A call that needs memory fails and changes nothing; a process that touches a
 * page that cannot be provided is killed; other processes do not notice, and
 * every frame comes back. The tests need a kernel that tells how many frames
 * are free, and are skipped elsewhere than on Calf.
 *
 * In most tests three processes work together: the test; the holder, which
 * takes memory until a given number of frames is free; and the victim, which
 * then tries something. They talk through cells, which costs no memory. Each
 * has warmed up before, so that it needs no frame to say what happened.
 */
#include "harness.h"

#include <sched.h>

/* With more memory, filling it takes too long. */
#define MOST_FRAMES 163840 /* 640 MiB */

/* What the holder leaves while processes are started. */
#define SLACK 400

enum cell {
	WANT,   /* number of free frames the holder shall leave */
	ORDER,  /* number of the order that WANT belongs to */
	OBEYED, /* number of the last order carried out */
	READY,  /* the victim is warm */
	GO,     /* the victim may try */
	RESULT, /* what its call returned */
	LEAKED, /* frames that a failed call took */
	LOOKED, /* the victim has looked around afterwards */
};

static unsigned char *treasure; /* the test's bytes, shared with the victim */

#define TREASURE 64 /* pages */

static const char *unsuitable(void)
{
	if (!on_calf())
		return SKIP("frames are counted on Calf only");
	if (counters().frames_free > MOST_FRAMES)
		return SKIP("there is too much memory to fill");
	return NULL;
}

static long free_now(void)
{
	return (long)counters().frames_free;
}

/* ---- The holder ---- */

static unsigned char *arena;
static size_t arena_used;

/* Shared pages are given at once, or mmap fails: no process is killed. */
static bool hold(size_t n)
{
	void *p = mmap(arena + arena_used, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		return false;
	arena_used += n * PAGE;
	return true;
}

static void hold_until(long want)
{
	long surplus;

	while ((surplus = free_now() - want) > 0) {
		size_t n = surplus > 1024 ? 1000 : 1;

		if (!hold(n))
			break;
	}
}

static void release_until(long want)
{
	long missing = want - free_now();

	while (missing > 0 && arena_used > 0) {
		arena_used -= PAGE;
		if (munmap(arena + arena_used, PAGE) != 0)
			give_up("munmap failed with no memory left");
		missing = want - free_now();
	}
}

_Noreturn static void holder(void)
{
	int order = 0;

	arena = reserve((size_t)(free_now() + 1024) * PAGE, 2 * MIB);
	warm_up();
	for (;;) {
		cell_await(ORDER, ++order);
		release_until(cell_get(WANT));
		hold_until(cell_get(WANT));
		cell_set(OBEYED, order);
	}
}

static pid_t holder_start(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		holder();
	return pid;
}

/* Lets the holder leave `want` free frames; returns how many it left. */
static long leave(long want)
{
	int order = cell_get(ORDER) + 1;

	cell_set(WANT, (int)want);
	cell_set(ORDER, order);
	cell_await(OBEYED, order);
	return free_now();
}

static void holder_end(pid_t pid)
{
	kill(pid, SIGKILL);
	(void)reap(pid);
}

/* ---- A victim ---- */

/* Forks a process that warms up, waits for GO, and does `fn`. */
static pid_t victim_start(void (*prepare)(void), void (*fn)(void))
{
	pid_t pid;

	cell_set(READY, 0);
	cell_set(GO, 0);
	cell_set(RESULT, 0);
	cell_set(LEAKED, 0);
	cell_set(LOOKED, 0);
	pid = must_fork();
	if (pid == 0) {
		warm_up();
		prepare();
		cell_set(READY, 1);
		cell_await(GO, 1);
		fn();
		_exit(0);
	}
	warm_up();
	cell_await(READY, 1);
	return pid;
}

static bool fine_or_killed(int status)
{
	return exited_with(status, 0) || killed_by(status, SIGKILL);
}

/* Reads all of it: then the victim owns the tables, and not the pages. */
static void look_at_treasure(void)
{
	if (!stamped(treasure, TREASURE, 1))
		give_up("the victim inherited other bytes");
}

static void treasure_make(void)
{
	treasure = pages_private(TREASURE);
	stamp(treasure, TREASURE, 1);
}

static const char *treasure_intact(void)
{
	return stamped(treasure, TREASURE, 1) ? NULL
					      : "the parent's bytes changed";
}

/* ---- Too large a heap ---- */

static void write_more_than_there_is(void)
{
	size_t n = (size_t)free_now() + 1024;
	unsigned char *p = pages_private(n);
	size_t i;

	stamp(treasure, TREASURE / 2, 2);
	for (i = 0; i < n; i++)
		p[i * PAGE] = 1;
}

TEST(writing_more_than_there_is_kills_the_writer_only)
{
	struct calf_stat before;
	int status;

	TRY(unsuitable());
	treasure_make();
	before = counters();
	status = status_of(write_more_than_there_is);
	MUST(killed_by(status, SIGKILL), "the writer was not killed");
	MUST(counters().oom_kills == before.oom_kills + 1,
	    "it was not counted");
	return treasure_intact();
}

static unsigned char *lent;
static size_t lent_pages;

static void write_what_is_lent(void)
{
	for (size_t i = 0; i < lent_pages; i++)
		lent[i * PAGE] = 1;
	_exit(1);
}

/* What the borrower has written stays in the space until its lender goes on. */
static void lend_more_than_there_is(void)
{
	unsigned char *stack = pages_private(4);
	int status;

	stamp(stack, 4, 1);
	lent_pages = (size_t)free_now() + 1024;
	lent = pages_private(lent_pages);
	status = reap(vfork_on(stack + 4 * PAGE, write_what_is_lent));
	if (munmap(lent, lent_pages * PAGE) != 0)
		_exit(3);
	stamp(pages_private(100), 100, 2);
	_exit(killed_by(status, SIGKILL) ? 0 : 2);
}

TEST(a_borrower_that_takes_all_memory_is_killed_and_its_lender_goes_on)
{
	struct calf_stat before;
	int status;

	TRY(unsuitable());
	TRY(needs_lending());
	treasure_make();
	before = counters();
	status = status_of(lend_more_than_there_is);
	MUST(exited_with(status, 0), found("status %x", status));
	MUST(counters().oom_kills == before.oom_kills + 1,
	    "not one was killed");
	return treasure_intact();
}

static void read_more_than_there_is(void)
{
	size_t n = (size_t)free_now() + 1024;
	unsigned char *p = pages_private(n);
	size_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += ((volatile unsigned char *)p)[i * PAGE];
	cell_set(RESULT, sum != 0);
}

/* A kernel may use one page for all zeros, or kill the reader. */
TEST(reading_more_than_there_is_ends)
{
	TRY(unsuitable());
	treasure_make();
	MUST(fine_or_killed(status_of(read_more_than_there_is)),
	    "the reader ended in another way");
	MUST(cell_get(RESULT) == 0, "it read other bytes than zero");
	return treasure_intact();
}

static const char *shared_more_than_there_is(void)
{
	size_t n = (size_t)free_now() + 1024;
	long before = 0;
	long result;
	int i;

	warm_up();
	/* The first attempt may leave empty tables, the second finds them. */
	for (i = 0; i < 2; i++) {
		before = free_now();
		result = raw(SYS_mmap, 0, (long)(n * PAGE),
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (result != -ENOMEM)
			return found("mmap returned %ld", result);
	}
	if (free_now() != before)
		return found("a failed mmap took %ld frames",
		    before - free_now());
	return NULL;
}

TEST(mmap_of_more_shared_pages_than_there_are_fails)
{
	TRY(unsuitable());
	return in_child(shared_more_than_there_is);
}

/* ---- Full memory and shared pages ---- */

static int fds[2];

/* Reads a byte into each shared page, as long as this process lives. */
static void read_into_each(void)
{
	int i;

	for (i = 0; i < TREASURE; i++) {
		long n = raw(SYS_read, fds[0],
		    (long)(treasure + (size_t)i * PAGE + 100), 1);

		if (n == 1)
			(void)cell_add(RESULT, 1);
		else if (n != -ENOMEM && n != -EFAULT)
			give_up("read failed with an odd error");
	}
}

/* How many bytes are in the pipe, which this empties. */
static int pipe_left(void)
{
	static char bytes[TREASURE + 1];

	close(fds[1]);
	return (int)read(fds[0], bytes, sizeof(bytes));
}

TEST(read_into_shared_pages_fails_when_memory_is_full)
{
	static char bytes[TREASURE];
	pid_t pid;
	pid_t h;
	long left;
	int status;

	TRY(unsuitable());
	treasure_make();
	MUST(pipe(fds) == 0 && write(fds[1], bytes, TREASURE) == TREASURE,
	    "no pipe");
	h = holder_start();
	(void)leave(SLACK);
	pid = victim_start(look_at_treasure, read_into_each);
	left = leave(0);
	cell_set(GO, 1);
	status = reap(pid);
	holder_end(h);
	MUST(fine_or_killed(status), "the victim ended in another way");
	MUST(cell_get(RESULT) <= left, "bytes were stored without a frame");
	TRY(treasure_intact());
	MUST(pipe_left() >= TREASURE - cell_get(RESULT) - 1,
	    "failed reads took bytes from the pipe");
	return NULL;
}

static void store_into_each(void)
{
	stamp(treasure, TREASURE, 2);
}

TEST(a_store_to_a_shared_page_kills_when_memory_is_full)
{
	pid_t pid;
	pid_t h;
	int status;

	TRY(unsuitable());
	treasure_make();
	h = holder_start();
	(void)leave(SLACK);
	pid = victim_start(look_at_treasure, store_into_each);
	(void)leave(0);
	cell_set(GO, 1);
	status = reap(pid);
	holder_end(h);
	MUST(killed_by(status, SIGKILL), "the victim was not killed");
	return treasure_intact();
}

/* ---- What needs no memory ---- */

static unsigned char *own;

#define OWN 200 /* pages */

static void reader(void)
{
	if (!stamped(own, OWN, 5))
		give_up("a child inherited other bytes");
}

/* Makes pages that a child has read, which is gone. */
static void own_after_a_child(void)
{
	own = pages_private(OWN);
	stamp(own, OWN, 5);
	if (!exited_with(status_of(reader), 0))
		give_up("the child failed");
	warm_up();
}

/* Makes pages that a child has copied, which is still there. */
static void own_beside_a_child(void)
{
	own = pages_private(OWN);
	stamp(own, OWN, 5);
	if (must_fork() == 0) {
		stamp(own, OWN, 6);
		(void)cell_add(LOOKED, 1);
		cell_await(LOOKED, 2);
		_exit(0);
	}
	warm_up();
	cell_await(LOOKED, 1);
}

static void rewrite_own(void)
{
	struct calf_stat before = counters();

	stamp(own, OWN, 7);
	if (counters().page_copies != before.page_copies)
		give_up("the only owner copied");
	if (!stamped(own, OWN, 7))
		give_up("the only owner lost its bytes");
	(void)cell_add(LOOKED, 1);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static const char *only_owner_writes(void (*prepare)(void))
{
	const char *sentence;
	pid_t pid;
	pid_t h;

	TRY(unsuitable());
	h = holder_start();
	(void)leave(2 * OWN + SLACK);
	pid = victim_start(prepare, rewrite_own);
	(void)leave(0);
	cell_set(GO, 1);
	sentence = child_end(pid);
	holder_end(h);
	return sentence;
}

TEST(only_owner_after_an_exit_writes_with_memory_full)
{
	return only_owner_writes(own_after_a_child);
}

TEST(only_owner_beside_a_copy_writes_with_memory_full)
{
	return only_owner_writes(own_beside_a_child);
}

/* ---- Few frames left ---- */

#define LARGE_TABLES 8
#define MOST_LEFT    80

static unsigned char *large;

/* A process with many tables of its own. */
static void large_make(void)
{
	int i;

	large = reserve(LARGE_TABLES * 2 * MIB, 2 * MIB);
	if (mprotect(large, LARGE_TABLES * 2 * MIB, PROT_READ | PROT_WRITE) !=
	    0)
		give_up("mprotect failed");
	for (i = 0; i < LARGE_TABLES; i++)
		stamp(large + (size_t)i * 2 * MIB, 4, (unsigned)i);
	warm_up();
}

static void large_check(void)
{
	int i;

	for (i = 0; i < LARGE_TABLES; i++)
		if (!stamped(large + (size_t)i * 2 * MIB, 4, (unsigned)i))
			give_up("a large process changed when it forked");
}

static void fork_and_touch(void)
{
	long before = free_now();
	long pid = raw(SYS_clone, SIGCHLD);

	if (pid == 0) {
		large_check();
		stamp(large, 4, 99);
		_exit(0);
	}
	cell_set(RESULT, pid < 0 ? (int)pid : 1);
	if (pid < 0)
		cell_set(LEAKED, (int)(before - free_now()));
	else
		(void)waitpid((pid_t)pid, NULL, 0);
	large_check();
	cell_set(LOOKED, 1);
}

/* Forks once with `left` frames free; *done tells whether all went well. */
static const char *fork_with(long left, bool *done)
{
	pid_t pid = victim_start(large_make, fork_and_touch);
	int status;
	int result;

	(void)leave(left);
	cell_set(GO, 1);
	status = reap(pid);
	result = cell_get(RESULT);
	(void)leave(SLACK);
	MUST(fine_or_killed(status),
	    found("%ld frames left: status 0x%x", left, (unsigned)status));
	MUST(result >= 0 || result == -ENOMEM || result == -EAGAIN,
	    found("%ld frames left: fork gave %d", left, result));
	MUST(cell_get(LEAKED) == 0,
	    found("a failed fork took %d frames", cell_get(LEAKED)));
	*done = result > 0 && exited_with(status, 0) && cell_get(LOOKED) == 1;
	return NULL;
}

TEST(fork_with_few_frames_left_fails_cleanly)
{
	bool done = false;
	pid_t h;
	long left;

	TRY(unsuitable());
	h = holder_start();
	(void)leave(SLACK);
	for (left = 0; left <= MOST_LEFT; left++) {
		TRY(fork_with(left, &done));
		if (left % 8 == 0)
			(void)checked_free_frames();
	}
	holder_end(h);
	MUST(done, found("fork failed with %d frames left", MOST_LEFT));
	return NULL;
}

/* ---- Forks without end ---- */

#define MOST_CHILDREN 2000
#define PAGES_EACH    16

/* Takes memory, and stays until the pipe is closed. */
_Noreturn static void bomblet(void)
{
	char byte;

	close(fds[1]);
	stamp(treasure, PAGES_EACH, 2);
	(void)read(fds[0], &byte, 1);
	_exit(0);
}

static void bomb(void)
{
	int n;

	if (pipe(fds) != 0)
		give_up("no pipe");
	for (n = 0; n < MOST_CHILDREN; n++) {
		long pid = raw(SYS_clone, SIGCHLD);

		if (pid == 0)
			bomblet();
		if (pid < 0 && pid != -ENOMEM && pid != -EAGAIN)
			give_up("fork failed with an odd error");
		if (pid < 0)
			break;
		cell_set(RESULT, n + 1);
	}
	close(fds[1]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	cell_set(LOOKED, 1);
}

TEST(a_fork_bomb_leaves_nothing)
{
	int status;

	if (!on_calf())
		return SKIP("not on a machine that others use");
	treasure_make();
	status = status_of(bomb);
	MUST(fine_or_killed(status),
	    found("the bomb ended with 0x%x", (unsigned)status));
	MUST(cell_get(RESULT) > 10, "it had less than ten children");
	return treasure_intact();
}

TEST(memory_is_there_again)
{
	unsigned char *p;
	size_t n;

	TRY(unsuitable());
	TRY(writing_more_than_there_is_kills_the_writer_only());
	n = (size_t)free_now() / 2;
	p = pages_private(n);
	stamp(p, n, 3);
	MUST(stamped(p, n, 3), "half of the memory cannot be used");
	return NULL;
}

static const struct test tests[] = {
    T(writing_more_than_there_is_kills_the_writer_only),
    T(a_borrower_that_takes_all_memory_is_killed_and_its_lender_goes_on),
    T(reading_more_than_there_is_ends),
    T(mmap_of_more_shared_pages_than_there_are_fails),
    T(read_into_shared_pages_fails_when_memory_is_full),
    T(a_store_to_a_shared_page_kills_when_memory_is_full),
    T(only_owner_after_an_exit_writes_with_memory_full),
    T(only_owner_beside_a_copy_writes_with_memory_full),
    T(fork_with_few_frames_left_fails_cleanly),
    T(a_fork_bomb_leaves_nothing),
    T(memory_is_there_again),
};

SUITE(tests)
