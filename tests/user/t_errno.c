/* SPDX-License-Identifier: MIT */
/*
 * t_errno.c - the errors of calls with bad arguments, as on Linux.
 *
 * Tables of calls, each with its right result. A call that differs here on
 * purpose has two: Linux's, and ours, for which docs/abi.md gives a reason.
 */
#include "harness.h"

#include <poll.h>
#include <sys/time.h>
#include <sys/uio.h>

#ifndef ENOTSUP
#define ENOTSUP 95
#endif

/* ---- Arguments ---- */

static long bad;       /* an address where nothing is */
static long read_only; /* a page that can be read */
static long page;      /* one for everything, full of zeros */
static long closed;    /* no descriptor */
static long file, dir, null, zero, pipe_in, pipe_out;
static long nobody = 4194303;
static long here = -100; /* AT_FDCWD */

#define KERNEL (-4096L)

static void arguments_make(void)
{
	int fds[2];

	page = (long)pages_private(1);
	read_only = (long)pages_private(1);
	bad = (long)pages_private(1);
	file = open(suite_path, O_RDONLY);
	dir = open("/", O_RDONLY | O_DIRECTORY);
	null = open("/dev/null", O_RDWR);
	zero = open("/dev/zero", O_RDWR);
	if (file < 0 || dir < 0 || null < 0 || zero < 0 || pipe(fds) != 0)
		give_up("no files");
	pipe_out = fds[0];
	pipe_in = fds[1];
	closed = dup(0);
	close((int)closed);
	if (mprotect((void *)read_only, PAGE, PROT_READ) != 0 ||
	    munmap((void *)bad, PAGE) != 0)
		give_up("no memory");
}

/* ---- Tables ---- */

struct asked {
	const char *what;
	long nr;
	long args[6];
	long on_linux;
	long on_here; /* the same, but for what is documented */
};

#define ASK(call, answer, ...)                                        \
	{                                                             \
#call, SYS_##call, {__VA_ARGS__ }, (answer), (answer) \
	}

/* Answered otherwise here. */
#define ODD(call, linux_answer, answer, ...)                                \
	{                                                                   \
#call, SYS_##call, {__VA_ARGS__ }, (linux_answer), (answer) \
	}

/* Names all calls with a wrong result: number in the table, call and result. */
static const char *answers(const struct asked *asked, int count)
{
	static char wrong[240];
	size_t len = 0;
	int i;

	for (i = 0; i < count && len < sizeof(wrong); i++) {
		const struct asked *a = &asked[i];
		long wanted = on_calf() ? a->on_here : a->on_linux;
		long got = raw_call(a->nr, a->args);

		if (got != wanted)
			len += (size_t)snprintf(wrong + len,
			    sizeof(wrong) - len, "%d. %s %ld not %ld; ", i,
			    a->what, got, wanted);
	}
	return len == 0 ? NULL : found("%s", wrong);
}

#define ANSWERS(table) answers(table, COUNT(table))

static const char *needs_a_kernel(void)
{
	if (on_emulator())
		return SKIP("the emulator looks at arguments in its own order");
	arguments_make();
	return NULL;
}

/* ---- Descriptors ---- */

