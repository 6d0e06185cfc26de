/* SPDX-License-Identifier: MIT */
/*
 * t_call.c - a system call keeps its number and arguments from its beginning to
 * its end, however often it waits, and whatever becomes of the memory that they
 * point to. And a process that is not in a call makes none.
 *
 * t_callcode.c is about changes of the code around a call, t_news.c about
 * results that cannot be stored, t_entry.c and t_crowd.c about how long a call
 * may last.
 */
#include "harness.h"

#include <poll.h>
#include <sched.h>
#include <sys/uio.h>

#define MS 1000000L

/* Cells. */
enum { READY };

/* ---- Who is not in a call makes none ---- */

#ifdef __riscv
/*
 * Makes a call, and then for `ticks` of the timer computes, with the registers
 * of exit_group(42). Returns the result of the call.
 */
static long call_and_compute(long nr, const long args[6], unsigned long ticks)
{
	register long a0 __asm__("a0") = args[0];
	register long a1 __asm__("a1") = args[1];
	register long a2 __asm__("a2") = args[2];
	register long a3 __asm__("a3") = args[3];
	register long a4 __asm__("a4") = args[4];
	register long a5 __asm__("a5") = args[5];
	register long a7 __asm__("a7") = nr;
	long result;

	__asm__ volatile("	ecall\n"
			 "	mv	%[result], a0\n"
			 "	li	a7, 94\n"
			 "	li	a0, 42\n"
			 "	rdtime	t0\n"
			 "1:	rdtime	t1\n"
			 "	sub	t1, t1, t0\n"
			 "	bltu	t1, %[ticks], 1b\n"
			 : [result] "=&r"(result), "+r"(a0), "+r"(a7)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4),
			 "r"(a5), [ticks] "r"(ticks)
			 : "t0", "t1", "memory");
	return result;
}
#else
static long call_and_compute(long nr, const long args[6], unsigned long ticks)
{
	(void)ticks;
	return raw_call(nr, args);
}
#endif

/* Three ticks of the scheduler, at least. */
#define COMPUTE 350000UL

static struct timespec one_ms = {0, MS}; /* the rest is stored there */
static char text[1400];
static struct iovec text_pieces[2] = {{text, 700}, {text + 700, 700}};

#define BITS 70 /* pieces; more than come along with a request */
static struct iovec text_bits[BITS];
static int fds[2];
/* Mapped in pieces, so that a change of them takes long. */
#define MANY_PAGES (24 * 512UL)

static unsigned char *many_pages(void)
{
	unsigned char *p = pages_private(MANY_PAGES);
	size_t i;

	for (i = 0; i < MANY_PAGES; i += 512)
		p[i * PAGE] = 0;
	return p;
}

struct made {
	const char *name;
	long nr;
	long args[6];
	long result;
};

static const char *computes_after(const struct made *made)
{
	pid_t pid = must_fork();
	int status;

	if (pid == 0) {
		long result = call_and_compute(made->nr, made->args, COMPUTE);

		if (result != made->result)
			give_up(found("%s returned %ld", made->name, result));
		_exit(0);
	}
	status = reap(pid);
	return exited_with(status, 42)
	    ? found("exit_group was executed after %s", made->name)
	    : status_verdict(status);
}

/* A terminal takes a long text in parts. */
TEST(after_a_long_text_no_call_is_made)
{
	const struct made made[] = {
	    {"write", SYS_write, {1, (long)text, sizeof(text)}, sizeof(text)},
	    {"writev", SYS_writev, {1, (long)text_pieces, 2}, sizeof(text)},
	    {"writev of many", SYS_writev, {1, (long)text_bits, BITS},
		sizeof(text)},
	};
	const char *sentence = needs_riscv();
	size_t i;

	if (sentence != NULL)
		return sentence;
	for (i = 0; i < BITS; i++)
		text_bits[i] = (struct iovec){text + i * sizeof(text) / BITS,
		    sizeof(text) / BITS};
	memset(text, '.', sizeof(text));
	for (i = 0; i < sizeof(text); i += 70)
		text[i] = '#';
	for (i = 69; i < sizeof(text); i += 70)
		text[i] = '\n';
	spinners_start();
	for (i = 0; i < COUNT(made) && sentence == NULL; i++)
		sentence = computes_after(&made[i]);
	spinners_end();
	return sentence;
}

