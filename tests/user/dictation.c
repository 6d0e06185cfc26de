/* SPDX-License-Identifier: MIT */
/*
 * dictation.c - process 1 that reads what is typed, a chapter at a time, and
 * compares it with what had to be typed. Its status says whether all of it
 * came, and once, also if the console server was killed meanwhile
 * (tests/nasty/kill.py, which types).
 *
 *     rdinit=/bin/dictation CHAPTER
 *
 * Its output has no small letters, and typed letters are small: so output and
 * echo can be told apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "abi/termios.h"

static char got[1000];
static size_t got_len;
static int status;

/* Prints a result in one write; a failure is remembered for the exit status. */
static void check(int good, const char *what)
{
	char line[100];
	int len = snprintf(line, sizeof line, "%s %s\n", what,
	    good ? "DONE" : "FAILED");

	(void)!write(1, line, (size_t)len);
	if (!good)
		status = 1;
}

static ssize_t read_some(size_t most)
{
	ssize_t n = read(0, got + got_len, most);

	if (n > 0)
		got_len += (size_t)n;
	return n;
}

/* Typing begins when this is shown. */
static void ask(void)
{
	(void)!write(1, "?\n", 2);
}

/* Checks all that was read; prints it as numbers if it is not `wanted`. */
static void expect(const char *wanted)
{
	int good = got_len == strlen(wanted) && !memcmp(got, wanted, got_len);

	for (size_t i = 0; !good && i < got_len; i++)
		printf("%02X", (unsigned char)got[i]);
	check(good, "READ");
}

static void expect_line(const char *wanted)
{
	got_len = 0;
	(void)read_some(sizeof got);
	expect(wanted);
}

/* Waits until so many bytes are typed and taken in. */
static void await_input(int count)
{
	int n = 0;

	for (int i = 0; i < 1000 && n < count; i++) {
		usleep(1000);
		(void)ioctl(0, FIONREAD, &n);
	}
	check(n == count, "COUNT");
}

static void change_modes(tcflag_t off, int when)
{
	struct termios modes;

	check(tcgetattr(0, &modes) == 0, "MODES");
	modes.c_lflag &= ~off;
	check(tcsetattr(0, when, &modes) == 0, "CHANGE");
}

/* ---- The chapters, and what is typed in each ---- */

/* Lines with keys that erase a letter and a line. */
static void lines(void)
{
	ask();
	expect_line("one two\n");
	expect_line("three\n");
	expect_line("four\n");
	expect_line("");
	expect_line("five\n");
}

/* Many lines: more than the journal of the server has room for. */
static void many_lines(void)
{
	char wanted[20];

	ask();
	for (int i = 0; i < 8; i++) {
		snprintf(wanted, sizeof wanted, "%c line of letters\n",
		    'a' + i);
		expect_line(wanted);
	}
}

/* All bytes are there before the first is read, and are read in pieces. */
static void pieces(void)
{
	ask();
	await_input(21);
	for (size_t most = 1; got_len < 21; most = most % 5 + 1)
		(void)read_some(most);
	expect("some words of a line\n");
}

static void ahead(void)
{
	ask();
	await_input(13);
	expect_line("first\n");
	await_input(7);
	expect_line("second\n");
	check(poll(&(struct pollfd){0, POLLIN, 0}, 1, 0) == 0, "POLL");
}

static void bytes(void)
{
	change_modes(ICANON | ECHO, TCSANOW);
	ask();
	while (got_len < 24 && read_some(3) > 0)
		;
	expect("bytes that nobody shows.");
}

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupts++;
}

/* ctrl-C discards the line typed so far. Its signal comes once or twice. */
static void keys(void)
{
	struct sigaction action = {.sa_handler = on_interrupt,
	    .sa_flags = SA_RESTART};

	ask();
	check(sigaction(SIGINT, &action, NULL) == 0, "HANDLER");
	expect_line("behind\n");
	check(interrupts == 1 || interrupts == 2, "INTERRUPT");
}

/* Sets modes and the size, and asks for them later. */
static void modes(void)
{
	struct winsize_abi size = {.rows = 31, .columns = 41}, found = {0};
	struct termios before, now;
	int group = 0;

	check(tcgetattr(0, &before) == 0, "MODES");
	change_modes(ECHO, TCSANOW);
	check(tcgetattr(0, &now) == 0, "MODES");
	check(now.c_lflag == (before.c_lflag & ~(tcflag_t)ECHO), "FLAGS");
	check(ioctl(0, TIOCSWINSZ, &size) == 0, "SIZE");
	check(ioctl(0, TIOCGWINSZ, &found) == 0, "SIZE");
	check(found.rows == 31 && found.columns == 41, "SIZES");
	check(ioctl(0, TIOCGPGRP, &group) == 0 && group == getpgrp(), "GROUP");
	check(tcsetpgrp(0, getpgrp()) == 0, "FOREGROUND");
	check(tcsetattr(0, TCSADRAIN, &before) == 0, "BACK");
	check(tcgetattr(0, &now) == 0, "MODES");
	check(memcmp(&now, &before, sizeof now) == 0, "AS BEFORE");
	ask();
	expect_line("shown again\n");
}

/* Keys that are typed while output is stopped are shown when it goes on. */
static void stop(void)
{
	ask();
	expect_line("abcdef\n");
	expect_line("next\n");
}

/* Writes of all sizes near those of the server's buffers. */
static void output(void)
{
	static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 127, 128,
	    300};
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char text[300];
	unsigned state = 7;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (size_t at = 0; at < sizes[i]; at++) {
			state = state * 1103515245 + 12345;
			text[at] = digits[(state >> 16) % 36];
		}
		text[sizes[i] - 1] = '\n';
		if (write(1, text, sizes[i]) != (ssize_t)sizes[i])
			status = 1;
	}
}

static const struct chapter {
	const char *name;
	void (*fn)(void);
} chapters[] = {
    {"lines", lines},
    {"many", many_lines},
    {"pieces", pieces},
    {"ahead", ahead},
    {"bytes", bytes},
    {"keys", keys},
    {"modes", modes},
    {"stop", stop},
    {"output", output},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof chapters / sizeof chapters[0]; i++)
		if (strcmp(chapters[i].name, name) == 0) {
			chapters[i].fn();
			check(1, "END");
			return status;
		}
	return 2;
}
