/* SPDX-License-Identifier: MIT */
/*
 * t_news.c - a call that takes something stores it: a child's state, a signal,
 * bytes, an old setting. If it cannot store it for want of memory, it takes
 * nothing, and the next call finds it.
 *
 * Memory is wanting because allocations are made to fail, in a test build, or
 * because there is none.
 */
#include "harness.h"

#include <poll.h>
#include <sched.h>
#include <sys/time.h>
#include <sys/uio.h>

/* With more memory than this, filling it takes too long. */
#define MOST_FRAMES 40000

/* Cells. */
enum { READY };

static unsigned char *fresh; /* a page that is not there yet */
static pid_t child;
static int fds[2];

static void fresh_page(void)
{
	fresh = pages_private(2) + PAGE;
	fresh[-1] = 1; /* but its table is */
}

/* ---- Calls that report ---- */

/*
 * A call that reports to the fresh page: what it needs beforehand, the call
 * itself, and whether it has told what there was, after it has succeeded.
 */
struct reporter {
	const char *name;
	void (*prepare)(void);
	long (*call)(void);
	bool (*has_told)(long result);
};

static void await_stop(void)
{
	siginfo_t info;

	/* P_PID, WSTOPPED | WNOWAIT */
	if (raw(SYS_waitid, 1, child, (long)&info, 0x01000002, 0) != 0)
		give_up("the child did not stop");
}

static void child_stops(void)
{
	child = must_fork();
	if (child == 0)
		for (;;)
			(void)raise(SIGSTOP);
	await_stop();
}

static void child_continues(void)
{
	siginfo_t info;

	child = must_fork();
	if (child == 0) {
		(void)raise(SIGSTOP);
		for (;;)
			sleep_ms(1000);
	}
	await_stop();
	(void)kill(child, SIGCONT);
	if (raw(SYS_waitid, 1, child, (long)&info, 0x01000008, 0) != 0)
		give_up("the child did not continue");
}

static void child_ends(void)
{
	siginfo_t info;

	child = must_fork();
	if (child == 0)
		_exit(5);
	if (raw(SYS_waitid, 1, child, (long)&info, 0x01000004, 0) != 0)
		give_up("the child did not end");
}

static long wait_for_any(void)
{
	return raw(SYS_wait4, child, (long)fresh,
	    WNOHANG | WUNTRACED | WCONTINUED, 0);
}

static long wait_with_usage(void)
{
	static int status;

	return raw(SYS_wait4, child, (long)&status,
	    WNOHANG | WUNTRACED | WCONTINUED, (long)fresh);
}

static long wait_by_id(void)
{
	return raw(SYS_waitid, 1, child, (long)fresh, 14 | WNOHANG, 0);
}

static long wait_by_id_with_usage(void)
{
	static siginfo_t info;

	return raw(SYS_waitid, 1, child, (long)&info, 14 | WNOHANG,
	    (long)fresh);
}

static bool is_child(long result)
{
	return result == child;
}

static bool is_signal_of_child(long result)
{
	return result == 0 && *(int *)(void *)fresh == SIGCHLD;
}

/* Once told, there is nothing more to tell. */
static bool is_no_news(long result)
{
	return result == 0 &&
	    raw(SYS_waitid, 1, child, (long)fresh, 14 | WNOHANG, 0) ==
	    (kill(child, 0) == 0 ? 0 : -ECHILD);
}

static const uint64_t usr1 = 1UL << (SIGUSR1 - 1);
static struct timespec no_time = {0, 0};

static void signal_is_pending(void)
{
	block_signal(SIGUSR1);
	(void)kill(getpid(), SIGUSR1);
}

static long take_signal(void)
{
	return raw(SYS_rt_sigtimedwait, (long)&usr1, (long)fresh,
	    (long)&no_time, 8);
}

static bool is_usr1(long result)
{
	return result == SIGUSR1 && *(int *)(void *)fresh == SIGUSR1;
}

static struct iovec pieces[1];

static void bytes_are_there(void)
{
	pieces[0] = (struct iovec){fresh, 5};
	if (pipe2(fds, O_NONBLOCK) != 0 || write(fds[1], "news!", 5) != 5)
		give_up("no pipe");
}

static long read_bytes(void)
{
	return raw(SYS_read, fds[0], (long)fresh, 5);
}

