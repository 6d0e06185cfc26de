/* SPDX-License-Identifier: MIT */
/*
 * kill [-SIGNAL] PID... - send a signal, TERM unless told otherwise.
 *
 * SIGNAL is a number or a name like KILL. A negative PID is a process group; as
 * the first argument it is told from a signal by nothing following it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

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
