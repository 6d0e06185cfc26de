/* SPDX-License-Identifier: MIT */
/*
 * t_poll.c - waiting for descriptors, for time, and for signals meanwhile.
 */
#include "harness.h"

#include <poll.h>

#define MS 1000000L

static volatile int handled;
static volatile int blocked_in_handler;

static bool is_blocked(int sig)
{
	sigset_t now;

	if (sigprocmask(SIG_BLOCK, NULL, &now) != 0)
		give_up("sigprocmask failed");
	return sigismember(&now, sig) == 1;
}

static void on_signal(int sig)
{
	(void)sig;
	handled++;
	blocked_in_handler = is_blocked(SIGUSR2);
}

/* SIGUSR1 has a handler; it is blocked, and let through only by `set`. */
static void block_usr1(void)
{
	struct sigaction sa;
	sigset_t set;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigaction(SIGUSR1, &sa, NULL) != 0 ||
	    sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		give_up("sigaction or sigprocmask failed");
}

static long ppoll_raw(struct pollfd *p, long n, struct timespec *t,
    const uint64_t *mask)
{
	return raw(SYS_ppoll, (long)p, n, (long)t, (long)mask, 8);
}

static long pselect_raw(int n, uint64_t *in, uint64_t *out, struct timespec *t,
    const uint64_t *mask)
{
	uint64_t pack[2] = {(uintptr_t)mask, 8};

	return raw(SYS_pselect6, n, (long)in, (long)out, 0, (long)t,
	    (long)pack);
}

static int fds[2];

static void pipe_make(void)
{
	if (pipe(fds) != 0)
		give_up("no pipe");
}

/* ---- What is ready ---- */

TEST(poll_tells_what_is_ready)
{
	struct timespec now = {0, 0};
	struct pollfd p[4] = {{0}};

	pipe_make();
	p[0].fd = fds[0];
	p[0].events = POLLIN;
	p[1].fd = fds[1];
	p[1].events = POLLOUT;
	p[2].fd = -1;
	p[3].fd = 400;
	MUST(ppoll_raw(p, 4, &now, NULL) == 2, "another count");
	MUST(p[0].revents == 0 && p[1].revents == POLLOUT, "an empty pipe");
	MUST(p[2].revents == 0 && p[3].revents == POLLNVAL, "no descriptors");
	MUST(write(fds[1], "x", 1) == 1, "write failed");
	MUST(ppoll_raw(p, 1, NULL, NULL) == 1 && p[0].revents == POLLIN,
	    "a byte is not seen");
	close(fds[1]);
	MUST(ppoll_raw(p, 1, NULL, NULL) == 1, "the end is not seen");
	MUST(p[0].revents == (POLLIN | POLLHUP), "a byte and the end");
	return NULL;
}

TEST(select_tells_what_is_ready)
{
	struct timespec now = {0, 0};
	uint64_t in;
	uint64_t out;
	uint64_t in_bit;
	uint64_t out_bit;

	pipe_make();
	in = in_bit = 1UL << fds[0];
	out = out_bit = 1UL << fds[1];
	MUST(pselect_raw(fds[1] + 1, &in, &out, &now, NULL) == 1 && in == 0 &&
		out == out_bit,
	    "an empty pipe");
	in = in_bit;
	MUST(pselect_raw(fds[1] + 1, &in, NULL, &now, NULL) == 0 && in == 0,
	    "nothing ready leaves a bit");
	MUST(write(fds[1], "x", 1) == 1, "write failed");
	in = in_bit | 1UL << 60;
	MUST(pselect_raw(fds[1] + 1, &in, &out, NULL, NULL) == 2 &&
		in == in_bit && out == out_bit,
	    "a byte is not seen");
	in = 1UL << 60;
	MUST(pselect_raw(64, &in, NULL, &now, NULL) == -EBADF, "no descriptor");
	MUST(pselect_raw(-1, &in, NULL, &now, NULL) == -EINVAL, "-1 of them");
	return NULL;
}

/* ---- Waiting ---- */

/* How often the harts went from one process to another, since boot. */
static uint64_t switches(void)
{
	return counters().switches;
}

