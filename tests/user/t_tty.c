/* SPDX-License-Identifier: MIT */
/*
 * t_tty.c - what is typed at the console, and which process gets it.
 *
 * tests/user/typist.py boots this program, and types what the lines that begin
 * with "# type" say; and a line before, while the kernel boots.
 */
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static char got[200];

static void type(const char *text)
{
	char line[300];
	int len = snprintf(line, sizeof(line), "# type %s\n", text);

	(void)!write(1, line, (size_t)len);
}

/* All of it has arrived when the terminal's input does not change any more. */
static void typed(const char *text)
{
	struct pollfd fd = {0, POLLIN, 0};

	type(text);
	(void)poll(&fd, 1, 5000);
	sleep_ms(300);
}

/* The typist did so when the firmware spoke: this test has to be the first. */
TEST(what_was_typed_while_it_booted_is_there)
{
	to_foreground();
	return reads(100, "early\n");
}

TEST(a_line_is_read_when_it_ends)
{
	to_foreground();
	type("one\\n");
	TRY(reads(100, "one\n"));
	typed("two\\nthree\\n");
	TRY(reads(2, "tw"));
	TRY(reads(100, "o\n"));
	return reads(100, "three\n");
}

TEST(an_end_that_is_typed_ahead_is_kept)
{
	to_foreground();
	typed("one\\n\\x04two\\n\\x04\\x04");
	TRY(reads(100, "one\n"));
	TRY(reads(100, ""));
	TRY(reads(100, "two\n"));
	TRY(reads(100, ""));
	return reads(100, "");
}

TEST(an_end_behind_text_hands_it_over)
{
	to_foreground();
	typed("one\\x04two\\x04three\\n");
	TRY(reads(100, "one"));
	TRY(reads(3, "two"));
	return reads(100, "three\n");
}

/* More than is taken in at once. */
TEST(a_long_line_arrives_whole)
{
	static char wanted[161];

	to_foreground();
	memset(wanted, 'x', 159);
	wanted[159] = '\n';
	wanted[160] = '\0';
	type("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\n");
	for (size_t n = 0; n < 160;) {
		ssize_t more = read(0, got, sizeof(got));

		MUST(more > 0 && memcmp(got, wanted + n, (size_t)more) == 0,
		    found("%ld bytes after %lu", (long)more, (unsigned long)n));
		n += (size_t)more;
	}
	return NULL;
}

TEST(a_process_that_computes_does_not_keep_input_out)
{
	const char *verdict_here;
	pid_t pid;

	to_foreground();
	pid = spinner_start();
	type("one\\n");
	verdict_here = reads(100, "one\n");
	kill(pid, SIGKILL);
	reap(pid);
	return verdict_here;
}

/* More members than get their signal at once. */
#define MEMBERS 300

static pid_t members[MEMBERS];

static bool is_at_an_end(int i)
{
	return i == 0 || i == MEMBERS - 1;
}

static void member(int i)
{
	(void)setpgid(0, members[0]);
	signal(SIGINT, is_at_an_end(i) ? SIG_DFL : SIG_IGN);
	for (;;)
		pause();
}

/*
 * No member runs while the signal is being sent: those in between do not notice
 * it.
 */
TEST(an_interrupt_reaches_both_ends_of_a_large_group)
{
	to_foreground();
	signal(SIGINT, SIG_IGN);
	for (int i = 0; i < MEMBERS; i++) {
		members[i] = must_fork();
		if (members[i] == 0)
			member(i);
		(void)setpgid(members[i], members[0]);
	}
	MUST(tcsetpgrp(0, members[0]) == 0, "not to the foreground");
	sleep_ms(300);
	type("\\x03");
	MUST(killed_by(reap(members[0]), SIGINT), "the first survived");
	MUST(killed_by(reap(members[MEMBERS - 1]), SIGINT),
	    "the last survived");
	for (int i = 1; i < MEMBERS - 1; i++) {
		kill(members[i], SIGKILL);
		MUST(killed_by(reap(members[i]), SIGKILL), "it did not wait");
	}
	return NULL;
}

