/* SPDX-License-Identifier: MIT */
/*
 * t_self.c - what a process is told about itself, and what it may change:
 * user, priority, limits, name, times.
 */
#include "harness.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_SET_NAME      15
#define PR_GET_NAME      16

static volatile int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

/* ---- Users ---- */

TEST(user_0_can_become_user_0)
{
	static const long one[] = {SYS_setuid, SYS_setgid};
	static const long two[] = {SYS_setreuid, SYS_setregid};
	static const long three[] = {SYS_setresuid, SYS_setresgid};
	unsigned ids[3] = {7, 7, 7};
	int i;

	if (getuid() != 0)
		return SKIP("this is not user 0");
	for (i = 0; i < 2; i++) {
		MUST(raw(one[i], 0) == 0, "one id");
		MUST(raw(one[i], -1) == -EINVAL, "one id, -1");
		MUST(raw(two[i], -1, 0) == 0, "two ids");
		MUST(raw(three[i], 0, -1, 0) == 0, "three ids");
	}
	MUST(raw(SYS_getresuid, (long)&ids[0], (long)&ids[1], (long)&ids[2]) ==
		    0 &&
		(ids[0] | ids[1] | ids[2]) == 0,
	    "other ids");
	MUST(raw(SYS_getresuid, (long)&ids[0], 8, (long)&ids[2]) == -EFAULT,
	    "a bad address");
	MUST(raw(SYS_setfsuid, 0) == 0, "setfsuid");
	if (!on_calf())
		return NULL;
	MUST(raw(SYS_setuid, 1000) == -EINVAL, "there is a user 1000");
	MUST(raw(SYS_setresgid, 0, 0, 5) == -EINVAL, "there is a group 5");
	MUST(raw(SYS_getgroups, 0, 0) == 0, "there are other groups");
	return NULL;
}

/* ---- Priorities ---- */

TEST(priorities_are_all_alike)
{
	long ours = raw(SYS_getpriority, 0, 0);
	pid_t me = getpid();
	int priority = 9;

	/* Elsewhere it is the priority of the process that started this one. */
	MUST(!on_calf() || ours == 20, "another priority");
	MUST(raw(SYS_getpriority, 0, me) == ours, "by pid");
	MUST(raw(SYS_getpriority, 1, 0) == ours, "of the group");
	MUST(raw(SYS_getpriority, 0, 4194303) == -ESRCH, "nobody's");
	MUST(raw(SYS_getpriority, 3, 0) == -EINVAL, "of an unknown kind");
	MUST(raw(SYS_setpriority, 0, 0, 20 - ours) == 0, "what it is already");
	MUST(raw(SYS_sched_getscheduler, 0) == 0, "another policy");
	MUST(raw(SYS_sched_getscheduler, 4194303) == -ESRCH, "nobody's policy");
	MUST(raw(SYS_sched_getscheduler, -1) == -EINVAL, "the policy of -1");
	MUST(raw(SYS_sched_getparam, 0, (long)&priority) == 0 && priority == 0,
	    "another parameter");
	MUST(raw(SYS_sched_setscheduler, 0, 0, (long)&priority) == 0,
	    "the same policy");
	MUST(raw(SYS_sched_setscheduler, 0, 99, (long)&priority) == -EINVAL,
	    "policy 99");
	MUST(raw(SYS_sched_setscheduler, 0, 1, (long)&priority) == -EINVAL,
	    "real time without a priority");
	priority = 1;
	if (!on_calf())
		return NULL;
	MUST(raw(SYS_sched_setscheduler, 0, 1, (long)&priority) == -EPERM,
	    "real time");
	MUST(raw(SYS_setpriority, 0, 0, 5) == -EPERM, "another priority");
	return NULL;
}

TEST(a_process_may_run_on_all_harts)
{
	uint64_t mask[16] = {0};
	long size = raw(SYS_sched_getaffinity, 0, sizeof(mask), (long)mask);

	MUST(size >= 8 && mask[0] != 0, "no harts");
	MUST(raw(SYS_sched_getaffinity, 4194303, 128, (long)mask) == -ESRCH,
	    "nobody's harts");
	MUST(raw(SYS_sched_setaffinity, 0, size, (long)mask) == 0, "the same");
	mask[0] = 0;
	MUST(raw(SYS_sched_setaffinity, 0, 8, (long)mask) == -EINVAL, "none");
	MUST(raw(SYS_sched_setaffinity, 0, 8, 8) == -EFAULT, "a bad address");
	return NULL;
}

