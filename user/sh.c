/* SPDX-License-Identifier: MIT */
/*
 * sh [-c COMMANDS | FILE [ARGUMENT...]] - the shell.
 *
 *   list      pipeline, joined by && and ||, ended by ; or & or the line
 *   pipeline  command | command ...
 *   command   words, and < > >> 2> >& with a file or a descriptor
 *   words     'literal' "with $NAME" \c $NAME $1 $? $$ and # for a comment
 *
 * This file reads lines and runs lists; sh/sh.h says what the others do.
 *
 * When it talks to a terminal the shell gives each pipeline a process group of
 * its own, and the terminal to the group in the foreground, so that ctrl-C
 * reaches that group and not the shell.
 */
#include "sh/sh.h"

#include <errno.h>
#include <fcntl.h>
#include <program.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    sh - the shell\n"
    "\n"
    "SYNOPSIS\n"
    "    sh [-c COMMANDS | FILE [ARGUMENT...]]\n"
    "\n"
    "DESCRIPTION\n"
    "    Reads lines from the terminal, or from a file, and runs them.\n"
    "\n"
    "    list      pipeline, joined by && and ||, ended by ; or & or the line\n"
    "    pipeline  command | command ...\n"
    "    command   words, and < > >> 2> >& with a file or a descriptor\n"
    "    words     'literal' \"with $NAME\" \\c $NAME $1 $? $$ # comment\n"
    "\n"
    "    What is built in is listed by help.\n"
    "\n"
    "OPTIONS\n"
    "    -c COMMANDS  runs them, and ends\n"
    "\n"
    "EXIT STATUS\n"
    "    That of the last command; 127 for one that was not found.\n";

struct shell shell;

void complain(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fprintf(stderr, "sh: %s\n", text);
}

void run_and_or(int first, int end)
{
	bool wanted = true;
	int stop;

	for (; first < end; first = stop + 1) {
		stop = find_token(first, end, TOKEN_AND, TOKEN_OR);
		if (wanted)
			run_pipeline(first, stop, false);
		wanted =
		    (shell.status == 0) == (tokens[stop].kind == TOKEN_AND);
	}
}

/* A list in the background is a job of one stage: a shell that runs it. */
static void run_in_background(int first, int end)
{
	struct stage list = {.is_list = true, .first = first, .end = end};
	struct job *job;

	if (find_token(first, end, TOKEN_AND, TOKEN_OR) == end) {
		run_pipeline(first, end, true);
		return;
	}
	job = job_alloc(first, end);
	if (job == NULL) {
		complain("too many jobs");
		return;
	}
	job->background = true;
	run_stages(job, &list, 1);
}

static void run_list(int first, int end)
{
	int stop;

	for (; first < end; first = stop + 1) {
		stop =
		    find_token(first, end, TOKEN_SEMICOLON, TOKEN_BACKGROUND);
		if (tokens[stop].kind == TOKEN_BACKGROUND)
			run_in_background(first, stop);
		else
			run_and_or(first, stop);
	}
}

static void run_line(const char *line)
{
	int count = lex(line);

	if (count < 0) {
		shell.status = 2;
		return;
	}
	if (!check_tokens(count)) {
		complain("that cannot be read as commands");
		shell.status = 2;
		return;
	}
	run_list(0, count);
}

static void on_interrupt(int sig)
{
	(void)sig;
}

static void take_terminal(void)
{
	/* Without SA_RESTART, so that read() returns and a new line begins. */
	struct sigaction action = {.sa_flags = 0};

	action.sa_handler = on_interrupt;
	sigaction(SIGINT, &action, NULL);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	setpgid(0, 0);
	shell.job_control = tcsetpgrp(STDIN_FILENO, getpgrp()) == 0;
}

/*
 * Reads byte by byte, so that what follows the line is left for the commands in
 * it. Returns the length with the newline, 0 at the end, -1 if interrupted, or
 * LINE_SIZE if the line is too long: then it has been read to its end, too.
 */
static int read_line(int fd, char *line)
{
	ssize_t got;
	int len = 0;
	char c;

	do {
		got = read(fd, &c, 1);
		if (got == 1 && len < LINE_SIZE)
			line[len++] = c;
	} while (got == 1 && c != '\n');
	if (len < LINE_SIZE)
		line[len] = '\0';
	return got < 0 ? -1 : len;
}

static void run_file(int fd)
{
	static char line[LINE_SIZE];
	int len;

	for (;;) {
		jobs_poll();
		if (shell.interactive)
			fputs("calf$ ", stdout);
		len = read_line(fd, line);
		if (len == 0)
			break;
		if (len == LINE_SIZE) {
			complain("a line has more than %d bytes",
			    LINE_SIZE - 1);
			shell.status = 2;
		} else if (len > 0) {
			run_line(line);
		} else if (errno == EINTR) {
			putchar('\n');
		} else {
			break;
		}
	}
	if (shell.interactive)
		putchar('\n');
}

int main(int argc, char **argv)
{
	int fd = STDIN_FILENO;

	if (argc > 2 && strcmp(argv[1], "-c") == 0) {
		/* C libraries call the shell as sh -c -- COMMANDS. */
		int at = argc > 3 && strcmp(argv[2], "--") == 0 ? 3 : 2;

		shell.argc = argc - at - 1;
		shell.argv = argv + at + 1;
		run_line(argv[at]);
		return shell.status;
	}
	if (argc > 1) {
		shell.argc = argc - 1;
		shell.argv = argv + 1;
		fd = open(argv[1], O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			complain("%s: %s", argv[1], strerror(errno));
			return 127;
		}
	}
	shell.interactive = fd == STDIN_FILENO && isatty(fd);
	if (shell.interactive)
		take_terminal();
	run_file(fd);
	return shell.status;
}
