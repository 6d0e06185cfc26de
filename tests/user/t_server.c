/* SPDX-License-Identifier: MIT */
/*
 * t_server.c - servers and callers that end, in each phase of a call; several
 * servers, servers that call servers, and replies that make no sense.
 */
#include "service.h"

#include <limits.h>
#include <poll.h>

/* Cells. */
enum {
	IN_HAND, /* requests that were taken */
	GO,      /* how many of those may be replied to */
	DIES,    /* so many servers kill themselves with a request in hand */
	SERVER,  /* a pid */
	FIRST,
	OTHERS,
	GONE,
};

static char buffer[64];

/* Holds the request, and does what the test says. */
static struct reply answer_held(const struct request *request)
{
	if (request->number != SYS_ftruncate)
		return result(7);
	if (cell_get(DIES) > 0) {
		cell_add(DIES, -1);
		cell_set(FIRST, (int)request->id);
		raise(SIGKILL);
	}
	cell_await(GO, cell_add(IN_HAND, 1));
	buffer[0] = 5;
	cell_set(GONE, port_read(port, 0, 0, buffer, 1) < 0 ? errno : 0);
	return result((long)request->id);
}

/* Calls, and exits with 1 for success, or the error. */
static pid_t caller(void)
{
	pid_t pid = must_fork();
	long n;

	if (pid > 0)
		return pid;
	if (port >= 0)
		close(port);
	n = CALL(SYS_ftruncate, 0);
	_exit(n >= 0 ? 1 : (int)-n);
}

/* ---- Callers that end ---- */

TEST(a_caller_that_is_killed_in_a_hand_is_gone_at_once)
{
	pid_t pid;

	TRY(service_start(answer_held));
	pid = caller();
	cell_await(IN_HAND, 1);
	kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "it waits for the server");
	cell_set(GO, 1);
	MUST(CALL(SYS_fsync, 0) == 7, "the server goes on");
	MUST(cell_get(GONE) == ESRCH, "the server has not noticed");
	return service_end();
}

TEST(a_caller_that_is_killed_in_the_queue_is_gone)
{
	pid_t first, second;

	TRY(service_start(answer_held));
	first = caller();
	cell_await(IN_HAND, 1);
	second = caller();
	sleep_ms(20);
	kill(second, SIGKILL);
	MUST(killed_by(reap(second), SIGKILL), "it waits for the server");
	cell_set(GO, 2);
	MUST(exited_with(reap(first), 1), "the other one");
	MUST(calls() == 1, "it was served");
	return service_end();
}

static struct reply answer_never(const struct request *request)
{
	return request->number == SYS_ftruncate ? later(READABLE) : result(7);
}

TEST(a_caller_that_is_killed_waiting_for_an_event_is_gone)
{
	pid_t pid;

	TRY(service_start(answer_never));
	pid = caller();
	while (calls() < 1)
		sleep_ms(1);
	sleep_ms(10);
	kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "it waits");
	MUST(CALL(SYS_fsync, 0) == 7, "the server goes on");
	return service_end();
}

/*
 * Gives as many bytes as are asked for; callers are killed at random moments.
 */
static struct reply answer_slowly(const struct request *request)
{
	static unsigned char out[2 * PAGE];

	return (struct reply){.result = (long)request->arg[2],
	    .out = out,
	    .out_len = request->arg[2]};
}

TEST(callers_may_be_killed_at_any_moment)
{
	uint64_t state = 11;
	int i;

	TRY(service_start(answer_slowly));
	for (i = 0; i < 200; i++) {
		unsigned char *p = pages_private(2);
		pid_t pid = must_fork();

		while (pid == 0)
			if (CALL(SYS_read, (long)p, 2 * PAGE) != 2 * PAGE)
				give_up("a call has failed");
		for (uint64_t n = rnd(&state) % 3000; n > 0; n--)
			(void)getppid();
		kill(pid, SIGKILL);
		MUST(killed_by(reap(pid), SIGKILL), "it goes on");
		munmap(p, 2 * PAGE);
	}
	return service_end();
}

