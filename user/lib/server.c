/* SPDX-License-Identifier: MIT */
/*
 * server.c - the calls of servers.
 */
#include <server.h>

#include <errno.h>
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

int port_root(int fd)
{
	return (int)syscall(SYS_port_root, fd);
}

int port_events(int port, uint64_t raise, uint64_t lower)
{
	return (int)syscall(SYS_port_events, port, raise, lower);
}

/*
 * Stays behind until a child goes on as the server, and returns in that. A
 * child that ends by itself has ended the service; the place of one that was
 * killed is taken by another.
 */
static int stay_behind(int port, pid_t self, pid_t older)
{
	bool first = true;

	for (;; first = false) {
		int status;
		pid_t child = fork();

		if (child == 0)
			return (int)syscall(SYS_port_adopt, port, self, older);
		if (child < 0 && first)
			return -1;
		if (child < 0) {
			usleep(10000);
			continue;
		}
		while (waitpid(child, &status, 0) != child)
			if (errno == ECHILD) /* SIGCHLD is ignored */
				_exit(EXIT_FAILURE);
		if (WIFEXITED(status))
			_exit(WEXITSTATUS(status));
	}
}

/*
 * A child that cannot take over comes too late: whom it is a copy of has been
 * killed, and an older copy goes on. One whose parent was killed after that
 * goes on itself, and needs another to stay behind.
 */
int port_keep(int port)
{
	static pid_t kept; /* by an earlier call: the parent of the caller */
	pid_t self;
	int in_hand;

	do {
		self = getpid();
		in_hand = stay_behind(port, self, kept);
		if (getpid() == self)
			return -1;
		if (in_hand < 0)
			_exit(EXIT_FAILURE);
		kept = self;
	} while (getppid() != self);
	return in_hand;
}
