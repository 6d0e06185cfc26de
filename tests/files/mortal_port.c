/* SPDX-License-Identifier: MIT */
/*
 * mortal_port.c - stands in for the kernel in the server's turn; see mortal.h.
 *
 * A request that was in a dead server's hand is made again, before all others,
 * and the kept copy stays behind and forks.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "mortal.h"
#include "tap.h"

#define PATIENCE 60 /* seconds */

struct machine *machine;
struct server server;

static bool has_in_hand;

static void give_turn(enum turn to)
{
	machine->turn = to;
	(void)sem_post(&machine->changed[to]);
}

static void end(void)
{
	machine->has_ended = true;
	give_turn(OF_WHO_ASKS);
}

static void fail(const char *what)
{
	(void)strcpy(machine->end, what);
	end();
	_exit(EXIT_FAILURE);
}

void mortal_turn(enum turn turn)
{
	if (machine->turn != turn)
		fail("it is somebody else's turn");
}

static bool await_turn(enum turn turn)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	while (sem_timedwait(&machine->changed[turn], &until) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

bool mortal_pass(enum turn from, enum turn to)
{
	mortal_turn(from);
	give_turn(to);
	return await_turn(from);
}

bool mortal_kill_server(void)
{
	mortal_turn(OF_WHO_ASKS);
	machine->kills++;
	machine->turn = OF_SERVER;
	(void)kill(machine->server, SIGKILL);
	return await_turn(OF_WHO_ASKS);
}

void mortal_kill_keeper(void)
{
	if (machine->is_unkept || machine->keeper == 0)
		return;
	(void)kill(machine->keeper, SIGKILL);
	machine->is_unkept = machine->heard = true;
	machine->kills++;
}

_Noreturn static void die(void)
{
	machine->kills++;
	(void)raise(SIGKILL);
	abort();
}

/*
 * The server, or the process that stays behind, may die here: never both at
 * once, so that one of them goes on.
 */
static void moment(void)
{
	struct faults *faults = &machine->faults;

	mortal_turn(OF_SERVER);
	if (faults->keeper > 0 && --faults->keeper == 0)
		mortal_kill_keeper();
	if (machine->is_unkept || faults->server[0] == 0 ||
	    --faults->server[0] > 0)
		return;
	memmove(faults->server, faults->server + 1,
	    sizeof faults->server - sizeof *faults->server);
	faults->server[DEATHS - 1] = 0;
	die();
}

static ssize_t lend(size_t len, uint64_t offset, size_t all)
{
	moment();
	if (offset > all)
		return 0;
	return (ssize_t)(len < all - offset ? len : all - offset);
}

ssize_t port_read(int port, unsigned lease, uint64_t offset, void *to,
    size_t len)
{
	ssize_t n = lend(len, offset, machine->in_len);

	(void)port;
	if (lease != 0 || !machine->lends_in) {
		errno = EINVAL;
		return -1;
	}
	memcpy(to, machine->in + offset, (size_t)n);
	return n;
}

ssize_t port_write(int port, unsigned lease, uint64_t offset, const void *from,
    size_t len)
{
	ssize_t n = lend(len, offset, machine->out_len);

	(void)port;
	(void)lease;
	memcpy(machine->out + offset, from, (size_t)n);
	return n;
}

int port_events(int port, uint64_t raise, uint64_t lower)
{
	(void)port;
	(void)raise;
	(void)lower;
	moment();
	return 0;
}

/* --- requests and replies ------------------------------------------------- */

static bool is_note(void)
{
	return machine->request.number >= REQUEST_CLOSED;
}

/*
 * After a refused reply the server answers with an error, although the call may
 * have been done. The test then compares the reply that was refused.
 */
static bool stands_for_refused(const struct reply *reply)
{
	return machine->is_refused && reply->result == -EIO &&
	    reply->flags == 0 && reply->out_len == 0;
}

static void note_down(const struct reply *reply)
{
	machine->reply = *reply;
	if (reply->out_len > 0)
		(void)port_write(0, 0, 0, reply->out, reply->out_len);
	machine->reply.out = NULL;
}

/*
 * Returns 0, or the error for which the reply is refused and the request stays
 * in hand. EINVAL is only possible for a reply that is more than a number, and
 * not for "not now".
 */
static int refuse(const struct reply *reply)
{
	enum refusal refusal = machine->faults.refusal;

	if (refusal == REFUSED_MEMORY) {
		machine->faults.refusal = REFUSED_NOT;
		return ENOMEM;
	}
	if (refusal != REFUSED_SENSE || is_note() ||
	    (reply->flags & REPLY_LATER) ||
	    (reply->flags == 0 && reply->out_len == 0))
		return 0;
	machine->faults.refusal = REFUSED_NOT;
	note_down(reply);
	machine->is_refused = true;
	return EINVAL;
}

static int deliver(const struct reply *reply)
{
	int err = refuse(reply);

	if (err != 0)
		return err;
	if (!stands_for_refused(reply))
		note_down(reply);
	machine->is_refused = false;
	has_in_hand = false;
	machine->state = NOTHING;
	return 0;
}

/* False: a signal has come. */
static bool await_request(void)
{
	if (!machine->heard && !mortal_pass(OF_SERVER, OF_WHO_ASKS))
		_exit(EXIT_FAILURE); /* the caller has gone */
	if (machine->state == ASKED)
		return true;
	machine->heard = false;
	return false;
}

static void take(struct request *request, void *in, size_t size)
{
	machine->state = IN_HAND;
	has_in_hand = true;
	memset(in, 0xa5, size);
	memcpy(in, machine->along, machine->request.in_len);
	*request = machine->request;
}

int port_next(int port, const struct reply *reply, struct request *request,
    void *in, size_t size)
{
	int err = 0;

	(void)port;
	memory_fail(0, false);
	machine->server = getpid();
	moment();
	if (has_in_hand)
		err = deliver(reply);
	moment();
	if (err == 0 && machine->faults.refusal == REFUSED_ROOM) {
		machine->faults.refusal = REFUSED_NOT;
		err = ENOMEM;
	}
	if (err == 0 && machine->state != ASKED && !await_request())
		err = EINTR;
	if (err != 0) {
		errno = err;
		return -1;
	}
	take(request, in, size);
	moment();
	return 0;
}

int port_create(unsigned level)
{
	return (int)level;
}

int port_open(int port, uint64_t token, unsigned flags, uint64_t readable,
    uint64_t writable)
{
	(void)port;
	(void)token;
	(void)flags;
	return (int)(readable + writable);
}

/* --- processes that stay behind ------------------------------------------- */

void port_watch_keeper(void)
{
}

bool port_is_unkept(void)
{
	return machine->is_unkept;
}

/* The request of a dead server is made again, or a note says it is gone. */
static void give_back(void)
{
	if (machine->state != IN_HAND)
		return;
	machine->state = ASKED;
	if (!machine->faults.caller || is_note())
		return;
	machine->faults.caller = false;
	machine->is_gone = true;
	machine->is_refused = false;
	machine->request = (struct request){.number = REQUEST_GONE,
	    .token = machine->request.id};
}

/* A child that has not taken over has no request in hand. */
static void bury(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) != child)
		;
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	if (machine->keeper != getpid())
		return;
	has_in_hand = false;
	give_back();
}