static long read_pieces(void)
{
	return raw(SYS_readv, fds[0], (long)pieces, 1);
}

static bool are_bytes(long result)
{
	return result == 5 && memcmp(fresh, "news!", 5) == 0;
}

static void file_is_open(void)
{
	fds[0] = open(suite_path, O_RDONLY);
	if (fds[0] < 0)
		give_up("no file");
}

static bool is_file(long result)
{
	return result == 5 && memcmp(fresh, "\177ELF", 4) == 0;
}

static void directory_is_open(void)
{
	fds[0] = open("/", O_RDONLY | O_DIRECTORY);
	if (fds[0] < 0)
		give_up("no directory");
}

static long read_entries(void)
{
	return raw(SYS_getdents64, fds[0], (long)fresh, PAGE);
}

/* Is it the number of the first entry? */
static bool is_first_entry(long result)
{
	return result > 0 && *(int64_t *)(void *)(fresh + 8) == 1;
}

static const struct reporter reporters[] = {
    {"wait4 of a stop", child_stops, wait_for_any, is_child},
    {"wait4 of a continuation", child_continues, wait_for_any, is_child},
    {"wait4 of an end", child_ends, wait_for_any, is_child},
    {"wait4 with the usage of a stop", child_stops, wait_with_usage, is_child},
    {"wait4 with the usage of an end", child_ends, wait_with_usage, is_child},
    {"waitid of a stop", child_stops, wait_by_id, is_signal_of_child},
    {"waitid of a continuation", child_continues, wait_by_id,
	is_signal_of_child},
    {"waitid of an end", child_ends, wait_by_id, is_signal_of_child},
    {"waitid with usage", child_stops, wait_by_id_with_usage, is_no_news},
    {"rt_sigtimedwait", signal_is_pending, take_signal, is_usr1},
    {"read of a pipe", bytes_are_there, read_bytes, are_bytes},
    {"readv of a pipe", bytes_are_there, read_pieces, are_bytes},
    {"read of a file", file_is_open, read_bytes, is_file},
    {"getdents64", directory_is_open, read_entries, is_first_entry},
};

static void child_goes(void)
{
	if (child == 0)
		return;
	(void)kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) == child)
		continue;
}

/* Fails once for want of memory, and must succeed then. */
static const char *tells_afterwards(const struct reporter *r)
{
	long first, second;

	fresh_page();
	r->prepare();
	(void)fail_allocation(1, CALF_FAIL_FROM);
	first = r->call();
	(void)fail_allocation(0, 0);
	if (first != -ENOMEM && first != -EFAULT)
		return found("%s: %ld without memory", r->name, first);
	second = r->call();
	if (!r->has_told(second))
		return found("%s: %ld, and then %ld", r->name, first, second);
	child_goes();
	return NULL;
}

static const struct reporter *current;

static const char *current_tells(void)
{
	return tells_afterwards(current);
}

TEST(what_could_not_be_told_is_told_by_the_next_call)
{
	static char lost[200];
	size_t len = 0;
	int i;

	if (!on_calf_test_build())
		return SKIP("allocations cannot be made to fail");
	for (i = 0; i < COUNT(reporters); i++) {
		current = &reporters[i];
		if (in_child(current_tells) == NULL)
			continue;
		len += (size_t)snprintf(lost + len, sizeof(lost) - len, "%s; ",
		    current->name);
		if (len >= sizeof(lost))
			break;
		verdict[0] = '\0';
	}
	return len == 0 ? NULL : found("lost: %s", lost);
}

/* ---- Calls that set, and tell what was before ---- */

struct setter {
	const char *name;
	long (*set)(void *old);
	long (*get)(void *old); /* what is set now */
	size_t bytes;
};

static long set_timer(void *old)
{
	static const struct itimerval t = {{0, 0}, {100, 0}};

	return raw(SYS_setitimer, ITIMER_REAL, (long)&t, (long)old);
}

static long get_timer(void *old)
{
	long result = raw(SYS_getitimer, ITIMER_REAL, (long)old);

	((struct itimerval *)old)->it_value.tv_usec = 0;
	((struct itimerval *)old)->it_value.tv_sec /= 50; /* 120, or 100 */
	return result;
}

static long set_stack(void *old)
{
	static unsigned char at[16384];
	stack_t s = {.ss_sp = at, .ss_size = sizeof(at)};

	return raw(SYS_sigaltstack, (long)&s, (long)old);
}

