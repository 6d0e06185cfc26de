/* SPDX-License-Identifier: MIT */
/*
 * t_copyout.c - the kernel writes to memory that fork shares.
 *
 * All that a system call stores must go to the caller's own copy, on every page
 * it touches, and never to a page to which the caller may not store.
 */
#include "harness.h"

#include <sched.h>

#include <sched.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define PAGES 4
#define BYTES (PAGES * PAGE)
#define OLD   0x5a
#define NEW   0xc3

static unsigned char *buffer;
static int fds[2];

static void buffer_make(void)
{
	buffer = pages_private(PAGES);
	memset(buffer, OLD, BYTES);
	if (pipe(fds) != 0)
		give_up("no pipe");
}

/* Puts `len` bytes NEW in the pipe. */
static void pipe_fill(size_t len)
{
	static unsigned char news[BYTES];

	memset(news, NEW, sizeof(news));
	if (write(fds[1], news, len) != (ssize_t)len)
		give_up("the pipe did not take what should fit");
}

/* NULL if exactly the `len` bytes from offset `at` are NEW. */
static const char *exactly_new(size_t at, size_t len)
{
	MUST(all_bytes(buffer, at, OLD), "bytes before the buffer changed");
	MUST(all_bytes(buffer + at, len, NEW), "bytes are missing");
	MUST(all_bytes(buffer + at + len, BYTES - at - len, OLD),
	    "bytes behind the buffer changed");
	return NULL;
}

/* ---- read() ---- */

static size_t read_at;
static size_t read_len;

static const char *read_there(void)
{
	pipe_fill(read_len);
	MUST(read(fds[0], buffer + read_at, read_len) == (ssize_t)read_len,
	    "read failed");
	return exactly_new(read_at, read_len);
}

static const char *old_everywhere(void)
{
	return all_bytes(buffer, BYTES, OLD)
	    ? NULL
	    : "the other process's buffer changed";
}

static const char *child_reads(size_t at, size_t len)
{
	read_at = at;
	read_len = len;
	TRY(in_child(read_there));
	return old_everywhere();
}

TEST(read_into_one_shared_page_is_private)
{
	buffer_make();
	TRY(child_reads(100, 1));
	TRY(child_reads(PAGE - 1, 1));
	return child_reads(PAGE, PAGE);
}

TEST(read_across_shared_pages_is_private)
{
	buffer_make();
	TRY(child_reads(PAGE - 1, 2));
	TRY(child_reads(PAGE - 7, 1000));
	TRY(child_reads(PAGE - 3, PAGE + 5));
	TRY(child_reads(1, 3 * PAGE));
	return child_reads(2 * PAGE - 1, PAGE + 2);
}

static const char *wait_then_look(void)
{
	cell_await(0, 1);
	return old_everywhere();
}

TEST(read_in_the_parent_does_not_reach_the_child)
{
	pid_t pid;

	buffer_make();
	read_at = PAGE - 5;
	read_len = PAGE + 10;
	pid = child_start(wait_then_look);
	TRY(read_there());
	cell_set(0, 1);
	return child_end(pid);
}

TEST(a_thousand_reads_across_shared_pages)
{
	uint64_t seed = 31;
	int round;

	buffer_make();
	for (round = 0; round < 1000; round++) {
		size_t at = rnd(&seed) % (2 * PAGE);
		size_t len = 1 + rnd(&seed) % (2 * PAGE - 1);

		read_at = at;
		read_len = len;
		TRY(in_child(read_there));
	}
	return old_everywhere();
}

/* The child sleeps in read() while its parent shares the page again. */
static const char *sleep_in_read(void)
{
	cell_set(0, 1);
	MUST(read(fds[0], buffer + PAGE - 2, 4) == 4, "read failed");
	return exactly_new(PAGE - 2, 4);
}

TEST(a_read_that_slept_lands_in_the_readers_copy)
{
	pid_t pid;
	int i;

	buffer_make();
	for (i = 0; i < 50; i++) {
		cell_set(0, 0);
		pid = child_start(sleep_in_read);
		cell_await(0, 1);
		sched_yield();
		pipe_fill(4);
		TRY(child_end(pid));
		TRY(old_everywhere());
	}
	return NULL;
}

