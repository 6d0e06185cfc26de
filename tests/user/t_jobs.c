/* SPDX-License-Identifier: MIT */
/*
 * t_jobs.c - stopping, continuing, and signals to groups of processes.
 */
#include "harness.h"

#include <sched.h>

/* Counts in cell 0 for as long as it runs. */
_Noreturn static void count(void)
{
	for (;;) {
		(void)cell_add(0, 1);
		sched_yield();
	}
}

static pid_t counter_start(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		count();
	cell_await(0, 1);
	return pid;
}

static bool counts(void)
{
	int before = cell_get(0);
	int i;

	for (i = 0; i < 200; i++) {
		sleep_ms(5);
		if (cell_get(0) > before + 1)
			return true;
	}
	return false;
}

static bool stands_still(void)
{
	int before = cell_get(0);

	sleep_ms(30);
	return cell_get(0) == before;
}

static const char *stop(pid_t pid, int sig)
{
	int status;

	MUST(kill(pid, sig) == 0, "kill failed");
	MUST(waitpid(pid, &status, WUNTRACED) == pid, "waitpid failed");
	MUST(WIFSTOPPED(status) && WSTOPSIG(status) == sig,
	    found("status 0x%x after a stop", (unsigned)status));
	MUST(stands_still(), "a stopped process ran");
	return NULL;
}

static const char *resume(pid_t pid)
{
	int status;

	MUST(kill(pid, SIGCONT) == 0, "kill failed");
	MUST(waitpid(pid, &status, WCONTINUED) == pid, "waitpid failed");
	MUST(WIFCONTINUED(status),
	    found("status 0x%x after SIGCONT", (unsigned)status));
	MUST(counts(), "a continued process does not run");
	return NULL;
}

static const char *end(pid_t pid, int sig)
{
	MUST(kill(pid, sig) == 0, "kill failed");
	MUST(killed_by(reap(pid), sig), "it ended in another way");
	return NULL;
}

TEST(a_stopped_process_stands_still_until_continued)
{
	pid_t pid = counter_start();
	int i;

	for (i = 0; i < 3; i++) {
		TRY(stop(pid, SIGSTOP));
		TRY(resume(pid));
	}
	return end(pid, SIGKILL);
}

TEST(a_stop_is_reported_once_and_only_if_asked_for)
{
	pid_t pid = counter_start();
	int status = 0;

	TRY(stop(pid, SIGSTOP));
	MUST(waitpid(pid, &status, WNOHANG | WUNTRACED) == 0,
	    "a stop was reported twice");
	TRY(resume(pid));
	MUST(kill(pid, SIGSTOP) == 0, "kill failed");
	sleep_ms(20);
	MUST(waitpid(pid, &status, WNOHANG) == 0,
	    "a stop was reported without WUNTRACED");
	return end(pid, SIGKILL);
}

TEST(a_stopped_process_can_be_killed)
{
	pid_t pid = counter_start();

	TRY(stop(pid, SIGSTOP));
	return end(pid, SIGKILL);
}

TEST(signals_wait_until_a_stopped_process_continues)
{
	pid_t pid = counter_start();
	int status;

	TRY(stop(pid, SIGSTOP));
	MUST(kill(pid, SIGTERM) == 0, "kill failed");
	sleep_ms(20);
	MUST(waitpid(pid, &status, WNOHANG) == 0, "it died while stopped");
	MUST(kill(pid, SIGCONT) == 0, "kill failed");
	return killed_by(reap(pid), SIGTERM) ? NULL : "it ended otherwise";
}

static void on_continue(int sig)
{
	(void)sig;
	cell_set(1, 1);
}

/* SIGCONT wakes even a process that handles it; a pending stop is gone. */
TEST(sigcont_can_be_handled)
{
	pid_t pid;

	MUST(signal(SIGCONT, on_continue) != SIG_ERR, "signal failed");
	pid = counter_start();
	TRY(stop(pid, SIGSTOP));
	TRY(resume(pid));
	cell_await(1, 1);
	return end(pid, SIGKILL);
}

