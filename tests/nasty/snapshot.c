/* SPDX-License-Identifier: MIT */
/* snapshot.c - makes snapshots by fork(), which copies the whole machine. */
#include "snapshot.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine.h"

#define FIRST_STEP 2000000 /* between two; more when there are many */

static struct snapshot {
	uint64_t step;
	int fd; /* requests go in here */
} snapshots[SNAPSHOTS];
static unsigned count;
static uint64_t interval = FIRST_STEP;

/*
 * The process that was started is the first snapshot. All others read from a
 * pipe that only the first could write to: at its end of file they know that
 * the first is dead.
 */
static int lifeline = -1;
static int first_end = -1; /* in the first itself */

/* False: it is dead. */
static bool send(const struct snapshot *s, struct request request)
{
	return write(s->fd, &request, sizeof request) == sizeof request;
}

/* Ends every other snapshot, and makes new ones half as often. */
static void thin_out(void)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		if (i % 2 == 0) {
			snapshots[kept++] = snapshots[i];
			continue;
		}
		(void)send(&snapshots[i], (struct request){.end = true});
		(void)close(snapshots[i].fd);
	}
	count = kept;
	interval *= 2;
}

/*
 * A copy of a snapshot knows those of its time. Some of them have ended since:
 * it forgets all that the request does not name. Both lists are in order.
 */
static void forget_the_dead(const struct request *request)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++)
		if (kept < request->alive_count &&
		    snapshots[i].step == request->alive[kept])
			snapshots[kept++] = snapshots[i];
		else
			(void)close(snapshots[i].fd);
	count = kept;
}

/* In a child: only the first keeps the end that can be written to. */
static void leave_first(void)
{
	if (first_end >= 0)
		(void)close(first_end);
	first_end = -1;
}

void snapshot_wait(int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
	    {.fd = first_end < 0 ? lifeline : -1}};

	do {
		(void)poll(fds, 2, -1);
		if (fds[1].revents != 0)
			_exit(1);
	} while (fds[0].revents == 0);
}

/* The snapshot sleeps here; a copy of it returns with each request. */
static struct request sleep_until_asked(int fd)
{
	struct request request;

	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		snapshot_wait(fd);
		if (read(fd, &request, sizeof request) != sizeof request)
			_exit(1);
		if (request.end)
			_exit(request.status);
		if (fork() == 0) {
			leave_first();
			(void)close(fd);
			forget_the_dead(&request);
			return request;
		}
	}
}

/* Ends this process if the first one has been killed. */
static void end_with_first(void)
{
	struct pollfd fd = {.fd = first_end < 0 ? lifeline : -1};

	if (poll(&fd, 1, 0) == 1)
		_exit(1);
}

static void make_lifeline(void)
{
	int ends[2];

	if (lifeline >= 0 || pipe(ends) != 0)
		return;
	lifeline = ends[0];
	first_end = ends[1];
}

struct request snapshot_maybe(void)
{
	uint64_t now = machine_steps();
	int ends[2];
	pid_t pid;

	make_lifeline();
	end_with_first();
	if (count > 0 && now < snapshots[count - 1].step + interval)
		return (struct request){0};
	if (count == SNAPSHOTS)
		thin_out();
	if (pipe(ends) != 0)
		return (struct request){0};
	console_flush();
	snapshots[count++] = (struct snapshot){now, ends[1]};
	pid = fork();
	if (pid == 0) {
		leave_first();
		(void)close(ends[0]);
		return (struct request){0};
	}
	if (pid > 0)
		return sleep_until_asked(ends[0]);
	count--;
	(void)close(ends[0]);
	(void)close(ends[1]);
	return (struct request){0};
}

bool snapshot_travel(struct request request)
{
	unsigned at = count;

	while (at > 0 && snapshots[at - 1].step >= request.before)
		at--;
	for (unsigned i = 0; i < at; i++)
		request.alive[i] = snapshots[i].step;
	for (; at > 0; at--) {
		request.alive_count = at;
		if (!send(&snapshots[at - 1], request))
			continue;
		for (unsigned i = at; i < count; i++)
			(void)send(&snapshots[i],
			    (struct request){.end = true});
		_exit(0);
	}
	return false;
}

/* The first of them is the process that was started; it has the status. */
void snapshot_end(int status)
{
	for (unsigned i = count; i > 0; i--)
		(void)send(&snapshots[i - 1],
		    (struct request){.end = true, .status = status});
	_exit(status);
}
