/* SPDX-License-Identifier: MIT */
/*
 * t_sweep.c - every allocation fails once.
 *
 * Each operation is tried with its first frame allocation failing, then with
 * its second, and so on until none fails; and again with all failing from there
 * on. Whatever happens is one of three things: the operation succeeds all the
 * same; it returns ENOMEM or EAGAIN, has changed nothing, and succeeds when
 * tried again; or the process is killed for lack of memory. In each case its
 * parent's memory is as before and every frame comes back.
 */
#include "service.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define MOST_ALLOCATIONS 200 /* more than any operation here makes */
#define N                16  /* pages that parent and child share */

/* Cells in which the child tells how far it came. */
enum { FAILED_COUNT, TRYING_AGAIN };

static unsigned char *region;
static unsigned char *far_away; /* in a table that nothing else uses */
static unsigned char *huge;     /* 4 GiB without access */
static unsigned char *vacant;   /* address space that is free */
static int fds[2];

struct operation {
	const char *name;
	void (*prepare)(void);     /* in the child, before; or NULL */
	long (*act)(void);         /* 0 or more, or a negated errno */
	const char *(*done)(void); /* what must hold after success; or NULL */
};

/* ---- Operations ---- */

/* The child's pid is stored to memory that is shared before. */
static long act_fork(void)
{
	long pid =
	    raw(SYS_clone, SIGCHLD | CLONE_PARENT_SETTID, 0, (long)far_away);

	if (pid == 0) {
		stamp(region, N, 9);
		_exit(0);
	}
	if (pid > 0)
		(void)raw(SYS_wait4, pid, 0, 0, 0);
	return pid;
}