TEST(reads_and_writes)
{
	static struct iovec negative[1], overflowing[2], fine[1];

	TRY(needs_a_kernel());
	negative[0] = (struct iovec){(void *)page, (size_t)-1};
	overflowing[0] = overflowing[1] =
	    (struct iovec){(void *)page, (size_t)INT64_MAX};
	fine[0] = (struct iovec){(void *)page, 8};

	const long neg = (long)negative, huge = (long)overflowing,
		   ok = (long)fine;
	const struct asked asked[] = {
	    ASK(read, -EBADF, closed, page, 1),
	    ASK(read, -EBADF, closed, page, 0),
	    ASK(read, -EISDIR, dir, page, 1),
	    ASK(read, -EBADF, pipe_in, page, 1),
	    ASK(read, -EFAULT, file, bad, 1),
	    ASK(read, -EFAULT, file, read_only, 1),
	    ASK(read, 0, file, bad, 0),
	    ASK(read, -EFAULT, file, KERNEL, 8),
	    ASK(write, -EBADF, closed, page, 1),
	    ASK(write, -EBADF, file, page, 1),
	    ASK(write, -EBADF, pipe_out, page, 1),
	    ASK(write, -EFAULT, pipe_in, bad, 1),
	    ASK(write, 5, null, bad, 5),
	    ASK(readv, -EBADF, closed, ok, 1),
	    ASK(readv, -EBADF, closed, bad, 1),
	    ASK(readv, -EBADF, pipe_in, ok, 1),
	    ASK(readv, -EINVAL, file, ok, -1),
	    ASK(readv, -EINVAL, file, ok, 1025),
	    ASK(readv, 0, file, ok, 0),
	    ASK(readv, -EFAULT, file, bad, 1),
	    ASK(readv, -EINVAL, file, neg, 1),
	    ASK(writev, -EINVAL, null, neg, 1),
	    ASK(writev, -EFAULT, null, huge, 2),
	    ASK(writev, -EBADF, closed, bad, 1),
	    ASK(preadv, 0, file, ok, 0, 0),
	    ASK(preadv, -EINVAL, closed, ok, 1, -1),
	    ASK(preadv, -EINVAL, file, neg, 1, 0),
	    ASK(preadv, -EFAULT, file, bad, 1, 0),
	    ASK(preadv, -ESPIPE, pipe_out, ok, 1, 0),
	    ASK(pwritev, -EBADF, pipe_out, ok, 1, 0),
	    ASK(pread64, -EBADF, closed, page, 1, 0),
	    ASK(pread64, -ESPIPE, pipe_out, page, 1, 0),
	    ASK(pread64, -EINVAL, file, page, 1, -1),
	    ASK(pread64, -EINVAL, closed, page, 1, -1),
	    ASK(pread64, -EISDIR, dir, page, 1, 0),
	    ASK(pread64, 1, zero, page, 1, 0),
	    ASK(pread64, 0, null, page, 1, 0),
	    ASK(pread64, -EFAULT, file, bad, 1, 0),
	};

	return ANSWERS(asked);
}

TEST(descriptors)
{
	TRY(needs_a_kernel());

	const struct asked asked[] = {
	    ASK(lseek, -EBADF, closed, 0, 0),
	    ASK(lseek, -ESPIPE, pipe_in, 0, 0),
	    ASK(lseek, -EINVAL, pipe_in, 0, 9),
	    ASK(lseek, -EINVAL, file, 0, 9),
	    ASK(lseek, -EINVAL, file, -1, SEEK_SET),
	    ASK(lseek, -EINVAL, file, INT64_MIN, SEEK_CUR),
	    ASK(lseek, 0, null, 0, SEEK_SET),
	    ASK(close, -EBADF, closed),
	    ASK(dup, -EBADF, closed),
	    ASK(dup3, -EINVAL, file, file, 0),
	    ASK(dup3, -EINVAL, closed, closed, 0),
	    ASK(dup3, -EINVAL, file, closed, 1),
	    ASK(dup3, -EBADF, closed, file, 0),
	    ASK(dup3, -EBADF, file, 1 << 30, 0),
	    ASK(pipe2, -EINVAL, page, 1),
	    ASK(pipe2, -EFAULT, bad, 0),
	    ASK(pipe2, -EFAULT, read_only, 0),
	    ASK(fcntl, -EBADF, closed, F_GETFD, 0),
	    ASK(fcntl, -EINVAL, file, 4711, 0),
	    ASK(fcntl, -EINVAL, file, F_DUPFD, -1),
	    ASK(fcntl, -EINVAL, file, F_DUPFD, 1 << 30),
	    ASK(ioctl, -EBADF, closed, 0x5401, page),
	    ASK(ioctl, -ENOTTY, pipe_in, 0x5401, page),
	    ASK(ioctl, -ENOTTY, file, 0x5401, page),
	    ASK(fstat, -EBADF, closed, page),
	    ASK(fstat, -EFAULT, file, bad),
	    ASK(getdents64, -EBADF, closed, page, 100),
	    ASK(getdents64, -ENOTDIR, file, page, 100),
	    ASK(getdents64, -EINVAL, dir, page, 8),
	    ASK(getdents64, -EFAULT, dir, bad, 1000),
	    ASK(fsync, -EINVAL, null),
	    ASK(fsync, 0, file),
	    ASK(fdatasync, -EBADF, closed),
	};

	return ANSWERS(asked);
}

