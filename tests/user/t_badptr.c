/* SPDX-License-Identifier: MIT */
/*
 * t_badptr.c - addresses that no process may use.
 *
 * One list of them, tried as the target of a store, a load and a jump, and as
 * every pointer argument of every system call. The process that tries is
 * killed, or gets EFAULT; no other process notices.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/uio.h>

#define MAX_BAD 32

static uintptr_t bad[MAX_BAD];
static int bad_count;
static int fds[2];

static void bad_add(uintptr_t address)
{
	bad[bad_count++] = address;
}

/* Some emulators and kernels map user memory at 1 << 38 and above. */
static bool user_half_is_larger(void)
{
	return (uintptr_t)&fds >= 1UL << 38 ||
	    (uintptr_t)__builtin_frame_address(0) >= 1UL << 38;
}

static void bad_add_borders(void)
{
	bad_add(0);
	bad_add(8);
	bad_add(PAGE - 1);
	if (!user_half_is_larger()) {
		bad_add(1UL << 38);
		bad_add((1UL << 39) - 8);
		bad_add(1UL << 39);
		bad_add(1UL << 40);
	}
	bad_add(1UL << 56);
	bad_add(1UL << 62);
	bad_add(1UL << 63);
	bad_add(0xffffffbfffffffffu);
	bad_add(0xffffffc000000000u);
	bad_add(0xffffffd000000000u);
	bad_add(0xffffffff80000000u);
	bad_add(0xffffffff80200000u);
	bad_add(-PAGE);
	bad_add(-8UL);
	bad_add(-7UL);
	bad_add(-1UL);
}

/* Above the break, in a hole, in a guard, and on its last byte. */
static void bad_make(void)
{
	unsigned char *hole = pages_private(3);
	unsigned char *guard = reserve(4 * MIB, 2 * MIB);

	bad_count = 0;
	bad_add_borders();
	bad_add((uintptr_t)raw(SYS_brk, 0) + 64 * MIB);
	if (munmap(hole + PAGE, PAGE) != 0 || pipe(fds) != 0)
		give_up("no hole, or no pipe");
	bad_add((uintptr_t)hole + PAGE);
	bad_add((uintptr_t)hole + 2 * PAGE - 1);
	bad_add((uintptr_t)guard);
	bad_add((uintptr_t)guard + 2 * MIB - 1);
}

static bool is_death(int status)
{
	return killed_by(status, SIGSEGV) || killed_by(status, SIGBUS);
}

static const char *each_kills(void (*use)(uintptr_t), const char *what)
{
	int i;

	bad_make();
	for (i = 0; i < bad_count; i++) {
		pid_t pid = must_fork();
		int status;

		if (pid == 0) {
			use(bad[i]);
			_exit(0);
		}
		status = reap(pid);
		if (!is_death(status))
			return found("a %s at 0x%lx gave status 0x%x", what,
			    (unsigned long)bad[i], (unsigned)status);
	}
	return NULL;
}

static void store_byte(uintptr_t address)
{
	*(volatile char *)address = 1;
}

static void load_byte(uintptr_t address)
{
	(void)*(volatile char *)address;
}

static void store_word(uintptr_t address)
{
	*(volatile uint64_t *)address = 1;
}

static void load_word(uintptr_t address)
{
	(void)*(volatile uint64_t *)address;
}

static void add_word(uintptr_t address)
{
	(void)__atomic_add_fetch((int *)(address & ~7UL), 1, __ATOMIC_SEQ_CST);
}

static void jump(uintptr_t address)
{
	((void (*)(void))address)();
}

TEST(stores_to_bad_addresses_kill)
{
	return each_kills(store_byte, "store");
}

TEST(loads_from_bad_addresses_kill)
{
	return each_kills(load_byte, "load");
}

TEST(words_at_bad_addresses_kill)
{
	TRY(each_kills(store_word, "store of a word"));
	TRY(each_kills(load_word, "load of a word"));
	return each_kills(add_word, "read and write");
}

TEST(jumps_to_bad_addresses_kill)
{
	return each_kills(jump, "jump");
}

/* ---- System calls ---- */

