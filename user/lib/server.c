/* SPDX-License-Identifier: MIT */
/*
 * server.c - the calls of servers, and how they are kept. Three of the calls
 * are in syscall.S.
 */
#include <server.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/misc.h"

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

int port_root(int fd)
{
	return (int)syscall(SYS_port_root, fd);
}

int port_events(int port, uint64_t raise, uint64_t lower)
{
	return (int)syscall(SYS_port_events, port, raise, lower);
}

static volatile sig_atomic_t is_unkept;
static bool is_watched;

/*
 * A reserve of memory for a successor. A server may have died because there was
 * no memory, and another process may take what it had. The reserve is shared
 * between the server and its kept copy, so that to keep costs nothing more; the
 * copy gives it back to the kernel before it forks again.
 */
#define RESERVE_SIZE (32 * RESERVE_PAGE)
#define RESERVE_PAGE 4096UL

static char *reserve;

static void reserve_give(void)
{
	if (reserve != NULL)
		(void)munmap(reserve, RESERVE_SIZE);
	reserve = NULL;
}

static void reserve_take(void)
{
	void *mem;

	if (!is_watched || reserve != NULL)
		return;
	mem = mmap(NULL, RESERVE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return;
	reserve = mem;
	/*
	 * Touches each page by a call, which fails if there is no memory, where
	 * a store would kill the server.
	 */
	for (size_t at = 0; at < RESERVE_SIZE; at += RESERVE_PAGE) {
		if (getrandom(reserve + at, 1, 0) == 1)
			continue;
		reserve_give();
		return;
	}
}

/*
 * Stays behind as a copy, and returns in a child that goes on as the server. If
 * that child is killed, another child takes its place. If it ends by itself,
 * the service ends.
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
		reserve_give();
	}
}

void port_watch_keeper(void)
{
	is_watched = true;
}

static void keeper_has_ended(int signal)
{
	(void)signal;
	is_unkept = 1;
}

bool port_is_unkept(void)
{
	return is_unkept;
}

/* Asks for a signal when our parent ends, also while we wait. */
static void watch_keeper(void)
{
	const struct sigaction action = {.sa_handler = keeper_has_ended};

	if (!is_watched)
		return;
	is_unkept = 0;
	(void)sigaction(SIGUSR1, &action, NULL);
	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGUSR1);
}

/*
 * A child that cannot take over has come too late: its parent was killed, and
 * an older copy goes on. If the parent is killed after that, the child goes on
 * itself, and another copy has to stay behind.
 */
int port_keep(int port)
{
	/* the pid of the copy that an earlier call has left behind */
	static pid_t kept;
	pid_t self;
	int in_hand;

	reserve_take();
	do {
		self = getpid();
		in_hand = stay_behind(port, self, kept);
		if (getpid() == self)
			return -1;
		if (in_hand < 0)
			_exit(EXIT_FAILURE);
		kept = self;
		watch_keeper();
	} while (getppid() != self);
	return in_hand;
}
