/* SPDX-License-Identifier: MIT */
/*
 * t_portwait.c - callers that wait: for a server, in its hand, for an event;
 * and the signals that they get meanwhile.
 */
#include "service.h"

#include <poll.h>
#include <sys/time.h>
#include <sys/uio.h>

/* Cells. */
enum {
	OPEN,    /* the gate: reading has something to give */
	IN_HAND, /* requests that the server holds */
	RELEASE, /* how many of them it may reply to */
	READY,
	HANDLED,
	DONE,
};

/* Raises and lowers events, as the server does. */
static void events(uint64_t raise, uint64_t lower)
{
	if (port_events(port, raise, lower) != 0)
		give_up("port_events fails");
}

/*
 * A gate: read() waits until it is open. write() opens it, or closes it if the
 * byte is 0. ftruncate() is held by the server, against the rules, until
 * RELEASE says so.
 */
static struct reply answer_gate(const struct request *request)
{
	switch (request->number) {
	case SYS_read:
		return cell_get(OPEN) ? result(1) : later(READABLE);
	case SYS_write:
		cell_set(OPEN, heard->bytes[0] != 0);
		if (cell_get(OPEN))
			events(READABLE, 0);
		else
			events(0, READABLE);
		return result(1);
	case SYS_ftruncate:
		cell_await(RELEASE, cell_add(IN_HAND, 1));
		return result((long)request->arg[1]);
	default:
		return result(0);
	}
}

static long gate(int open)
{
	unsigned char c = (unsigned char)open;

	return CALL(SYS_write, (long)&c, 1);
}

static long pass(void)
{
	char c;

	return CALL(SYS_read, (long)&c, 1);
}

static const char *pass_in_child(void)
{
	cell_add(READY, 1);
	MUST(pass() == 1, "read() did not wait and go on");
	cell_add(DONE, 1);
	return NULL;
}

/* Waits until so many calls have been made, and their callers wait again. */
static void calls_await(int count)
{
	while (calls() < count)
		sleep_ms(1);
	sleep_ms(20);
}

TEST(a_caller_that_gets_not_now_waits_for_the_event)
{
	pid_t pid;

	TRY(service_start(answer_gate));
	pid = child_start(pass_in_child);
	calls_await(1);
	MUST(cell_get(DONE) == 0, "it does not wait");
	MUST(calls() == 1, "it asks more than once");
	MUST(gate(1) == 1, "opening");
	TRY(child_end(pid));
	MUST(calls() == 3, found("%d calls instead of 3", calls()));
	MUST(pass() == 1 && calls() == 4, "it waits though it is open");
	return service_end();
}

static void note_signal(int sig)
{
	(void)sig;
}

/* Waits with two pieces until it may pass, or is interrupted. */
static pid_t pieces_start(void)
{
	const struct sigaction action = {.sa_handler = note_signal};
	char c[2];
	struct iovec pieces[2] = {{c, 1}, {c + 1, 1}};
	int before = calls();
	pid_t pid = must_fork();
	long n;

	if (pid != 0) {
		calls_await(before + 1);
		return pid;
	}
	(void)sigaction(SIGUSR1, &action, NULL);
	n = CALL(SYS_readv, (long)pieces, 2);
	_exit(n == 1 ? 0 : (int)-n);
}

/* The runner counts what they leave behind. */
TEST(a_caller_that_waits_with_pieces_may_end_in_any_way)
{
	pid_t pid;

	TRY(service_start(answer_gate));
	pid = pieces_start();
	kill(pid, SIGUSR1);
	MUST(exited_with(reap(pid), EINTR), "it was not interrupted");
	pid = pieces_start();
	kill(pid, SIGKILL);
	(void)reap(pid);
	pid = pieces_start();
	MUST(gate(1) == 1, "opening");
	MUST(exited_with(reap(pid), 0), "it does not go on");
	return service_end();
}