/* ---- Servers that end ---- */

TEST(another_server_is_asked_with_the_same_id)
{
	pid_t first, second, pid;

	TRY(port_make(1));
	cell_set(DIES, 1);
	cell_set(GO, 1);
	first = server_start(answer_held);
	pid = caller();
	MUST(killed_by(reap(first), SIGKILL), "the server does not die");
	MUST(waitpid(pid, NULL, WNOHANG) == 0, "the caller has noticed");
	second = server_start(answer_held);
	MUST(exited_with(reap(pid), 1), "the result");
	MUST(heard->last.id == (uint64_t)cell_get(FIRST), "another id");
	MUST(calls() == 2, "the number of calls");
	port_leave_to(second);
	return service_end();
}

TEST(a_caller_whose_server_has_died_is_the_next)
{
	pid_t first, second, other;

	TRY(port_make(1));
	first = server_start(answer_held);
	second = caller();
	cell_await(IN_HAND, 1);
	other = caller();
	sleep_ms(20);
	kill(first, SIGKILL);
	MUST(killed_by(reap(first), SIGKILL), "the server does not die");
	sleep_ms(20);
	first = server_start(answer_held);
	cell_await(IN_HAND, 2);
	MUST(heard->last.pid == second, "somebody else comes first");
	cell_set(GO, 3);
	MUST(exited_with(reap(second), 1) && exited_with(reap(other), 1),
	    "the results");
	port_leave_to(first);
	return service_end();
}

TEST(a_call_that_two_servers_died_of_is_eio)
{
	pid_t pid;
	int i;

	TRY(port_make(1));
	cell_set(DIES, 2);
	for (i = 0; i < 3; i++)
		(void)server_start(answer_held);
	pid = caller();
	MUST(exited_with(reap(pid), EIO), "another server is asked");
	MUST(calls() == 2 && cell_get(DIES) == 0, "how many were asked");
	for (i = 0; i < 2; i++)
		MUST(waitpid(-1, NULL, 0) > 0, "two of them are dead");
	close(port);
	close(file);
	while (waitpid(-1, &i, 0) > 0)
		MUST(exited_with(i, 0), "the third lives on");
	return NULL;
}

static const char *expect_eio(void)
{
	struct pollfd p = {file, POLLIN, 0};

	MUST(CALL(SYS_fsync, 0) == -EIO, "a call");
	MUST(CALL(SYS_read, (long)buffer, 4) == -EIO, "read()");
	MUST(poll(&p, 1, 0) == 1 && p.revents == (POLLHUP | POLLERR), "poll()");
	return NULL;
}

/* One server dies, the next one replies "not now", and so on. */
static struct reply answer_between_deaths(const struct request *request)
{
	if (request->number != SYS_ftruncate || cell_add(DIES, 1) > 3)
		return result(7);
	if (cell_get(DIES) != 2)
		raise(SIGKILL);
	if (port_events(port, READABLE, 0) != 0)
		give_up("port_events fails");
	return later(READABLE);
}

TEST(a_call_that_is_put_off_has_killed_nobody)
{
	pid_t pid;

	TRY(port_make(1));
	for (int i = 0; i < 3; i++)
		(void)server_start(answer_between_deaths);
	pid = caller();
	MUST(exited_with(reap(pid), 1), "it counts as having been done");
	MUST(cell_get(DIES) == 4, found("%d were asked", cell_get(DIES)));
	close(port);
	close(file);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return NULL;
}

TEST(without_a_server_callers_get_eio)
{
	pid_t server, held, queued;

	TRY(port_make(1));
	server = server_start(answer_held);
	port_leave_to(server);
	held = caller();
	cell_await(IN_HAND, 1);
	queued = caller();
	sleep_ms(20);
	kill(server, SIGKILL);
	MUST(exited_with(reap(held), EIO), "who was served");
	MUST(exited_with(reap(queued), EIO), "who waited for the server");
	MUST(killed_by(reap(server), SIGKILL), "the server");
	return expect_eio();
}