/* A process stopped in read() sleeps on, and still gets its byte. */
TEST(stop_and_continue_do_not_end_a_read)
{
	int fds[2];
	pid_t pid;
	int status;

	MUST(pipe(fds) == 0, "no pipe");
	pid = must_fork();
	if (pid == 0) {
		char byte = 0;
		ssize_t n = read(fds[0], &byte, 1);

		_exit(n == 1 ? byte : 1);
	}
	sleep_ms(20);
	MUST(kill(pid, SIGSTOP) == 0, "kill failed");
	MUST(waitpid(pid, &status, WUNTRACED) == pid, "waitpid failed");
	MUST(kill(pid, SIGCONT) == 0, "kill failed");
	sleep_ms(20);
	MUST(write(fds[1], "K", 1) == 1, "write failed");
	return exited_with(reap(pid), 'K') ? NULL : "read ended otherwise";
}

/* ---- Memory of a stopped process ---- */

TEST(a_stopped_child_keeps_what_it_shares)
{
	unsigned char *p = pages_private(8);
	pid_t pid;
	int status;

	stamp(p, 8, 1);
	pid = must_fork();
	if (pid == 0) {
		kill(getpid(), SIGSTOP);
		_exit(stamped(p, 8, 1) ? 5 : 6);
	}
	MUST(waitpid(pid, &status, WUNTRACED) == pid, "waitpid failed");
	MUST(WIFSTOPPED(status), "the child did not stop");
	stamp(p, 8, 2);
	MUST(kill(pid, SIGCONT) == 0, "kill failed");
	return exited_with(reap(pid), 5) ? NULL : "the child saw a write";
}

/* ---- Groups ---- */

#define MEMBERS 5

static pid_t members[MEMBERS];

/* Children in one group, whose leader is the first. */
static void group_start(void)
{
	int i;

	for (i = 0; i < MEMBERS; i++) {
		members[i] = must_fork();
		if (members[i] == 0) {
			(void)setpgid(0, members[0]);
			(void)cell_add(2, 1);
			count();
		}
		(void)setpgid(members[i], members[0]);
	}
	cell_await(2, MEMBERS);
}

static const char *group_died(int sig)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		MUST(killed_by(reap(members[i]), sig), "a member survived");
	return NULL;
}

TEST(kill_of_a_group_reaches_all_members)
{
	group_start();
	MUST(getpgid(members[3]) == members[0], "getpgid differs");
	MUST(getpgrp() != members[0], "the parent is a member");
	MUST(kill(-members[0], SIGTERM) == 0, "kill failed");
	TRY(group_died(SIGTERM));
	MUST(kill(-members[0], SIGTERM) == -1 && errno == ESRCH,
	    "an empty group exists");
	return NULL;
}

TEST(wait_for_a_group_takes_its_members_only)
{
	int status;
	int i;
	pid_t other;

	group_start();
	other = must_fork();
	if (other == 0)
		_exit(4);
	MUST(kill(-members[0], SIGUSR1) == 0, "kill failed");
	for (i = 0; i < MEMBERS; i++)
		MUST(waitpid(-members[0], &status, 0) != other,
		    "another group's child was reaped");
	MUST(waitpid(-members[0], &status, 0) == -1 && errno == ECHILD,
	    "there are more members");
	MUST(waitpid(0, &status, 0) == other, "not in the caller's group");
	return exited_with(status, 4) ? NULL : "another status";
}

static void kill_own_group(void)
{
	int i;

	(void)setpgid(0, 0);
	for (i = 0; i < 3; i++)
		if (must_fork() == 0)
			count();
	cell_await(0, 10);
	(void)kill(0, SIGUSR2);
	for (;;)
		sched_yield();
}

TEST(kill_of_0_reaches_the_own_group)
{
	TRY(expect_signal(kill_own_group, SIGUSR2));
	sleep_ms(30);
	return stands_still() ? NULL : "a member survived";
}

_Noreturn static void signal_own_group(void)
{
	for (;;) {
		(void)cell_add(0, 1);
		if (kill(0, 0) != 0)
			(void)cell_add(1, 1);
	}
}