TEST(all_callers_that_wait_go_on)
{
	pid_t pids[6];
	int i;

	TRY(service_start(answer_gate));
	for (i = 0; i < COUNT(pids); i++)
		pids[i] = child_start(pass_in_child);
	calls_await(COUNT(pids));
	MUST(gate(1) == 1, "opening");
	for (i = 0; i < COUNT(pids); i++)
		TRY(child_end(pids[i]));
	MUST(calls() == 2 * COUNT(pids) + 1, "the number of calls");
	return service_end();
}

/* Each of 64 events stands for itself. */
static struct reply answer_lanes(const struct request *request)
{
	uint64_t bit = 1UL << (request->arg[1] % 64);

	if (request->number == SYS_fchown) {
		events(bit, ~bit);
		cell_set(OPEN, (int)request->arg[1] + 1);
		return result(0);
	}
	return cell_get(OPEN) == (int)request->arg[1] + 1 ? result(0)
							  : later(bit);
}

TEST(only_the_event_that_was_named_counts)
{
	pid_t pids[3];
	int i;

	TRY(service_start(answer_lanes));
	for (i = 0; i < 3; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			_exit((int)CALL(SYS_ftruncate, 31 * i + 1));
	}
	calls_await(3);
	for (i = 2; i >= 0; i--) {
		MUST(CALL(SYS_fchown, 31 * i + 1, 0) == 0, "raising");
		MUST(exited_with(reap(pids[i]), 0), "its result");
		sleep_ms(5);
	}
	MUST(calls() == 9, found("%d calls instead of 9", calls()));
	return service_end();
}

/*
 * fsync raises it, and lowers it before any process that waits for it has run.
 */
static struct reply answer_pulse(const struct request *request)
{
	if (request->number == SYS_fsync) {
		events(READABLE, 0);
		events(0, READABLE);
		return result(0);
	}
	return cell_add(HANDLED, 1) == 1 ? later(READABLE) : result(7);
}

TEST(an_event_that_is_lowered_again_has_come)
{
	pid_t pid;

	TRY(service_start(answer_pulse));
	pid = must_fork();
	if (pid == 0)
		_exit((int)CALL(SYS_ftruncate, 0));
	cell_await(HANDLED, 1);
	sleep_ms(20);
	MUST(CALL(SYS_fsync, 0) == 0, "its result");
	sleep_ms(20);
	MUST(cell_get(HANDLED) == 2, "who waits does not ask again");
	MUST(exited_with(reap(pid), 7), "the result");
	return service_end();
}

/*
 * The event is raised when the caller has got "not now", and has not run since.
 */
TEST(an_event_that_comes_before_it_is_waited_for_has_come)
{
	pid_t pids[2];

	TRY(port_make(1));
	for (int i = 0; i < 2; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			_exit((int)CALL(i == 0 ? SYS_ftruncate : SYS_fsync, 0));
		sleep_ms(20);
	}
	port_leave_to(server_start(answer_pulse));
	MUST(exited_with(reap(pids[1]), 0), "its result");
	MUST(exited_with(reap(pids[0]), 7), "the result");
	return service_end();
}

/* Raised between the look and the reply: it must not be missed. */
static struct reply answer_early(const struct request *request)
{
	if (request->number == SYS_read && heard->calls < 3) {
		events(READABLE, 0);
		return later(READABLE);
	}
	return result(heard->calls);
}

TEST(an_event_that_is_raised_is_not_waited_for)
{
	TRY(service_start(answer_early));
	MUST(pass() == 3, "it is asked again until it is done");
	return service_end();
}

TEST(with_nonblock_not_now_is_eagain)
{
	TRY(service_start(answer_gate));
	MUST(fcntl(file, F_SETFL, O_NONBLOCK) == 0, "fcntl");
	MUST(pass() == -EAGAIN, "read()");
	MUST(heard->last.flags == (O_RDWR | O_NONBLOCK), "the server is told");
	MUST(gate(1) == 1 && pass() == 1, "what can be had is");
	return service_end();
}

/* ---- poll ---- */

static short polled(short events_wanted, int timeout)
{
	struct pollfd p = {file, events_wanted, 0};
	int n = poll(&p, 1, timeout);

	if (n < 0)
		return -1;
	return n == 1 ? p.revents : 0;
}

