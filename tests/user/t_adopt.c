/* SPDX-License-Identifier: MIT */
/*
 * t_adopt.c - what a server has in hand goes to another: to a child that adopts
 * it when its parent does not expect that, while it waits for a request, and
 * while it takes one; and notes of servers that die.
 */
#include "service.h"

#include <calf.h>

enum {
	STATUS,
	TAKEN, /* requests that a server holds, */
	GO,    /* until this is set */
};

static struct reply die(const struct request *request)
{
	(void)request;
	raise(SIGKILL);
	return result(0);
}

static struct reply answer_held(const struct request *request)
{
	if (request->number == SYS_ftruncate) {
		cell_add(TAKEN, 1);
		cell_await(GO, 1);
	}
	return result(7);
}

/* ---- Children that adopt ---- */

/* Its child adopts nothing while it waits for a request. */
_Noreturn static void serve_adopted(void)
{
	pid_t self = getpid(), child = must_fork();

	if (child > 0)
		serve(answer_held, 0);
	sleep_ms(20);
	if (raw(SYS_port_adopt, port, self, 0) != 0)
		give_up("it has something in hand");
	cell_set(STATUS, 1);
	_exit(0);
}

/* Who waits has to have what it needs when its caller is killed. */
TEST(a_server_that_waits_cannot_be_robbed)
{
	pid_t pid, caller;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve_adopted();
	cell_await(STATUS, 1);
	caller = must_fork();
	if (caller == 0)
		_exit((int)CALL(SYS_ftruncate, 0));
	cell_await(TAKEN, 1);
	kill(caller, SIGKILL);
	MUST(killed_by(reap(caller), SIGKILL), "the caller");
	cell_set(GO, 1);
	port_leave_to(pid);
	TRY(service_end());
	MUST(heard->gone == 0, "what is answered is told to be gone");
	return NULL;
}

/* Adopts as soon as there is something, and puts that off. */
_Noreturn static void adopt_soon(pid_t parent)
{
	struct reply reply = later(1UL << 40);
	struct request request;
	long n = 0;

	cell_set(STATUS, 1);
	while (n == 0 && cell_get(GO) == 0)
		n = raw(SYS_port_adopt, port, parent, 0);
	if (n == 1)
		(void)port_next(port, &reply, &request, NULL, 0);
	_exit(0);
}

/* Takes a call that may have been done, and its child that from it. */
_Noreturn static void take_and_lose(void)
{
	unsigned char *room = pages_private(2);
	struct request request;
	pid_t self = getpid();

	if (must_fork() == 0)
		adopt_soon(self);
	cell_await(STATUS, 1);
	sleep_ms(1);
	if (port_next(port, NULL, &request, room, 2 * PAGE) != 0)
		give_up("port_next fails");
	sleep_ms(2);
	cell_set(GO, 1);
	pause();
	_exit(0);
}

static const char *lose_once(unsigned char *bytes)
{
	pid_t pid, caller;

	cell_set(STATUS, 0);
	cell_set(GO, 0);
	TRY(port_make(1));
	pid = server_start(die);
	caller = must_fork();
	if (caller == 0) {
		close(port);
		_exit((int)CALL(SYS_write, (long)bytes + 1, 2 * PAGE - 1));
	}
	(void)reap(pid);
	pid = must_fork();
	if (pid == 0)
		take_and_lose();
	cell_await(GO, 1);
	sleep_ms(2);
	kill(caller, SIGKILL);
	(void)reap(caller);
	kill(pid, SIGKILL);
	(void)reap(pid);
	close(file);
	close(port);
	return NULL;
}

TEST(a_call_that_may_have_been_done_is_adopted_when_it_was_taken)
{
	unsigned char *bytes = pages_private(2);

	if (harts() < 2)
		return SKIP("nobody comes in between on one hart");
	stamp(bytes, 2, 0);
	for (int i = 0; i < 100; i++)
		TRY(lose_once(bytes));
	return NULL;
}

/* ---- Notes of servers that die ---- */

/* Dies of a note, or takes it. `other` is its file, if that is open. */
static pid_t note_taker(int other, bool dies)
{
	struct request request;
	pid_t pid = must_fork();

	if (pid == 0) {
		close(file);
		close(other);
		if (port_next(port, NULL, &request, NULL, 0) != 0 ||
		    request.number != REQUEST_CLOSED || request.token != 99)
			_exit(1);
		cell_await(GO, cell_add(TAKEN, 1));
		if (dies)
			raise(SIGKILL);
		(void)fcntl(port, F_SETFL, O_NONBLOCK);
		_exit(port_next(port, NULL, &request, NULL, 0) == 0 ? 2 : 3);
	}
	return pid;
}

TEST(a_note_outlives_a_server)
{
	int other;

	TRY(port_make(1));
	other = port_open(port, 99, O_RDWR, 0, 0);
	close(other);
	cell_set(GO, 2);
	MUST(killed_by(reap(note_taker(-1, true)), SIGKILL), "the first");
	MUST(exited_with(reap(note_taker(-1, false)), 3), "not told again");
	return NULL;
}

/* It comes straight where fast paths are. */
TEST(a_note_outlives_a_server_that_has_waited_for_it)
{
	int other;
	pid_t pid;

	TRY(port_make(1));
	other = port_open(port, 99, O_RDWR, 0, 0);
	pid = note_taker(other, true);
	sleep_ms(20);
	cell_set(GO, 2);
	close(other);
	MUST(killed_by(reap(pid), SIGKILL), "the first");
	MUST(exited_with(reap(note_taker(-1, false)), 3), "not told again");
	return NULL;
}

TEST(a_note_of_a_dead_server_wakes_another)
{
	int other;
	pid_t first, second;

	TRY(port_make(1));
	other = port_open(port, 99, O_RDWR, 0, 0);
	first = note_taker(other, true);
	sleep_ms(20);
	close(other);
	cell_await(TAKEN, 1);
	second = note_taker(-1, false);
	sleep_ms(20);
	cell_set(GO, 2);
	MUST(killed_by(reap(first), SIGKILL), "the first");
	MUST(exited_with(reap(second), 3), "it is not told");
	return NULL;
}

static const struct test tests[] = {
    T(a_server_that_waits_cannot_be_robbed),
    T(a_call_that_may_have_been_done_is_adopted_when_it_was_taken),
    T(a_note_outlives_a_server),
    T(a_note_outlives_a_server_that_has_waited_for_it),
    T(a_note_of_a_dead_server_wakes_another),
};

SUITE(tests)