TEST(after_a_call_that_waited_no_call_is_made)
{
	static uint32_t word = 5;
	struct pollfd entry = {-1, 0, 0};
	uint64_t set = 1UL << (SIGUSR1 - 1);
	long time = (long)&one_ms, pages;
	const char *sentence = needs_riscv();
	int i;

	if (sentence != NULL)
		return sentence;
	MUST(pipe2(fds, O_NONBLOCK) == 0 && write(fds[1], "abc", 3) == 3,
	    "no pipe");
	pages = (long)many_pages();

	const struct made made[] = {
	    {"nanosleep", SYS_nanosleep, {time}, 0},
	    {"sched_yield", SYS_sched_yield, {0}, 0},
	    {"ppoll", SYS_ppoll, {(long)&entry, 1, time}, 0},
	    {"pselect6", SYS_pselect6, {0, 0, 0, 0, time}, 0},
	    {"rt_sigtimedwait", SYS_rt_sigtimedwait, {(long)&set, 0, time, 8},
		-EAGAIN},
	    {"futex", SYS_futex, {(long)&word, 0, 5, time}, -ETIMEDOUT},
	    {"read", SYS_read, {fds[0], (long)text, 1}, 1},
	    {"mprotect", SYS_mprotect, {pages, MANY_PAGES * PAGE, PROT_READ},
		0},
	    {"munmap", SYS_munmap, {pages, MANY_PAGES * PAGE}, 0},
	};

	spinners_start();
	for (i = 0; i < COUNT(made) && sentence == NULL; i++)
		sentence = computes_after(&made[i]);
	spinners_end();
	return sentence;
}

/* ---- Its arguments are those with which it began ---- */

/* Shared with the process that changes it while the call waits. */
static union {
	struct iovec pieces[2];
	struct timespec time;
	struct pollfd polls[2];
	uint64_t set[2];
} * arguments;

static void arguments_make(void)
{
	arguments = (void *)pages_shared(1);
}

static pid_t caller;

static void drain_the_pipe(void)
{
	static char some[4096];
	size_t at;
	ssize_t n;

	arguments->pieces[0].iov_base = text + 8;
	arguments->pieces[1].iov_base = text + 8;
	for (at = 0; at < 70010; at += (size_t)n) {
		n = read(fds[0], some, sizeof(some));
		if (n <= 0)
			give_up("read failed");
		if (memchr(some, 'c', (size_t)n) != NULL)
			give_up("bytes came from where the vector points now");
	}
}

TEST(a_vector_may_change_while_it_is_written)
{
	static char bytes[70000];
	pid_t pid;

	arguments_make();
	memset(bytes, 'a', sizeof(bytes));
	memset(text, 'b', 8);
	MUST(pipe(fds) == 0, "no pipe");
	arguments->pieces[0] = (struct iovec){bytes, sizeof(bytes)};
	arguments->pieces[1] = (struct iovec){text, 10};
	memset(text + 8, 'c', sizeof(text) - 8);
	arguments->pieces[1].iov_len = 8;
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(60);
		drain_the_pipe();
		_exit(0);
	}
	MUST(raw(SYS_writev, fds[1], (long)arguments->pieces, 2) == 70008,
	    "writev failed");
	MUST(write(fds[1], "dd", 2) == 2, "write failed");
	return child_end(pid);
}

static void spoil_time(void)
{
	arguments->time.tv_nsec = -1;
}