static const char *poll_in_child(void)
{
	cell_add(READY, 1);
	MUST(polled(POLLIN, 5000) == POLLIN, "poll() misses the event");
	return NULL;
}

static const char *select_in_child(void)
{
	uint64_t in = 1UL << file;

	cell_add(READY, 1);
	MUST(raw(SYS_pselect6, file + 1, (long)&in, 0, 0, 0, 0) == 1 &&
		in == 1UL << file,
	    "select() misses the event");
	return NULL;
}

TEST(poll_looks_at_events_and_asks_nobody)
{
	pid_t first, second;
	int before;

	TRY(service_start(answer_gate));
	MUST(polled(POLLIN | POLLOUT, 0) == 0, "something is ready");
	first = child_start(poll_in_child);
	second = child_start(select_in_child);
	cell_await(READY, 2);
	sleep_ms(20);
	before = calls();
	MUST(before == 0, "poll() has asked the server");
	MUST(gate(1) == 1, "opening");
	TRY(child_end(first));
	TRY(child_end(second));
	MUST(polled(POLLIN | POLLOUT, -1) == POLLIN, "readable");
	MUST(gate(0) == 1 && polled(POLLIN, 0) == 0, "no longer");
	MUST(calls() == 2, "poll() has asked the server");
	return service_end();
}

TEST(a_file_without_events_is_always_ready)
{
	int plain;
	struct pollfd p = {-1, POLLIN | POLLOUT, 0};

	TRY(port_make(1));
	plain = port_open(port, 1, O_RDWR, 0, WRITABLE);
	p.fd = plain;
	MUST(poll(&p, 1, 0) == 1 && p.revents == POLLIN, "one way");
	events(WRITABLE, 0);
	MUST(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT), "both");
	MUST(port_events(port, WRITABLE, WRITABLE) == 0 &&
		poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT),
	    "raising comes after lowering");
	return NULL;
}

TEST(a_server_can_poll_its_port)
{
	struct pollfd p = {-1, POLLIN, 0};
	struct request request;
	pid_t pid;

	TRY(port_make(1));
	p.fd = port;
	MUST(poll(&p, 1, 0) == 0, "there is a request");
	MUST(fcntl(port, F_SETFL, O_NONBLOCK) == 0 &&
		port_next(port, NULL, &request, NULL, 0) == -1 &&
		errno == EAGAIN,
	    "port_next() waits");
	pid = must_fork();
	if (pid == 0)
		_exit((int)CALL(SYS_fsync, 0));
	MUST(poll(&p, 1, 5000) == 1 && p.revents == POLLIN, "a request");
	MUST(port_next(port, NULL, &request, NULL, 0) == 0, "taking it");
	MUST(poll(&p, 1, 0) == 0, "it is still there");
	MUST(port_next(port, &(struct reply){.result = 3}, &request, NULL, 0) ==
		    -1 &&
		errno == EAGAIN,
	    "replying");
	MUST(exited_with(reap(pid), 3), "the result");
	close(file);
	MUST(poll(&p, 1, 5000) == 1 && p.revents == POLLIN, "a note");
	return NULL;
}

/* ---- Signals ---- */

static void on_usr1(int sig)
{
	(void)sig;
	cell_add(HANDLED, 1);
}

static void handle_usr1(int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_usr1;
	sa.sa_flags = flags;
	if (sigaction(SIGUSR1, &sa, NULL) != 0)
		give_up("sigaction");
}

static const char *read_interrupted(void)
{
	handle_usr1(0);
	MUST(pass() == -EINTR, "read() goes on waiting");
	return NULL;
}

static const char *read_restarted(void)
{
	handle_usr1(SA_RESTART);
	MUST(pass() == 1, "read() was not restarted");
	MUST(cell_get(HANDLED) == 1, "the handler did not run");
	return NULL;
}

TEST(a_signal_ends_the_wait_for_an_event)
{
	pid_t pid;

	TRY(service_start(answer_gate));
	pid = child_start(read_interrupted);
	calls_await(1);
	kill(pid, SIGUSR1);
	TRY(child_end(pid));
	MUST(cell_get(HANDLED) == 1, "the handler did not run");
	return service_end();
}