/* ---- Paths ---- */

TEST(paths)
{
	static char too_long[5000], long_name[400], beyond[300];
	const long none = (long)"/no/such/file", root = (long)"/",
		   self = (long)suite_path, empty = (long)"",
		   relative = (long)"no-such-file";
	long name, whole, below;

	TRY(needs_a_kernel());
	memset(too_long, '/', sizeof(too_long) - 1);
	memset(long_name, 'a', 300);
	snprintf(beyond, sizeof(beyond), "%s/x", suite_path);
	name = (long)long_name;
	whole = (long)too_long;
	below = (long)beyond;

	const struct asked asked[] = {
	    ASK(openat, -ENOENT, here, none, 0),
	    ASK(openat, -ENOENT, here, empty, 0),
	    ASK(openat, -EFAULT, here, bad, 0),
	    ASK(openat, -ENAMETOOLONG, here, whole, 0),
	    ASK(openat, -ENAMETOOLONG, here, name, 0),
	    ASK(openat, -ENOTDIR, here, below, 0),
	    ASK(openat, -EBADF, closed, relative, 0),
	    ASK(openat, -ENOTDIR, file, relative, 0),
	    ASK(openat, -ENOENT, closed, none, 0),
	    ASK(openat, -ENOTDIR, here, self, O_DIRECTORY),
	    ASK(openat, -EISDIR, here, root, O_WRONLY),
	    ASK(openat, -EEXIST, here, self, O_CREAT | O_EXCL),
	    ASK(openat, -EISDIR, here, root, O_CREAT),
	    ASK(newfstatat, -ENOENT, here, none, page, 0),
	    ASK(newfstatat, -EINVAL, here, root, page, 1 << 30),
	    ASK(newfstatat, -EFAULT, here, root, bad, 0),
	    ASK(newfstatat, -EFAULT, here, bad, page, 0),
	    ASK(newfstatat, -ENOENT, here, empty, page, 0),
	    ASK(newfstatat, -EBADF, closed, empty, page, 0x1000),
	    ASK(newfstatat, 0, here, empty, page, 0x1000),
	    ASK(statx, -EINVAL, here, root, 0, 1L << 31, page),
	    ASK(statx, -EINVAL, here, root, 1 << 30, 0, page),
	    ASK(readlinkat, -EINVAL, here, root, page, 100),
	    ASK(readlinkat, -EINVAL, here, root, page, 0),
	    ASK(readlinkat, -ENOENT, here, none, page, 100),
	    ASK(readlinkat, -EINVAL, here, none, page, -1),
	    ASK(faccessat, -ENOENT, here, none, 0),
	    ASK(faccessat, -EINVAL, here, none, 8),
	    ASK(faccessat, -EINVAL, here, root, 8),
	    ASK(faccessat, 0, here, root, 5),
	    ASK(faccessat2, -EINVAL, here, root, 0, 1 << 30),
	    ASK(unlinkat, -EINVAL, here, none, 1 << 30),
	    ASK(unlinkat, -ENOENT, here, none, 0),
	    ASK(chdir, -ENOENT, none),
	    ASK(chdir, -ENOTDIR, self),
	    ASK(chdir, -EFAULT, bad),
	    ASK(getcwd, -ERANGE, page, 0),
	    ASK(getcwd, -ERANGE, page, 1),
	    ASK(getcwd, -EFAULT, bad, 4096),
	};

	return ANSWERS(asked);
}