/* While it is moved, it is always in one of the two groups. */
TEST(kill_of_0_finds_the_own_group_while_it_is_moved)
{
	long end = now_ms() + 1500;
	pid_t pid = must_fork();
	volatile int n;
	int i;

	if (pid == 0)
		signal_own_group();
	cell_await(0, 1);
	for (i = 0; now_ms() < end; i++) {
		MUST(setpgid(pid, pid) == 0, "it got no group of its own");
		for (n = 0; n < i % 50; n++)
			continue;
		MUST(setpgid(pid, getpgrp()) == 0, "it did not come back");
		for (n = 0; n < i % 50; n++)
			continue;
	}
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return cell_get(1) == 0
	    ? NULL
	    : found("it was not, %d times of %d", cell_get(1), cell_get(0));
}

TEST(children_inherit_the_group)
{
	pid_t group = getpgrp();
	pid_t pid = must_fork();

	if (pid == 0)
		_exit(getpgrp() == group ? 0 : 1);
	MUST(exited_with(reap(pid), 0), "the child is in another group");
	MUST(setpgid(0, 1 << 22) == -1, "a group without members was joined");
	MUST(setpgid(1 << 22, 0) == -1 && errno == ESRCH,
	    "a process that is not there was moved");
	return NULL;
}

TEST(setsid_begins_a_group_and_a_session)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		if (setsid() != getpid() || getpgrp() != getpid())
			_exit(1);
		_exit(getsid(0) == getpid() ? 0 : 2);
	}
	MUST(exited_with(reap(pid), 0), "setsid failed");
	return NULL;
}

/* ---- Errors ---- */

TEST(kill_reports_processes_and_signals_that_do_not_exist)
{
	pid_t pid = must_fork();

	if (pid == 0)
		_exit(0);
	MUST(kill(pid, 0) == 0, "signal 0 to a child failed");
	MUST(reap(pid) == 0, "another status");
	MUST(kill(pid, 0) == -1 && errno == ESRCH, "a reaped child exists");
	MUST(kill(1 << 22, SIGTERM) == -1 && errno == ESRCH,
	    "process 1 << 22 exists");
	MUST(kill(getpid(), 65) == -1 && errno == EINVAL, "signal 65");
	MUST(kill(getpid(), -1) == -1 && errno == EINVAL, "signal -1");
	MUST(kill(-(1 << 22), SIGTERM) == -1 && errno == ESRCH,
	    "group 1 << 22 exists");
	return NULL;
}

/* Options of waitid. */
#define W_STOPPED 2
#define W_EXITED  4
#define W_CONT    8
#define W_NOWAIT  0x01000000

TEST(a_zombie_takes_signals_without_effect)
{
	pid_t pid = must_fork();

	if (pid == 0)
		_exit(9);
	MUST(raw(SYS_waitid, 1, pid, 0, W_EXITED | W_NOWAIT, 0) == 0,
	    "it did not end");
	MUST(kill(pid, SIGKILL) == 0, "kill of a zombie failed");
	return exited_with(reap(pid), 9) ? NULL : "its status changed";
}

/* ---- waitid ---- */

static long wait_id(int type, pid_t id, siginfo_t *info, int options)
{
	memset(info, 0xff, sizeof(*info));
	return raw(SYS_waitid, type, id, (long)info, options, 0);
}

static const char *expect_news(pid_t pid, const siginfo_t *info, int code,
    int status)
{
	if (info->si_signo == SIGCHLD && info->si_code == code &&
	    info->si_pid == pid && info->si_status == status)
		return NULL;
	return found("signal %d, code %d, status %d", info->si_signo,
	    info->si_code, info->si_status);
}