TEST(a_caller_that_waits_for_an_event_gets_eio_too)
{
	struct pollfd p = {-1, POLLIN, 0};
	pid_t server, pid;

	TRY(port_make(1));
	p.fd = file;
	server = server_start(answer_never);
	port_leave_to(server);
	pid = caller();
	while (calls() < 1)
		sleep_ms(1);
	sleep_ms(10);
	kill(server, SIGKILL);
	MUST(poll(&p, 1, 5000) == 1 && p.revents == (POLLHUP | POLLERR),
	    "poll()");
	MUST(exited_with(reap(pid), EIO), "the caller");
	MUST(killed_by(reap(server), SIGKILL), "the server");
	return NULL;
}

/* Takes a request, and closes the port by which it could reply. */
_Noreturn static void take_and_close(void)
{
	struct request request;

	close(file);
	if (port_next(port, NULL, &request, NULL, 0) != 0)
		_exit(1);
	cell_await(GO, cell_add(IN_HAND, 1));
	close(port);
	cell_await(GO, 2);
	_exit(0);
}

TEST(a_server_that_closes_its_port_is_none)
{
	pid_t server;

	TRY(port_make(1));
	server = must_fork();
	if (server == 0)
		take_and_close();
	port_leave_to(server);
	cell_set(GO, 1);
	TRY(expect_eio());
	cell_set(GO, 2);
	return service_end();
}

/* The second server has looked at the second caller, and waits again. */
TEST(waiting_for_a_file_in_a_hand_ends_with_eio_too)
{
	pid_t server, other, first, second;

	TRY(port_make(1));
	server = must_fork();
	if (server == 0)
		take_and_close();
	first = caller();
	cell_await(IN_HAND, 1);
	other = server_start(answer_held);
	sleep_ms(20);
	second = caller();
	sleep_ms(20);
	kill(other, SIGKILL);
	(void)reap(other);
	port_leave_to(server);
	cell_set(GO, 1);
	MUST(exited_with(reap(first), EIO), "who was in the hand");
	MUST(exited_with(reap(second), EIO), "who waits for that");
	cell_set(GO, 2);
	return service_end();
}

_Noreturn static void take_and_exec(void)
{
	char *argv[] = {(char *)suite_path, (char *)"@sleep", NULL};
	struct request request;

	close(file);
	if (port_next(port, NULL, &request, NULL, 0) != 0)
		_exit(1);
	cell_set(FIRST, 1);
	execv(suite_path, argv);
	_exit(1);
}

TEST(a_server_that_executes_something_is_none)
{
	pid_t pid, server;

	TRY(port_make(1));
	pid = caller();
	server = must_fork();
	if (server == 0)
		take_and_exec();
	cell_await(FIRST, 1);
	cell_set(GO, 1);
	port_leave_to(server_start(answer_held));
	MUST(exited_with(reap(pid), 1), "the caller waits for it");
	kill(server, SIGKILL);
	MUST(killed_by(reap(server), SIGKILL), "its program");
	return service_end();
}

/* ---- Several servers ---- */

static struct reply answer_who(const struct request *request)
{
	cell_add(getpid() == cell_get(SERVER) ? FIRST : OTHERS, 1);
	sleep_ms(1);
	return result((long)request->arg[1] * 2);
}

#define CALLERS 6
#define EACH    40