TEST(programs)
{
	static long bad_argv[2], no_argv[1];
	const long none = (long)"/no/such/file", root = (long)"/",
		   self = (long)suite_path, empty = (long)"";
	long argv;

	TRY(needs_a_kernel());
	bad_argv[0] = bad;
	argv = (long)bad_argv;

	const struct asked asked[] = {
	    ASK(execve, -ENOENT, none, (long)no_argv, 0),
	    ASK(execve, -ENOENT, empty, (long)no_argv, 0),
	    ASK(execve, -EFAULT, bad, (long)no_argv, 0),
	    ASK(execve, -EACCES, root, (long)no_argv, 0),
	    ASK(execve, -EACCES, (long)"/dev/null", (long)no_argv, 0),
	    ASK(execve, -EFAULT, self, argv, 0),
	    ASK(execve, -EFAULT, self, bad, 0),
	    ASK(execve, -EFAULT, self, (long)no_argv, argv),
	};

	return ANSWERS(asked);
}

/* ---- Waiting ---- */

TEST(polls_and_selections)
{
	static struct timespec wrong = {0, 1000000000}, negative = {-1, 0},
			       now = {0, 0};
	static struct pollfd polls[2];
	static uint64_t set[20];
	static long mask[2];
	long w = (long)&wrong, n = (long)&negative, t = (long)&now,
	     p = (long)polls, s = (long)set, m;

	TRY(needs_a_kernel());
	set[closed / 64] = 1UL << closed % 64;
	mask[0] = page;
	mask[1] = 4;
	m = (long)mask;

	const struct asked asked[] = {
	    ASK(ppoll, -EINVAL, p, 1 << 30, t, 0, 8),
	    ASK(ppoll, -EFAULT, bad, 1, t, 0, 8),
	    ASK(ppoll, 0, bad, 0, t, 0, 8),
	    ASK(ppoll, -EINVAL, p, 0, w, 0, 8),
	    ASK(ppoll, -EINVAL, p, 0, n, 0, 8),
	    ASK(ppoll, -EFAULT, p, 0, bad, 0, 8),
	    ASK(ppoll, -EINVAL, p, 0, t, page, 4),
	    ASK(ppoll, -EFAULT, p, 0, t, bad, 8),
	    ASK(pselect6, -EINVAL, -1, 0, 0, 0, t, 0),
	    ASK(pselect6, -EBADF, closed + 1, s, 0, 0, t, 0),
	    ASK(pselect6, -EFAULT, 8, bad, 0, 0, t, 0),
	    ASK(pselect6, -EINVAL, 0, 0, 0, 0, w, 0),
	    ASK(pselect6, -EFAULT, 0, 0, 0, 0, bad, 0),
	    ASK(pselect6, -EFAULT, 0, 0, 0, 0, t, bad),
	    ASK(pselect6, -EINVAL, 0, 0, 0, 0, t, m),
	    ASK(pselect6, 0, 0, 0, 0, 0, t, 0),
	};

	return ANSWERS(asked);
}

TEST(futexes)
{
	static struct timespec wrong = {0, 1000000000}, negative = {-1, 0};
	static uint32_t word = 5;
	long w = (long)&wrong, n = (long)&negative, f = (long)&word;

	TRY(needs_a_kernel());

	const struct asked asked[] = {
	    ASK(futex, -EAGAIN, f, 0, 6, 0),
	    ASK(futex, -EAGAIN, f, 128, 6, 0),
	    ASK(futex, -EINVAL, f + 1, 0, 5, 0),
	    ASK(futex, -EFAULT, bad, 0, 5, 0),
	    ASK(futex, -EFAULT, bad, 1, 1),
	    ODD(futex, 0, -EFAULT, bad, 129, 1),
	    ASK(futex, -EINVAL, f, 0, 5, w),
	    ASK(futex, -EINVAL, f, 0, 5, n),
	    ASK(futex, -EFAULT, f, 0, 5, bad),
	    ASK(futex, -EINVAL, f, 9, 5, 0, 0, 0),
	    ASK(futex, -EINVAL, f, 10, 5, 0, 0, 0),
	    ASK(futex, -ENOSYS, f, 77, 5),
	    ASK(futex, -ENOSYS, f, 256, 5, 0),
	    ASK(futex, -ENOSYS, f, 257, 1),
	    ASK(futex, 0, f, 1, 1),
	};

	return ANSWERS(asked);
}

