/* SPDX-License-Identifier: MIT */
/*
 * server.c - a counter behind a descriptor: the smallest server that is useful
 * to look at.
 *
 *     server [-k] COMMAND [ARGUMENT...]
 *
 * runs the command with the counter as its standard input: each read() from it
 * returns a line with the next number, a write() to it is counted as well. With
 * -k the server kills itself each time before it replies, and the command does
 * not notice, as the server keeps what it does (port_keep).
 */
#include <errno.h>
#include <fcntl.h>
#include <program.h>
#include <server.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    server - a counter behind a descriptor\n"
    "\n"
    "SYNOPSIS\n"
    "    server [-k] COMMAND [ARGUMENT...]\n"
    "\n"
    "DESCRIPTION\n"
    "    Runs the command with a counter as its standard input, which a\n"
    "    process serves: each read() from it returns a line with the next\n"
    "    number, and a write() to it is counted as well.\n"
    "\n"
    "OPTIONS\n"
    "    -k  the server kills itself each time before it replies, and the\n"
    "        command does not notice, as a copy of the server goes on\n"
    "\n"
    "EXAMPLES\n"
    "    server head -n 3\n"
    "    server -k head -n 3\n"
    "\n"
    "SEE ALSO\n"
    "    docs/servers.md\n";

static bool kills_itself;

/* The last call and its result, as that call may be asked again. */
static struct {
	uint64_t id;
	unsigned long number;
	char line[32];
} done;

static int count(int port, uint64_t id)
{
	int in_hand;

	if (id == done.id)
		return 0;
	done.id = id;
	done.number++;
	snprintf(done.line, sizeof done.line, "%lu\n", done.number);
	in_hand = port_keep(port);
	if (in_hand == 1 && kills_itself)
		raise(SIGKILL);
	return in_hand < 0 ? -1 : 0;
}

static struct reply answer(int port, const struct request *request)
{
	struct reply reply = {0};

	switch (request->number) {
	case SYS_read:
		if (count(port, request->id) < 0)
			break;
		reply.out = done.line;
		reply.out_len = strlen(done.line);
		if (reply.out_len > request->arg[2])
			reply.out_len = request->arg[2];
		reply.result = (long)reply.out_len;
		return reply;
	case SYS_write:
		if (count(port, request->id) < 0)
			break;
		reply.result = (long)request->arg[2];
		return reply;
	case REQUEST_CLOSED:
		exit(EXIT_SUCCESS);
	default:
		reply.result = -EINVAL;
		return reply;
	}
	reply.result = -ENOMEM;
	return reply;
}

_Noreturn static void serve(int port)
{
	struct request request;
	struct reply reply = {0};

	if (port_keep(port) < 0)
		exit(EXIT_FAILURE);
	while (port_next(port, &reply, &request, NULL, 0) == 0)
		reply = answer(port, &request);
	perror("server");
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	int port = port_create(1), fd;

	kills_itself = argc > 1 && strcmp(argv[1], "-k") == 0;
	argv += 1 + kills_itself;
	fd = port_open(port, 1, O_RDWR, 0, 0);
	if (*argv == NULL || fd < 0) {
		dprintf(2, "usage: server [-k] command (on Calf)\n");
		return EXIT_FAILURE;
	}
	if (fork() == 0) {
		close(fd);
		serve(port);
	}
	dup2(fd, 0);
	close(fd);
	execvp(argv[0], argv);
	perror(argv[0]);
	return EXIT_FAILURE;
}