/* ---- Limits ---- */

TEST(the_limit_of_descriptors_holds)
{
	struct rlimit before;
	struct rlimit limit;
	int high;

	MUST(getrlimit(RLIMIT_NOFILE, &before) == 0, "no limit");
	high = fcntl(0, F_DUPFD, 30);
	MUST(high == 30, "no descriptor 30");
	limit = before;
	limit.rlim_cur = 20;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0, "it cannot be set");
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 20 &&
		limit.rlim_max == before.rlim_max,
	    "another limit is told");
	MUST(fcntl(0, F_DUPFD, 20) == -1 && errno == EINVAL, "F_DUPFD");
	MUST(dup2(0, 20) == -1 && errno == EBADF, "dup2");
	MUST(fcntl(high, F_GETFD) >= 0, "what was open is closed");
	while (dup(0) >= 0)
		;
	MUST(errno == EMFILE, "dup fails otherwise");
	MUST(fcntl(19, F_GETFD) >= 0 && fcntl(20, F_GETFD) < 0,
	    "it stopped elsewhere");
	limit.rlim_cur = limit.rlim_max + 1;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == -1 && errno == EINVAL,
	    "more than the hard limit");
	return NULL;
}

static const char *limit_is_20(void)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 20,
	    "the child has another limit");
	MUST(fcntl(30, F_GETFD) >= 0, "a descriptor above it was lost");
	return NULL;
}

TEST(a_limit_is_inherited)
{
	struct rlimit limit;

	MUST(fcntl(0, F_DUPFD, 30) == 30, "no descriptor 30");
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0, "no limit");
	limit.rlim_cur = 20;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0, "it cannot be set");
	return in_child(limit_is_20);
}

TEST(other_limits_stay_what_they_are)
{
	struct rlimit limit = {0, 0};

	MUST(setrlimit(RLIMIT_CORE, &limit) == 0, "no core files");
	if (!on_calf())
		return NULL;
	limit.rlim_max = RLIM_INFINITY;
	MUST(setrlimit(RLIMIT_AS, &limit) == -1 && errno == EPERM,
	    "a limit is accepted that does not hold");
	MUST(getrlimit(RLIMIT_AS, &limit) == 0, "no limit");
	MUST(setrlimit(RLIMIT_AS, &limit) == 0, "the same limit");
	return NULL;
}

/* ---- prctl ---- */

TEST(a_name_can_be_given)
{
	char name[17] = "0123456789abcdef";

	MUST(raw(SYS_prctl, PR_SET_NAME, (long)"a-much-too-long-name") == 0,
	    "PR_SET_NAME");
	MUST(raw(SYS_prctl, PR_GET_NAME, (long)name) == 0, "PR_GET_NAME");
	MUST(memcmp(name, "a-much-too-long", 16) == 0 && name[16] == '\0',
	    "another name");
	MUST(raw(SYS_prctl, PR_SET_NAME, 8) == -EFAULT, "a bad address");
	MUST(raw(SYS_prctl, 12345, 0) == -EINVAL, "12345");
	return NULL;
}

static const char *dies_with_parent(void)
{
	int sig = -1;

	(void)signal(SIGUSR1, on_signal);
	MUST(raw(SYS_prctl, PR_SET_PDEATHSIG, 65) == -EINVAL, "signal 65");
	MUST(raw(SYS_prctl, PR_SET_PDEATHSIG, SIGUSR1) == 0, "set");
	MUST(raw(SYS_prctl, PR_GET_PDEATHSIG, (long)&sig) == 0, "get");
	MUST(sig == SIGUSR1, "another signal");
	cell_set(0, 1);
	while (handled == 0)
		sleep_ms(5);
	cell_set(1, 1);
	return NULL;
}

TEST(the_end_of_a_parent_can_be_a_signal)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		if (fork() == 0) {
			const char *sentence = dies_with_parent();

			if (sentence != NULL)
				give_up(sentence);
			_exit(0);
		}
		cell_await(0, 1);
		_exit(0);
	}
	MUST(exited_with(reap(pid), 0), "the parent failed");
	cell_await(1, 1);
	return NULL;
}

/* ---- Advice ---- */