/* ---- Time ---- */

TEST(clocks_and_timers)
{
	static struct timespec wrong = {0, 1000000000}, negative = {-1, 0},
			       past = {0, 1};
	static struct itimerval odd;
	long w = (long)&wrong, n = (long)&negative, p = (long)&past,
	     o = (long)&odd;

	TRY(needs_a_kernel());
	odd.it_value.tv_usec = 1000000;

	const struct asked asked[] = {
	    ASK(clock_gettime, -EINVAL, 77, page),
	    ASK(clock_gettime, -EFAULT, 1, bad),
	    ASK(clock_getres, -EINVAL, 77, page),
	    ASK(clock_getres, 0, 1, 0),
	    ASK(clock_getres, -EFAULT, 1, bad),
	    ASK(gettimeofday, -EFAULT, bad, 0),
	    ASK(gettimeofday, -EFAULT, page, bad),
	    ASK(nanosleep, -EINVAL, w, 0),
	    ASK(nanosleep, -EINVAL, n, 0),
	    ASK(nanosleep, -EFAULT, bad, 0),
	    ASK(clock_nanosleep, -EINVAL, 77, 0, p, 0),
	    ASK(clock_nanosleep, -ENOTSUP, 3, 0, p, 0),
	    ASK(clock_nanosleep, -ENOTSUP, 4, 0, p, 0),
	    ASK(clock_nanosleep, -ENOTSUP, 5, 0, p, 0),
	    ASK(clock_nanosleep, -ENOTSUP, 6, 0, p, 0),
	    ASK(clock_nanosleep, -EINVAL, 1, 0, w, 0),
	    ASK(clock_nanosleep, -EINVAL, 1, 1, n, 0),
	    ASK(clock_nanosleep, -EFAULT, 1, 0, bad, 0),
	    ASK(clock_nanosleep, 0, 0, 1, p, bad),
	    ASK(clock_nanosleep, -EINVAL, 77, 0, bad, 0),
	    ASK(setitimer, -EINVAL, 3, page, 0),
	    ASK(setitimer, -EINVAL, 0, o, 0),
	    ASK(setitimer, -EFAULT, 0, bad, 0),
	    ASK(getitimer, -EINVAL, 3, page),
	    ASK(getitimer, -EFAULT, 0, bad),
	    ASK(times, -EFAULT, bad),
	    ASK(getrusage, -EINVAL, 5, page),
	    ASK(getrusage, -EFAULT, 0, bad),
	    ASK(getrusage, 0, 1, page),
	};

	return ANSWERS(asked);
}

static void do_nothing(int sig)
{
	(void)sig;
}

static long sleep_interrupted(long nr, long remain)
{
	struct timespec t = {5, 0};
	pid_t parent = getpid(), pid = must_fork();
	long result;

	if (pid == 0) {
		sleep_ms(60);
		(void)kill(parent, SIGUSR1);
		_exit(0);
	}
	result = nr == SYS_nanosleep
	    ? raw(nr, (long)&t, remain)
	    : raw(nr, CLOCK_MONOTONIC, 0, (long)&t, remain);
	(void)reap(pid);
	return result;
}

TEST(the_rest_of_a_sleep_needs_a_good_address)
{
	TRY(needs_a_kernel());
	(void)signal(SIGUSR1, do_nothing);
	MUST(sleep_interrupted(SYS_nanosleep, 0) == -EINTR, "nanosleep");
	MUST(sleep_interrupted(SYS_nanosleep, bad) == -EFAULT,
	    "nanosleep to nowhere");
	MUST(sleep_interrupted(SYS_clock_nanosleep, bad) == -EFAULT,
	    "clock_nanosleep to nowhere");
	return NULL;
}

/* ---- Processes ---- */

