/* SPDX-License-Identifier: MIT */
/*
 * server.c - the calls of servers.
 */
#include <server.h>

#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int port_create(unsigned level)
{
	return (int)syscall(SYS_port_create, level);
}

int port_open(int port, uint64_t token, unsigned flags, uint64_t readable,
    uint64_t writable)
{
	return (
	    int)syscall(SYS_port_open, port, token, flags, readable, writable);
}

int port_next(int port, const struct reply *reply, struct request *request,
    void *in, size_t size)
{
	return (int)syscall(SYS_port_next, port, reply, request, in, size);
}

ssize_t port_read(int port, unsigned lease, uint64_t offset, void *to,
    size_t len)
{
	return syscall(SYS_port_read, port, lease, offset, to, len);
}

ssize_t port_write(int port, unsigned lease, uint64_t offset, const void *from,
    size_t len)
{
	return syscall(SYS_port_write, port, lease, offset, from, len);
}

int port_events(int port, uint64_t raise, uint64_t lower)
{
	return (int)syscall(SYS_port_events, port, raise, lower);
}

/* Until the child has ended in a way that no server goes on from. */
static void await(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) != child)
		continue;
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
}

int port_keep(int port)
{
	static pid_t kept; /* by an earlier call: the parent of the caller */
	pid_t self = getpid();
	bool first = true;

	for (;;) {
		pid_t child = fork();

		if (child == 0) {
			int in_hand =
			    (int)syscall(SYS_port_adopt, port, self, kept);

			if (in_hand < 0)
				_exit(EXIT_FAILURE); /* it went on without us */
			kept = self;
			return in_hand;
		}
		if (child < 0 && first)
			return -1;
		first = false;
		if (child > 0)
			await(child);
		else
			usleep(10000);
	}
}
