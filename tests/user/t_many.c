/* SPDX-License-Identifier: MIT */
/*
 * t_many.c - lists of processes that are so long that they are looked at in
 * parts: what is between two parts, and what becomes of a process then.
 */
#include "harness.h"

#include <sched.h>

#define MANY 200

static pid_t many_sleepers(void)
{
	pid_t leader = must_fork();
	int i;

	if (leader == 0)
		(void)setpgid(0, 0);
	else
		(void)setpgid(leader, leader);
	for (i = 1; leader == 0 && i < MANY; i++)
		if (must_fork() == 0)
			break;
	if (leader != 0)
		return leader;
	(void)cell_add(1, 1);
	for (;;)
		sleep_ms(10000);
}

_Noreturn static void visit_all_for_ever(pid_t group)
{
	for (;;) {
		(void)kill(-group, 0);
		(void)cell_add(0, 1);
	}
}

/* A later walk over the members finds no mark of the killed one. */
TEST(a_visitor_of_many_can_be_killed_at_any_moment)
{
	pid_t group = many_sleepers(), pid;
	volatile int n;
	int i;

	cell_await(1, MANY);
	for (i = 0; i < 40; i++) {
		cell_set(0, 0);
		pid = must_fork();
		if (pid == 0)
			visit_all_for_ever(group);
		cell_await(0, 3);
		for (n = 0; n < i * 200; n++)
			continue;
		(void)kill(pid, SIGKILL);
		MUST(killed_by(reap(pid), SIGKILL), "it was not killed");
		MUST(kill(-group, 0) == 0, "nobody is there");
	}
	MUST(kill(-group, SIGKILL) == 0, "nobody is there");
	MUST(killed_by(reap(group), SIGKILL), "the leader was not killed");
	return NULL;
}

static void forks_sleepers(void)
{
	int i;

	for (i = 0; i < MANY; i++) {
		if (must_fork() != 0)
			continue;
		(void)cell_add(1, 1);
		for (;;)
			sleep_ms(10000);
	}
}

_Noreturn static void wait_for_ever(void)
{
	for (;;) {
		(void)waitpid(-1, NULL, WNOHANG);
		(void)cell_add(0, 1);
	}
}

static const char *each_end_is_noticed(void)
{
	volatile int n;
	int i;

	(void)setpgid(0, 0);
	forks_sleepers();
	for (i = 0; i < 400; i++) {
		pid_t pid = must_fork(), got;

		if (pid == 0) {
			for (n = 0; n < i % 100 * 10; n++)
				continue;
			_exit(0);
		}
		got = waitpid(-1, NULL, 0);
		MUST(got == pid, found("%d: %d", i, (int)got));
	}
	return NULL;
}

/* The child ends between two parts of its parent's search. */
TEST(a_child_that_ends_while_its_parent_looks_is_found)
{
	pid_t pid = child_start(each_end_is_noticed);
	const char *sentence = child_end(pid);

	(void)kill(-pid, SIGKILL);
	return sentence;
}

/*
 * The signal makes the kernel search the group for a member with a parent
 * outside, in the midst of the process's own search for its children.
 */
TEST(a_stop_signal_is_lost_on_a_large_orphaned_group)
{
	pid_t pid = must_fork();
	volatile int n;
	int i, seen;

	if (pid == 0) {
		(void)setsid();
		forks_sleepers();
		wait_for_ever();
	}
	for (i = 0; i < 60; i++) {
		seen = cell_get(0);
		while (cell_get(0) < seen + 3)
			MUST(waitpid(pid, NULL, WUNTRACED | WNOHANG) == 0,
			    found("it was stopped in round %d", i));
		for (n = 0; n < i * 100; n++)
			continue;
		(void)kill(pid, SIGTSTP);
	}
	MUST(kill(-pid, SIGKILL) == 0, "nobody is there");
	MUST(killed_by(reap(pid), SIGKILL), "it was not killed");
	return NULL;
}

static bool goes_on(void)
{
	long end = now_ms() + 3000;
	int seen = cell_get(0);

	while (cell_get(0) < seen + 2 && now_ms() < end)
		sched_yield();
	return cell_get(0) >= seen + 2;
}