TEST(processes)
{
	TRY(needs_a_kernel());

	const struct asked asked[] = {
	    ASK(wait4, -ECHILD, -1, 0, 0, 0),
	    ASK(wait4, -EINVAL, -1, 0, 0x100, 0),
	    ASK(wait4, -ESRCH, INT32_MIN, 0, 0, 0),
	    ASK(waitid, -EINVAL, 0, 0, page, 0, 0),
	    ASK(waitid, -EINVAL, 0, 0, page, 0x100, 0),
	    ASK(waitid, -EINVAL, 77, 0, page, 4, 0),
	    ASK(waitid, -EINVAL, 1, 0, page, 4, 0),
	    ASK(waitid, -EINVAL, 1, -5, page, 4, 0),
	    ASK(waitid, -EINVAL, 2, -5, page, 4, 0),
	    ASK(waitid, -ECHILD, 2, 0, page, 4, 0),
	    ASK(waitid, -ECHILD, 0, 0, page, 4, 0),
	    ASK(clone, -EINVAL, 0x800, 0, 0, 0, 0),
	    ASK(clone, -EINVAL, 0x10000, 0, 0, 0, 0),
	    ASK(setpgid, -EINVAL, 0, -1),
	    ASK(setpgid, -ESRCH, nobody, 0),
	    ASK(setpgid, -EINVAL, -1, 0),
	    ASK(getpgid, -ESRCH, nobody),
	    ASK(getpgid, -ESRCH, -1),
	    ASK(getsid, -ESRCH, nobody),
	};

	return ANSWERS(asked);
}

TEST(priorities_and_limits)
{
	TRY(needs_a_kernel());

	const struct asked asked[] = {
	    ASK(sched_getaffinity, -EINVAL, 0, 0, page),
	    ASK(sched_getaffinity, -EINVAL, 0, 9, page),
	    ASK(sched_getaffinity, -ESRCH, nobody, 128, page),
	    ASK(sched_getaffinity, -EFAULT, 0, 128, bad),
	    ASK(sched_setaffinity, -EINVAL, 0, 8, page),
	    ASK(sched_setaffinity, -EFAULT, 0, 8, bad),
	    ASK(sched_setaffinity, -ESRCH, nobody, 8, page),
	    ASK(sched_getscheduler, -EINVAL, -1),
	    ASK(sched_getscheduler, -ESRCH, nobody),
	    ASK(sched_setscheduler, -EINVAL, 0, 0, 0),
	    ASK(sched_setscheduler, -EINVAL, 0, 99, page),
	    ASK(sched_setscheduler, -EINVAL, -1, 0, page),
	    ASK(sched_setscheduler, -EFAULT, 0, 0, bad),
	    ASK(sched_setscheduler, -EINVAL, 0, 1, page),
	    ASK(sched_getparam, -EINVAL, 0, 0),
	    ASK(sched_getparam, -ESRCH, nobody, page),
	    ASK(setpriority, -EINVAL, 3, 0, 0),
	    ASK(getpriority, -EINVAL, 3, 0),
	    ASK(getpriority, -ESRCH, 0, nobody),
	    ASK(getpriority, -ESRCH, 1, nobody),
	    ASK(prctl, -EINVAL, 4711),
	    ASK(prctl, -EINVAL, 1, 65),
	    ASK(prctl, -EFAULT, 2, bad),
	    ASK(prctl, -EFAULT, 15, bad),
	    ASK(prctl, -EFAULT, 16, bad),
	    ASK(prlimit64, -EINVAL, 0, 16, 0, page),
	    ASK(prlimit64, -ESRCH, nobody, 7, 0, page),
	    ASK(prlimit64, -EFAULT, 0, 7, bad, 0),
	    ASK(prlimit64, -EFAULT, 0, 7, 0, bad),
	    ASK(getcpu, -EFAULT, bad, 0),
	    ASK(uname, -EFAULT, bad),
	    ASK(sysinfo, -EFAULT, bad),
	    ASK(getrandom, -EINVAL, page, 8, 8),
	    ASK(getrandom, -EINVAL, page, 8, 6),
	    ASK(getrandom, -EFAULT, bad, 8, 0),
	    ASK(getgroups, -EINVAL, -1, page),
	    ASK(setgroups, -EINVAL, 65537, page),
	    ASK(getresuid, -EFAULT, bad, page, page),
	    ASK(set_robust_list, -EINVAL, page, 8),
	};

	return ANSWERS(asked);
}