static const char *readv_there(void)
{
	struct iovec parts[3] = {
	    {buffer + 10, 20},
	    {buffer + PAGE - 3, 6},
	    {buffer + 2 * PAGE - 1, PAGE + 2},
	};

	pipe_fill(26 + PAGE + 2);
	MUST(readv(fds[0], parts, 3) == (ssize_t)(26 + PAGE + 2),
	    "readv failed");
	MUST(all_bytes(buffer + 10, 20, NEW), "the first part is missing");
	MUST(all_bytes(buffer + PAGE - 3, 6, NEW), "the second is missing");
	MUST(all_bytes(buffer + 2 * PAGE - 1, PAGE + 2, NEW),
	    "the third is missing");
	MUST(buffer[9] == OLD && buffer[30] == OLD, "the first is too long");
	return NULL;
}

TEST(readv_into_shared_pages_is_private)
{
	buffer_make();
	TRY(in_child(readv_there));
	return old_everywhere();
}

/* ---- Other calls that store ---- */

/* The buffer for results: across a border of pages, at an odd multiple of 4. */
static void *across(void)
{
	return buffer + PAGE - 4;
}

static void *across_2(void)
{
	return buffer + 2 * PAGE - 4;
}

static void exit_with_7(void)
{
	_exit(7);
}

static const char *wait4_stores(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		exit_with_7();
	MUST(raw(SYS_wait4, pid, (long)(buffer + PAGE), 0, (long)across_2()) ==
		pid,
	    "wait4 failed");
	MUST(buffer[PAGE] == 0 && buffer[PAGE + 1] == 7, "wrong status");
	MUST(buffer[PAGE + 4] == OLD, "more than the status was written");
	return NULL;
}

static const char *fstat_stores(void)
{
	struct stat st;

	MUST(raw(SYS_fstat, fds[0], (long)across()) == 0, "fstat failed");
	memcpy(&st, across(), sizeof(st));
	MUST(S_ISFIFO(st.st_mode), "a pipe is no pipe to fstat");
	return NULL;
}

static const char *pipe2_stores(void)
{
	int got[2];

	MUST(raw(SYS_pipe2, (long)across(), 0) == 0, "pipe2 failed");
	memcpy(got, across(), sizeof(got));
	MUST(got[0] > fds[1] && got[1] > got[0], "odd descriptors");
	MUST(write(got[1], "x", 1) == 1, "the new pipe does not work");
	return NULL;
}

static const char *clock_stores(void)
{
	struct timespec t;

	MUST(raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)across()) == 0,
	    "clock_gettime failed");
	memcpy(&t, across(), sizeof(t));
	MUST(t.tv_nsec >= 0 && t.tv_nsec < 1000000000, "odd nanoseconds");
	return NULL;
}

static const char *getrandom_stores(void)
{
	size_t len = PAGE + 100;
	size_t same = 0;
	size_t i;

	MUST(raw(SYS_getrandom, (long)across(), (long)len, 0) == (long)len,
	    "getrandom failed");
	for (i = 0; i < len; i++)
		same += buffer[PAGE - 4 + i] == OLD;
	MUST(same < len / 16, "getrandom left bytes alone");
	return NULL;
}

static const char *sigaction_stores(void)
{
	MUST(raw(SYS_rt_sigaction, SIGUSR1, 0, (long)across(), 8) == 0,
	    "rt_sigaction failed");
	MUST(buffer[PAGE - 4] == 0 && buffer[PAGE] == 0, "no SIG_DFL");
	MUST(raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)across_2(), 8) == 0,
	    "rt_sigprocmask failed");
	MUST(buffer[2 * PAGE] == 0, "no empty mask");
	return NULL;
}

/* Nothing else writes to the page: the kernel's store has to copy it. */
static const char *clone_stores(void)
{
	int *number = (int *)(buffer + PAGE);
	long pid =
	    raw(SYS_clone, SIGCHLD | CLONE_PARENT_SETTID, 0, (long)number);

	if (pid == 0)
		_exit(0);
	MUST(pid > 0, "clone failed");
	MUST(reap((pid_t)pid) == 0, "the child failed");
	MUST(on_emulator() || *number == pid, "another number was stored");
	return NULL;
}

TEST(results_of_calls_are_private)
{
	static test_fn *const calls[] = {
	    wait4_stores,
	    clone_stores,
	    fstat_stores,
	    pipe2_stores,
	    clock_stores,
	    getrandom_stores,
	    sigaction_stores,
	};
	int i;

	buffer_make();
	for (i = 0; i < COUNT(calls); i++) {
		TRY(in_child(calls[i]));
		TRY(old_everywhere());
		TRY(in_child(calls[i]));
		TRY(old_everywhere());
	}
	return NULL;
}

static volatile int handled;

static void on_signal(int sig)
{
	handled = sig;
}