#define BAD       -12345 /* stands for the bad pointer in a list of arguments */
#define GOOD      -12346 /* a page that may be written */
#define PIPE_IN   -12347 /* a descriptor to read from, with bytes waiting */
#define PIPE_OUT  -12348
#define BAD_IOV   -12349 /* an array of one struct iovec with a bad base */
#define CHILD_PID -12350 /* a child that ends */

struct attempt {
	const char *name;
	long nr;
	long args[6];
};

/* Calls that any kernel here must have. */
static const struct attempt required[] = {
    {"read", SYS_read, {PIPE_IN, BAD, 8}},
    {"write", SYS_write, {PIPE_OUT, BAD, 8}},
    {"readv", SYS_readv, {PIPE_IN, BAD, 1}},
    {"readv base", SYS_readv, {PIPE_IN, BAD_IOV, 1}},
    {"writev", SYS_writev, {PIPE_OUT, BAD, 1}},
    {"writev base", SYS_writev, {PIPE_OUT, BAD_IOV, 1}},
    {"execve path", SYS_execve, {BAD, GOOD, GOOD}},
    {"openat", SYS_openat, {AT_FDCWD, BAD, 0}},
    {"pipe2", SYS_pipe2, {BAD, 0}},
    {"fstat", SYS_fstat, {PIPE_IN, BAD}},
    {"nanosleep", SYS_nanosleep, {BAD, 0}},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, BAD}},
    {"rt_sigaction new", SYS_rt_sigaction, {SIGUSR1, BAD, 0, 8}},
    {"rt_sigaction old", SYS_rt_sigaction, {SIGUSR1, 0, BAD, 8}},
    {"rt_sigprocmask new", SYS_rt_sigprocmask, {SIG_BLOCK, BAD, 0, 8}},
    {"rt_sigprocmask old", SYS_rt_sigprocmask, {SIG_BLOCK, 0, BAD, 8}},
    {"wait4 status", SYS_wait4, {CHILD_PID, BAD, 0, 0}},
    {"getrandom", SYS_getrandom, {BAD, 16, 0}},
};

/* Calls that may be missing: EFAULT or ENOSYS. */
static const struct attempt optional[] = {
    {"wait4 rusage", SYS_wait4, {CHILD_PID, 0, 0, BAD}},
    {"getcwd", SYS_getcwd, {BAD, 64}},
    {"chdir", SYS_chdir, {BAD}},
    {"faccessat", SYS_faccessat, {AT_FDCWD, BAD, 0}},
    {"unlinkat", SYS_unlinkat, {AT_FDCWD, BAD, 0}},
    {"readlinkat path", SYS_readlinkat, {AT_FDCWD, BAD, GOOD, 64}},
    {"newfstatat path", SYS_newfstatat, {AT_FDCWD, BAD, GOOD, 0}},
    {"rt_sigpending", SYS_rt_sigpending, {BAD, 8}},
    {"rt_sigsuspend", SYS_rt_sigsuspend, {BAD, 8}},
    {"sigaltstack new", SYS_sigaltstack, {BAD, 0}},
    {"sigaltstack old", SYS_sigaltstack, {0, BAD}},
    {"ppoll", SYS_ppoll, {BAD, 1, 0, 0, 0}},
    {"ppoll time", SYS_ppoll, {GOOD, 0, BAD, 0, 0}},
    {"ppoll mask", SYS_ppoll, {GOOD, 0, 0, BAD, 8}},
    {"pselect6 set", SYS_pselect6, {1, BAD, 0, 0, 0, 0}},
    {"pselect6 time", SYS_pselect6, {0, 0, 0, 0, BAD, 0}},
    {"pselect6 mask", SYS_pselect6, {0, 0, 0, 0, GOOD, BAD}},
    {"futex time", SYS_futex, {GOOD, 0, 0, BAD}},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, {BAD, 0, GOOD, 8}},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {1, 0, BAD}},
    {"waitid", SYS_waitid, {1, CHILD_PID, BAD, 4, 0}},
    {"getitimer", SYS_getitimer, {0, BAD}},
    {"times", SYS_times, {BAD}},
    {"clock_getres", SYS_clock_getres, {CLOCK_MONOTONIC, BAD}},
    {"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, BAD, 0}},
    {"setitimer", SYS_setitimer, {0, BAD, 0}},
    {"uname", SYS_uname, {BAD}},
    {"gettimeofday", SYS_gettimeofday, {BAD, 0}},
    {"getrusage", SYS_getrusage, {0, BAD}},
    {"sysinfo", SYS_sysinfo, {BAD}},
    {"prlimit64", SYS_prlimit64, {0, 3, 0, BAD}},
    {"sched_getaffinity", SYS_sched_getaffinity, {0, 128, BAD}},
#ifdef SYS_CALF
    {"calf_stat", SYS_calf_stat, {BAD, sizeof(struct calf_stat)}},
    {"calf_ps", SYS_calf_ps, {0, BAD}},
    {"calf_walk", SYS_calf_walk, {0, 0x10000, BAD}},
    {"calf_next", SYS_calf_next, {0, 0, BAD}},
#endif
};

