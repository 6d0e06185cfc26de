/* SPDX-License-Identifier: MIT */
/*
 * t_loading.c - while a program is being loaded: servers that die, callers that
 * are killed, signals, waiting; and what takes long.
 */
#include "service.h"

#include <sys/mman.h>

/* Cells. */
enum {
	ASKED,  /* requests of an execve so far */
	STOP,   /* the request at which something happens */
	DEATHS, /* servers that are still to die there */
	TAKEN,
	GO,
};

#define ROOM      (2 * PAGE)
#define USER_HALF (1UL << 38)

/* ---- Servers that die, and callers ---- */

static struct reply answer_or_die(const struct request *request)
{
	struct reply reply;

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	if (cell_add(ASKED, 1) == cell_get(STOP) && cell_get(DEATHS) > 0) {
		cell_add(DEATHS, -1);
		cell_add(ASKED, -1);
		raise(SIGKILL);
	}
	return reply;
}

static const char *serves_that_die(int deaths, int expected)
{
	for (int stage = FIND; stage <= PIECE; stage++) {
		pid_t servers[3];
		int i, status;

		TRY(port_make(1));
		for (i = 0; i < COUNT(servers); i++)
			servers[i] = server_start(answer_or_die);
		close(port);
		cell_set(ASKED, 0);
		cell_set(STOP, stage);
		cell_set(DEATHS, deaths);
		i = must_fork();
		if (i == 0)
			_exit(port_root(file) == 0 ? outcome("/x") : 1);
		status = reap(i);
		close(file);
		for (i = 0; i < COUNT(servers); i++)
			kill(servers[i], SIGKILL);
		for (i = 0; i < COUNT(servers); i++)
			reap(servers[i]);
		MUST(exited_with(status, expected),
		    found("stage %d: status %x", stage, status));
	}
	return NULL;
}

TEST(a_server_that_dies_at_any_stage_is_followed_by_another)
{
	return serves_that_die(1, 42);
}

TEST(two_servers_that_die_are_too_many)
{
	return serves_that_die(2, EIO);
}

static struct reply answer_when_it_is_gone(const struct request *request)
{
	struct reply reply;

	if (request->number == SYS_fsync)
		return result(0);
	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	if (cell_add(ASKED, 1) == cell_get(STOP)) {
		cell_set(TAKEN, 1);
		cell_await(GO, 1);
	}
	return reply;
}

static const char *is_killed(void)
{
	for (int stage = FIND; stage <= PIECE; stage++) {
		pid_t pid;

		cell_set(ASKED, 0);
		cell_set(TAKEN, 0);
		cell_set(GO, 0);
		cell_set(STOP, stage);
		pid = must_fork();
		if (pid == 0)
			_exit((int)-execute("/x"));
		cell_await(TAKEN, 1);
		kill(pid, SIGKILL);
		MUST(killed_by(reap(pid), SIGKILL), "it waits");
		cell_set(GO, 1);
		MUST(raw(SYS_fsync, sibling) == 0, "the server is gone");
	}
	cell_set(STOP, 0);
	MUST(outcome("/x") == 42, "it does not run any more");
	return NULL;
}

TEST(a_caller_can_be_killed_at_any_stage)
{
	return in_root(answer_when_it_is_gone, ROOM, is_killed);
}

/* Each time the reply is another program. */
static struct reply answer_anew(const struct request *request)
{
	static struct program_plan plan;
	struct reply reply;

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	plan = small_plan;
	plan.token = reply.token = (uint64_t)cell_get(GO);
	if (request->number == SYS_execveat)
		reply.out = &plan;
	return reply;
}

/* Kills the caller, each time at another moment. */
static const char *is_killed_soon(void)
{
	uint64_t state = 3;

	for (int i = 0; i < 100; i++) {
		uint64_t when = rnd(&state) % 400;
		pid_t pid;

		cell_set(GO, 10 + i);
		pid = must_fork();
		if (pid == 0)
			_exit((int)-execute("/x"));
		while (when-- > 0)
			(void)getppid();
		kill(pid, SIGKILL);
		(void)reap(pid);
	}
	return NULL;
}

TEST(a_caller_can_be_killed_at_any_moment)
{
	return in_root(answer_anew, ROOM, is_killed_soon);
}

/* ---- Waiting, and sizes ---- */

static struct reply answer_later_once(const struct request *request)
{
	struct reply reply;

	if (request->number == SYS_fsync) {
		port_events(port, READABLE, 0);
		return result(0);
	}
	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	if (cell_add(ASKED, 1) != cell_get(STOP))
		return reply;
	port_events(port, 0, READABLE);
	return later(READABLE);
}

static void let_it_go_on(void)
{
	(void)raw(SYS_fsync, sibling);
}

static const char *waits(void)
{
	for (int stage = FIND; stage <= PIECE; stage++) {
		pid_t pid;

		cell_set(ASKED, 0);
		cell_set(STOP, stage);
		pid = change_later(let_it_go_on);
		MUST(outcome("/x") == 42, found("stage %d", stage));
		reap(pid);
		(void)checked_free_frames();
	}
	return NULL;
}

TEST(each_stage_can_wait)
{
	return in_root(answer_later_once, ROOM, waits);
}

#define MUCH (8 * MIB)