static long act_mmap(void)
{
	return raw(SYS_mmap, 0, 16 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long act_mmap_over(void)
{
	long end = raw(SYS_mmap, (long)(huge + GIB - 3 * PAGE), 6 * PAGE,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	    0);

	return end < 0 ? end : 0;
}

static const char *done_mmap_over(void)
{
	unsigned char *p = huge + GIB - 3 * PAGE;

	MUST(all_bytes(p, 6 * PAGE, 0), "a new mapping is not zero");
	TRY(expect_no_load(p - 1));
	return expect_no_load(p + 6 * PAGE);
}

/* A failed call may leave nothing mapped at this address. */
static long act_mmap_shared(void)
{
	return raw(SYS_mmap, (long)vacant, 8 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static long act_munmap(void)
{
	return raw(SYS_munmap, (long)(region + 3 * PAGE), 5 * PAGE);
}

static const char *done_munmap(void)
{
	MUST(stamped(region, 3, 1), "munmap took too much");
	TRY(expect_no_load(region + 3 * PAGE));
	TRY(expect_no_load(region + 8 * PAGE - 1));
	return region[8 * PAGE] != 0 ? NULL : "munmap took too much";
}

static long act_munmap_huge(void)
{
	return raw(SYS_munmap, (long)(huge + GIB + 5 * PAGE), GIB);
}

static const char *done_munmap_huge(void)
{
	long hole = (long)(huge + GIB + 5 * PAGE);

	MUST(raw(SYS_mprotect, hole, PAGE, PROT_READ) == -ENOMEM,
	    "still there");
	MUST(raw(SYS_mprotect, hole - (long)PAGE, PAGE, PROT_READ) == 0,
	    "munmap took a page before the hole");
	MUST(raw(SYS_mprotect, hole + (long)GIB, PAGE, PROT_READ) == 0,
	    "munmap took a page behind the hole");
	return NULL;
}

static long act_mprotect(void)
{
	return raw(SYS_mprotect, (long)(region + 3 * PAGE), 5 * PAGE,
	    PROT_READ);
}

static const char *done_mprotect(void)
{
	MUST(stamped(region, N, 1), "mprotect changed contents");
	TRY(expect_no_store(region + 3 * PAGE));
	TRY(expect_no_store(region + 8 * PAGE - 1));
	stamp(region, 3, 2);
	region[8 * PAGE] = 1;
	return NULL;
}

static long act_mprotect_none(void)
{
	return raw(SYS_mprotect, (long)(region + 3 * PAGE), 5 * PAGE,
	    PROT_NONE);
}

static const char *done_mprotect_none(void)
{
	TRY(expect_no_load(region + 3 * PAGE));
	MUST(mprotect(region, N * PAGE, PROT_READ) == 0, "mprotect failed");
	return stamped(region, N, 1) ? NULL : "hidden contents changed";
}

static long act_mprotect_huge(void)
{
	return raw(SYS_mprotect, (long)(huge + 2 * MIB + 7 * PAGE), 2 * GIB,
	    PROT_READ | PROT_WRITE);
}

static const char *done_mprotect_huge(void)
{
	unsigned char *p = huge + 2 * MIB + 7 * PAGE;

	MUST(p[0] == 0 && p[2 * GIB - 1] == 0, "not zero");
	TRY(expect_no_load(p - 1));
	return expect_no_load(p + 2 * GIB);
}

static long act_madvise(void)
{
	return raw(SYS_madvise, (long)(region + 3 * PAGE), 5 * PAGE,
	    MADV_DONTNEED);
}

static const char *done_madvise(void)
{
	MUST(stamped(region, 3, 1), "madvise took too much");
	return all_bytes(region + 3 * PAGE, 5 * PAGE, 0)
	    ? NULL
	    : "discarded pages are not zero";
}

static unsigned long break_before;

static void note_break(void)
{
	break_before = (unsigned long)raw(SYS_brk, 0);
}

/* brk reports failure by staying where it is. */
static long act_brk(void)
{
	unsigned long want = break_before + 5 * MIB;
	unsigned long now = (unsigned long)raw(SYS_brk, (long)want);

	if (now == want)
		return 0;
	return now == break_before ? -ENOMEM : -EINVAL;
}

static long act_pipe(void)
{
	return raw(SYS_pipe2, (long)fds, 0);
}

static long act_poll(void)
{
	return raw(SYS_ppoll, 0, 0, (long)far_away, 0, 8);
}

static long act_first_read(void)
{
	return *(volatile unsigned char *)(region + 5 * PAGE) != 0 ? 0 : -1;
}

static long act_first_write(void)
{
	*(volatile unsigned char *)(region + 5 * PAGE + 100) = 77;
	return 0;
}

static const char *done_first_write(void)
{
	return region[5 * PAGE + 100] == 77 ? NULL : "the write was lost";
}

static void read_region(void)
{
	if (!stamped(region, N, 1))
		give_up("the child inherited other bytes");
}

static long act_fresh_read(void)
{
	return *(volatile unsigned char *)far_away;
}

static long act_fresh_write(void)
{
	*(volatile unsigned char *)(far_away + 5 * PAGE) = 1;
	return 0;
}

/* The child's own: what is left in it must not outlive the child. */
static void own_pipe(void)
{
	if (pipe(fds) != 0)
		give_up("no pipe");
}

static void fill_pipe(void)
{
	static char bytes[64];

	own_pipe();
	memset(bytes, 'x', sizeof(bytes));
	if (write(fds[1], bytes, sizeof(bytes)) != sizeof(bytes))
		give_up("the pipe is full");
}

static long copied;

#define MANY_FDS 40 /* more than a process has room for at first */

static long act_dup(void)
{
	return raw(SYS_dup3, 0, MANY_FDS, 0);
}

#define FIFO "/t_sweep.fifo"

static void have_fifo(void)
{
	long err = raw(SYS_mknodat, AT_FDCWD, (long)FIFO, S_IFIFO | 0600, 0);

	if (err != 0 && err != -EEXIST)
		give_up("no pipe with a name");
}

static long act_fifo(void)
{
	return raw(SYS_openat, AT_FDCWD, (long)FIFO, O_RDWR, 0);
}

static long act_writev(void)
{
	struct iovec pieces[2] = {{far_away, 0}, {region, 3}};

	return raw(SYS_writev, fds[1], (long)pieces, 2);
}

static int zeros;

static void have_zeros(void)
{
	zeros = open("/dev/zero", O_RDONLY);
	if (zeros < 0)
		give_up("no zeros");
}

/* More pieces than fit into one frame, onto shared pages. */
static long act_readv(void)
{
	static struct iovec pieces[300];

	for (int i = 0; i < COUNT(pieces); i++)
		pieces[i] = (struct iovec){region + i * 200L, 100};
	copied = raw(SYS_readv, zeros, (long)pieces, COUNT(pieces));
	return copied;
}

static const char *done_readv(void)
{
	MUST(copied == 30000, found("%ld bytes", copied));
	for (int i = 0; i < 300; i++)
		MUST(all_bytes(region + i * 200L, 100, 0), "other bytes");
	return NULL;
}

/* Across a border: two pages must become private, or only the first. */
static long act_copyout(void)
{
	copied = raw(SYS_read, fds[0], (long)(region + 6 * PAGE - 32), 64);
	return copied;
}

/* Bytes that were not stored are still in the pipe. */
static const char *done_copyout(void)
{
	char rest[65];

	MUST(copied == 32 || copied == 64, "an odd number of bytes");
	MUST(all_bytes(region + 6 * PAGE - 32, (size_t)copied, 'x'),
	    "bytes are missing");
	MUST(copied == 64 || region[6 * PAGE] != 'x', "it stored too much");
	close(fds[1]);
	MUST(read(fds[0], rest, sizeof(rest)) == 64 - copied,
	    "bytes were lost or doubled");
	return NULL;
}

static long act_copyin(void)
{
	return raw(SYS_write, fds[1], (long)(region + 6 * PAGE - 32), 64);
}

static long act_getrandom(void)
{
	return raw(SYS_getrandom, (long)(region + 6 * PAGE + 32), 64, 0);
}

static volatile int handled;

static void on_signal(int sig)
{
	handled = sig;
}

/* The handler's stack lies on shared pages. */
static void prepare_handler(void)
{
	struct sigaction sa;
	stack_t stack;

	memset(&sa, 0, sizeof(sa));
	memset(&stack, 0, sizeof(stack));
	stack.ss_sp = region;
	stack.ss_size = N * PAGE;
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_ONSTACK;
	handled = 0;
	if (sigaltstack(&stack, NULL) != 0 ||
	    sigaction(SIGUSR1, &sa, NULL) != 0)
		give_up("no handler");
}

static long act_signal(void)
{
	return raw(SYS_kill, getpid(), SIGUSR1);
}

static const char *done_signal(void)
{
	return handled == SIGUSR1 ? NULL : "the handler did not run";
}

static long act_exec(void)
{
	char *path = (char *)(uintptr_t)suite_path;
	char *argv[] = {path, (char *)(uintptr_t) "@executed", NULL};

	return raw(SYS_execve, (long)path, (long)argv, 0);
}

static long act_group(void)
{
	return raw(SYS_setsid);
}

static long act_open(void)
{
	long fd = raw(SYS_openat, -100, (long)suite_path, 0, 0);

	return fd < 0 ? fd : raw(SYS_close, fd);
}

/* ---- The sweep ---- */

/* The program that act_exec() executes: tells how many allocations failed. */
#define EXECUTED_WHOLE          101
#define EXECUTED_AFTER_FAILURES 102

static int executed(void)
{
	return fail_allocation(0, 0) == 0 ? EXECUTED_WHOLE
					  : EXECUTED_AFTER_FAILURES;
}

static bool is_refusal(long result)
{
	return result == -ENOMEM || result == -EAGAIN;
}

static const char *unchanged(void)
{
	return stamped(region, N, 1) ? NULL : "contents changed";
}

/*
 * Checks, after a refusal, that nothing happened, and that the call works now.
 */
static const char *refused(const struct operation *op)
{
	long result;

	TRY(unchanged());
	cell_set(TRYING_AGAIN, 1);
	result = op->act();
	MUST(result >= 0, found("tried again, it gave %ld", result));
	return op->done != NULL ? op->done() : NULL;
}

/* The child of one step. */
static const char *victim(const struct operation *op, uint64_t n, int mode)
{
	long result;
	long failed;

	warm_up();
	if (op->prepare != NULL)
		op->prepare();
	warm_up();
	(void)fail_allocation(n, mode);
	result = op->act();
	failed = fail_allocation(0, 0);
	cell_set(FAILED_COUNT, (int)failed);
	if (result < 0 && !is_refusal(result))
		return found("it returned %ld", result);
	if (result < 0)
		return refused(op);
	return op->done != NULL ? op->done() : NULL;
}

static const char *step_verdict(const struct operation *op, int status)
{
	if (exited_with(status, EXECUTED_WHOLE)) {
		if (cell_get(TRYING_AGAIN) == 0)
			cell_set(FAILED_COUNT, 0);
		return NULL;
	}
	if (exited_with(status, 0) || killed_by(status, SIGKILL) ||
	    exited_with(status, EXECUTED_AFTER_FAILURES))
		return NULL;
	/* A handler that cannot be called is SIGSEGV on Linux. */
	if (op->act == act_signal && killed_by(status, SIGSEGV))
		return NULL;
	return status_verdict(status);
}

/* One step; *failed tells whether an allocation did fail. */
static const char *step(const struct operation *op, uint64_t n, int mode,
    bool *failed)
{
	const char *sentence;
	int status;
	pid_t pid;

	cell_set(FAILED_COUNT, 1); /* for a child that is killed */
	cell_set(TRYING_AGAIN, 0);
	pid = must_fork();
	if (pid == 0) {
		sentence = victim(op, n, mode);
		if (sentence != NULL)
			give_up(sentence);
		_exit(0);
	}
	status = reap(pid);
	TRY(step_verdict(op, status));
	TRY(unchanged());
	*failed = cell_get(FAILED_COUNT) != 0;
	return NULL;
}

static char where[64];

/*
 * The invariants are checked after each single failure. Where all allocations
 * fail from the n-th on, a right count of free frames is enough.
 */
static const char *frames_are_back(int mode, uint64_t before)
{
	if (mode == CALF_FAIL_FROM && counters().frames_free == before)
		return NULL;
	return frames_settle(before);
}

static const char *sweep_mode(const struct operation *op, int mode,
    uint64_t before)
{
	bool failed = true;
	uint64_t n;

	for (n = 1; failed && n <= MOST_ALLOCATIONS; n++) {
		snprintf(where, sizeof(where), "%s, allocation %d%s", op->name,
		    (int)n, mode == CALF_FAIL_FROM ? " on" : "");
		TRY(step(op, n, mode, &failed));
		TRY(frames_are_back(mode, before));
	}
	return failed ? "allocations do not end" : NULL;
}

static const char *sweep(const struct operation *op)
{
	uint64_t before;
	bool failed;

	snprintf(where, sizeof(where), "%s, undisturbed", op->name);
	TRY(step(op, 0, CALF_FAIL_ONCE, &failed));
	MUST(!failed, "it failed");
	sleep_ms(5);
	before = checked_free_frames();
	TRY(sweep_mode(op, CALF_FAIL_ONCE, before));
	return sweep_mode(op, CALF_FAIL_FROM, before);
}

/* Tries all operations of a list, on memory as they expect it. */
static const char *sweep_all(const struct operation *list, int count)
{
	static char sentence[340];
	const char *wrong;
	int i;

	if (!on_calf_test_build())
		return SKIP("allocations fail on demand in Calf's test build");
	region = pages_private(N);
	far_away = reserve(2 * MIB, 2 * MIB);
	huge = reserve(4 * GIB, GIB);
	vacant = reserve(2 * MIB, 2 * MIB);
	MUST(munmap(vacant, 2 * MIB) == 0, "munmap failed");
	MUST(mprotect(far_away, 2 * MIB, PROT_READ | PROT_WRITE) == 0,
	    "no memory to begin with");
	stamp(region, N, 1);
	for (i = 0; i < 40; i++) /* more than fit into the process itself */
		(void)dup(1);
	warm_up();
	for (i = 0; i < count; i++) {
		wrong = sweep(&list[i]);
		if (wrong != NULL) {
			snprintf(sentence, sizeof(sentence), "%s: %s", where,
			    wrong);
			return sentence;
		}
	}
	return NULL;
}

/* ---- Tests ---- */

TEST(fork_fails_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"fork", NULL, act_fork, unchanged},
	};

	return sweep_all(list, COUNT(list));
}

TEST(exec_fails_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"exec", NULL, act_exec, NULL},
	    {"open", NULL, act_open, unchanged},
	    {"serve an exec", NULL, execute_small, unchanged},
	};

	return sweep_all(list, COUNT(list));
}