/* NULL is "none" to these; and so is not bad. */
static bool null_is_fine(const struct attempt *a)
{
	switch (a->nr) {
	case SYS_rt_sigaction:
	case SYS_rt_sigprocmask:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_futex:
	case SYS_getitimer:
	case SYS_times:
	case SYS_sigaltstack:
	case SYS_setitimer:
	case SYS_prlimit64:
	case SYS_gettimeofday:
	case SYS_clock_getres:
		return true;
	}
	return false;
}

/* The child need not have ended: wait4 sleeps until it has. */
static long ending_child(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		_exit(1);
	return pid;
}

static long argument(long value, uintptr_t address)
{
	static struct iovec iov;
	static long good[PAGE / sizeof(long)];

	switch (value) {
	case BAD:
		return (long)address;
	case GOOD:
		return (long)good;
	case PIPE_IN:
		return fds[0];
	case PIPE_OUT:
		return fds[1];
	case BAD_IOV:
		iov.iov_base = (void *)address;
		iov.iov_len = 8;
		return (long)&iov;
	case CHILD_PID:
		return ending_child();
	}
	return value;
}

static const char *attempt(const struct attempt *a, uintptr_t address,
    bool may_be_missing)
{
	long args[6];
	long result;
	int i;

	if (address == 0 && null_is_fine(a))
		return NULL;
	for (i = 0; i < 6; i++)
		args[i] = argument(a->args[i], address);
	result = raw_call(a->nr, args);
	if (result == -EFAULT || (may_be_missing && result == -ENOSYS))
		return NULL;
	return found("%s with 0x%lx returned %ld", a->name,
	    (unsigned long)address, result);
}