/*
 * The parent of all but the last is init, or in the group itself. A stop that
 * is cancelled while that is found out does not happen.
 */
static const char *last_member_stops(pid_t group)
{
	pid_t last = must_fork();
	int i, status;
	volatile int n;

	while (last == 0)
		(void)cell_add(0, 1);
	MUST(setpgid(last, group) == 0, "not in the group");
	for (i = 0; i < 100; i++) {
		(void)kill(last, SIGTSTP);
		for (n = 0; n < i % 50 * 40; n++)
			continue;
		if (i % 2 != 0)
			(void)setpgid(last, last);
		MUST(waitpid(last, &status, WUNTRACED) == last &&
			WIFSTOPPED(status),
		    found("%d: status 0x%x", i, (unsigned)status));
		(void)setpgid(last, group);
		(void)kill(last, SIGCONT);
	}
	for (i = 0; i < 200; i++) {
		(void)kill(last, SIGTSTP);
		for (n = 0; n < i * 40; n++)
			continue;
		(void)kill(last, SIGCONT);
		MUST(goes_on(), found("%d: it does not go on", i));
	}
	(void)kill(-group, SIGKILL);
	MUST(killed_by(reap(last), SIGKILL), "it was not killed");
	return NULL;
}

TEST(the_last_member_of_a_large_group_may_let_it_stop)
{
	pid_t leader = must_fork();

	if (leader == 0) {
		(void)setpgid(0, 0);
		if (must_fork() == 0) {
			forks_sleepers();
			for (;;)
				sleep_ms(10000);
		}
		cell_await(1, MANY);
		_exit(0);
	}
	TRY(child_end(leader));
	return last_member_stops(leader);
}

_Noreturn static void read_without_waiting(void)
{
	char byte;

	for (;;) {
		if (read(0, &byte, 1) == -1 && errno == EIO)
			continue;
		(void)kill(0, 0);
		(void)cell_add(0, 1);
	}
}

/* The leader's children stay behind, as orphans: a reader, and many others. */
static pid_t orphaned_reader(void)
{
	pid_t leader = must_fork();

	if (leader != 0)
		return child_end(leader) == NULL ? leader : -1;
	(void)setpgid(0, 0);
	forks_sleepers();
	cell_await(1, MANY);
	if (must_fork() == 0) {
		/* A read before the leader ends would stop the group. */
		while (getppid() == getpgrp())
			sched_yield();
		read_without_waiting();
	}
	_exit(0);
}

/* Ignores SIGTTOU, which would stop a caller in the background. */
static void give_terminal(pid_t group)
{
	(void)signal(SIGTTOU, SIG_IGN);
	if (tcsetpgrp(0, group) != 0)
		give_up(found("the terminal was not given to %d: errno %d",
		    (int)group, errno));
}

/*
 * The group need not be searched any more, and no mark of the search is left.
 */
TEST(a_large_group_may_get_the_terminal_while_it_is_searched)
{
	pid_t before = tcgetpgrp(0), group;
	int flags = fcntl(0, F_GETFL);
	long end;

	if (!on_calf())
		return SKIP("the terminal may be another session's");
	MUST(fcntl(0, F_SETFL, flags | O_NONBLOCK) == 0, "it would wait");
	group = orphaned_reader();
	MUST(group > 0, "no reader");
	for (end = now_ms() + 1000; now_ms() < end;) {
		give_terminal(group);
		give_terminal(getpgrp());
	}
	give_terminal(group);
	MUST(goes_on(), "it does not go on");
	give_terminal(before);
	MUST(fcntl(0, F_SETFL, flags) == 0, "it will not wait");
	(void)kill(-group, SIGKILL);
	while (kill(-group, 0) == 0)
		sleep_ms(1);
	return NULL;
}

static const struct test tests[] = {
    T(a_visitor_of_many_can_be_killed_at_any_moment),
    T(a_child_that_ends_while_its_parent_looks_is_found),
    T(a_stop_signal_is_lost_on_a_large_orphaned_group),
    T(the_last_member_of_a_large_group_may_let_it_stop),
    T(a_large_group_may_get_the_terminal_while_it_is_searched),
};

SUITE(tests)
