/* SPDX-License-Identifier: MIT */
/*
 * kill [-SIGNAL] PID... - send a signal, TERM unless told otherwise.
 *
 * SIGNAL is a number or a name like KILL. A negative PID is a process group; as
 * the first argument it is told from a signal by nothing following it.
 */
#include <program.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

const char program_help[] =
    "NAME\n"
    "    kill - send a signal\n"
    "\n"
    "SYNOPSIS\n"
    "    kill [-SIGNAL] PID...\n"
    "\n"
    "DESCRIPTION\n"
    "    Sends a signal, TERM unless told otherwise, to each process. A\n"
    "    negative PID is a process group. SIGNAL is a number, or a name like\n"
    "    KILL or STOP. The shell has a kill of its own, which knows jobs as\n"
    "    well: kill %1.\n"
    "\n"
    "EXAMPLES\n"
    "    kill -KILL 2\n"
    "\n"
    "EXIT STATUS\n"
    "    1 if a signal could not be sent, 2 for words that make no sense,\n"
    "    else 0.\n";

static int send(const char *word, int sig)
{
	char *end;
	int pid = (int)strtol(word, &end, 10);

	if (end == word || *end != '\0') {
		fprintf(stderr, "kill: %s is not a process\n", word);
		return 1;
	}
	if (kill(pid, sig) == 0)
		return 0;
	perror(word);
	return 1;
}

int main(int argc, char **argv)
{
	int sig = SIGTERM;
	int known = 0;
	int failed = 0;
	int i = 1;

	if (argc > 2 && argv[1][0] == '-') {
		known = str2sig(argv[1] + 1, &sig);
		i = 2;
	}
	if (known < 0 || i >= argc) {
		fprintf(stderr, "usage: kill [-SIGNAL] PID...\n");
		return 2;
	}
	for (; i < argc; i++)
		failed |= send(argv[i], sig);
	return failed;
}
