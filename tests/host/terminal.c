/* SPDX-License-Identifier: MIT */
/*
 * terminal.c - who may use a terminal, on Linux and in the console server.
 *
 * Each kind of caller makes each call on a pseudo-terminal of this machine,
 * whose session and foreground are its parent's;
 * user/servers/console/terminal.c has to predict what happens.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "user/servers/console/terminal.h"

/* <sys/ioctl.h> and abi/ioctl.h do not go together. */
int ioctl(int fd, unsigned long request, ...);
#define TIOCNOTTY_ 0x5422
#define TIOCGSID_  0x5429

enum kind {
	LEADER,
	MEMBER,
	BACKGROUND,
	DEAF, /* in the background, ignores SIGTTIN and SIGTTOU */
	ORPHAN,
	ELSEWHERE, /* leads a session of its own */
	GUEST,     /* a member of a session without the terminal */
	KINDS
};

enum op {
	READ,
	WRITE,
	WRITE_TOSTOP,
	SET_MODES,
	GET_FOREGROUND,
	GET_SESSION,
	SET_OWN,
	SET_NONE,
	SET_NEGATIVE,
	SET_FOREIGN,
	TAKE,
	GIVE_UP,
	OPS
};

static const char *const kind_names[] = {"the leader", "a member",
    "the background", "a deaf one", "an orphan", "another leader", "a guest"};
static const char *const op_names[] = {"reads", "writes", "writes with TOSTOP",
    "sets modes", "gets the foreground", "gets the session",
    "sets its own group", "sets no group", "sets -5",
    "sets another session's group", "takes it", "gives it up"};

#define NO_GROUP 99999999

struct report {
	struct caller caller;
	int result; /* 0 or what was asked for, or -errno */
};

static int slave, result_pipe[2];
static int32_t foreign; /* the group of another session */

/* ---- On Linux ---- */

static int set_foreground(int32_t pgid)
{
	return ioctl(slave, TIOCSPGRP, &pgid);
}

static int get_id(unsigned long request)
{
	int32_t id = -1;

	return ioctl(slave, request, &id) == 0 ? id : -1;
}

static int perform(enum op op)
{
	struct termios_abi modes;
	char byte = 'x';

	switch (op) {
	case READ:
		return read(slave, &byte, 1) < 0 && errno != EAGAIN ? -1 : 0;
	case WRITE:
	case WRITE_TOSTOP:
		return write(slave, &byte, 1) == 1 ? 0 : -1;
	case SET_MODES:
		return ioctl(slave, TCGETS, &modes) == 0
		    ? ioctl(slave, TCSETS, &modes)
		    : -1;
	case GET_FOREGROUND:
		return get_id(TIOCGPGRP);
	case GET_SESSION:
		return get_id(TIOCGSID_);
	case SET_OWN:
		return set_foreground(getpgrp());
	case SET_NONE:
		return set_foreground(NO_GROUP);
	case SET_NEGATIVE:
		return set_foreground(-5);
	case SET_FOREIGN:
		return set_foreground(foreign);
	case TAKE:
		return ioctl(slave, TIOCSCTTY, 0);
	default:
		return ioctl(slave, TIOCNOTTY_, 0);
	}
}

/* The caller: reports its pid, makes the call, and reports the result. */
static void act(enum kind kind, enum op op)
{
	struct report report = {.caller = {.pid = getpid(),
				    .pgid = getpgrp(),
				    .sid = getsid(0),
				    .ignores_ttin = kind == DEAF,
				    .ignores_ttou = kind == DEAF,
				    .is_orphaned = kind == ORPHAN}};

	if (kind == DEAF) {
		signal(SIGTTIN, SIG_IGN);
		signal(SIGTTOU, SIG_IGN);
	}
	report.result = 1;
	(void)!write(result_pipe[1], &report, sizeof report);
	report.result = perform(op);
	if (report.result < 0)
		report.result = -errno;
	(void)!write(result_pipe[1], &report, sizeof report);
}

/*
 * Lets a child of the caller act; an orphan waits first until its parent has
 * ended.
 */
static void act_further_down(enum kind kind, enum op op)
{
	pid_t above = getpid(), pid = fork();

	if (pid != 0) {
		if (kind != ORPHAN)
			(void)waitpid(pid, NULL, 0);
		return;
	}
	if (kind == ORPHAN) {
		(void)setpgid(0, 0);
		while (getppid() == above)
			usleep(200);
	}
	act(kind, op);
	_exit(0);
}

static void be(enum kind kind, enum op op)
{
	if (kind == BACKGROUND || kind == DEAF)
		(void)setpgid(0, 0);
	if (kind == ELSEWHERE || kind == GUEST)
		(void)setsid();
	if (kind == ORPHAN || kind == GUEST)
		act_further_down(kind, op);
	else
		act(kind, op);
}

/* The result of the call, or the signal that stopped the caller. */
static struct report observe(enum kind kind, enum op op)
{
	struct report report = {.result = 0};
	int status = 0;
	pid_t pid;