/* The frame of a handler is stored by the kernel on a shared stack page. */
static const char *handle_one(void)
{
	volatile int before = 11;

	MUST(kill(getpid(), SIGUSR1) == 0, "kill failed");
	MUST(handled == SIGUSR1, "the handler did not run");
	MUST(before == 11, "a local variable changed");
	return NULL;
}

TEST(a_signal_frame_goes_to_the_receivers_stack)
{
	volatile uint64_t local[64];
	int i;

	for (i = 0; i < 64; i++)
		local[i] = (uint64_t)i * 3;
	MUST(signal(SIGUSR1, on_signal) != SIG_ERR, "signal failed");
	for (i = 0; i < 100; i++)
		TRY(in_child(handle_one));
	MUST(handled == 0, "the handler ran in the parent");
	for (i = 0; i < 64; i++)
		MUST(local[i] == (uint64_t)i * 3, "the parent's stack changed");
	return NULL;
}

/* ---- The other direction ---- */

static const char *write_from_shared(void)
{
	static unsigned char back[BYTES];
	size_t len = 2 * PAGE + 11;

	MUST(write(fds[1], buffer + PAGE - 5, len) == (ssize_t)len,
	    "write failed");
	MUST(read(fds[0], back, len) == (ssize_t)len, "read failed");
	MUST(all_bytes(back, len, OLD), "the pipe carried other bytes");
	return NULL;
}

TEST(write_from_shared_pages_carries_their_bytes)
{
	buffer_make();
	TRY(in_child(write_from_shared));
	return write_from_shared();
}

/*
 * Bytes in a pipe are copies: the writer may change its page afterwards, in
 * either process, and the reader must still get what was written.
 */
TEST(bytes_in_a_pipe_do_not_follow_the_page)
{
	static unsigned char back[PAGE];
	pid_t pid;

	buffer_make();
	MUST(write(fds[1], buffer, PAGE) == (ssize_t)PAGE, "write failed");
	pid = must_fork();
	if (pid == 0) {
		memset(buffer, NEW, PAGE);
		_exit(0);
	}
	(void)reap(pid);
	memset(buffer, NEW, PAGE);
	MUST(read(fds[0], back, PAGE) == (ssize_t)PAGE, "read failed");
	MUST(all_bytes(back, PAGE, OLD), "the pipe shows a later write");
	return NULL;
}

/* ---- Places where nothing may be stored ---- */

static const unsigned char constants[2 * PAGE]
    __attribute__((aligned(4096))) = {OLD};

/* read() to `p` must fail, and leave the bytes in the pipe. */
static const char *read_refused(const void *p, size_t len)
{
	unsigned char byte = 0;

	pipe_fill(len);
	MUST(raw(SYS_read, fds[0], (long)p, (long)len) == -EFAULT,
	    found("read into %p did not fail with EFAULT", p));
	while (len-- > 0)
		MUST(read(fds[0], &byte, 1) == 1 && byte == NEW,
		    "a refused read took bytes");
	return NULL;
}

static const char *refused_everywhere(void)
{
	unsigned char *ro = buffer;
	unsigned char *none = buffer + PAGE;
	unsigned char *hole = buffer + 2 * PAGE;

	TRY(read_refused(ro, 1));
	TRY(read_refused(ro + 100, 64));
	TRY(read_refused(none, 1));
	TRY(read_refused(hole, 1));
	TRY(read_refused(constants, 16));
	TRY(read_refused((void *)(uintptr_t)refused_everywhere, 4));
	TRY(read_refused((void *)(uintptr_t)raw_call, 4));
	MUST(all_bytes(ro, PAGE, OLD), "a read-only page changed");
	MUST(constants[0] == OLD && constants[1] == 0, "a constant changed");
	return NULL;
}

TEST(read_never_writes_what_the_process_may_not)
{
	buffer_make();
	MUST(mprotect(buffer, PAGE, PROT_READ) == 0, "mprotect failed");
	MUST(mprotect(buffer + PAGE, PAGE, PROT_NONE) == 0, "mprotect failed");
	MUST(munmap(buffer + 2 * PAGE, PAGE) == 0, "munmap failed");
	TRY(refused_everywhere());
	TRY(in_child(refused_everywhere));
	TRY(refused_everywhere());
	MUST(mprotect(buffer + PAGE, PAGE, PROT_READ) == 0, "mprotect failed");
	MUST(all_bytes(buffer + PAGE, PAGE, OLD), "a hidden page changed");
	return NULL;
}