/* Its number stays in use, as the terminal names it, but the group is empty. */
TEST(nobody_finds_a_foreground_that_has_ended)
{
	pid_t pid, child;

	to_foreground();
	pid = must_fork();
	if (pid == 0)
		for (;;)
			pause();
	MUST(setpgid(pid, pid) == 0, "no group");
	MUST(tcsetpgrp(0, pid) == 0, "not to the foreground");
	kill(pid, SIGKILL);
	reap(pid);
	MUST(tcgetpgrp(0) == pid, "the terminal has another group");
	MUST(kill(-pid, 0) == -1 && errno == ESRCH, "it gets signals");
	MUST(raw(SYS_getpriority, 1, pid) == -ESRCH, "it has a priority");
	MUST(tcsetpgrp(0, pid) == -1 && errno == ESRCH, "it is found");
	child = must_fork();
	if (child == 0)
		for (;;)
			pause();
	MUST(setpgid(child, pid) == -1 && errno == EPERM, "it is joined");
	kill(child, SIGKILL);
	reap(child);
	to_foreground();
	return NULL;
}

static void read_line(void)
{
	if (reads(100, "line\n") != NULL)
		give_up("another line");
}

TEST(a_reader_in_the_background_is_stopped)
{
	pid_t pid;
	int status = 0;

	to_foreground();
	pid = must_fork();
	if (pid == 0) {
		setpgid(0, 0);
		read_line();
		_exit(0);
	}
	MUST(waitpid(pid, &status, WUNTRACED) == pid, "no news");
	MUST(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN,
	    found("status 0x%x", (unsigned)status));
	tcsetpgrp(0, pid);
	kill(pid, SIGCONT);
	type("line\\n");
	return child_end(pid);
}

static void read_elsewhere(void)
{
	if (setsid() < 0)
		give_up("no session");
	read_line();
}

TEST(a_reader_of_another_session_is_not_stopped)
{
	to_foreground();
	type("line\\n");
	return exited_with(status_of(read_elsewhere), 0) ? NULL
							 : "it got no line";
}

static void on_interrupt(int sig)
{
	(void)sig;
	_exit(7);
}

static void take_terminal(void)
{
	if (ioctl(0, TIOCSCTTY, 0) != -1 || errno != EPERM)
		give_up("a process that leads no session took it");
	setsid();
	if (tcsetpgrp(0, getpgrp()) != -1 || errno != ENOTTY)
		give_up("the foreground of another session was changed");
	signal(SIGINT, on_interrupt);
	if (ioctl(0, TIOCSCTTY, 0) != 0)
		give_up("it could not be taken");
	type("\\x03");
	sleep_ms(5000);
}

TEST(a_session_may_take_the_terminal)
{
	int status = status_of(take_terminal);

	TRY(exited_with(status, 7) ? NULL : status_verdict(status));
	to_foreground(); /* it is given back */
	type("one\\n");
	return reads(100, "one\n");
}

TEST(a_path_does_not_begin_at_a_terminal)
{
	char there[256];

	MUST(raw(SYS_openat, 0, (long)"x", O_RDONLY) == -ENOTDIR, "openat");
	MUST(raw(SYS_newfstatat, 0, (long)"x", (long)there, 0) == -ENOTDIR,
	    "newfstatat");
	MUST(raw(SYS_fchdir, 0) == -ENOTDIR, "fchdir");
	return NULL;
}

static const struct test tests[] = {
    T(what_was_typed_while_it_booted_is_there),
    T(a_line_is_read_when_it_ends),
    T(an_end_that_is_typed_ahead_is_kept),
    T(an_end_behind_text_hands_it_over),
    T(a_long_line_arrives_whole),
    T(a_process_that_computes_does_not_keep_input_out),
    T(an_interrupt_reaches_both_ends_of_a_large_group),
    T(nobody_finds_a_foreground_that_has_ended),
    T(a_reader_in_the_background_is_stopped),
    T(a_reader_of_another_session_is_not_stopped),
    T(a_session_may_take_the_terminal),
    T(a_path_does_not_begin_at_a_terminal),
};

/*
 * Waits until the echo of early keys is shown, so that it comes before the
 * plan.
 */
int main(int argc, char **argv)
{
	sleep_ms(100);
	return suite_main(argc, argv, tests, COUNT(tests));
}