TEST(mmap_fails_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"mmap", NULL, act_mmap, unchanged},
	    {"mmap over", NULL, act_mmap_over, done_mmap_over},
	    {"mmap shared", NULL, act_mmap_shared, unchanged},
	    {"serve a crowd", NULL, map_crowd, unchanged},
	    {"brk", note_break, act_brk, unchanged},
	};

	return sweep_all(list, COUNT(list));
}

TEST(munmap_fails_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"munmap", NULL, act_munmap, done_munmap},
	    {"munmap huge", NULL, act_munmap_huge, done_munmap_huge},
	    {"madvise", NULL, act_madvise, done_madvise},
	};

	return sweep_all(list, COUNT(list));
}

TEST(mprotect_fails_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"mprotect", NULL, act_mprotect, done_mprotect},
	    {"mprotect none", NULL, act_mprotect_none, done_mprotect_none},
	    {"mprotect huge", NULL, act_mprotect_huge, done_mprotect_huge},
	};

	return sweep_all(list, COUNT(list));
}

TEST(access_fails_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"first read", NULL, act_first_read, unchanged},
	    {"first write", NULL, act_first_write, done_first_write},
	    {"read, write", read_region, act_first_write, done_first_write},
	    {"fresh read", NULL, act_fresh_read, unchanged},
	    {"fresh write", NULL, act_fresh_write, unchanged},
	};

	return sweep_all(list, COUNT(list));
}

