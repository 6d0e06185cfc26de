/* SPDX-License-Identifier: MIT */
/*
 * t_orphan.c - groups of processes: which processes may make one, join one,
 * begin a session; and what becomes of a group that no shell can continue.
 *
 * A group is an orphan if no member has a parent in another group of the same
 * session: no shell could continue what is stopped. A session's first group is
 * one from the beginning.
 */
#include "harness.h"

#include <poll.h>
#include <sched.h>

/* Cells: what jobs tell. */
enum { HANGUPS, CONTINUES, STOPPED, READY, GO, PIDS, PLACE };

#define STAY_ARG "@stay"
#define SOON_MS  3000
#define IDLE_MS  60

static int fds[2]; /* jobs hold the end to write to for as long as they live */

static void count_signal(int sig)
{
	(void)cell_add(sig == SIGHUP ? HANGUPS : CONTINUES, 1);
}

static void catch_both(void)
{
	(void)signal(SIGHUP, count_signal);
	(void)signal(SIGCONT, count_signal);
}

static bool comes_soon(int cell, int value)
{
	long end = now_ms() + SOON_MS;

	while (cell_get(cell) < value) {
		if (now_ms() > end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/* Have all jobs ended? No process may be left that could say so. */
static bool all_end_soon(void)
{
	struct pollfd end = {fds[0], POLLIN, 0};

	close(fds[1]);
	return poll(&end, 1, SOON_MS) == 1 && (end.revents & POLLHUP) != 0;
}

/* Runs `fn` as the leader of a session of its own. */
static const char *in_session(test_fn *fn)
{
	pid_t pid;

	MUST(pipe(fds) == 0, "no pipe");
	pid = must_fork();
	if (pid == 0) {
		const char *sentence;

		if (setsid() != getpid())
			give_up("setsid failed");
		sentence = fn();
		if (sentence != NULL)
			give_up(sentence);
		_exit(0);
	}
	close(fds[0]);
	close(fds[1]);
	return child_end(pid);
}

/* ---- Orphans that are stopped ---- */

_Noreturn static void stop_and_tell(void)
{
	(void)cell_add(STOPPED, 1);
	(void)raise(SIGSTOP);
	/* The two signals come at once, and the handlers have run by now. */
	(void)comes_soon(HANGUPS, cell_get(STOPPED));
	_exit(0);
}

/* A job in a group of its own, or in that of another. */
static pid_t job_start(pid_t group, void (*fn)(void))
{
	pid_t pid = must_fork();

	if (pid == 0) {
		(void)setpgid(0, group);
		fn();
		_exit(0);
	}
	(void)setpgid(pid, group);
	return pid;
}

static void stopping_job(void)
{
	catch_both();
	stop_and_tell();
}

static void wait_until_stopped(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		give_up("the job did not stop");
}

/* A shell whose job has stopped, and which then ends in `way`. */
static void (*way)(void);

static void end_normally(void)
{
	_exit(0);
}

static void end_by_kill(void)
{
	(void)kill(getpid(), SIGKILL);
}

static void end_by_exec(void)
{
	const char *argv[] = {suite_path, "no such test", NULL};

	close(1);
	(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
	_exit(1);
}

static void shell_with_stopped_job(void)
{
	wait_until_stopped(job_start(0, stopping_job));
	way();
}

static const char *job_is_hung_up(void)
{
	pid_t shell = job_start(0, shell_with_stopped_job);

	(void)reap(shell);
	MUST(comes_soon(HANGUPS, 1), "no SIGHUP");
	MUST(comes_soon(CONTINUES, 1), "no SIGCONT");
	return all_end_soon() ? NULL : "the job did not go on";
}

TEST(stopped_jobs_are_hung_up_when_their_shell_ends)
{
	static void (*const all[])(
	    void) = {end_normally, end_by_kill, end_by_exec};
	int i;

	for (i = 0; i < COUNT(all); i++) {
		way = all[i];
		memset(board, 0, BOARD_BYTES);
		TRY(in_session(job_is_hung_up));
	}
	return NULL;
}

static void defenceless_job(void)
{
	(void)raise(SIGSTOP);
	cell_set(PLACE, 1);
	_exit(0);
}

static void shell_with_defenceless_job(void)
{
	wait_until_stopped(job_start(0, defenceless_job));
}

static const char *job_is_killed(void)
{
	(void)reap(job_start(0, shell_with_defenceless_job));
	MUST(all_end_soon(), "a stopped job is left for ever");
	return cell_get(PLACE) == 0 ? NULL : "the job went on";
}

TEST(a_stopped_job_without_handlers_ends_with_its_shell)
{
	return in_session(job_is_killed);
}

static void wait_and_tell(void)
{
	catch_both();
	(void)cell_add(READY, 1);
	(void)comes_soon(GO, 1);
	_exit(0);
}

static void shell_with_two_jobs(void)
{
	pid_t first = job_start(0, stopping_job);

	wait_until_stopped(first);
	(void)job_start(first, wait_and_tell);
	cell_await(READY, 1);
}

static const char *both_are_hung_up(void)
{
	(void)reap(job_start(0, shell_with_two_jobs));
	MUST(comes_soon(HANGUPS, 2), "not all got SIGHUP");
	MUST(comes_soon(CONTINUES, 2), "not all got SIGCONT");
	cell_set(GO, 1);
	return all_end_soon() ? NULL : "a job did not go on";
}

/* All members of the group get it, also those that run. */
TEST(all_of_an_orphaned_group_is_hung_up)
{
	return in_session(both_are_hung_up);
}

static void shell_with_running_job(void)
{
	(void)job_start(0, wait_and_tell);
	cell_await(READY, 1);
}

static const char *running_job_is_left_alone(void)
{
	(void)reap(job_start(0, shell_with_running_job));
	sleep_ms(IDLE_MS);
	MUST(cell_get(HANGUPS) == 0 && cell_get(CONTINUES) == 0,
	    "a job that runs was hung up");
	cell_set(GO, 1);
	return all_end_soon() ? NULL : "the job did not end";
}

TEST(a_job_that_runs_is_left_alone)
{
	return in_session(running_job_is_left_alone);
}

static void stop_and_go_on(void)
{
	catch_both();
	(void)raise(SIGSTOP);
	cell_await(CONTINUES, 1);
	wait_and_tell();
}

static void shell_with_continued_job(void)
{
	pid_t job = job_start(0, stop_and_go_on);

	wait_until_stopped(job);
	(void)kill(job, SIGCONT);
	cell_await(READY, 1);
}

static const char *continued_job_is_left_alone(void)
{
	(void)reap(job_start(0, shell_with_continued_job));
	sleep_ms(IDLE_MS);
	MUST(cell_get(HANGUPS) == 0, "a job that runs again was hung up");
	cell_set(GO, 1);
	return all_end_soon() ? NULL : "the job did not end";
}

TEST(a_job_that_runs_again_is_left_alone)
{
	return in_session(continued_job_is_left_alone);
}

/*
 * The leader's own child is a member as well: so a process is left that can
 * continue the group.
 */
static const char *connected_job_is_left_alone(void)
{
	pid_t first = job_start(0, stopping_job), shell;

	wait_until_stopped(first);
	cell_set(PIDS, first);
	shell = must_fork();
	if (shell == 0) {
		(void)setpgid(0, 0);
		(void)job_start(cell_get(PIDS), wait_and_tell);
		cell_await(READY, 1);
		_exit(0);
	}
	(void)reap(shell);
	sleep_ms(IDLE_MS);
	MUST(cell_get(HANGUPS) == 0 && cell_get(CONTINUES) == 0,
	    "a job that has a parent was hung up");
	cell_set(GO, 1);
	(void)kill(first, SIGKILL);
	(void)reap(first);
	return all_end_soon() ? NULL : "the job did not end";
}

TEST(a_group_with_somebody_left_is_left_alone)
{
	return in_session(connected_job_is_left_alone);
}

static void sleep_long(void)
{
	sleep_ms(100000);
}

static void first_shell(void)
{
	pid_t pid = job_start(0, stopping_job);

	wait_until_stopped(pid);
	cell_set(PIDS, pid);
	cell_await(READY, 1);
}

static void second_shell(void)
{
	cell_await(PIDS, 1);
	(void)job_start(cell_get(PIDS), sleep_long);
	(void)cell_add(READY, 1);
	cell_await(GO, 1);
}

/* What was found when the first shell ended is not true any more. */
static const char *job_of_two_shells_is_hung_up(void)
{
	pid_t first = job_start(0, first_shell);
	pid_t second = job_start(0, second_shell);

	(void)reap(first);
	sleep_ms(IDLE_MS);
	MUST(cell_get(HANGUPS) == 0, "a job that has a parent was hung up");
	cell_set(GO, 1);
	(void)reap(second);
	MUST(comes_soon(HANGUPS, 1), "no SIGHUP");
	MUST(comes_soon(CONTINUES, 1), "no SIGCONT");
	return all_end_soon() ? NULL : "the job did not go on";
}

TEST(the_last_of_two_shells_leaves_an_orphan)
{
	return in_session(job_of_two_shells_is_hung_up);
}

/*
 * A job of two: the parent of one is the other, which is a child of the shell.
 */
static void job_with_a_child(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		stopping_job();
	wait_until_stopped(pid);
}

static const char *childs_child_is_hung_up(void)
{
	(void)reap(job_start(0, job_with_a_child));
	MUST(comes_soon(HANGUPS, 1), "no SIGHUP");
	MUST(comes_soon(CONTINUES, 1), "no SIGCONT");
	return all_end_soon() ? NULL : "the job did not go on";
}

TEST(the_end_of_a_member_may_make_its_group_an_orphan)
{
	return in_session(childs_child_is_hung_up);
}

/* ---- Orphans do not stop at the terminal's wish ---- */

static int to_raise;

static void raise_in_session(void)
{
	(void)setsid();
	(void)raise(to_raise);
	_exit(4);
}

static void raise_blocked_in_session(void)
{
	sigset_t none;

	(void)setsid();
	block_signal(to_raise);
	(void)raise(to_raise);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(4);
}

static const char *raised(void (*fn)(void), bool stops)
{
	pid_t pid = must_fork();
	int status = 0;

	if (pid == 0)
		fn();
	MUST(waitpid(pid, &status, WUNTRACED) == pid, "waitpid failed");
	if (WIFSTOPPED(status)) {
		(void)kill(pid, SIGKILL);
		(void)reap(pid);
		return stops ? NULL : found("signal %d stops it", to_raise);
	}
	return !stops && exited_with(status, 4)
	    ? NULL
	    : found("status 0x%x", (unsigned)status);
}

TEST(the_terminal_does_not_stop_an_orphan)
{
	static const int signals[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	int i;

	for (i = 0; i < COUNT(signals); i++) {
		to_raise = signals[i];
		TRY(raised(raise_in_session, false));
		TRY(raised(raise_blocked_in_session, false));
	}
	return NULL;
}

TEST(sigstop_stops_an_orphan)
{
	to_raise = SIGSTOP;
	return raised(raise_in_session, true);
}

static void note_stop(int sig)
{
	(void)sig;
	cell_set(STOPPED, 1);
}

static void handle_in_session(void)
{
	(void)setsid();
	(void)signal(SIGTSTP, note_stop);
	(void)raise(SIGTSTP);
	_exit(cell_get(STOPPED) == 1 ? 4 : 5);
}

TEST(an_orphan_may_handle_sigtstp)
{
	to_raise = SIGTSTP;
	return raised(handle_in_session, false);
}

/* ---- Groups and their numbers ---- */

_Noreturn static void stay(void)
{
	(void)cell_add(READY, 1);
	for (;;)
		sleep_ms(1000);
}

static pid_t stay_in(pid_t group)
{
	int before = cell_get(READY);
	pid_t pid = job_start(group, stay);

	cell_await(READY, before + 1);
	return pid;
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
}

TEST(a_number_that_no_group_has_cannot_be_joined)
{
	pid_t pid = must_fork(), other;

	if (pid == 0)
		stay();
	cell_await(READY, 1);
	other = must_fork();
	if (other == 0) {
		if (setpgid(0, pid) != -1 || errno != EPERM)
			give_up("a process that leads no group was joined");
		if (setpgid(0, 4194303) != -1 || errno != EPERM)
			give_up("a group that nobody is in was joined");
		if (setpgid(0, -1) != -1 || errno != EINVAL)
			give_up("group -1");
		_exit(0);
	}
	TRY(child_end(other));
	end(pid);
	return NULL;
}

TEST(a_group_can_be_joined_while_it_has_members)
{
	pid_t leader = stay_in(0), member = stay_in(leader), other;

	end(leader);
	other = must_fork();
	if (other == 0) {
		if (setpgid(0, leader) != 0)
			give_up(found("errno %d", errno));
		_exit(getpgrp() == leader ? 0 : 1);
	}
	TRY(child_end(other));
	end(member);
	MUST(setpgid(0, leader) == -1 && errno == EPERM,
	    "a group without members was joined");
	return NULL;
}

TEST(a_group_of_another_session_cannot_be_joined)
{
	pid_t group = stay_in(0), pid = must_fork();

	if (pid == 0) {
		(void)setsid();
		pid = must_fork();
		if (pid == 0)
			_exit(
			    setpgid(0, group) == -1 && errno == EPERM ? 0 : 1);
		_exit(WEXITSTATUS(reap(pid)));
	}
	MUST(exited_with(reap(pid), 0), "it was joined");
	end(group);
	return NULL;
}

/* Leads a group, leaves it to another, and may not begin a session then. */
static const char *session_with_a_taken_number(void)
{
	pid_t home = getpgrp(), member;

	MUST(setpgid(0, 0) == 0, "no group");
	member = stay_in(getpid());
	MUST(setsid() == -1 && errno == EPERM, "a leader began a session");
	MUST(setpgid(0, home) == 0, "no way back");
	MUST(setsid() == -1 && errno == EPERM,
	    "a session has the number of a group that lives");
	end(member);
	MUST(setsid() == getpid(), "a number that is free again is refused");
	return NULL;
}

TEST(setsid_wants_a_number_that_no_group_has)
{
	return in_child(session_with_a_taken_number);
}

TEST(session_leaders_parents_and_executed_children_are_not_moved)
{
	pid_t pid = must_fork(), leader;
	const char *argv[] = {suite_path, STAY_ARG, NULL};

	if (pid == 0) {
		(void)setsid();
		stay();
	}
	leader = pid;
	cell_await(READY, 1);
	MUST(setpgid(leader, 0) == -1 && errno == EPERM,
	    "a session's leader was moved");
	MUST(setpgid(getppid(), 0) == -1 && errno == ESRCH,
	    "the parent was moved");
	end(leader);
	if (on_emulator())
		return SKIP("the emulator executes no programs");
	pid = must_fork();
	if (pid == 0) {
		cell_set(PIDS, 1);
		(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
		_exit(1);
	}
	sleep_ms(IDLE_MS);
	cell_await(PIDS, 1);
	MUST(setpgid(pid, 0) == -1 && errno == EACCES,
	    found("a child was moved after exec, errno %d", errno));
	end(pid);
	return NULL;
}

static const struct test tests[] = {
    T(stopped_jobs_are_hung_up_when_their_shell_ends),
    T(a_stopped_job_without_handlers_ends_with_its_shell),
    T(all_of_an_orphaned_group_is_hung_up),
    T(a_job_that_runs_is_left_alone),
    T(a_job_that_runs_again_is_left_alone),
    T(a_group_with_somebody_left_is_left_alone),
    T(the_last_of_two_shells_leaves_an_orphan),
    T(the_end_of_a_member_may_make_its_group_an_orphan),
    T(the_terminal_does_not_stop_an_orphan),
    T(sigstop_stops_an_orphan),
    T(an_orphan_may_handle_sigtstp),
    T(a_number_that_no_group_has_cannot_be_joined),
    T(a_group_can_be_joined_while_it_has_members),
    T(a_group_of_another_session_cannot_be_joined),
    T(setsid_wants_a_number_that_no_group_has),
    T(session_leaders_parents_and_executed_children_are_not_moved),
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], STAY_ARG) == 0)
		for (;;)
			sleep_ms(1000);
	return suite_main(argc, argv, tests, COUNT(tests));
}
