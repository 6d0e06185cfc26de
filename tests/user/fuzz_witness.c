/* SPDX-License-Identifier: MIT */
/*
 * fuzz_witness.c - scenes whose end is known: bytes through a pipe, signals
 * that are waited for, children that stop and end.
 *
 * The witness is a child of a member, in a group of its own, so that no other
 * member signals it. Only at the end of a round, or when memory runs out, it
 * gets a SIGKILL, and then there is no verdict. Each of its calls may fail for
 * want of memory, or because it points to nowhere; nothing may be lost by that,
 * nor come twice.
 */
#include "fuzz.h"

#include <sys/uio.h>

/* Where results go: two pages, mapped anew so that they are not there yet. */
static unsigned char *place_for_result;

static void prepare_place(void)
{
	void *p;

	if (place_for_result != NULL)
		(void)plain(SYS_munmap, (long)place_for_result, 2 * PAGE);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		leave(0);
	place_for_result = p;
}

void make_scarce(void)
{
	if (once_in(2))
		(void)plain(SYS_calf_fail, (long)below(4), CALF_FAIL_FROM);
}

void make_plenty(void)
{
	(void)plain(SYS_calf_fail, 0, 0);
}

bool may_try_again(long result)
{
	return result == -ENOMEM || result == -EFAULT || result == -EINTR ||
	    result == -EAGAIN;
}

static uintptr_t somewhere(void)
{
	return once_in(5) ? bad_address()
			  : (uintptr_t)place_for_result + below(PAGE) / 8 * 8;
}

/* ---- Bytes ---- */

#define STREAM 7000UL

static unsigned char stream_byte(uint64_t key, uint64_t at)
{
	return (unsigned char)((key + at) * 0x9e3779b97f4a7c15UL >> 56);
}

void write_stream(int fd, uint64_t key)
{
	static unsigned char bytes[5000];
	uint64_t at = 0, i, len;

	while (at < STREAM) {
		struct iovec pieces[2];
		long n;

		len = below(once_in(3) ? sizeof(bytes) : 500) + 1;
		if (len > STREAM - at)
			len = STREAM - at;
		for (i = 0; i < len; i++)
			bytes[i] = stream_byte(key, at + i);
		pieces[0] = (struct iovec){bytes, len / 3};
		pieces[1] = (struct iovec){bytes + len / 3, len - len / 3};
		make_scarce();
		if (once_in(6))
			n = plain(SYS_write, fd, (long)bad_address(), len);
		else if (once_in(2))
			n = plain(SYS_writev, fd, (long)pieces, 2);
		else
			n = plain(SYS_write, fd, (long)bytes, (long)len);
		make_plenty();
		if (n > 0)
			at += (uint64_t)n;
		else if (!may_try_again(n))
			leave(1);
	}
	leave(0);
}

void read_stream(int fd, uint64_t key)
{
	uint64_t at = 0, i;

	for (;;) {
		uint64_t len = below(once_in(2) ? PAGE : 500) + 1;
		uintptr_t to;
		long n;

		prepare_place();
		to = somewhere();
		make_scarce();
		n = plain(SYS_read, fd, (long)to, (long)len);
		make_plenty();
		if (n == 0)
			break;
		if (n < 0 && !may_try_again(n))
			leave(0);
		for (i = 0; n > 0 && i < (uint64_t)n; i++, at++)
			if (((unsigned char *)to)[i] != stream_byte(key, at)) {
				fail("byte %lu of a pipe is another", at);
				leave(0);
			}
	}
	/* A writer that was killed has written less. */
	if (at > STREAM)
		fail("%lu of %lu bytes came out of a pipe", at, STREAM);
}

static void see_bytes(void)
{
	uint64_t key = roll();
	int fds[2], status = 0;
	long pid;

	if (plain(SYS_pipe2, (long)fds, 0) != 0)
		return;
	pid = plain(SYS_clone, SIGCHLD);
	if (pid == 0) {
		me.rng = key | 1;
		(void)plain(SYS_close, fds[0]);
		write_stream(fds[1], key);
	}
	(void)plain(SYS_close, fds[1]);
	if (pid < 0)
		return;
	read_stream(fds[0], key);
	while (plain(SYS_wait4, pid, (long)&status, 0) == -EINTR)
		continue;
}

/* ---- Signals ---- */