TEST(waitid_tells_what_became_of_a_child)
{
	siginfo_t info;
	pid_t pid = must_fork();

	if (pid == 0)
		for (;;)
			sleep_ms(1000);
	MUST(wait_id(1, pid, &info, W_EXITED | WNOHANG) == 0 &&
		info.si_signo == 0 && info.si_pid == 0,
	    "there are news of a child that sleeps");
	MUST(kill(pid, SIGSTOP) == 0, "kill failed");
	MUST(wait_id(1, pid, &info, W_STOPPED | W_NOWAIT) == 0, "no stop");
	TRY(expect_news(pid, &info, CLD_STOPPED, SIGSTOP));
	MUST(wait_id(1, pid, &info, W_STOPPED | WNOHANG) == 0, "no stop");
	TRY(expect_news(pid, &info, CLD_STOPPED, SIGSTOP));
	MUST(kill(pid, SIGCONT) == 0, "kill failed");
	MUST(wait_id(1, pid, &info, W_CONT) == 0, "no continuation");
	TRY(expect_news(pid, &info, CLD_CONTINUED, SIGCONT));
	MUST(kill(pid, SIGKILL) == 0, "kill failed");
	MUST(wait_id(2, getpgid(0), &info, W_EXITED | W_NOWAIT) == 0,
	    "no end, by group");
	TRY(expect_news(pid, &info, CLD_KILLED, SIGKILL));
	MUST(wait_id(0, 0, &info, W_EXITED) == 0, "WNOWAIT took it");
	TRY(expect_news(pid, &info, CLD_KILLED, SIGKILL));
	MUST(wait_id(0, 0, &info, W_EXITED) == -ECHILD, "reaped twice");
	return NULL;
}

TEST(waitid_refuses_what_it_does_not_know)
{
	siginfo_t info;
	pid_t pid = must_fork();

	if (pid == 0)
		_exit(3);
	MUST(wait_id(1, pid, &info, 0) == -EINVAL, "nothing to wait for");
	MUST(wait_id(1, pid, &info, W_EXITED | 64) == -EINVAL, "option 64");
	MUST(wait_id(9, pid, &info, W_EXITED) == -EINVAL, "type 9");
	MUST(wait_id(1, 0, &info, W_EXITED) == -EINVAL, "process 0");
	MUST(raw(SYS_waitid, 1, pid, 0, W_EXITED | W_NOWAIT, 0) == 0,
	    "without siginfo");
	MUST(wait_id(1, pid, &info, W_STOPPED) == -ECHILD,
	    "a zombie may still be stopped");
	MUST(wait_id(1, pid, &info, W_EXITED) == 0, "it was reaped");
	return expect_news(pid, &info, CLD_EXITED, 3);
}

/*
 * A few more than the kernel looks at in one go, so that sooner or later a tick
 * comes in the midst of a walk, and all members die before it goes on.
 */
#define CROWD  132
#define CROWDS 60

TEST(a_group_may_end_while_somebody_signals_it)
{
	struct sigaction ignored = {.sa_handler = SIG_IGN};
	pid_t pid, leader;
	int i, n;

	MUST(sigaction(SIGCHLD, &ignored, NULL) == 0, "no sigaction");
	for (n = 0; n < CROWDS; n++) {
		for (leader = 0, i = 0; i < CROWD; i++) {
			pid = must_fork();
			if (pid == 0)
				for (;;)
					pause();
			if (leader == 0)
				leader = pid;
			MUST(setpgid(pid, leader) == 0, "not in the group");
		}
		MUST(kill(-leader, SIGKILL) == 0, "it was not killed");
		while (kill(-leader, 0) == 0)
			continue;
		MUST(errno == ESRCH, found("errno %d", errno));
	}
	MUST(wait(NULL) == -1 && errno == ECHILD, "somebody is left");
	return NULL;
}

static const struct test tests[] = {
    T(a_stopped_process_stands_still_until_continued),
    T(a_stop_is_reported_once_and_only_if_asked_for),
    T(a_stopped_process_can_be_killed),
    T(signals_wait_until_a_stopped_process_continues),
    T(sigcont_can_be_handled),
    T(stop_and_continue_do_not_end_a_read),
    T(a_stopped_child_keeps_what_it_shares),
    T(kill_of_a_group_reaches_all_members),
    T(wait_for_a_group_takes_its_members_only),
    T(kill_of_0_reaches_the_own_group),
    T(kill_of_0_finds_the_own_group_while_it_is_moved),
    T(children_inherit_the_group),
    T(setsid_begins_a_group_and_a_session),
    T(a_group_may_end_while_somebody_signals_it),
    T(kill_reports_processes_and_signals_that_do_not_exist),
    T(a_zombie_takes_signals_without_effect),
    T(waitid_tells_what_became_of_a_child),
    T(waitid_refuses_what_it_does_not_know),
};

SUITE(tests)
