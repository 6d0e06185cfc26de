/* SPDX-License-Identifier: MIT */
/*
 * t_fd.c - descriptors: which numbers are taken, and which are refused.
 */
#include "harness.h"

#include <sys/resource.h>
#include <sys/time.h>

static int fds[2];

static void pipe_make(void)
{
	if (pipe(fds) != 0)
		give_up("no pipe");
}

TEST(wrong_descriptors_are_ebadf)
{
	static const int wrong[] = {-1, -2, 1 << 20, 0x7fffffff, -2147483647};
	char byte;
	int i;

	pipe_make();
	for (i = 0; i < COUNT(wrong); i++) {
		int fd = wrong[i];

		MUST(read(fd, &byte, 1) == -1 && errno == EBADF, "read");
		MUST(write(fd, &byte, 1) == -1 && errno == EBADF, "write");
		MUST(close(fd) == -1 && errno == EBADF, "close");
		MUST(dup(fd) == -1 && errno == EBADF, "dup");
		MUST(dup2(fds[0], fd) == -1 && errno == EBADF, "dup2 to");
		MUST(dup2(fd, fds[0]) == -1 && errno == EBADF, "dup2 from");
	}
	close(fds[0]);
	MUST(close(fds[0]) == -1 && errno == EBADF, "closed twice");
	MUST(read(fds[0], &byte, 1) == -1 && errno == EBADF, "read closed");
	return NULL;
}

TEST(the_wrong_end_is_ebadf)
{
	char byte = 0;

	pipe_make();
	MUST(write(fds[0], &byte, 1) == -1 && errno == EBADF, "write");
	MUST(read(fds[1], &byte, 1) == -1 && errno == EBADF, "read");
	MUST(lseek(fds[0], 0, SEEK_SET) == -1 && errno == ESPIPE, "lseek");
	return NULL;
}

TEST(dup_takes_the_lowest_and_dup2_the_one_it_is_told)
{
	char byte = 0;
	int copy;

	pipe_make();
	copy = dup(fds[1]);
	MUST(copy == fds[1] + 1, "dup did not take the lowest");
	MUST(dup2(fds[1], 20) == 20, "dup2 failed");
	MUST(dup2(20, 20) == 20, "dup2 to itself failed");
	close(copy);
	close(fds[1]);
	MUST(write(20, "d", 1) == 1, "the copy does not work");
	MUST(read(fds[0], &byte, 1) == 1 && byte == 'd', "read failed");
	MUST(dup2(fds[0], 20) == 20, "dup2 over an open one failed");
	MUST(read(fds[0], &byte, 1) == 0, "the last writer is still there");
	MUST(raw(SYS_dup3, 20, 20, 0) == -EINVAL, "dup3 to itself");
	MUST(raw(SYS_dup3, 20, 21, 12345) == -EINVAL, "dup3 with odd flags");
	MUST(raw(SYS_dup3, 20, 21, O_CLOEXEC) == 21, "dup3 failed");
	MUST(fcntl(21, F_GETFD) == FD_CLOEXEC, "dup3 lost its flag");
	MUST(fcntl(20, F_GETFD) == 0, "dup3 set the flag of another");
	return NULL;
}

#define MOST_DESCRIPTORS 100000

TEST(descriptors_run_out)
{
	int ends[2] = {-5, -5};
	int last = -1;
	int fd;

	pipe_make();
	while ((fd = dup(fds[0])) >= 0 && fd < MOST_DESCRIPTORS)
		last = fd;
	if (fd >= 0)
		return SKIP("there is no end to them");
	MUST(errno == EMFILE, "another error");
	MUST(last > 10, "there are fewer than ten");
	MUST(pipe(ends) == -1 && errno == EMFILE, "a pipe found room");
	MUST(ends[0] == -5 && ends[1] == -5, "descriptors were stored");
	close(last);
	MUST(pipe(ends) == -1 && errno == EMFILE, "a pipe found half its room");
	MUST(dup(fds[0]) == last, "a failed pipe kept a descriptor");
	return NULL;
}

TEST(pipe2_refuses_odd_flags)
{
	int ends[2] = {-5, -5};

	MUST(raw(SYS_pipe2, (long)ends, 12345) == -EINVAL, "flags 12345");
	MUST(ends[0] == -5 && ends[1] == -5, "descriptors were stored");
	return NULL;
}

TEST(the_upper_half_of_an_int_means_nothing)
{
	const long upper = 1L << 32;
	unsigned char *page = pages_private(1);
	struct timespec now, nothing = {0};
	struct itimerval timer;
	struct rlimit limit;
	int ends[2];

	MUST(raw(SYS_fcntl, 0, F_GETFD | upper) == 0, "fcntl");
	MUST(raw(SYS_clock_gettime, CLOCK_MONOTONIC | upper, (long)&now) == 0,
	    "clock_gettime");
	MUST(raw(SYS_pipe2, (long)ends, O_CLOEXEC | upper) == 0, "pipe2");
	MUST(on_emulator() || /* which looks at the upper half */
		raw(SYS_dup3, ends[0], ends[1], upper) == ends[1],
	    "dup3");
	MUST(raw(SYS_madvise, (long)page, PAGE, MADV_DONTNEED | upper) == 0,
	    "madvise");
	MUST(raw(SYS_msync, (long)page, PAGE, MS_SYNC | upper) == 0, "msync");
	MUST(raw(SYS_prlimit64, 0, RLIMIT_STACK | upper, 0, (long)&limit) == 0,
	    "prlimit64");
	MUST(raw(SYS_lseek, ends[0], 0, SEEK_SET | upper) == -ESPIPE, "lseek");
	MUST(raw(SYS_ppoll, 0, upper, (long)&nothing, 0, 0) == 0, "ppoll");
	MUST(raw(SYS_getitimer, ITIMER_REAL | upper, (long)&timer) == 0,
	    "getitimer");
	MUST(raw(SYS_setitimer, ITIMER_REAL | upper, 0, (long)&timer) == 0,
	    "setitimer");
	MUST(raw(SYS_waitid, P_ALL | upper, 0, 0, WEXITED, 0) == -ECHILD,
	    "waitid");
	return NULL;
}

static const struct test tests[] = {
    T(wrong_descriptors_are_ebadf),
    T(the_wrong_end_is_ebadf),
    T(dup_takes_the_lowest_and_dup2_the_one_it_is_told),
    T(descriptors_run_out),
    T(pipe2_refuses_odd_flags),
    T(the_upper_half_of_an_int_means_nothing),
};

SUITE(tests)