/* ---- Signals ---- */

TEST(signals)
{
	static struct timespec wrong = {0, 1000000000}, now = {0, 0};
	static const uint64_t act[4], usr1[1] = {1UL << (SIGUSR1 - 1)};
	static uint64_t info[16];
	long w = (long)&wrong, t = (long)&now, a = (long)act, u = (long)usr1,
	     me = getpid(), i = (long)info;

	TRY(needs_a_kernel());
	((int *)info)[2] = -1;

	const struct asked asked[] = {
	    ASK(kill, -EINVAL, me, 65),
	    ASK(kill, -EINVAL, me, -1),
	    ASK(kill, -ESRCH, nobody, 0),
	    ASK(kill, -ESRCH, -nobody, 0),
	    ASK(kill, -ESRCH, INT32_MIN, 0),
	    ASK(kill, -ESRCH, INT32_MIN, SIGUSR1),
	    ASK(kill, -ESRCH, nobody, 65),
	    ASK(tkill, -EINVAL, 0, 0),
	    ASK(tkill, -EINVAL, -1, 0),
	    ASK(tkill, -ESRCH, nobody, 0),
	    ASK(tkill, -EINVAL, me, 65),
	    ASK(tgkill, -EINVAL, 0, me, 0),
	    ASK(tgkill, -EINVAL, me, 0, 0),
	    ASK(tgkill, -EINVAL, me, -1, 0),
	    ASK(tgkill, -ESRCH, me, nobody, 0),
	    ASK(tgkill, -ESRCH, nobody, me, 0),
	    ASK(tgkill, -ESRCH, nobody, nobody, 65),
	    ASK(rt_sigaction, -EINVAL, 0, 0, page, 8),
	    ASK(rt_sigaction, -EINVAL, 65, 0, page, 8),
	    ASK(rt_sigaction, -EINVAL, SIGKILL, a, 0, 8),
	    ASK(rt_sigaction, 0, SIGKILL, 0, page, 8),
	    ASK(rt_sigaction, -EINVAL, SIGUSR1, a, 0, 4),
	    ASK(rt_sigaction, -EFAULT, SIGUSR1, bad, 0, 8),
	    ASK(rt_sigaction, -EFAULT, SIGUSR1, 0, bad, 8),
	    ASK(rt_sigaction, -EFAULT, SIGKILL, bad, 0, 8),
	    ASK(rt_sigaction, -EFAULT, 65, bad, 0, 8),
	    ASK(rt_sigprocmask, -EINVAL, 3, u, 0, 8),
	    ASK(rt_sigprocmask, 0, 3, 0, 0, 8),
	    ASK(rt_sigprocmask, -EINVAL, 0, 0, 0, 4),
	    ASK(rt_sigprocmask, -EFAULT, 0, bad, 0, 8),
	    ASK(rt_sigprocmask, -EFAULT, 0, 0, bad, 8),
	    ASK(rt_sigpending, -EINVAL, page, 16),
	    ASK(rt_sigpending, -EFAULT, bad, 8),
	    ASK(rt_sigsuspend, -EINVAL, page, 4),
	    ASK(rt_sigtimedwait, -EINVAL, u, 0, t, 4),
	    ASK(rt_sigtimedwait, -EINVAL, u, 0, w, 8),
	    ASK(rt_sigtimedwait, -EFAULT, bad, 0, t, 8),
	    ASK(rt_sigtimedwait, -EFAULT, u, 0, bad, 8),
	    ASK(rt_sigtimedwait, -EAGAIN, u, 0, t, 8),
	    ASK(rt_sigqueueinfo, -EFAULT, me, SIGUSR1, bad),
	    ASK(rt_sigqueueinfo, -ESRCH, nobody, SIGUSR1, i),
	    ASK(rt_sigqueueinfo, -EINVAL, me, 65, i),
	    ASK(rt_sigqueueinfo, 0, me, 0, i),
	    ASK(sigaltstack, -EFAULT, bad, 0),
	    ASK(sigaltstack, -EFAULT, 0, bad),
	};

	return ANSWERS(asked);
}