TEST(a_process_that_waits_for_time_or_a_pipe_is_left_alone)
{
	struct timespec rest = {0, 400 * MS};
	struct pollfd p = {.events = POLLIN};
	uint64_t in;
	uint64_t before = switches();
	long start = now_ms();

	pipe_make();
	MUST(ppoll_raw(NULL, 0, &rest, NULL) == 0, "for time");
	p.fd = fds[0];
	rest.tv_nsec = 400 * MS;
	MUST(ppoll_raw(&p, 1, &rest, NULL) == 0, "for a pipe");
	in = 1UL << fds[0];
	rest.tv_nsec = 400 * MS;
	MUST(pselect_raw(fds[0] + 1, &in, NULL, &rest, NULL) == 0,
	    "in a select");
	MUST(now_ms() - start >= 1199, "it woke too early");
	MUST(now_ms() - start < 20000, "it woke far too late");
	MUST(switches() - before < 30,
	    found("it woke %d times", (int)(switches() - before)));
	return NULL;
}

#define TURNS 2000

/* Each waits with poll or select for what the other writes. */
_Noreturn static void echo(int in, int out)
{
	char byte;
	uint64_t set;

	for (;;) {
		set = 1UL << in;
		if (pselect_raw(in + 1, &set, NULL, NULL, NULL) != 1)
			_exit(1);
		if (read(in, &byte, 1) == 0)
			_exit(0);
		if (write(out, &byte, 1) != 1)
			_exit(2);
	}
}

TEST(no_wake_up_is_lost)
{
	struct timespec rest;
	struct pollfd p = {.events = POLLIN};
	int back[2];
	char byte = 0;
	pid_t pid;
	int i, told = 0;

	pipe_make();
	memcpy(back, fds, sizeof(back));
	pipe_make();
	pid = must_fork();
	if (pid == 0) {
		close(fds[1]);
		echo(fds[0], back[1]);
	}
	p.fd = back[0];
	for (i = 0; i < TURNS; i++) {
		rest.tv_sec = 20;
		rest.tv_nsec = 0;
		MUST(write(fds[1], &byte, 1) == 1, "write failed");
		MUST(ppoll_raw(&p, 1, &rest, NULL) == 1, "it timed out");
		/*
		 * A clock with coarse steps may not have moved meanwhile, and
		 * the deadline is on the next of its ticks.
		 */
		MUST(rest.tv_sec == 19 ||
			(rest.tv_sec == 20 && rest.tv_nsec < 1000),
		    found("%ld.%09ld s are left", (long)rest.tv_sec,
			(long)rest.tv_nsec));
		told += rest.tv_sec == 19;
		MUST(read(back[0], &byte, 1) == 1, "read failed");
	}
	MUST(told > 0, "the time left is not told");

	close(fds[1]);
	return exited_with(reap(pid), 0) ? NULL : "the echo failed";
}

TEST(a_full_pipe_and_its_end_wake_up)
{
	static char page[PAGE];
	struct pollfd p = {.events = POLLOUT};
	pid_t pid;
	int i;

	pipe_make();
	for (i = 0; i < 16; i++)
		MUST(write(fds[1], page, PAGE) == (ssize_t)PAGE, "write");
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(30);
		for (i = 0; i < 16; i++)
			(void)!read(fds[0], page, PAGE);
		cell_await(0, 1);
		sleep_ms(30);
		_exit(0);
	}
	close(fds[0]);
	p.fd = fds[1];
	MUST(ppoll_raw(&p, 1, NULL, NULL) == 1 && p.revents == POLLOUT,
	    "there is room");
	cell_set(0, 1);
	p.events = 0;
	MUST(ppoll_raw(&p, 1, NULL, NULL) == 1 && p.revents == POLLERR,
	    "nobody reads");
	(void)reap(pid);
	return NULL;
}

/* ---- Time ---- */

TEST(times_are_checked_and_do_not_overflow)
{
	struct timespec bad = {0, 1000000000};
	struct timespec past = {-1, 0};
	struct timespec late = {INT64_MAX, 999999999};
	pid_t pid;

	MUST(ppoll_raw(NULL, 0, &bad, NULL) == -EINVAL, "a billion ns");
	MUST(ppoll_raw(NULL, 0, &past, NULL) == -EINVAL, "-1 seconds");
	MUST(pselect_raw(0, NULL, NULL, &past, NULL) == -EINVAL, "in select");
	pid = must_fork();
	if (pid == 0)
		_exit(ppoll_raw(NULL, 0, &late, NULL) == 0 ? 1 : 2);
	sleep_ms(100);
	MUST(waitpid(pid, NULL, WNOHANG) == 0, "for ever was short");
	kill(pid, SIGKILL);
	(void)reap(pid);
	return NULL;
}