TEST(several_servers_share_the_work)
{
	pid_t pids[CALLERS], servers[3];
	int i, k, files[CALLERS];

	TRY(port_make(1));
	for (i = 0; i < CALLERS; i++)
		files[i] = port_open(port, 1, O_RDWR, 0, 0);
	for (i = 0; i < COUNT(servers); i++)
		servers[i] = server_start(answer_who);
	cell_set(SERVER, servers[0]);
	close(port);
	for (i = 0; i < CALLERS; i++) {
		file = files[i];
		pids[i] = must_fork();
		for (k = 0; pids[i] == 0 && k < EACH; k++)
			if (CALL(SYS_ftruncate, k) != 2 * k)
				_exit(1);
		if (pids[i] == 0)
			_exit(0);
	}
	for (i = 0; i < CALLERS; i++)
		MUST(exited_with(reap(pids[i]), 0), "a wrong result");
	MUST(cell_get(FIRST) + cell_get(OTHERS) == CALLERS * EACH, "the sum");
	MUST(cell_get(FIRST) > 0 && cell_get(OTHERS) > 0, "one does it all");
	close(file);
	for (i = 0; i < COUNT(servers); i++)
		kill(servers[i], SIGKILL);
	for (i = 0; i < COUNT(servers); i++)
		reap(servers[i]);
	return NULL;
}

/* Tells where the file is, and takes its time. */
static struct reply answer_position(const struct request *request)
{
	struct reply reply = {.flags = REPLY_POSITION};

	reply.result = (long)request->position;
	reply.position = request->position + 1;
	sleep_ms(1);
	return reply;
}

static const char *count_positions(void)
{
	int i;

	for (i = 0; i < EACH / 2; i++)
		cell_add(20 + (int)CALL(SYS_fsync, 0), 1);
	return NULL;
}

TEST(servers_see_a_file_one_after_the_other)
{
	pid_t pids[CALLERS], servers[2];
	int i;

	TRY(port_make(1));
	for (i = 0; i < COUNT(servers); i++)
		servers[i] = server_start(answer_position);
	close(port);
	for (i = 0; i < CALLERS; i++)
		pids[i] = child_start(count_positions);
	for (i = 0; i < CALLERS; i++)
		TRY(child_end(pids[i]));
	for (i = 0; i < CALLERS * EACH / 2; i++)
		MUST(cell_get(20 + i) == 1,
		    found("%d calls at position %d", cell_get(20 + i), i));
	for (i = 0; i < COUNT(servers); i++)
		kill(servers[i], SIGKILL);
	for (i = 0; i < COUNT(servers); i++)
		reap(servers[i]);
	return NULL;
}

static int below, beside, above;

static struct reply answer_by_others(const struct request *request)
{
	(void)request;
	if (raw(SYS_fsync, below) != 7)
		return result(1);
	if (raw(SYS_fsync, beside) != -EDEADLK)
		return result(2);
	return result(raw(SYS_fsync, above) == -EDEADLK ? 0 : 3);
}

TEST(servers_call_only_those_below)
{
	int own = -1;
	pid_t pid, lower;

	TRY(port_make(1));
	below = file;
	lower = must_fork();
	if (lower == 0) {
		serve(answer_held, 0);
	}
	close(port);
	port = port_create(2);
	beside = port_open(port, 1, O_RDWR, 0, 0);
	own = port_create(3);
	above = port_open(own, 1, O_RDWR, 0, 0);
	file = port_open(port, TOKEN, O_RDWR, 0, 0);
	MUST(port >= 0 && file >= 0 && above >= 0, "ports");
	MUST(port_create(PORT_LEVEL_MAX + 1) == -1 && errno == EINVAL, "level");
	pid = server_start(answer_by_others);
	port_leave_to(pid);
	MUST(CALL(SYS_fsync, 0) == 0, found("answer %ld", CALL(SYS_fsync, 0)));
	TRY(service_end());
	kill(lower, SIGKILL);
	reap(lower);
	return NULL;
}

/* ---- Nonsense ---- */

static struct reply nonsense[8];