static long get_stack(void *old)
{
	return raw(SYS_sigaltstack, 0, (long)old);
}

static long set_mask(void *old)
{
	return raw(SYS_rt_sigprocmask, SIG_BLOCK, (long)&usr1, (long)old, 8);
}

static long get_mask(void *old)
{
	return raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)old, 8);
}

static long set_action(void *old)
{
	static const uint64_t ignore[3] = {1, 0, 0};

	return raw(SYS_rt_sigaction, SIGUSR2, (long)ignore, (long)old, 8);
}

static long get_action(void *old)
{
	return raw(SYS_rt_sigaction, SIGUSR2, 0, (long)old, 8);
}

#define RLIMIT_OF_FILES 7

static long set_limit(void *old)
{
	static const uint64_t limit[2] = {100, 200};

	return raw(SYS_prlimit64, 0, RLIMIT_OF_FILES, (long)limit, (long)old);
}

static long get_limit(void *old)
{
	return raw(SYS_prlimit64, 0, RLIMIT_OF_FILES, 0, (long)old);
}

static const struct setter setters[] = {
    {"setitimer", set_timer, get_timer, 32},
    {"sigaltstack", set_stack, get_stack, 24},
    {"rt_sigprocmask", set_mask, get_mask, 8},
    {"rt_sigaction", set_action, get_action, 24},
    {"prlimit64", set_limit, get_limit, 16},
};

static const struct setter *setter;

static const char *sets_nothing(void)
{
	static unsigned char before[64], after[64];
	long result;

	fresh_page();
	MUST(setter->get(before) == 0, "it cannot be asked");
	(void)fail_allocation(1, CALF_FAIL_FROM);
	result = setter->set(fresh);
	(void)fail_allocation(0, 0);
	MUST(result == -ENOMEM, found("%s returned %ld", setter->name, result));
	MUST(setter->get(after) == 0, "it cannot be asked");
	MUST(memcmp(before, after, setter->bytes) == 0,
	    found("%s has set what it could not tell of", setter->name));
	return NULL;
}

TEST(what_cannot_tell_the_old_sets_nothing_new)
{
	const char *sentence;
	int i;

	if (!on_calf_test_build())
		return SKIP("allocations cannot be made to fail");
	for (i = 0; i < COUNT(setters); i++) {
		setter = &setters[i];
		sentence = in_child(sets_nothing);
		if (sentence != NULL)
			return sentence;
	}
	return NULL;
}

/* ---- Calls that make something, and tell its number ---- */

static const char *makes_no_pipe(void)
{
	int lowest = dup(0);
	long result;

	close(lowest);
	fresh_page();
	(void)fail_allocation(3, CALF_FAIL_FROM);
	result = raw(SYS_pipe2, (long)fresh, 0);
	(void)fail_allocation(0, 0);
	MUST(result < 0 || result == 0, "another result");
	if (result == 0)
		return NULL;
	MUST(dup(0) == lowest, "descriptors are left");
	return NULL;
}

static const char *makes_no_child(void)
{
	long result;
	int n;

	for (n = 1; n < 12; n++) {
		fresh_page();
		(void)fail_allocation((uint64_t)n, CALF_FAIL_FROM);
		/* CLONE_PARENT_SETTID */
		result = raw(SYS_clone, 0x100000 | SIGCHLD, 0, (long)fresh);
		(void)fail_allocation(0, 0);
		if (result == 0)
			_exit(0);
		if (result > 0) {
			MUST(*(int *)(void *)fresh == (int)result,
			    "the pid was not told");
			(void)reap((pid_t)result);
			return NULL;
		}
		MUST(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD,
		    "a call that failed has made a child");
	}
	return "fork never succeeded";
}

TEST(what_cannot_tell_of_a_thing_does_not_make_it)
{
	if (!on_calf_test_build())
		return SKIP("allocations cannot be made to fail");
	TRY(in_child(makes_no_pipe));
	return in_child(makes_no_child);
}

/* ---- No memory at all ---- */