/* ---- Signals ---- */

static const uint64_t nothing;
static const uint64_t usr2 = 1UL << (SIGUSR2 - 1);

/*
 * A signal that is pending when the mask changes ends the wait, even a short
 * one.
 */
TEST(the_mask_counts_while_it_waits)
{
	struct timespec now = {0, 0};
	struct timespec rest = {0, 20 * MS};

	block_usr1();
	kill(getpid(), SIGUSR1);
	MUST(ppoll_raw(NULL, 0, &rest, NULL) == 0, "without a mask");
	MUST(handled == 0, "a blocked signal came through");
	MUST(ppoll_raw(NULL, 0, NULL, &usr2) == -EINTR && handled == 1,
	    "ppoll does not let it through");
	MUST(blocked_in_handler, "the handler has another mask");
	MUST(is_blocked(SIGUSR1) && !is_blocked(SIGUSR2),
	    "ppoll left another mask");
	kill(getpid(), SIGUSR1);
	MUST(ppoll_raw(NULL, 0, &now, &nothing) == -EINTR && handled == 2,
	    "no time to wait, and a signal");
	kill(getpid(), SIGUSR1);
	MUST(pselect_raw(0, NULL, NULL, NULL, &usr2) == -EINTR && handled == 3,
	    "pselect does not let it through");
	MUST(is_blocked(SIGUSR1) && !is_blocked(SIGUSR2),
	    "pselect left another mask");
	return NULL;
}

TEST(what_is_ready_counts_before_signals)
{
	struct pollfd p = {.events = POLLOUT};
	uint64_t out;

	block_usr1();
	pipe_make();
	p.fd = fds[1];
	kill(getpid(), SIGUSR1);
	MUST(ppoll_raw(&p, 1, NULL, &nothing) == 1, "ppoll");
	out = 1UL << fds[1];
	MUST(pselect_raw(fds[1] + 1, NULL, &out, NULL, &nothing) == 1,
	    "pselect");
	MUST(handled == 0, "the signal came through");
	MUST(is_blocked(SIGUSR1), "the mask was not put back");
	MUST(ppoll_raw(&p, 1, NULL, (uint64_t *)8) == -EFAULT, "a bad mask");
	MUST(raw(SYS_ppoll, (long)&p, 1, 0, (long)&nothing, 4) == -EINVAL,
	    "a short mask");
	return NULL;
}

TEST(a_signal_ends_a_poll)
{
	struct timespec rest = {20, 0};
	struct pollfd p = {.events = POLLIN, .revents = 0x55};
	pid_t me = getpid();
	pid_t pid;

	block_usr1();
	pipe_make();
	p.fd = fds[0];
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(50);
		kill(me, SIGUSR1);
		_exit(0);
	}
	MUST(ppoll_raw(&p, 1, &rest, &nothing) == -EINTR, "it did not");
	MUST(handled == 1, "the handler did not run");
	if (!on_emulator()) { /* which tells them only when the call succeeds */
		MUST(rest.tv_sec < 20 && rest.tv_sec > 9,
		    "the rest is not told");
		MUST(p.revents == 0, found("events 0x%x", (int)p.revents));
	}
	(void)reap(pid);
	return NULL;
}

/* The time that is left cannot be told then. */
TEST(a_signal_ends_a_poll_whose_time_may_only_be_read)
{
	unsigned char *page = pages_private(1);
	struct timespec *rest = (void *)page;
	pid_t pid, me = getpid();

	block_usr1();
	rest->tv_sec = 20;
	MUST(mprotect(page, PAGE, PROT_READ) == 0, "mprotect failed");
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(50);
		kill(me, SIGUSR1);
		_exit(0);
	}
	MUST(ppoll_raw(NULL, 0, rest, &nothing) == -EINTR, "another result");
	MUST(handled == 1, "the handler did not run");
	(void)reap(pid);
	return NULL;
}

static const struct test tests[] = {
    T(poll_tells_what_is_ready),
    T(select_tells_what_is_ready),
    T(a_process_that_waits_for_time_or_a_pipe_is_left_alone),
    T(no_wake_up_is_lost),
    T(a_full_pipe_and_its_end_wake_up),
    T(times_are_checked_and_do_not_overflow),
    T(the_mask_counts_while_it_waits),
    T(what_is_ready_counts_before_signals),
    T(a_signal_ends_a_poll),
    T(a_signal_ends_a_poll_whose_time_may_only_be_read),
};

SUITE(tests)