TEST(a_wait_for_an_event_is_begun_anew)
{
	pid_t pid;

	TRY(service_start(answer_gate));
	pid = child_start(read_restarted);
	calls_await(1);
	kill(pid, SIGUSR1);
	calls_await(2);
	MUST(gate(1) == 1, "opening");
	TRY(child_end(pid));
	return service_end();
}

static const char *truncate_in_child(void)
{
	handle_usr1(0);
	MUST(CALL(SYS_ftruncate, 99) == 99, "the result is lost");
	MUST(cell_get(HANDLED) == 1, "the handler did not run");
	return NULL;
}

TEST(a_signal_waits_for_the_reply)
{
	pid_t pid;

	TRY(service_start(answer_gate));
	pid = child_start(truncate_in_child);
	cell_await(IN_HAND, 1);
	kill(pid, SIGUSR1);
	sleep_ms(20);
	MUST(cell_get(HANDLED) == 0, "it comes while a server works for it");
	cell_set(RELEASE, 1);
	TRY(child_end(pid));
	return service_end();
}

TEST(a_signal_waits_the_ordinary_way)
{
	is_ordinary = true;
	return a_signal_waits_for_the_reply();
}

TEST(a_signal_ends_the_wait_for_a_server)
{
	pid_t first, second;

	TRY(service_start(answer_gate));
	first = must_fork();
	if (first == 0)
		_exit((int)CALL(SYS_ftruncate, 5));
	cell_await(IN_HAND, 1);
	second = child_start(read_interrupted);
	sleep_ms(20);
	kill(second, SIGUSR1);
	TRY(child_end(second));
	MUST(calls() == 1, "a server has seen it");
	cell_set(RELEASE, 1);
	MUST(exited_with(reap(first), 5), "the one who was served");
	return service_end();
}

TEST(a_caller_that_was_stopped_goes_on)
{
	int status;
	pid_t pid;

	TRY(service_start(answer_gate));
	pid = child_start(pass_in_child);
	calls_await(1);
	kill(pid, SIGSTOP);
	MUST(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status),
	    "it is not stopped");
	MUST(gate(1) == 1, "opening");
	sleep_ms(10);
	MUST(cell_get(DONE) == 0, "it has gone on");
	kill(pid, SIGCONT);
	TRY(child_end(pid));
	return service_end();
}

/* A server may have handlers too: what it takes is not lost. */
static struct reply answer_self(const struct request *request)
{
	(void)request;
	return result(cell_get(HANDLED));
}

_Noreturn static void serve_with_alarm(void)
{
	struct itimerval often = {{0, 500}, {0, 500}};

	handle_usr1(0);
	signal(SIGALRM, on_usr1);
	setitimer(ITIMER_REAL, &often, NULL);
	close(file);
	for (;;) {
		static struct request request;
		static struct reply reply;
		int err = port_next(port, &reply, &request, NULL, 0);

		if (err != 0 && errno == EINTR)
			continue;
		if (err != 0 || request.number == REQUEST_CLOSED)
			_exit(err);
		reply = answer_self(&request);
	}
}

TEST(a_server_that_is_interrupted_loses_nothing)
{
	pid_t pid;
	int i;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve_with_alarm();
	port_leave_to(pid);
	for (i = 0; i < 300 || cell_get(HANDLED) < 20; i++)
		MUST(CALL(SYS_fsync, 0) >= 0, "the result");
	return service_end();
}

#define HEARD 100

/* Counts the waits that a signal has ended; gets one at each call. */
_Noreturn static void serve_hearing(void)
{
	static struct request request;
	struct reply reply = {.result = 7};

	close(file);
	(void)raise(SIGUSR1);
	while (request.number != REQUEST_CLOSED)
		if (port_next(port, &reply, &request, NULL, 0) == 0)
			(void)raise(SIGUSR1);
		else if (errno == EINTR)
			cell_add(DONE, 1);
		else
			give_up("port_next fails");
	_exit(0);
}

/*
 * A server looks at what its handler has stored after port_next(), and not
 * before each.
 */