/* A large program at an odd address, and 64 GiB of zeros. */
static struct reply answer_large(const struct request *request)
{
	static const struct program_plan plan = {.token = PROGRAM,
	    .entry = SMALL_AT,
	    .count = 3,
	    .segments = {{SMALL_AT, SMALL_SIZE, 0, SMALL_SIZE,
			     PROT_READ | PROT_EXEC},
		{SMALL_AT + PAGE + 5, MUCH, 3 * PAGE, MUCH - 9, PROT_WRITE},
		{1UL << 32, 1UL << 36, 0, 0, PROT_READ | PROT_WRITE}}};
	static unsigned char page[PAGE];
	struct reply reply;

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	if (request->number == SYS_execveat)
		reply.out = &plan;
	if (request->number == SYS_pread64 && request->arg[3] > 0) {
		reply.out = page;
		reply.out_len = request->arg[2];
		cell_add(GO, (int)request->arg[2]);
	}
	return reply;
}

static const char *executes_large(void)
{
	MUST(outcome("/x") == 42, "it does not run");
	MUST(cell_get(GO) == MUCH - 9, "not all of it was read");
	return NULL;
}

TEST(a_large_program_is_loaded_by_the_page)
{
	return in_root(answer_large, ROOM, executes_large);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* The signal comes while the program is described. */
static struct reply answer_and_send(const struct request *request)
{
	struct reply reply;

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	if (request->number == SYS_execveat)
		kill(request->pid, SIGUSR1);
	return reply;
}

static void execute_with_handler(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &sa, NULL);
	_exit((int)-execute("/x"));
}

/* The signal comes after the exec, and finds no handler. */
static const char *executes_with_handler(void)
{
	MUST(killed_by(status_of(execute_with_handler), SIGUSR1),
	    "it comes before the program");
	return NULL;
}

TEST(a_signal_waits_until_a_program_is_loaded)
{
	return in_root(answer_and_send, ROOM, executes_with_handler);
}

/* ---- Answers of any kind ---- */

static uint64_t state = 11;

static uint64_t odd_number(void)
{
	static const uint64_t numbers[] = {0, 1, 2, 3, 7, 8, SMALL_SIZE, 4095,
	    4096, 4097, 8192, 1UL << 32, USER_HALF / 2, USER_HALF, INT64_MAX,
	    (uint64_t)-1, (uint64_t)-22, (uint64_t)-512, (uint64_t)-513,
	    (uint64_t)-514, (uint64_t)-4095, 0xffffffc080200000};

	return numbers[rnd(&state) % COUNT(numbers)];
}

/* Replaces some of the words by unusual numbers. */
static void spoil(void *words, size_t len)
{
	for (uint64_t n = rnd(&state) % 4; n > 0; n--)
		((uint64_t *)words)[rnd(&state) % (len / 8)] = odd_number();
}

/* The right answer, or what is not far from it. */
static struct reply spoilt_answer(const struct request *request)
{
	static union {
		struct program_plan plan;
		uint64_t words[2 * PAGE / 8];
	} buffer;
	struct reply reply;

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	buffer.plan = small_plan;
	buffer.plan.token = reply.token = rnd(&state) % 4 + 1;
	if (rnd(&state) % 2)
		spoil(&buffer, 88);
	if (request->number == SYS_execveat)
		reply.out = &buffer;
	if (rnd(&state) % 3 == 0)
		reply.out = &buffer;
	if (rnd(&state) % 3 == 0)
		spoil(&reply, sizeof(reply));
	if (rnd(&state) % 4 == 0)
		reply.flags = (uint32_t)rnd(&state) % 16;
	return reply;
}

_Noreturn static void serve_spoilt(void)
{
	static unsigned char in[2 * PAGE];
	struct request request;
	struct reply reply = {0};

	close(file);
	port_events(port, (uint64_t)-1, 0);
	for (;;) {
		int n = port_next(port, &reply, &request, in, sizeof(in));

		if (n < 0) {
			cell_add(DEATHS, 1);
			reply = result(-EPERM);
			continue;
		}
		if (request.number == REQUEST_CLOSED && request.token == TOKEN)
			_exit(0);
		reply = spoilt_answer(&request);
	}
}

static const char *executes_spoilt(void)
{
	int i, whole = 0;

	MUST(port_root(file) == 0, "port_root");
	for (i = 0; i < 1500; i++) {
		pid_t pid = must_fork();

		if (pid == 0) {
			alarm(2);
			_exit((int)-execute("/x"));
		}
		whole += exited_with(reap(pid), 42);
	}
	MUST(whole > 20, found("%d were right", whole));
	MUST(cell_get(DEATHS) > 20, "all were taken");
	return NULL;
}

TEST(answers_of_any_kind_harm_nobody_but_the_caller)
{
	pid_t pid;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve_spoilt();
	port_leave_to(pid);
	TRY(in_child(executes_spoilt));
	return service_end();
}

static const struct test tests[] = {
    T(a_server_that_dies_at_any_stage_is_followed_by_another),
    T(two_servers_that_die_are_too_many),
    T(a_caller_can_be_killed_at_any_stage),
    T(a_caller_can_be_killed_at_any_moment),
    T(each_stage_can_wait),
    T(a_large_program_is_loaded_by_the_page),
    T(a_signal_waits_until_a_program_is_loaded),
    T(answers_of_any_kind_harm_nobody_but_the_caller),
};

SUITE(tests)