TEST(a_time_may_change_while_it_is_slept)
{
	long clock = CLOCK_MONOTONIC;
	pid_t pid;

	arguments_make();
	arguments->time = (struct timespec){0, 200 * MS};
	pid = change_later(spoil_time);
	MUST(raw(SYS_nanosleep, (long)&arguments->time, 0) == 0,
	    "nanosleep failed");
	TRY(child_end(pid));
	arguments->time = (struct timespec){0, 200 * MS};
	pid = change_later(spoil_time);
	MUST(raw(SYS_clock_nanosleep, clock, 0, (long)&arguments->time, 0) == 0,
	    "clock_nanosleep failed");
	return child_end(pid);
}

static void poll_for_another(void)
{
	arguments->polls[0].fd = -1;
	if (write(fds[1], "x", 1) != 1)
		give_up("write failed");
}

TEST(descriptors_may_change_while_they_are_polled)
{
	struct timespec limit = {2, 0};
	long n;
	pid_t pid;

	if (on_emulator())
		return SKIP("the emulator writes all of an entry back");
	arguments_make();
	MUST(pipe(fds) == 0, "no pipe");
	arguments->polls[0] = (struct pollfd){fds[0], POLLIN, 0};
	pid = change_later(poll_for_another);
	n = raw(SYS_ppoll, (long)arguments->polls, 1, (long)&limit, 0, 8);
	MUST(n == 1, found("ppoll returned %ld", n));
	MUST(arguments->polls[0].revents == POLLIN, "other events");
	MUST(arguments->polls[0].fd == -1, "more than the events was stored");
	return child_end(pid);
}

static void select_another(void)
{
	arguments->set[0] = 0;
	if (write(fds[1], "x", 1) != 1)
		give_up("write failed");
}

TEST(sets_may_change_while_they_are_selected_from)
{
	struct timespec limit = {2, 0};
	long n;
	pid_t pid;

	arguments_make();
	MUST(pipe(fds) == 0, "no pipe");
	arguments->set[0] = 1UL << fds[0];
	pid = change_later(select_another);
	n = raw(SYS_pselect6, fds[0] + 1, (long)arguments->set, 0, 0,
	    (long)&limit, 0);
	MUST(n == 1, found("pselect6 returned %ld", n));
	MUST(arguments->set[0] == 1UL << fds[0], "another set");
	return child_end(pid);
}

static void await_another(void)
{
	arguments->set[0] = 1UL << (SIGUSR2 - 1);
	(void)kill(caller, SIGUSR1);
}

TEST(a_set_may_change_while_its_signals_are_awaited)
{
	struct timespec limit = {2, 0};
	long sig;
	pid_t pid;

	arguments_make();
	caller = getpid();
	block_signal(SIGUSR1);
	arguments->set[0] = 1UL << (SIGUSR1 - 1);
	pid = change_later(await_another);
	sig =
	    raw(SYS_rt_sigtimedwait, (long)arguments->set, 0, (long)&limit, 8);
	MUST(sig == SIGUSR1, found("rt_sigtimedwait returned %ld", sig));
	return child_end(pid);
}

/* ---- Lengths that others change are read once ---- */

#define TOGGLES 10000

/*
 * A vector of one piece at the end of what is mapped, whose length goes back
 * and forth between 100 and `other` while the caller uses it.
 */
static volatile struct iovec *vector;

static pid_t toggler_start(size_t other)
{
	unsigned char *p = pages_shared(2);
	pid_t pid;

	if (munmap(p + PAGE, PAGE) != 0)
		give_up("munmap failed");
	vector = (struct iovec *)(void *)(p + PAGE) - 1;
	vector->iov_base = text;
	vector->iov_len = 100;
	pid = must_fork();
	while (pid == 0) {
		vector->iov_len = other;
		vector->iov_len = 100;
	}
	return pid;
}

static void toggler_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
}