static const char *signals_at_each_call(int flags, int expected)
{
	pid_t pid;

	TRY(port_make(1));
	handle_usr1(flags);
	cell_set(DONE, 0);
	pid = must_fork();
	if (pid == 0)
		serve_hearing();
	port_leave_to(pid);
	for (int i = 1; i <= HEARD; i++) {
		if (expected > 0)
			cell_await(DONE, i);
		MUST(CALL(SYS_fsync, 0) == 7, "a call");
	}
	sleep_ms(20);
	MUST(cell_get(DONE) == expected,
	    found("%d waits were ended", cell_get(DONE)));
	return service_end();
}

TEST(a_signal_before_a_server_waits_is_not_overslept)
{
	TRY(signals_at_each_call(0, HEARD + 1));
	return signals_at_each_call(SA_RESTART, 0);
}

/* A handler has run in the process before it executes the server. */
_Noreturn static void execute_server(void)
{
	char number[8];

	close(file);
	handle_usr1(0);
	(void)raise(SIGUSR1);
	snprintf(number, sizeof(number), "%d", port);
	(void)fcntl(port, F_SETFD, 0);
	execl(suite_path, suite_path, "serve", number, NULL);
	_exit(99);
}

static int serve_executed(int descriptor)
{
	static struct request request;
	struct reply reply = {.result = 7};

	port = descriptor;
	while (request.number != REQUEST_CLOSED)
		if (port_next(port, &reply, &request, NULL, 0) != 0)
			return errno;
	return 0;
}

/* Counts the waits that end by a signal. */
_Noreturn static void serve_interrupted(void)
{
	static struct request request;
	struct reply reply = {.result = 7};

	close(file);
	while (request.number != REQUEST_CLOSED)
		if (port_next(port, &reply, &request, NULL, 0) < 0)
			cell_add(DONE, 1);
	_exit(0);
}

TEST(a_signal_while_a_server_waits_ends_one_wait)
{
	pid_t pid;

	TRY(port_make(1));
	handle_usr1(0);
	pid = must_fork();
	if (pid == 0)
		serve_interrupted();
	port_leave_to(pid);
	MUST(CALL(SYS_fsync, 0) == 7, "the result");
	sleep_ms(20);
	kill(pid, SIGUSR1);
	sleep_ms(20);
	MUST(CALL(SYS_fsync, 0) == 7, "the result afterwards");
	MUST(cell_get(DONE) == 1, found("%d have ended", cell_get(DONE)));
	return service_end();
}

TEST(a_signal_of_another_program_is_none_of_the_servers)
{
	pid_t pid;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		execute_server();
	port_leave_to(pid);
	/* The server is there by now, and waits. */
	sleep_ms(50);
	MUST(CALL(SYS_fsync, 0) == 7, "it does not serve");
	return service_end();
}

static const struct test tests[] = {
    T(a_caller_that_gets_not_now_waits_for_the_event),
    T(a_caller_that_waits_with_pieces_may_end_in_any_way),
    T(all_callers_that_wait_go_on),
    T(only_the_event_that_was_named_counts),
    T(an_event_that_is_lowered_again_has_come),
    T(an_event_that_comes_before_it_is_waited_for_has_come),
    T(an_event_that_is_raised_is_not_waited_for),
    T(with_nonblock_not_now_is_eagain),
    T(poll_looks_at_events_and_asks_nobody),
    T(a_file_without_events_is_always_ready),
    T(a_server_can_poll_its_port),
    T(a_signal_ends_the_wait_for_an_event),
    T(a_wait_for_an_event_is_begun_anew),
    T(a_signal_waits_for_the_reply),
    T(a_signal_waits_the_ordinary_way),
    T(a_signal_ends_the_wait_for_a_server),
    T(a_caller_that_was_stopped_goes_on),
    T(a_server_that_is_interrupted_loses_nothing),
    T(a_signal_before_a_server_waits_is_not_overslept),
    T(a_signal_while_a_server_waits_ends_one_wait),
    T(a_signal_of_another_program_is_none_of_the_servers),
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve_executed(atoi(argv[2]));
	return suite_main(argc, argv, tests, COUNT(tests));
}