/* Reaps what wait4 with a bad pointer may or may not have reaped. */
static void reap_all(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* Calls in which an emulator of Linux forgets to look. */
static bool emulator_forgets(const struct attempt *a)
{
	return on_emulator() &&
	    (a->nr == SYS_nanosleep || a->nr == SYS_clock_getres ||
		a->nr == SYS_sysinfo);
}

static const char *attempt_all(const struct attempt *a, bool may_be_missing)
{
	int i;

	if (emulator_forgets(a))
		return NULL;
	for (i = 0; i < bad_count; i++)
		TRY(attempt(a, bad[i], may_be_missing));
	reap_all();
	return NULL;
}

static const char *table_is_refused(const struct attempt *list, int count,
    bool may_be_missing)
{
	int i;

	bad_make();
	MUST(write(fds[1], "bytes to read", 13) == 13, "write failed");
	for (i = 0; i < count; i++)
		TRY(attempt_all(&list[i], may_be_missing));
	return NULL;
}

TEST(calls_with_bad_pointers_fail)
{
	return table_is_refused(required, COUNT(required), false);
}

TEST(less_common_calls_with_bad_pointers_fail)
{
	return table_is_refused(optional, COUNT(optional), true);
}

TEST(calls_with_bad_pointers_fail_in_a_forked_child_too)
{
	TRY(in_child(calls_with_bad_pointers_fail));
	return in_child(less_common_calls_with_bad_pointers_fail);
}

TEST(execve_with_bad_vectors_fails)
{
	char *path = (char *)(uintptr_t)suite_path;
	char *argv[] = {path, NULL, NULL};
	int i;

	bad_make();
	for (i = 0; i < bad_count; i++) {
		argv[1] = (char *)bad[i];
		if (bad[i] == 0)
			continue;
		MUST(raw(SYS_execve, (long)path, (long)bad[i], 0) == -EFAULT,
		    found("argv at 0x%lx", (unsigned long)bad[i]));
		MUST(raw(SYS_execve, (long)path, 0, (long)bad[i]) == -EFAULT,
		    found("envp at 0x%lx", (unsigned long)bad[i]));
		MUST(raw(SYS_execve, (long)path, (long)argv, 0) == -EFAULT,
		    found("argv[1] at 0x%lx", (unsigned long)bad[i]));
	}
	return NULL;
}

/* A buffer whose end wraps around the address space. */
TEST(lengths_that_wrap_fail)
{
	unsigned char *p = pages_private(1);

	bad_make();
	MUST(write(fds[1], "bytes to read", 13) == 13, "write failed");
	MUST(raw(SYS_write, fds[1], -8, 4096) == -EFAULT, "write from -8");
	MUST(raw(SYS_read, fds[0], -8, 4096) == -EFAULT, "read into -8");
	MUST(raw(SYS_getrandom, -64, 4096, 0) == -EFAULT, "getrandom at -64");
	MUST(raw(SYS_readv, fds[0], (long)p, -1) == -EINVAL, "-1 parts");
	MUST(raw(SYS_readv, fds[0], (long)p, 1 << 20) == -EINVAL,
	    "a million parts");
	return NULL;
}

/* A path that ends where memory ends, without a NUL; and one that just fits. */
TEST(strings_are_read_up_to_their_end)
{
	unsigned char *p = pages_private(2);
	char *at = (char *)p + PAGE - 5;

	MUST(munmap(p + PAGE, PAGE) == 0, "munmap failed");
	memcpy(at, "/none", 5);
	MUST(raw(SYS_openat, AT_FDCWD, (long)at, 0, 0) == -EFAULT,
	    "a string without an end");
	memcpy(at, "/non", 5);
	MUST(raw(SYS_openat, AT_FDCWD, (long)at, 0, 0) == -ENOENT,
	    "a string that ends at the end of its page");
	return NULL;
}

TEST(a_path_that_is_too_long_is_refused)
{
	char *p = (char *)pages_private(3);

	memset(p, '/', 2 * PAGE);
	MUST(raw(SYS_openat, AT_FDCWD, (long)p, 0, 0) == -ENAMETOOLONG,
	    "8192 slashes");
	return NULL;
}

static void stack_pointer_into_space(void)
{
#ifdef __riscv
	__asm__ volatile("	li	sp, 64\n"
			 "	sd	ra, 0(sp)\n" ::
			     : "memory");
#else
	volatile uintptr_t address = 64;

	store_word(address);
#endif
}

TEST(a_wild_stack_pointer_kills)
{
	return expect_signal(stack_pointer_into_space, SIGSEGV);
}

TEST(a_file_read_to_a_bad_address_keeps_its_place)
{
	int fd = open(suite_path, O_RDONLY);

	MUST(fd >= 0, "the suite cannot be opened");
	MUST(raw(SYS_read, fd, 64, 100) == -EFAULT, "read succeeded");
	MUST(lseek(fd, 0, SEEK_CUR) == 0, "its bytes are lost");
	close(fd);
	return NULL;
}

static const struct test tests[] = {
    T(stores_to_bad_addresses_kill),
    T(loads_from_bad_addresses_kill),
    T(words_at_bad_addresses_kill),
    T(jumps_to_bad_addresses_kill),
    T(calls_with_bad_pointers_fail),
    T(less_common_calls_with_bad_pointers_fail),
    T(calls_with_bad_pointers_fail_in_a_forked_child_too),
    T(execve_with_bad_vectors_fails),
    T(lengths_that_wrap_fail),
    T(strings_are_read_up_to_their_end),
    T(a_path_that_is_too_long_is_refused),
    T(a_file_read_to_a_bad_address_keeps_its_place),
    T(a_wild_stack_pointer_kills),
};

SUITE(tests)