	if (kind == LEADER) {
		act(kind, op);
	} else {
		pid = fork();
		if (pid == 0) {
			be(kind, op);
			_exit(0);
		}
		(void)waitpid(pid, &status, WUNTRACED);
		if (WIFSTOPPED(status)) {
			kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
	}
	if (read(result_pipe[0], &report, sizeof report) != sizeof report)
		exit(3);
	if (WIFSTOPPED(status))
		report.result = WSTOPSIG(status);
	else if (read(result_pipe[0], &report, sizeof report) != sizeof report)
		exit(3);
	return report;
}

/* ---- Here ---- */

static int predict(struct terminal *t, const struct caller *c, enum op op)
{
	int result;

	switch (op) {
	case READ:
		return terminal_may(t, c, USE_READ);
	case WRITE:
	case WRITE_TOSTOP:
		return terminal_may(t, c, USE_WRITE);
	case SET_MODES:
		return terminal_may(t, c, USE_CHANGE);
	case GET_FOREGROUND:
		return terminal_foreground(t, c);
	case GET_SESSION:
		return terminal_session(t, c);
	case SET_OWN:
		return terminal_set_foreground(t, c, c->pgid, c->sid);
	case SET_NONE:
		return terminal_set_foreground(t, c, NO_GROUP, 0);
	case SET_NEGATIVE:
		return terminal_set_foreground(t, c, -5, 0);
	case SET_FOREIGN:
		return terminal_set_foreground(t, c, foreign, foreign);
	case TAKE:
		return terminal_take(t, c, false);
	default:
		result = terminal_give_up(t, c);
		return result < 0 ? result : 0;
	}
}

/* ---- Both ---- */

static void begin_session(struct terminal *terminal, enum op op)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	memset(terminal, 0, sizeof *terminal);
	line_init(&terminal->line);
	if (op == WRITE_TOSTOP)
		terminal->line.termios.lflag |= TOSTOP;
	if (setsid() < 0 || master < 0 || grantpt(master) != 0 ||
	    unlockpt(master) != 0 || pipe(result_pipe) != 0)
		exit(3);
	slave = open(ptsname(master), O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (slave < 0 || ioctl(slave, TCSETS, &terminal->line.termios) != 0 ||
	    ioctl(slave, TIOCSCTTY, 0) != 0)
		exit(3);
	signal(SIGHUP, SIG_IGN);
	terminal->session = terminal->foreground = getpid();
}

/* Runs in a process of its own, the leader of the session. */
static void compare(enum kind kind, enum op op)
{
	static struct terminal terminal;
	struct report seen;
	int predicted;

	begin_session(&terminal, op);
	seen = observe(kind, op);
	predicted = predict(&terminal, &seen.caller, op);
	if (predicted == seen.result)
		_exit(0);
	printf("# %s %s: %d, here %d\n", kind_names[kind], op_names[op],
	    seen.result, predicted);
	(void)fflush(stdout);
	_exit(1);
}

static unsigned differences(void)
{
	unsigned count = 0;
	int status;

	foreign = getsid(0);
	for (int kind = 0; kind < KINDS; kind++)
		for (int op = 0; op < OPS; op++) {
			pid_t pid = fork();

			if (pid == 0)
				compare(kind, op);
			if (waitpid(pid, &status, 0) != pid || status != 0)
				count++;
		}
	return count;
}

TEST(each_caller_may_do_what_linux_lets_it_do)
{
	unsigned count;

#ifndef __linux__
	printf("# this is no Linux: nothing to compare with\n");
	return NULL;
#endif
	(void)fflush(stdout);
	count = differences();
	return count == 0 ? NULL : found("%u differences", count);
}

/* ---- What cannot be seen on Linux ---- */

static struct terminal terminal;

TEST(a_terminal_is_taken_from_another_session_by_force_only)
{
	struct caller caller = {.pid = 7, .pgid = 7, .sid = 7};

	terminal.session = terminal.foreground = 5;
	if (terminal_take(&terminal, &caller, false) != -EPERM ||
	    terminal.session != 5)
		return "without force";
	if (terminal_take(&terminal, &caller, true) != 0)
		return "not by force";
	return terminal.session == 7 && terminal.foreground == 7
	    ? NULL
	    : "another session or group";
}

TEST(the_foreground_is_told_when_a_leader_gives_the_terminal_up)
{
	struct caller caller = {.pid = 8, .pgid = 7, .sid = 7};

	terminal.session = 7;
	terminal.foreground = 9;
	if (terminal_give_up(&terminal, &caller) != 0 || terminal.session != 7)
		return "a member gave it up for all";
	caller.pid = 7;
	if (terminal_give_up(&terminal, &caller) != 9)
		return "another group";
	return terminal.session == 0 && terminal.foreground == 0
	    ? NULL
	    : "it is still somebody's";
}

TEST(a_window_of_another_size_is_told)
{
	struct winsize_abi window = {.rows = 24, .columns = 80};

	if (!terminal_resize(&terminal, &window))
		return "the first";
	if (terminal_resize(&terminal, &window))
		return "the same again";
	window.columns = 81;
	return terminal_resize(&terminal, &window) &&
		terminal.window.columns == 81
	    ? NULL
	    : "another width";
}

static const struct test tests[] = {
    LISTED(each_caller_may_do_what_linux_lets_it_do),
    LISTED(a_terminal_is_taken_from_another_session_by_force_only),
    LISTED(the_foreground_is_told_when_a_leader_gives_the_terminal_up),
    LISTED(a_window_of_another_size_is_told),
};

int main(void)
{
	return tap_run(tests, sizeof tests / sizeof *tests);
}