static const char *moves_what_it_checked(long nr, int fd, size_t other)
{
	pid_t pid = toggler_start(other);
	long n = 100;
	int i;

	for (i = 0; i < TOGGLES; i++) {
		n = raw(nr, fd, (long)vector, 1);
		if (n != 100 && n != -EINVAL && n != -EAGAIN && n != 0)
			break;
		if (n == -EAGAIN)
			while (read(fds[0], text, sizeof(text)) > 0)
				continue;
	}
	toggler_end(pid);
	return i == TOGGLES ? NULL : found("call %ld returned %ld", nr, n);
}

TEST(a_vector_is_read_once)
{
	int zero = open("/dev/zero", O_RDONLY);
	int file = open("/t_call", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (on_emulator())
		return SKIP("the emulator reads vectors in its own way");
	MUST(pipe2(fds, O_NONBLOCK) == 0 && zero >= 0 && file >= 0 &&
		unlink("/t_call") == 0,
	    "no files");
	TRY(moves_what_it_checked(SYS_writev, file, 0));
	TRY(moves_what_it_checked(SYS_writev, fds[1], 0));
	TRY(moves_what_it_checked(SYS_writev, fds[1], (size_t)-1));
	return moves_what_it_checked(SYS_readv, zero, (size_t)-1);
}

/* ---- What a call keeps is given back ---- */

/* A thousand pieces of one byte each, which is more than one page of them. */
static struct iovec many_parts[1000];
static char many_bytes[COUNT(many_parts)];

static void many_parts_make(void)
{
	int i;

	for (i = 0; i < COUNT(many_parts); i++)
		many_parts[i] = (struct iovec){&many_bytes[i], 1};
}

static void do_nothing(int sig)
{
	(void)sig;
}

/* Waits in readv; the caller ends that. */
static pid_t vector_reader(void)
{
	struct sigaction sa = {.sa_handler = do_nothing};
	pid_t pid = must_fork();
	ssize_t n;

	if (pid != 0) {
		sleep_ms(60);
		return pid;
	}
	(void)sigaction(SIGUSR1, &sa, NULL);
	many_bytes[0] = 1; /* the page is the child's own, and ready */
	n = readv(fds[0], many_parts, COUNT(many_parts));
	_exit(n == 1 ? 0 : errno);
}

/* The runner counts what they leave behind. */
TEST(a_long_vector_that_waits_ends_in_any_way)
{
	pid_t pid;

	many_parts_make();
	MUST(pipe(fds) == 0, "no pipe");
	pid = vector_reader();
	MUST(write(fds[1], "x", 1) == 1, "write failed");
	MUST(exited_with(reap(pid), 0), "the byte did not come");
	pid = vector_reader();
	kill(pid, SIGUSR1);
	MUST(exited_with(reap(pid), EINTR), "it was not interrupted");
	pid = vector_reader();
	kill(pid, SIGKILL);
	(void)reap(pid);
	MUST(readv(fds[0], many_parts, 1025) == -1 && errno == EINVAL,
	    "too many parts");
	return NULL;
}

TEST(a_long_vector_goes_through_a_pipe_in_order)
{
	static char arrived[COUNT(many_parts)];
	int i;

	many_parts_make();
	MUST(pipe(fds) == 0, "no pipe");
	for (i = 0; i < COUNT(many_parts); i++)
		many_bytes[i] = (char)(i * 7);
	MUST(writev(fds[1], many_parts, COUNT(many_parts)) == 1000, "writev");
	MUST(read(fds[0], arrived, sizeof(arrived)) == 1000, "read");
	MUST(memcmp(arrived, many_bytes, sizeof(arrived)) == 0, "other bytes");
	memset(many_bytes, 0, sizeof(many_bytes));
	MUST(write(fds[1], arrived, sizeof(arrived)) == 1000, "write");
	MUST(readv(fds[0], many_parts, COUNT(many_parts)) == 1000, "readv");
	return memcmp(arrived, many_bytes, sizeof(arrived)) == 0
	    ? NULL
	    : "other bytes were read";
}

/* Waits for the pipe in a call that keeps what it waits for. */
static pid_t poller(void)
{
	struct pollfd entry = {fds[0], POLLIN, 0};
	pid_t pid = must_fork();

	if (pid != 0) {
		sleep_ms(60);
		return pid;
	}
	(void)signal(SIGUSR1, do_nothing);
	_exit(raw(SYS_ppoll, (long)&entry, 1, 0, 0, 8) == 1 ? 0 : 1);
}

TEST(a_poll_ends_in_any_way)
{
	pid_t pid;

	MUST(pipe(fds) == 0, "no pipe");
	pid = poller();
	kill(pid, SIGUSR1);
	MUST(exited_with(reap(pid), 1), "it was not interrupted");
	pid = poller();
	kill(pid, SIGKILL);
	(void)reap(pid);
	pid = poller();
	MUST(write(fds[1], "x", 1) == 1, "write failed");
	MUST(exited_with(reap(pid), 0), "it was not woken");
	return NULL;
}

/* ---- A position that others have seen is not put back ---- */

#define SEEKS 2000

/* Reads into a buffer with a hole in it, over and over. */
_Noreturn static void read_in_vain(int fd)
{
	unsigned char *p = pages_private(8);

	if (munmap(p + PAGE, PAGE) != 0)
		give_up("munmap failed");
	cell_set(READY, 1);
	for (;;)
		(void)!read(fd, p, 8 * PAGE);
}

TEST(a_read_that_fails_does_not_move_the_others)
{
	int fd = open(suite_path, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END), at = 0;
	pid_t pid;
	int i;

	MUST(fd >= 0 && size > (off_t)PAGE, "no file");
	pid = must_fork();
	if (pid == 0)
		read_in_vain(fd);
	cell_await(READY, 1);
	for (i = 0; i < SEEKS && at >= 0 && at <= size; i++) {
		(void)lseek(fd, 0, SEEK_SET);
		at = lseek(fd, 0, SEEK_CUR);
	}
	toggler_end(pid);
	return i == SEEKS ? NULL
			  : found("position %ld of %ld", (long)at, (long)size);
}

/* ---- A path is read once ---- */

/* Its first name is good, or its last one is, but never both. */
static void toggle_path(volatile char *path, size_t last)
{
	volatile int n;

	for (;;) {
		path[1] = 'x';
		path[last] = 'l';
		for (n = 0; n < 1000; n++)
			continue;
		path[last] = 'x';
		path[1] = 'd';
		for (n = 0; n < 1000; n++)
			continue;
	}
}

/* On one hart: no other process runs while the path is copied. */
TEST(a_path_may_change_while_it_is_looked_up)
{
	char *path = (char *)pages_shared(1);
	size_t last;
	long end;
	pid_t pid;

	if (!on_calf() || harts() > 1)
		return SKIP("a path may change while it is copied");
	long_path(path, PAGE - 32);
	strcat(path, "/dev/null");
	last = strlen(path) - 1;
	MUST(open(path, O_RDONLY) >= 0, "there is no such file at all");
	path[last] = 'x';
	pid = must_fork();
	if (pid == 0)
		toggle_path(path, last);
	for (end = now_ms() + 800; now_ms() < end;)
		MUST(open(path, O_RDONLY) == -1,
		    "the halves of two paths were looked up");
	toggler_end(pid);
	return NULL;
}

static const struct test tests[] = {
    T(after_a_long_text_no_call_is_made),
    T(after_a_call_that_waited_no_call_is_made),
    T(a_vector_may_change_while_it_is_written),
    T(a_time_may_change_while_it_is_slept),
    T(descriptors_may_change_while_they_are_polled),
    T(sets_may_change_while_they_are_selected_from),
    T(a_set_may_change_while_its_signals_are_awaited),
    T(a_path_may_change_while_it_is_looked_up),
    T(a_vector_is_read_once),
    T(a_long_vector_that_waits_ends_in_any_way),
    T(a_long_vector_goes_through_a_pipe_in_order),
    T(a_poll_ends_in_any_way),
    T(a_read_that_fails_does_not_move_the_others),
};

SUITE(tests)