/* The first page can be written, the second not: some bytes, or none. */
TEST(read_stops_at_a_page_that_cannot_be_written)
{
	long n;

	buffer_make();
	MUST(mprotect(buffer + PAGE, PAGE, PROT_READ) == 0, "mprotect failed");
	pipe_fill(200);
	n = raw(SYS_read, fds[0], (long)(buffer + PAGE - 100), 200);
	MUST(n == -EFAULT || (n >= 0 && n <= 100), "an odd result");
	MUST(all_bytes(buffer + PAGE, PAGE, OLD), "the second page changed");
	MUST(n <= 0 || all_bytes(buffer + PAGE - 100, (size_t)n, NEW),
	    "fewer bytes were stored than reported");
	return NULL;
}

TEST(read_into_an_untouched_page_finds_it_zero)
{
	buffer_make();
	buffer = pages_private(PAGES);
	pipe_fill(3);
	MUST(read(fds[0], buffer + PAGE - 1, 3) == 3, "read failed");
	MUST(all_bytes(buffer, PAGE - 1, 0), "the first page is not zero");
	MUST(all_bytes(buffer + PAGE - 1, 3, NEW), "bytes are missing");
	MUST(all_bytes(buffer + PAGE + 2, PAGE - 2, 0),
	    "the second page is not zero");
	return NULL;
}

TEST(write_from_an_untouched_page_carries_zeros)
{
	unsigned char back[64];

	buffer_make();
	buffer = pages_private(PAGES);
	memset(back, NEW, sizeof(back));
	MUST(write(fds[1], buffer + PAGE - 32, 64) == 64, "write failed");
	MUST(read(fds[0], back, 64) == 64, "read failed");
	MUST(all_bytes(back, 64, 0), "an untouched page is not zero");
	return NULL;
}

/* ---- Bytes for a reader who sleeps ---- */

static unsigned char *shared_by_fork;

static const char *read_five_and_three(void)
{
	unsigned char *to = shared_by_fork + 10;
	ssize_t n;

	to[-1] = '.'; /* the page is its own already */
	cell_set(0, 1);
	n = read(fds[0], to, 5);
	MUST(n == 5 && memcmp(to, "abcde", 5) == 0, found("read %ld", (long)n));
	MUST(memcmp(to + 5, "......", 6) == 0, "more was stored");
	n = read(fds[0], to, 8);
	return n == 3 && memcmp(to, "fgh", 3) == 0 ? NULL
						   : found("then %ld", (long)n);
}

/* The reader sleeps in its read; the writer still shares its page. */
static const char *sleeping_reader_is_given(test_fn *reader, const char *bytes)
{
	const char *sentence;
	size_t len = strlen(bytes);
	pid_t pid;

	shared_by_fork = pages_private(1);
	memset(shared_by_fork, '.', PAGE);
	MUST(pipe(fds) == 0, "no pipe");
	pid = child_start(reader);
	cell_await(0, 1);
	sleep_ms(30);
	MUST(write(fds[1], bytes, len) == (ssize_t)len, "write failed");
	sentence = child_end(pid);
	if (sentence == NULL && !all_bytes(shared_by_fork, PAGE, '.'))
		sentence = "it was stored in the writer's memory";
	return sentence;
}

/* The writer may store straight into its buffer, but not more than that. */
TEST(a_sleeping_reader_gets_what_it_asked_for)
{
	return sleeping_reader_is_given(read_five_and_three, "abcdefgh");
}

static const char *read_three(void)
{
	char *to = (char *)shared_by_fork;

	cell_set(0, 1);
	MUST(read(fds[0], to, 8) == 3, "read failed");
	return memcmp(to, "abc", 3) == 0 ? NULL : "other bytes";
}

/* All bytes fit into the buffer. */
TEST(what_a_sleeping_reader_gets_is_its_own)
{
	return sleeping_reader_is_given(read_three, "abc");
}

static const struct test tests[] = {
    T(read_into_one_shared_page_is_private),
    T(read_across_shared_pages_is_private),
    T(read_in_the_parent_does_not_reach_the_child),
    T(a_thousand_reads_across_shared_pages),
    T(a_read_that_slept_lands_in_the_readers_copy),
    T(readv_into_shared_pages_is_private),
    T(results_of_calls_are_private),
    T(a_signal_frame_goes_to_the_receivers_stack),
    T(write_from_shared_pages_carries_their_bytes),
    T(bytes_in_a_pipe_do_not_follow_the_page),
    T(read_never_writes_what_the_process_may_not),
    T(read_stops_at_a_page_that_cannot_be_written),
    T(read_into_an_untouched_page_finds_it_zero),
    T(write_from_an_untouched_page_carries_zeros),
    T(a_sleeping_reader_gets_what_it_asked_for),
    T(what_a_sleeping_reader_gets_is_its_own),
};

SUITE(tests)
