/* SPDX-License-Identifier: MIT */
/*
 * t_stop.c - callers in the background, which are stopped by a server's reply;
 * and what a server is told of groups.
 */
#include "service.h"

#include <sys/ioctl.h>

/* Cells. */
enum { SIGNAL, TIMES, ASKED, DEAF, SAME };

static uint64_t last_id;

/* Lets its caller be stopped some times, and then answers. */
static struct reply answer_stop(const struct request *request)
{
	if (request->deaf)
		cell_add(DEAF, 1);
	if (cell_add(ASKED, 1) > 1 && request->id == last_id)
		cell_add(SAME, 1);
	last_id = request->id;
	if (request->deaf || cell_add(TIMES, -1) < 0)
		return result(7);
	return (struct reply){.flags = REPLY_STOP, .result = cell_get(SIGNAL)};
}

static const char *start(int sig, int times)
{
	cell_set(SIGNAL, sig);
	cell_set(TIMES, times);
	return service_start(answer_stop);
}

/* Calls from a group of its own, which its parent could continue. */
static pid_t call_in_background(void (*handle)(int), int sig)
{
	pid_t pid = must_fork();

	if (pid > 0)
		return pid;
	setpgid(0, 0);
	signal(sig, handle);
	_exit((int)CALL(SYS_fsync, 0) & 0xff);
}

static const char *is_stopped_and_goes_on(int sig)
{
	int status = 0;
	pid_t pid;

	TRY(start(sig, 2));
	pid = call_in_background(SIG_DFL, sig);
	for (int i = 0; i < 2; i++) {
		MUST(waitpid(pid, &status, WUNTRACED) == pid, "no news");
		MUST(WIFSTOPPED(status) && WSTOPSIG(status) == sig,
		    found("status 0x%x", (unsigned)status));
		kill(pid, SIGCONT);
	}
	MUST(exited_with(reap(pid), 7), "its call");
	MUST(cell_get(ASKED) == 3 && cell_get(SAME) == 2,
	    found("asked %d times", cell_get(ASKED)));
	MUST(cell_get(DEAF) == 0, "it is deaf");
	return service_end();
}

TEST(a_reader_is_stopped_and_asks_again)
{
	return is_stopped_and_goes_on(SIGTTIN);
}

TEST(a_writer_is_stopped_and_asks_again)
{
	return is_stopped_and_goes_on(SIGTTOU);
}

TEST(a_reader_that_ignores_it_gets_an_error)
{
	TRY(start(SIGTTIN, 1));
	MUST(exited_with(reap(call_in_background(SIG_IGN, SIGTTIN)),
		 -EIO & 0xff),
	    "no EIO");
	MUST(cell_get(ASKED) == 1, "asked again");
	return service_end();
}

TEST(a_writer_that_ignores_it_goes_on)
{
	TRY(start(SIGTTOU, 1));
	MUST(exited_with(reap(call_in_background(SIG_IGN, SIGTTOU)), 7),
	    "its call");
	MUST(cell_get(ASKED) == 2 && cell_get(DEAF) == 1, "not told");
	return service_end();
}

static void on_signal(int sig)
{
	_exit(sig);
}

TEST(a_handler_of_it_runs)
{
	TRY(start(SIGTTIN, 1));
	MUST(exited_with(reap(call_in_background(on_signal, SIGTTIN)), SIGTTIN),
	    "not caught");
	return service_end();
}

/* Calls from a session of its own: no process in it could continue it. */
static const char *call_as_an_orphan(void)
{
	setsid();
	MUST(CALL(SYS_fsync, 0) == -EIO, "no EIO");
	return NULL;
}

TEST(a_caller_that_would_never_go_on_gets_an_error)
{
	TRY(start(SIGTTIN, 1));
	TRY(in_child(call_as_an_orphan));
	TRY(service_end());
	TRY(start(SIGTTOU, 1));
	TRY(in_child(call_as_an_orphan));
	return service_end();
}

static const char *reply_nonsense(void)
{
	static const struct reply wrong[] = {
	    {.flags = REPLY_STOP, .result = SIGKILL},
	    {.flags = REPLY_STOP, .result = 0},
	    {.flags = REPLY_STOP, .result = -SIGTTIN},
	    {.flags = REPLY_STOP | REPLY_POSITION, .result = SIGTTIN},
	    {.flags = REPLY_STOP | REPLY_LATER, .result = SIGTTIN, .events = 1},
	    {.flags = REPLY_STOP, .result = SIGTTIN, .out = "", .out_len = 1},
	};
	struct request request;
	struct reply last = {.result = 7};

	close(file);
	MUST(port_next(port, NULL, &request, NULL, 0) == 0, "no request");
	for (int i = 0; i < COUNT(wrong); i++)
		MUST(port_next(port, &wrong[i], &request, NULL, 0) == -1 &&
			errno == EINVAL,
		    found("number %d is taken", i));
	MUST(port_next(port, &last, &request, NULL, 0) == 0 &&
		request.number == REQUEST_CLOSED,
	    "the end");
	return NULL;
}

TEST(no_other_signal_can_be_sent)
{
	pid_t pid;

	TRY(port_make(1));
	pid = child_start(reply_nonsense);
	port_leave_to(pid);
	MUST(CALL(SYS_fsync, 0) == 7, "the call");
	return service_end();
}

static long session_of(pid_t pgid)
{
	return raw(SYS_ioctl, port, PORT_SESSION, pgid);
}

TEST(a_server_can_ask_for_the_session_of_a_group)
{
	pid_t pid;

	TRY(port_make(1));
	MUST(session_of(getpgrp()) == getsid(0), "its own");
	pid = must_fork();
	if (pid == 0)
		for (;;)
			pause();
	MUST(session_of(pid) == 0, "a process that leads no group");
	MUST(setpgid(pid, pid) == 0 && session_of(pid) == getsid(0),
	    "another group");
	kill(pid, SIGKILL);
	reap(pid);
	MUST(session_of(pid) == -ESRCH, "one that is gone");
	MUST(session_of(-1) == -ESRCH && session_of(0) == -ESRCH, "none");
	close(file);
	close(port);
	return NULL;
}

static const struct test tests[] = {
    T(a_reader_is_stopped_and_asks_again),
    T(a_writer_is_stopped_and_asks_again),
    T(a_reader_that_ignores_it_gets_an_error),
    T(a_writer_that_ignores_it_goes_on),
    T(a_handler_of_it_runs),
    T(a_caller_that_would_never_go_on_gets_an_error),
    T(no_other_signal_can_be_sent),
    T(a_server_can_ask_for_the_session_of_a_group),
};

SUITE(tests)