TEST(copying_fails_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"read", fill_pipe, act_copyout, done_copyout},
	    {"write", own_pipe, act_copyin, NULL},
	    {"getrandom", NULL, act_getrandom, NULL},
	    {"pipe", NULL, act_pipe, unchanged},
	    {"pipe with a name", have_fifo, act_fifo, unchanged},
	    {"writev", own_pipe, act_writev, unchanged},
	    {"readv of a file", have_zeros, act_readv, done_readv},
	    {"dup", NULL, act_dup, unchanged},
	    {"poll", NULL, act_poll, unchanged},
	    {"a long path", NULL, look_up_long_path, unchanged},
	    {"port", NULL, port_and_file, unchanged},
	};

	return sweep_all(list, COUNT(list));
}

TEST(signals_and_groups_fail_cleanly_at_every_allocation)
{
	static const struct operation list[] = {
	    {"signal", prepare_handler, act_signal, done_signal},
	    {"setsid", NULL, act_group, unchanged},
	};

	return sweep_all(list, COUNT(list));
}

TEST(every_place_that_allocates_has_failed)
{
	long report, count, failed;

	if (!on_calf_test_build())
		return SKIP("allocations fail on demand in Calf's test build");
	report = raw(SYS_calf_fail, 0, CALF_FAIL_SITES);
	count = report & 0xffffffff;
	failed = report >> 32;
	printf("# %ld allocation sites, %ld hit\n", count, failed);
	fflush(stdout);
	MUST(count > 10, "there are more");
	return count == failed ? NULL : found("only %ld of %ld", failed, count);
}

static const struct test tests[] = {
    T(fork_fails_cleanly_at_every_allocation),
    T(exec_fails_cleanly_at_every_allocation),
    T(mmap_fails_cleanly_at_every_allocation),
    T(munmap_fails_cleanly_at_every_allocation),
    T(mprotect_fails_cleanly_at_every_allocation),
    T(access_fails_cleanly_at_every_allocation),
    T(copying_fails_cleanly_at_every_allocation),
    T(signals_and_groups_fail_cleanly_at_every_allocation),
    T(every_place_that_allocates_has_failed),
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "@executed") == 0)
		return executed();
	return suite_main(argc, argv, tests, COUNT(tests));
}
