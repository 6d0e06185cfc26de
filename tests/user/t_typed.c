/* SPDX-License-Identifier: MIT */
/*
 * t_typed.c - the console server is killed while keys are typed, and no key is
 * lost. It runs on a terminal of the server's, and tests/user/typist.py types.
 */
#include "harness.h"

#include <calf.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static char got[200];

static void type(const char *text)
{
	char line[300];
	/* On a line of its own: what is typed is shown. */
	int len = snprintf(line, sizeof(line), "\n# type %s\n", text);

	(void)!write(1, line, (size_t)len);
}

/*
 * The process that serves: the last of those of which each is the child of the
 * one before. There may be three, as the copy that was left behind earlier
 * takes its time to end. Then the second one stays behind; and if that is
 * killed, and the server before it learns of it, none is left.
 */
static pid_t server(void)
{
	struct calf_ps ps = {0};
	pid_t last = -1, found = 0;

	while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1) {
		if (strcmp(ps.name, "console") != 0 || ps.state == 'Z')
			continue;
		found = ps.ppid == last ? ps.pid : 0;
		last = ps.pid;
	}
	return found;
}

static const char *kill_server(void)
{
	for (int i = 0; i < 1000; i++) {
		pid_t pid = server();

		if (pid > 0 && kill(pid, SIGKILL) == 0)
			return NULL;
		sleep_ms(1); /* the next one is being made */
	}
	return "there is no server";
}

/* Waits until so many bytes have been typed and taken in. */
static const char *await_input(int count)
{
	int n = 0;

	for (int i = 0; i < 100 && n < count; i++) {
		sleep_ms(20);
		MUST(ioctl(0, FIONREAD, &n) == 0, "no count");
	}
	return n == count ? NULL : found("%d bytes", n);
}

TEST(lines_are_there_when_the_server_is_killed)
{
	to_foreground();
	type("one\\ntwo\\nthree\\n");
	TRY(await_input(14));
	TRY(kill_server());
	TRY(reads(100, "one\n"));
	TRY(kill_server());
	TRY(reads(100, "two\n"));
	TRY(reads(100, "three\n"));
	TRY(kill_server());
	return poll(&(struct pollfd){0, POLLIN, 0}, 1, 100) == 0
	    ? NULL
	    : "something is read twice";
}

TEST(a_line_that_is_being_typed_goes_on)
{
	to_foreground();
	type("abx");
	sleep_ms(300);
	TRY(kill_server());
	type("\\x7fc\\n");
	return reads(100, "abc\n");
}

static pid_t kill_server_soon(void)
{
	pid_t pid = must_fork();

	if (pid > 0)
		return pid;
	sleep_ms(100);
	_exit(kill_server() == NULL ? 0 : 1);
}

TEST(a_reader_of_a_line_does_not_notice)
{
	pid_t pid;

	to_foreground();
	pid = kill_server_soon();
	reap(pid);
	pid = kill_server_soon();
	type("late\\n");
	TRY(reads(100, "late\n"));
	MUST(exited_with(reap(pid), 0), "not killed");
	return NULL;
}

TEST(modes_and_foreground_are_as_they_were)
{
	struct termios before, raw_modes, after;
	pid_t group = getpgrp();

	to_foreground();
	MUST(tcgetattr(0, &before) == 0, "no modes");
	raw_modes = before;
	raw_modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	MUST(tcsetattr(0, TCSANOW, &raw_modes) == 0, "not raw");
	TRY(kill_server());
	MUST(tcgetattr(0, &after) == 0 &&
		memcmp(&after, &raw_modes, sizeof(after)) == 0,
	    "other modes");
	MUST(tcgetpgrp(0) == group, "another foreground");
	type("x");
	TRY(reads(100, "x"));
	TRY(kill_server());
	MUST(tcsetattr(0, TCSANOW, &before) == 0, "not as before");
	return NULL;
}

TEST(a_read_may_end_by_time)
{
	struct termios before, modes;
	char byte;
	long start;
	pid_t pid;

	to_foreground();
	MUST(tcgetattr(0, &before) == 0, "no modes");
	modes = before;
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	modes.c_cc[VMIN] = 0;
	modes.c_cc[VTIME] = 3;
	MUST(tcsetattr(0, TCSANOW, &modes) == 0, "not raw");
	start = now_ms();
	MUST(read(0, &byte, 1) == 0, "something is read");
	MUST(now_ms() - start >= 300, "too early");
	pid = kill_server_soon();
	MUST(read(0, &byte, 1) == 0, "something is read");
	MUST(now_ms() - start < 5000, "too late");
	MUST(exited_with(reap(pid), 0), "not killed");
	MUST(tcsetattr(0, TCSANOW, &before) == 0, "not as before");
	return NULL;
}

/*
 * Reads more than the journal has room for, each second time from another
 * server.
 */
TEST(much_is_read_by_many_servers)
{
	uint64_t state = 3;
	char wanted[20];

	to_foreground();
	for (int i = 0; i < 60; i++) {
		snprintf(wanted, sizeof(wanted), "line %d\\n", i);
		type(wanted);
		for (uint64_t n = rnd(&state) % 3000; n > 0; n--)
			(void)getppid();
		if (i % 2 == 0)
			TRY(kill_server());
		snprintf(wanted, sizeof(wanted), "line %d\n", i);
		TRY(reads(100, wanted));
	}
	return NULL;
}

static uint64_t instructions(void)
{
	uint64_t n;

	__asm__ volatile("rdinstret %0" : "=r"(n));
	return n;
}

#define BYTES 60

/* The numbers mean something only with -icount, on one hart. */
TEST(what_a_byte_costs_is_told)
{
	struct termios before, raw_modes;
	uint64_t at, reading, writing;
	char byte;

	to_foreground();
	MUST(tcgetattr(0, &before) == 0, "no modes");
	raw_modes = before;
	raw_modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	MUST(tcsetattr(0, TCSANOW, &raw_modes) == 0, "not raw");
	type("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	TRY(await_input(BYTES));
	at = instructions();
	for (int i = 0; i < BYTES; i++)
		MUST(read(0, &byte, 1) == 1 && byte == 'x', "another byte");
	reading = instructions() - at;
	at = instructions();
	for (int i = 0; i < BYTES; i++)
		MUST(write(1, "\r", 1) == 1, "not written");
	writing = instructions() - at;
	MUST(tcsetattr(0, TCSANOW, &before) == 0, "not as before");
	printf("# %lu instructions for a read of a byte, %lu for a write\n",
	    (unsigned long)reading / BYTES, (unsigned long)writing / BYTES);
	fflush(stdout);
	return NULL;
}

static const struct test tests[] = {
    T(lines_are_there_when_the_server_is_killed),
    T(a_line_that_is_being_typed_goes_on),
    T(a_reader_of_a_line_does_not_notice),
    T(modes_and_foreground_are_as_they_were),
    T(a_read_may_end_by_time),
    T(much_is_read_by_many_servers),
    T(what_a_byte_costs_is_told),
};

/* Early keys are not of this test, and are dropped. */
int main(int argc, char **argv)
{
	to_foreground();
	(void)!read(0, got, sizeof(got));
	return suite_main(argc, argv, tests, COUNT(tests));
}