#define MUST_EXIT(condition)                 \
	do {                                 \
		if (!(condition))            \
			give_up(#condition); \
	} while (0)

_Noreturn static void serve_nonsense(void)
{
	struct request request;
	struct reply good = {.result = 55};
	int i;

	close(file);
	MUST_EXIT(port_next(port, NULL, &request, NULL, 0) == 0);
	for (i = 0; i < COUNT(nonsense); i++)
		MUST_EXIT(
		    port_next(port, &nonsense[i], &request, NULL, 0) == -1 &&
		    errno == (i == 7 ? EFAULT : EINVAL));
	MUST_EXIT(
	    port_next(port, NULL, &request, NULL, 0) == -1 && errno == EINVAL);
	MUST_EXIT(port_next(port, (void *)8, &request, NULL, 0) == -1 &&
	    errno == EFAULT);
	MUST_EXIT(port_next(port, &good, (void *)8, NULL, 0) == -1 &&
	    errno == EFAULT);
	MUST_EXIT(port_next(port, &good, &request, (void *)8, 9) == -1 &&
	    errno == EFAULT);
	MUST_EXIT(port_next(port, &good, &request, buffer, 9) == 0);
	MUST_EXIT(request.number == SYS_write && request.in_len == 9);
	good.result = 9;
	(void)port_next(port, &good, &request, NULL, 0);
	_exit(request.number == REQUEST_CLOSED ? 0 : 99);
}

TEST(replies_without_sense_are_refused)
{
	pid_t pid;

	TRY(port_make(1));
	nonsense[0].flags = 0x80000000;
	nonsense[1].flags = REPLY_LATER;
	nonsense[2] = later(1);
	nonsense[2].flags |= REPLY_POSITION;
	nonsense[3] = later(1);
	nonsense[3].flags |= REPLY_FILE;
	nonsense[4] = later(1);
	nonsense[4].out_len = 1;
	nonsense[5].out = buffer;
	nonsense[5].out_len = sizeof(buffer); /* and 8 are lent */
	nonsense[6].out = buffer;
	nonsense[6].out_len = UINT64_MAX;
	nonsense[7].out = (void *)8;
	nonsense[7].out_len = 8;
	pid = must_fork();
	if (pid == 0)
		serve_nonsense();
	port_leave_to(pid);
	MUST(CALL(SYS_read, (long)buffer, 8) == 55, "the good one");
	MUST(CALL(SYS_write, (long)buffer, 20) == 9, "the next");
	return service_end();
}

static const long odd[] = {-512, -513, -514, -515, LONG_MIN, LONG_MAX, -4095,
    -4096, 0};

static struct reply answer_odd(const struct request *request)
{
	return result(odd[request->arg[1]]);
}

TEST(any_result_arrives_as_it_is)
{
	int i;

	TRY(service_start(answer_odd));
	for (i = 0; i < COUNT(odd); i++)
		MUST(CALL(SYS_ftruncate, i) == odd[i], found("result %d", i));
	return service_end();
}

TEST(the_calls_of_servers_want_a_port)
{
	static const int numbers[] = {SYS_port_open, SYS_port_next,
	    SYS_port_read, SYS_port_write, SYS_port_events, SYS_port_adopt};
	char c;
	int i;

	TRY(port_make(1));
	for (i = 0; i < COUNT(numbers); i++) {
		MUST(raw(numbers[i], file, 0) == -EINVAL, "a file will do");
		MUST(raw(numbers[i], 77, 0) == -EBADF, "nothing will do");
	}
	MUST(read(port, &c, 1) == -1 && errno == EINVAL, "read()");
	MUST(write(port, &c, 1) == -1 && errno == EINVAL, "write()");
	MUST(fcntl(port, F_GETFD) == FD_CLOEXEC, "exec keeps it");
	MUST(raw(SYS_port_read, port, 0, 0, (long)&c, 1) == -ESRCH, "lease");
	MUST(port_open(port, 0, O_ACCMODE, 0, 0) == -1 && errno == EINVAL &&
		port_open(port, 0, O_CREAT, 0, 0) == -1 && errno == EINVAL,
	    "flags");
	return NULL;
}

/* ---- Without memory ---- */

/* The next call of the server's lacks its allocation number `n`. */
static bool fails(long err)
{
	long failed = fail_allocation(0, CALF_FAIL_ONCE);

	MUST_EXIT(err >= 0 || (failed == 1 && errno == ENOMEM));
	return err < 0;
}

#define READY_MAX 65536 /* bytes of what is lent to be written */

/* Takes two requests into fresh memory, and answers with memory lacking. */
_Noreturn static void serve_without_memory(void)
{
	unsigned char *p = pages_private(4);
	struct request *request = (void *)p;
	struct reply reply = {.result = 1};
	int n = 0;
	long err;

	close(file);
	do {
		fail_allocation((uint64_t)++n, CALF_FAIL_ONCE);
		err = port_next(port, NULL, request, p + 2 * PAGE, PAGE);
	} while (fails(err));
	MUST_EXIT(request->number == SYS_write && request->in_len == 5);
	MUST_EXIT(n > 1 || !on_calf_test_build());
	MUST_EXIT(port_next(port, &reply, request, NULL, 0) == 0);
	n = 0;
	do {
		fail_allocation((uint64_t)++n, CALF_FAIL_ONCE);
		err = port_write(port, 0, READY_MAX + PAGE, buffer, 9);
	} while (fails(err));
	MUST_EXIT(err == 9 && (n > 1 || !on_calf_test_build()));
	reply.out_len = 9;
	reply.out = buffer;
	do {
		err = port_next(port, &reply, request, NULL, 0);
		MUST_EXIT(err == 0);
	} while (request->number != REQUEST_CLOSED);
	_exit(0);
}

TEST(a_server_without_memory_can_try_again)
{
	unsigned char *p;
	pid_t pid;
	long n;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve_without_memory();
	port_leave_to(pid);
	p = pages_private(READY_MAX / PAGE + 3);
	MUST(CALL(SYS_write, (long)"12345", 5) == 1, "the first");
	MUST((n = CALL(SYS_read, (long)(p + 1), READY_MAX + PAGE + 9)) == 1,
	    "the second");
	p += READY_MAX + 2 * PAGE;
	if (on_calf_test_build()) {
		fail_allocation(1, CALF_FAIL_ONCE);
		n = CALL(SYS_read, (long)p, 9);
		(void)fail_allocation(0, CALF_FAIL_ONCE);
		MUST(n == -ENOMEM, "the caller's own");
	}
	MUST(CALL(SYS_read, (long)(p + 1), 9) == 1, "the next");
	return service_end();
}

static const struct test tests[] = {
    T(a_caller_that_is_killed_in_a_hand_is_gone_at_once),
    T(a_caller_that_is_killed_in_the_queue_is_gone),
    T(a_caller_that_is_killed_waiting_for_an_event_is_gone),
    T(callers_may_be_killed_at_any_moment),
    T(another_server_is_asked_with_the_same_id),
    T(a_caller_whose_server_has_died_is_the_next),
    T(a_call_that_two_servers_died_of_is_eio),
    T(a_call_that_is_put_off_has_killed_nobody),
    T(without_a_server_callers_get_eio),
    T(a_caller_that_waits_for_an_event_gets_eio_too),
    T(a_server_that_closes_its_port_is_none),
    T(waiting_for_a_file_in_a_hand_ends_with_eio_too),
    T(a_server_that_executes_something_is_none),
    T(several_servers_share_the_work),
    T(servers_see_a_file_one_after_the_other),
    T(servers_call_only_those_below),
    T(replies_without_sense_are_refused),
    T(any_result_arrives_as_it_is),
    T(the_calls_of_servers_want_a_port),
    T(a_server_without_memory_can_try_again),
};

int main(int argc, char **argv)
{
	while (argc > 1 && strcmp(argv[1], "@sleep") == 0)
		sleep_ms(100);
	return suite_main(argc, argv, tests, COUNT(tests));
}