static void see_signals(void)
{
	uint64_t sent = (roll() | 1UL << 40) & 0xffffff0000000000UL, set = sent,
		 taken = 0;
	struct timespec now = {0, 0};
	int sig, tries;

	(void)plain(SYS_rt_sigprocmask, SIG_BLOCK, (long)&set, 0, 8);
	for (sig = 41; sig <= 64; sig++)
		if (sent & 1UL << (sig - 1))
			(void)plain(SYS_kill, plain(SYS_getpid), sig);
	for (tries = 0; tries < 400; tries++) {
		long n;

		prepare_place();
		make_scarce();
		n = plain(SYS_rt_sigtimedwait, (long)&set,
		    (long)(once_in(4) ? 0 : somewhere()), (long)&now, 8);
		make_plenty();
		if (n == -EAGAIN)
			break;
		if (n < 0 && !may_try_again(n))
			return;
		if (n <= 0)
			continue;
		if (taken & 1UL << (n - 1))
			fail("signal %ld came twice", n);
		taken |= 1UL << (n - 1);
	}
	if (tries < 400 && taken != sent)
		fail("of the signals %lx only %lx came", sent, taken);
}

/* ---- Children ---- */

#define PATIENCE 100000

#define P_PID   1
#define STOPPED 2
#define EXITED  4
#define NOWAIT  0x01000000

/* Has the child stopped, gone on or ended since it was last waited for? */
static bool has_news(long pid)
{
	int info[32];

	memset(info, 0, sizeof(info));
	return plain(SYS_waitid, P_PID, pid, (long)info,
		   STOPPED | EXITED | WCONTINUED | NOWAIT | WNOHANG, 0) == 0 &&
	    info[0] == SIGCHLD;
}

#define NOT_TOLD (-4096L) /* no errno */

/*
 * Waits for the child until that succeeds. Returns `pid`; NOT_TOLD if each of
 * many tries has failed, as memory is out: nothing is known then; or 0 if there
 * was nothing to be told, which is wrong, as has_news() has found something.
 */
static long take_news(long pid, int *status)
{
	int tries;

	for (tries = 0; tries < 60; tries++) {
		uintptr_t to, usage = 0;
		long n;

		prepare_place();
		to = once_in(4) ? (uintptr_t)status
				: (uintptr_t)place_for_result;
		if (once_in(4))
			usage = (uintptr_t)place_for_result + PAGE;
		make_scarce();
		n = plain(SYS_wait4, pid, (long)to,
		    WUNTRACED | WCONTINUED | WNOHANG, (long)usage);
		make_plenty();
		if (n == pid)
			*status = *(int *)to;
		if (!may_try_again(n))
			return n;
	}
	return NOT_TOLD;
}

static void see_a_child(void)
{
	int code = (int)below(256), status = 0;
	bool stops = once_in(2);
	long pid = plain(SYS_clone, SIGCHLD), got;
	int looks;

	if (pid == 0) {
		if (stops)
			(void)plain(SYS_kill, plain(SYS_getpid), SIGSTOP);
		leave(code);
	}
	if (pid < 0)
		return;
	for (;;) {
		for (looks = 0; !has_news(pid); looks++) {
			if (looks == PATIENCE)
				return;
			(void)plain(SYS_sched_yield);
		}
		got = take_news(pid, &status);
		if (got == NOT_TOLD)
			return;
		if (got != pid) {
			fail("news of child %ld were lost: %ld", pid, got);
			return;
		}
		if (!WIFSTOPPED(status) && !WIFCONTINUED(status))
			break;
		(void)plain(SYS_kill, pid, SIGCONT);
	}
	/* A stopped child gets SIGHUP when its group is orphaned. */
	if (status != SIGKILL && status != SIGHUP && status != code << 8)
		fail("a child exited with %d, and %x was told", code, status);
	if (plain(SYS_wait4, pid, 0, WNOHANG) != -ECHILD)
		fail("child %ld was told of twice", pid);
}

/* ---- One scene ---- */

/* Undoes what the member has set up; its handlers could lead anywhere. */
static void clean_up(void)
{
	uint64_t none[4] = {0, 0, 0, 0}, *by_default = none;
	int sig;

	(void)plain(SYS_setitimer, 0, (long)none, 0);
	(void)plain(SYS_setpgid, 0, 0);
	for (sig = 1; sig <= 64; sig++)
		(void)plain(SYS_rt_sigaction, sig, (long)by_default, 0, 8);
	(void)plain(SYS_rt_sigprocmask, SIG_SETMASK, (long)none, 0, 8);
}

static void (*const scenes[])(void) = {see_bytes, see_signals, see_a_child,
    see_a_named_pipe, see_shared_memory, see_names, see_garbage, see_twins};

void witness(void)
{
	long pid = plain(SYS_clone, SIGCHLD);

	if (pid != 0)
		return;
	me.rng = roll() | 1;
	clean_up();
	scenes[below(COUNT(scenes))]();
	leave(0);
}