TEST(advice_that_is_a_promise_is_refused)
{
	static const int promises[] = {5, 6, 7, 26, 64, 12345};
	static const int hints[] = {0, 1, 2, 3, 8, 16, 17, 20};
	static const int ours[] = {9, 10, 18, 22, 23, 24, 25};
	long page = (long)pages_private(1);
	int i;

	if (on_emulator())
		return SKIP("the emulator takes any advice");
	for (i = 0; i < COUNT(promises); i++)
		MUST(raw(SYS_madvise, page, PAGE, promises[i]) == -EINVAL,
		    found("advice %d", promises[i]));
	for (i = 0; i < COUNT(hints); i++)
		MUST(raw(SYS_madvise, page, PAGE, hints[i]) == 0,
		    found("hint %d", hints[i]));
	for (i = 0; on_calf() && i < COUNT(ours); i++)
		MUST(raw(SYS_madvise, page, PAGE, ours[i]) == -EINVAL,
		    found("promise %d", ours[i]));
	return NULL;
}

/* ---- Times ---- */

TEST(times_are_told)
{
	struct {
		struct timeval period;
		struct timeval left;
	} timer = {{3, 0}, {2, 0}};
	long times[4] = {-1, -1, -1, -1};
	long before = raw(SYS_times, (long)times);
	long start = now_ms();

	MUST(before >= 0 && times[0] >= 0 && times[2] >= 0, "no times");
	while (now_ms() - start < 100)
		continue;
	MUST(raw(SYS_times, 0) - before >= 9, "time does not pass");
	/* On a loaded host all of it may have been others' time. */
	while (raw(SYS_times, (long)times) > 0 && times[0] + times[1] == 0 &&
	    now_ms() - start < 10000)
		continue;
	MUST(times[0] + times[1] > 0, "it took no time");
	MUST(raw(SYS_times, 8) == -EFAULT, "a bad address");
	MUST(raw(SYS_setitimer, 0, (long)&timer, 0) == 0, "no timer");
	MUST(raw(SYS_getitimer, 0, (long)&timer) == 0, "getitimer");
	MUST(timer.period.tv_sec == 3 && timer.left.tv_sec == 1,
	    "another timer");
	MUST(raw(SYS_getitimer, 3, (long)&timer) == -EINVAL, "timer 3");
	return NULL;
}

/* ---- What only Calf tells ---- */

/* All tests rely on this count. */
TEST(the_check_counts_the_frames_that_are_free)
{
	unsigned char *p = pages_private(10);
	uint64_t before, after;
	int i;

	if (!on_calf_test_build())
		return SKIP("only a test build checks itself");
	p[0] = 1;
	before = checked_free_frames();
	for (i = 1; i < 10; i++)
		p[(size_t)i * PAGE] = 1;
	after = checked_free_frames();
	MUST(before > 0 && before <= counters().frames_total,
	    found("%lu frames", (unsigned long)before));
	MUST(before - after == 9,
	    found("%ld frames for 9 pages", (long)(before - after)));
	return NULL;
}

TEST(a_process_is_in_the_list_of_all)
{
#ifdef __riscv
	struct calf_ps ps;

	if (!on_calf())
		return SKIP("only Calf has such a list");
	MUST(raw(SYS_calf_ps, getpid() - 1, (long)&ps) == 1, "it is not");
	MUST(ps.pid == getpid() && ps.ppid == getppid(), "somebody else is");
	MUST(ps.pgid == getpgid(0), found("group %d", (int)ps.pgid));
	MUST(ps.state == 'R', found("state %c", ps.state));
	return NULL;
#else
	return SKIP("only Calf has such a list");
#endif
}

TEST(a_file_has_as_many_blocks_as_it_needs)
{
	struct stat st;
	long pages;

	if (!on_calf())
		return SKIP("it depends on where the file is");
	MUST(stat(suite_path, &st) == 0 && st.st_size > 0, "no size");
	/* The file is kept in whole pages. */
	pages = (long)((unsigned long)st.st_size + PAGE - 1) / (long)PAGE;
	MUST(st.st_blocks == pages * (long)(PAGE / 512),
	    found("%ld blocks", (long)st.st_blocks));
	return NULL;
}

static const struct test tests[] = {
    T(user_0_can_become_user_0),
    T(priorities_are_all_alike),
    T(a_process_may_run_on_all_harts),
    T(the_limit_of_descriptors_holds),
    T(a_limit_is_inherited),
    T(other_limits_stay_what_they_are),
    T(a_name_can_be_given),
    T(the_end_of_a_parent_can_be_a_signal),
    T(advice_that_is_a_promise_is_refused),
    T(times_are_told),
    T(the_check_counts_the_frames_that_are_free),
    T(a_process_is_in_the_list_of_all),
    T(a_file_has_as_many_blocks_as_it_needs),
};

SUITE(tests)