/* Executes itself, so that the kernel's cache has a program: tests empty it. */
static void execute_oneself(void)
{
	const char *argv[] = {suite_path, "no such test", NULL};

	close(1);
	(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
}

/*
 * The cache is given up then, and the call is tried once more: with what it had
 * taken the first time.
 */
static void fill_memory(void)
{
	size_t n = counters().frames_free + 64, at;
	unsigned char *all = pages_private(n);

	/* The tables first: from then on a page is one frame. */
	for (at = 0; at < n; at += 128)
		all[at * PAGE] = 1;
	for (at = 0; at < n && counters().frames_free > 0; at++)
		all[at * PAGE] = 1;
}

/* The exit status says what happened, as to print it would need memory. */
enum outcome { TOLD = 10, NOT_TOLD, LOST };

_Noreturn static void tell_when_memory_is_full(void)
{
	long result;

	warm_up();
	fresh_page();
	current->prepare();
	(void)status_of(execute_oneself);
	fill_memory();
	result = current->call();
	if (result == -ENOMEM)
		_exit(NOT_TOLD);
	_exit(current->has_told(result) ? TOLD : LOST);
}

/*
 * The process may be killed for lack of a frame, but then it must not have
 * taken the child's state.
 */
static const char *tells_or_dies(void)
{
	int status = status_of(tell_when_memory_is_full);

	if (exited_with(status, TOLD) || exited_with(status, NOT_TOLD) ||
	    killed_by(status, SIGKILL))
		return NULL;
	return exited_with(status, LOST) ? found("%s: lost", current->name)
					 : status_verdict(status);
}

TEST(what_is_told_is_not_lost_when_memory_is_full)
{
	int i;

	if (!on_calf() || counters().frames_free > MOST_FRAMES)
		return SKIP("memory cannot be filled");
	for (i = 0; i < COUNT(reporters); i++) {
		current = &reporters[i];
		if (current->prepare == child_ends)
			continue;
		TRY(tells_or_dies());
	}
	return NULL;
}

/* ---- Bad addresses, which are not for want of memory ---- */

static unsigned char *nowhere;

static long read_to_nowhere(void)
{
	return raw(SYS_read, fds[0], (long)nowhere, 5);
}

/* Bytes that a failing read has taken stay in the pipe. */
TEST(bytes_that_cannot_be_stored_stay)
{
	fresh_page();
	nowhere = pages_private(1);
	MUST(munmap(nowhere, PAGE) == 0, "munmap failed");
	bytes_are_there();
	MUST(read_to_nowhere() == -EFAULT, "it was stored nowhere");
	MUST(are_bytes(read_bytes()), "the bytes are gone");
	file_is_open();
	MUST(read_to_nowhere() == -EFAULT, "it was stored nowhere");
	MUST(is_file(read_bytes()), "the position has moved");
	return NULL;
}

/* Linux takes the signal in spite of the error; here the next call gets it. */
TEST(a_signal_that_cannot_be_told_stays)
{
	if (!on_calf())
		return SKIP("this system loses it");
	fresh_page();
	nowhere = pages_private(1);
	MUST(munmap(nowhere, PAGE) == 0, "munmap failed");
	signal_is_pending();
	MUST(raw(SYS_rt_sigtimedwait, (long)&usr1, (long)nowhere,
		 (long)&no_time, 8) == -EFAULT,
	    "it was stored nowhere");
	return is_usr1(take_signal()) ? NULL : "the signal is gone";
}

/* Either it is taken and gone, as on Linux, or it is there for the next. */
TEST(a_child_that_cannot_be_told_of_is_gone_or_there)
{
	int status = 0;
	pid_t pid;

	nowhere = pages_private(1);
	MUST(munmap(nowhere, PAGE) == 0, "munmap failed");
	child_ends();
	MUST(raw(SYS_wait4, child, (long)nowhere, 0, 0) == -EFAULT,
	    "it was stored nowhere");
	pid = waitpid(child, &status, WNOHANG);
	MUST(pid == child || (pid == -1 && errno == ECHILD),
	    "a child that ended is neither gone nor there");
	return pid != child || exited_with(status, 5) ? NULL : "another status";
}

static const struct test tests[] = {
    T(what_could_not_be_told_is_told_by_the_next_call),
    T(what_cannot_tell_the_old_sets_nothing_new),
    T(what_cannot_tell_of_a_thing_does_not_make_it),
    T(what_is_told_is_not_lost_when_memory_is_full),
    T(bytes_that_cannot_be_stored_stay),
    T(a_signal_that_cannot_be_told_stays),
    T(a_child_that_cannot_be_told_of_is_gone_or_there),
};

SUITE(tests)