/* A child, or its parent, may die before it takes over. */
static void be_born(pid_t parent, pid_t older)
{
	struct faults *faults = &machine->faults;

	if (faults->births > 0) {
		faults->births--;
		die();
	}
	if (!faults->parent || older == 0 || machine->is_unkept ||
	    machine->keeper != older)
		return;
	faults->parent = false;
	machine->kills++;
	(void)kill(parent, SIGKILL);
	_exit(EXIT_SUCCESS);
}

static void take_over(pid_t parent, pid_t older)
{
	if (machine->keeper == parent)
		return;
	if (older != 0 && !machine->is_unkept)
		(void)kill(older, SIGKILL);
	machine->keeper = parent;
	machine->is_unkept = false;
}

int port_keep(int port)
{
	static pid_t kept; /* by an earlier call */
	pid_t self = getpid(), child;
	bool is_another = false;

	(void)port;
	moment();
	for (; (child = fork()) != 0; is_another = true)
		bury(child);
	be_born(self, kept);
	take_over(self, kept);
	/* Allocations fail while a successor replays the log. */
	if (is_another)
		memory_fail(1 + machine->kills % 7, true);
	kept = self;
	moment();
	return has_in_hand && !is_note();
}

static void exit_of_server(void)
{
	fail("it does not come to the same end");
}

void mortal_serve(void)
{
	int err;

	if (!await_turn(OF_SERVER))
		_exit(EXIT_FAILURE);
	memory_asks = moment;
	(void)atexit(exit_of_server);
	err = serve_loop(&server, false);
	memory_asks = NULL;
	tree_destroy(&server.tree);
	if (err != 0 || memory_in_use > 0)
		fail(found("error %d, %lu objects are left", err,
		    memory_in_use));
	end();
	_exit(EXIT_SUCCESS);
}