/* Half a set is asked for, and no more is stored. */
TEST(a_short_set_of_pending_signals_is_short)
{
	TRY(needs_a_kernel());
	memset((void *)page, 0x77, 16);
	MUST(raw(SYS_rt_sigpending, page, 4) == 0, "it is refused");
	return all_bytes((char *)page + 4, 4, 0x77) ? NULL : "more was stored";
}

/* ---- Memory ---- */

TEST(mappings)
{
	const long anon = MAP_PRIVATE | MAP_ANONYMOUS, fixed = anon | MAP_FIXED,
		   careful = anon | MAP_FIXED_NOREPLACE,
		   rw = PROT_READ | PROT_WRITE, top = 1L << 62;

	TRY(needs_a_kernel());

	const struct asked asked[] = {
	    ASK(mmap, -EINVAL, 0, 0, rw, anon, -1, 0),
	    ASK(mmap, -EINVAL, 0, PAGE, rw, MAP_ANONYMOUS, -1, 0),
	    ASK(mmap, -EINVAL, 0, PAGE, rw, MAP_ANONYMOUS | 3, -1, 0),
	    ASK(mmap, -EINVAL, page + 1, PAGE, rw, fixed, -1, 0),
	    ASK(mmap, -EBADF, 0, PAGE, rw, MAP_PRIVATE, closed, 0),
	    ASK(mmap, -EINVAL, 0, PAGE, rw, anon, -1, 1),
	    ASK(mmap, -ENOMEM, 0, -PAGE, rw, anon, -1, 0),
	    ASK(mmap, -ENOMEM, 0, top, rw, anon, -1, 0),
	    ASK(mmap, -ENOMEM, top, PAGE, rw, fixed, -1, 0),
	    ASK(mmap, -EEXIST, page, PAGE, rw, careful, -1, 0),
	    ASK(munmap, -EINVAL, page + 1, PAGE),
	    ASK(munmap, -EINVAL, page, 0),
	    ASK(munmap, -EINVAL, page, -PAGE),
	    ASK(munmap, -EINVAL, top, PAGE),
	    ASK(munmap, 0, bad, PAGE),
	    ASK(mprotect, -EINVAL, page + 1, PAGE, rw),
	    ASK(mprotect, 0, page, 0, rw),
	    ASK(mprotect, -ENOMEM, bad, PAGE, rw),
	    ASK(mprotect, -ENOMEM, top, PAGE, rw),
	    ASK(mprotect, -EINVAL, page, PAGE, 0x40),
	    ASK(mprotect, 0, page, PAGE, rw | 8),
	    ASK(mprotect, -EINVAL, page, PAGE, rw | 0x3000000),
	    ASK(madvise, -EINVAL, page + 1, PAGE, 4),
	    ASK(madvise, -EINVAL, page, PAGE, 4711),
	    ASK(madvise, -EINVAL, page, -1, 4),
	    ASK(madvise, 0, page, 0, 4),
	    ASK(madvise, -ENOMEM, bad, PAGE, 4),
	    ASK(madvise, -ENOMEM, bad, PAGE, 0),
	    ASK(madvise, -ENOMEM, bad, PAGE, 3),
	    ASK(madvise, 0, page, PAGE, 0),
	};

	return ANSWERS(asked);
}

static const struct test tests[] = {
    T(reads_and_writes),
    T(descriptors),
    T(paths),
    T(programs),
    T(polls_and_selections),
    T(futexes),
    T(clocks_and_timers),
    T(the_rest_of_a_sleep_needs_a_good_address),
    T(processes),
    T(priorities_and_limits),
    T(signals),
    T(a_short_set_of_pending_signals_is_short),
    T(mappings),
};

SUITE(tests)
