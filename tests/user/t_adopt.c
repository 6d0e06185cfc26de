/* SPDX-License-Identifier: MIT */
/*
 * t_adopt.c - a child adopts what a server has in hand while the server still
 * lives: while it waits for a request, and while it takes one. Further, notes
 * of servers that die, and what becomes of a service whose server cannot be
 * kept, or ends by itself.
 */
#include "service.h"

#include <calf.h>

enum {
	STATUS,
	TAKEN, /* requests that a server holds */
	GO,    /* set when it may reply */
	FAILS, /* there is no memory to keep a server */
	SERVER,
	ENDS, /* whether a server ends by itself */
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

/* A server's child tries to adopt while the server waits for a request. */
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

/*
 * A server that waits must not lose what it will need if a caller is killed
 * whose request it has taken.
 */
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

/* Adopts as soon as there is a request, and puts that off: not now. */
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

/* Takes a call that may have been done, which its child takes from it. */
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

/*
 * A server that takes a note, and dies of it or goes on. `other` is the file
 * that the note is about, if that is still open.
 */
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

/* With fast paths the note goes straight to the server that waits. */
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

/* ---- Servers that are not followed by another ---- */

static pid_t keeper_start(answer_fn *fn)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		close(file);
		if (port_keep(port) != 0)
			give_up("the first port_keep");
		serve(fn, 0);
	}
	close(port);
	return pid;
}

static uint64_t done_id;
static int done_count;

/* Replies with a count of its calls, and 1000 more if it could not be kept. */
static struct reply keep_or_not(const struct request *request)
{
	int kept;

	cell_set(SERVER, getpid());
	if (request->id == done_id)
		return result(done_count);
	done_id = request->id;
	done_count++;
	if (cell_get(FAILS) != 0)
		(void)raw(SYS_calf_fail, 1, CALF_FAIL_FROM);
	kept = port_keep(port);
	(void)raw(SYS_calf_fail, 0, 0);
	cell_set(SERVER, getpid());
	return result(done_count + (kept < 0 ? 1000 : 0));
}

TEST(a_server_that_could_not_be_kept_goes_on_and_is_kept_the_next_time)
{
	pid_t pid;

	TRY(port_make(1));
	pid = keeper_start(keep_or_not);
	for (int i = 1; i <= 30; i++) {
		bool fails = i % 3 != 0;
		long n;

		cell_set(FAILS, fails);
		n = CALL(SYS_fsync, 0);
		if (n == i && fails)
			return SKIP("no allocation fails here");
		MUST(n == i + (fails ? 1000 : 0),
		    found("%ld in call %d", n, i));
		if (!fails)
			(void)kill(cell_get(SERVER), SIGKILL);
	}
	close(file);
	MUST(killed_by(reap(pid), SIGKILL), "the first one is still there");
	return NULL;
}

/* Ends only once: a server forked in its place would reply to the call. */
static struct reply end_by_itself(const struct request *request)
{
	(void)request;
	done_count++;
	if (port_keep(port) < 0)
		give_up("port_keep fails");
	if (done_count == 3 && cell_add(ENDS, -1) == 0)
		_exit(5);
	return result(done_count);
}

TEST(a_server_that_ends_by_itself_ends_its_service)
{
	pid_t pid;
	long n;

	TRY(port_make(1));
	cell_set(ENDS, 1);
	pid = keeper_start(end_by_itself);
	MUST(CALL(SYS_fsync, 0) == 1 && CALL(SYS_fsync, 0) == 2, "no answer");
	n = CALL(SYS_fsync, 0);
	MUST(n == -EIO, found("%ld", n));
	close(file);
	MUST(killed_by(reap(pid), SIGKILL), "the first one is still there");
	return NULL;
}

static const struct test tests[] = {
    T(a_server_that_waits_cannot_be_robbed),
    T(a_call_that_may_have_been_done_is_adopted_when_it_was_taken),
    T(a_note_outlives_a_server),
    T(a_note_outlives_a_server_that_has_waited_for_it),
    T(a_note_of_a_dead_server_wakes_another),
    T(a_server_that_could_not_be_kept_goes_on_and_is_kept_the_next_time),
    T(a_server_that_ends_by_itself_ends_its_service),
};

SUITE(tests)
