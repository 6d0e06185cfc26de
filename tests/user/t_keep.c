/* SPDX-License-Identifier: MIT */
/*
 * t_keep.c - servers that keep what they did, whenever they are killed; and the
 * end of files, and of calls, of which servers are told.
 */
#include "service.h"

#include <poll.h>

/* Cells. */
enum {
	DIES, /* when a server kills itself */
	SERVER,
	STATUS,
	TAKEN, /* requests that a server holds */
	GO,    /* set when it may reply */
};

static struct reply answer_seven(const struct request *request)
{
	(void)request;
	return result(7);
}

/* ---- Servers that keep what they did ---- */

static uint64_t done_id;
static int done_count;

/* Counts calls; is killed before or after it keeps that, or not at all. */
static struct reply answer_count(const struct request *request)
{
	int dies = cell_get(DIES);

	if (request->id == done_id)
		return result(done_count);
	if (dies == 1 && cell_add(DIES, -1) == 0)
		raise(SIGKILL);
	done_id = request->id;
	done_count++;
	if (dies == 2 && cell_add(DIES, -2) == 0)
		raise(SIGKILL);
	if (port_keep(port) < 0)
		give_up("port_keep fails");
	if (dies == 3 && cell_get(DIES) == 3) {
		cell_set(DIES, 0);
		raise(SIGKILL);
	}
	return result(done_count);
}

static pid_t keeper_start(answer_fn *fn)
{
	pid_t pid = must_fork();

	if (pid > 0)
		return pid;
	close(file);
	if (port_keep(port) != 0)
		give_up("the first port_keep");
	serve(fn, 0);
}

TEST(what_is_kept_is_done_exactly_once)
{
	pid_t pid;
	int i;

	TRY(port_make(1));
	pid = keeper_start(answer_count);
	close(port);
	for (i = 1; i <= 80; i++) {
		long n;

		cell_set(DIES, i % 4);
		n = CALL(SYS_fsync, 0);
		MUST(n == i, found("%ld after %d calls", n, i));
		MUST(cell_get(DIES) == 0, "no server died");
	}
	close(file);
	MUST(killed_by(reap(pid), SIGKILL), "the first one is still there");
	return NULL;
}

/*
 * Answers as answer_count(), and tells its pid. It has been kept, so that it
 * may be killed.
 */
static struct reply answer_count_again(const struct request *request)
{
	cell_set(SERVER, getpid());
	if (getppid() == 1 && port_keep(port) < 0)
		give_up("port_keep fails");
	cell_set(SERVER, getpid());
	return answer_count(request);
}

static pid_t kill_server_soon(uint64_t when)
{
	pid_t pid = must_fork();

	if (pid > 0)
		return pid;
	while (when-- > 0)
		(void)getppid();
	if (cell_get(SERVER) > 0)
		kill(cell_get(SERVER), SIGKILL);
	_exit(0);
}

TEST(a_kept_server_may_be_killed_at_any_moment)
{
	uint64_t state = 5;
	pid_t pid;
	int i;

	TRY(port_make(1));
	pid = keeper_start(answer_count_again);
	close(port);
	for (i = 1; i <= 300; i++) {
		pid_t killer = i % 2 ? kill_server_soon(rnd(&state) % 200) : 0;
		long n = CALL(SYS_fsync, 0);

		MUST(n == i, found("%ld after %d calls", n, i));
		if (killer > 0)
			reap(killer);
	}
	close(file);
	MUST(killed_by(reap(pid), SIGKILL), "the first one is still there");
	return NULL;
}

static struct reply answer_self(const struct request *request)
{
	(void)request;
	return result(getpid());
}

#define RESERVED 32 /* pages of user/lib/server.c */

TEST(a_server_that_takes_over_has_what_was_reserved)
{
	uint64_t before, after;
	pid_t pid, server;

	if (!on_calf())
		return SKIP("there are servers on Calf only");
	TRY(port_make(1));
	port_watch_keeper();
	pid = keeper_start(answer_self);
	close(port);
	server = (pid_t)CALL(SYS_fsync, 0);
	before = quiet_counters().frames_free;
	MUST(kill(server, SIGKILL) == 0, "kill");
	MUST(CALL(SYS_fsync, 0) != server, "it goes on");
	after = quiet_counters().frames_free;
	MUST(after >= before + RESERVED / 2,
	    found("%ld pages more", (long)(after - before)));
	close(file);
	reap(pid);
	return NULL;
}

static void on_usr1(int sig)
{
	cell_set(STATUS, sig);
}

static const char *call_with_handler(void)
{
	struct sigaction sa;

	close(port);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_usr1;
	sigaction(SIGUSR1, &sa, NULL);
	MUST(CALL(SYS_fsync, 0) == 7, "it is interrupted");
	MUST(cell_get(STATUS) == SIGUSR1, "the handler did not run");
	return NULL;
}

static struct reply die(const struct request *request)
{
	(void)request;
	raise(SIGKILL);
	return result(0);
}

/* A child whose call may have been done waits for another server. */
static const char *call_of_a_dead_server(pid_t *caller)
{
	pid_t server;

	TRY(port_make(1));
	server = server_start(die);
	*caller = child_start(call_with_handler);
	MUST(killed_by(reap(server), SIGKILL), "the first server");
	sleep_ms(20);
	return NULL;
}

TEST(a_call_that_may_have_been_done_is_not_interrupted)
{
	pid_t pid;

	TRY(call_of_a_dead_server(&pid));
	kill(pid, SIGUSR1);
	sleep_ms(20);
	MUST(cell_get(STATUS) == 0, "a handler runs");
	port_leave_to(server_start(answer_seven));
	TRY(child_end(pid));
	return service_end();
}

static const char *write_with_handler(void)
{
	struct sigaction sa = {.sa_handler = on_usr1};

	close(port);
	sigaction(SIGUSR1, &sa, NULL);
	MUST(CALL(SYS_write, (long)"bytes", 5) == 7, "it is interrupted");
	return NULL;
}

/* Has no memory for what comes along, and signals its caller meanwhile. */
_Noreturn static void serve_without_memory(pid_t caller)
{
	unsigned char *room = pages_private(1);
	struct reply reply = {.result = 7};
	struct request request;
	int n = 0;

	close(file);
	fail_allocation(1, CALF_FAIL_ONCE);
	while (port_next(port, NULL, &request, room, PAGE) < 0) {
		sleep_ms(10);
		kill(caller, SIGUSR1);
		sleep_ms(10);
		if (cell_get(STATUS) != 0)
			give_up("a handler runs");
		fail_allocation((uint64_t)++n, CALF_FAIL_ONCE);
	}
	fail_allocation(0, CALF_FAIL_ONCE);
	if (request.pid != caller || request.in_len != 5)
		give_up("another call comes first");
	if (n == 0 && on_calf_test_build())
		give_up("there is memory");
	while (request.number != REQUEST_CLOSED)
		if (port_next(port, &reply, &request, NULL, 0) != 0)
			give_up("port_next fails");
	_exit(0);
}

TEST(a_call_that_may_have_been_done_stays_the_next_without_memory)
{
	pid_t caller, other, pid;

	TRY(port_make(1));
	pid = server_start(die);
	caller = child_start(write_with_handler);
	MUST(killed_by(reap(pid), SIGKILL), "the first server");
	other = must_fork();
	if (other == 0)
		_exit((int)CALL(SYS_fsync, 0));
	sleep_ms(20);
	pid = must_fork();
	if (pid == 0)
		serve_without_memory(caller);
	port_leave_to(pid);
	TRY(child_end(caller));
	MUST(exited_with(reap(other), 7), "the other call");
	return service_end();
}

/* While the port is open, another server may come. */
TEST(a_call_that_may_have_been_done_can_be_killed)
{
	pid_t pid;

	TRY(call_of_a_dead_server(&pid));
	kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "it waits for a server");
	port_leave_to(server_start(answer_seven));
	MUST(CALL(SYS_fsync, 0) == 7 && heard->calls == 2, "it was served");
	return service_end();
}

static const char *adopt_nothing(void)
{
	MUST(raw(SYS_port_adopt, port, getppid(), 0) == 0, "an empty hand");
	MUST(raw(SYS_port_adopt, port, getpid(), 0) == -ESRCH, "its own");
	MUST(raw(SYS_port_adopt, port, 1, 0) == -ESRCH, "a stranger's");
	MUST(raw(SYS_port_adopt, file, getppid(), 0) == -EINVAL, "no port");
	return NULL;
}

TEST(only_a_parents_hand_can_be_taken_over)
{
	TRY(port_make(1));
	return in_child(adopt_nothing);
}

/* ---- Callers that are killed ---- */

static struct reply answer_held(const struct request *request)
{
	if (request->number == SYS_ftruncate) {
		cell_add(TAKEN, 1);
		cell_await(GO, 1);
	}
	return result(7);
}

/* The server that held it is still busy, and the other one asleep. */
TEST(a_file_is_free_when_its_caller_is_killed)
{
	pid_t servers[2], first, second;
	int i;

	TRY(port_make(1));
	for (i = 0; i < COUNT(servers); i++)
		servers[i] = server_start(answer_held);
	close(port);
	first = must_fork();
	if (first == 0)
		_exit((int)CALL(SYS_ftruncate, 0));
	cell_await(TAKEN, 1);
	second = must_fork();
	if (second == 0)
		_exit((int)CALL(SYS_fsync, 0));
	sleep_ms(20);
	MUST(waitpid(second, NULL, WNOHANG) == 0, "two calls on one file");
	kill(first, SIGKILL);
	MUST(killed_by(reap(first), SIGKILL), "the first caller");
	MUST(exited_with(reap(second), 7), "the second");
	cell_set(GO, 1);
	for (i = 0; i < COUNT(servers); i++)
		kill(servers[i], SIGKILL);
	for (i = 0; i < COUNT(servers); i++)
		reap(servers[i]);
	return NULL;
}

#define BEHIND 40

/* In a process of its own, as a process that has served stays a server. */
static const char *find_nothing_to_take(void)
{
	struct request request;

	fcntl(port, F_SETFL, O_NONBLOCK);
	MUST(port_next(port, NULL, &request, NULL, 0) == -1 && errno == EAGAIN,
	    "a call on a file that is in a hand");
	MUST(poll(&(struct pollfd){port, POLLIN, 0}, 1, 0) == 0,
	    "there seems to be something to take");
	fcntl(port, F_SETFL, 0);
	return NULL;
}

/*
 * One call is in the hand of a server that does not reply, and many wait behind
 * it. These delay no call on another file, and no server can take them.
 */
TEST(waiting_for_a_file_is_not_in_the_way_of_others)
{
	pid_t pids[BEHIND], holder, server;
	int i, other;

	TRY(port_make(1));
	other = port_open(port, 2, O_RDWR, 0, 0);
	MUST(other >= 0, "another file");
	holder = server_start(answer_held);
	for (i = 0; i < BEHIND; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			_exit((int)CALL(SYS_ftruncate, 0));
		if (i == 0)
			cell_await(TAKEN, 1);
	}
	sleep_ms(50);
	TRY(child_end(child_start(find_nothing_to_take)));
	server = server_start(answer_seven);
	MUST(raw(SYS_fsync, other) == 7, "the call on another file");
	for (i = 0; i < BEHIND; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < BEHIND; i++)
		reap(pids[i]);
	kill(holder, SIGKILL);
	kill(server, SIGKILL);
	reap(holder);
	reap(server);
	close(other);
	close(file);
	close(port);
	return NULL;
}

static struct reply answer_with_file(const struct request *request)
{
	if (request->number != SYS_ftruncate)
		return result(7);
	(void)answer_held(request);
	return (struct reply){.flags = REPLY_FILE, .token = 77};
}

TEST(a_descriptor_for_a_caller_that_is_gone_is_closed)
{
	pid_t pid;

	TRY(service_start(answer_with_file));
	pid = must_fork();
	if (pid == 0)
		_exit((int)CALL(SYS_ftruncate, 0));
	cell_await(TAKEN, 1);
	kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "the caller");
	cell_set(GO, 1);
	sleep_ms(5); /* it replies while nobody else asks */
	MUST(CALL(SYS_fsync, 0) == 7, "the server");
	MUST(heard->notes == 1 && heard->closed == 77, "it is open still");
	return service_end();
}

/* ---- Calls that nobody asks for any more ---- */

static const char *is_told(int times, uint64_t id)
{
	MUST(CALL(SYS_fsync, 0) == 7, "the next server");
	MUST(heard->gone == times, found("told %d times", heard->gone));
	MUST(times == 0 || heard->gone_id == id, "of another call");
	return service_end();
}

static const char *next_is_told(int times, uint64_t id)
{
	port_leave_to(server_start(answer_seven));
	return is_told(times, id);
}

TEST(a_call_whose_server_died_and_then_its_caller_is_told_to_be_gone)
{
	pid_t pid;

	TRY(call_of_a_dead_server(&pid));
	kill(pid, SIGKILL);
	reap(pid);
	return next_is_told(1, heard->last.id);
}

/* The caller of the call in hand is gone before the server goes on. */
static const char *call_of_nobody(answer_fn *fn, pid_t *server)
{
	pid_t pid;

	TRY(port_make(1));
	*server = server_start(fn);
	pid = must_fork();
	if (pid == 0)
		_exit((int)CALL(SYS_ftruncate, 0));
	cell_await(TAKEN, 1);
	kill(pid, SIGKILL);
	reap(pid);
	cell_set(GO, 1);
	return NULL;
}

static struct reply hold_and_die(const struct request *request)
{
	(void)answer_held(request);
	return die(request);
}

TEST(a_call_whose_caller_died_and_then_its_server_is_told_to_be_gone)
{
	pid_t server;

	TRY(call_of_nobody(hold_and_die, &server));
	reap(server);
	return next_is_told(1, heard->last.id);
}

TEST(a_call_that_two_servers_died_of_is_told_to_be_gone)
{
	pid_t pid, server;

	TRY(call_of_a_dead_server(&pid));
	server = server_start(die);
	MUST(killed_by(reap(server), SIGKILL), "the second server");
	MUST(child_end(pid) != NULL, "the call");
	return next_is_told(1, heard->last.id);
}

/* The server dies after its reply. */
TEST(a_call_that_is_answered_is_not_told_to_be_gone)
{
	pid_t server;

	TRY(call_of_nobody(answer_held, &server));
	MUST(CALL(SYS_fsync, 0) == 7, "the server");
	kill(server, SIGKILL);
	reap(server);
	return next_is_told(0, 0);
}

TEST(a_call_that_is_asked_again_is_not_told_to_be_gone)
{
	pid_t pid, server;

	TRY(call_of_a_dead_server(&pid));
	kill(pid, SIGUSR1);
	server = server_start(answer_seven);
	TRY(child_end(pid));
	kill(server, SIGKILL);
	reap(server);
	return next_is_told(0, 0);
}

/* ---- Files that nobody has got ---- */

#define SIZE_OF_X (100 * PAGE)

static uint64_t free_pages(void)
{
	uint64_t st[15];

	return raw(SYS_statfs, (long)"/", (long)st) == 0 ? st[3] : 0;
}

/* A child of that process, or 0. */
static pid_t child_of(pid_t parent)
{
	struct calf_ps ps = {0};

	while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1)
		if (ps.ppid == parent && ps.state != 'Z')
			return ps.pid;
	return 0;
}

/*
 * The server of this tree, which this process has forked, stays behind for one
 * that dies of what it has changed, and forks no other while it is stopped.
 */
static const char *open_and_die(void)
{
	pid_t keeper = child_of(getpid()), pid = must_fork();

	if (pid == 0) {
		(void)open("/x", O_RDWR);
		_exit(0);
	}
	while (child_of(keeper) != 0)
		sleep_ms(1);
	kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "it has an answer");
	return NULL;
}

/* A file that was opened for a caller that is gone is closed. */
static const char *open_for_nobody(void)
{
	uint64_t before = free_pages();
	pid_t keeper = child_of(getpid());
	int fd = open("/x", O_RDWR | O_CREAT, 0600);
	const char *found;

	MUST(raw(SYS_fallocate, fd, 0, 0, SIZE_OF_X) == 0 && close(fd) == 0,
	    "a large file");
	/* The server dies after each change, before it replies. */
	MUST(free_pages() < before, "it takes no memory");
	MUST(kill(keeper, SIGSTOP) == 0, "no keeper");
	found = open_and_die();
	kill(keeper, SIGCONT);
	MUST(unlink("/x") == 0, "unlink");
	MUST(found == NULL, found);
	MUST(free_pages() + SIZE_OF_X / PAGE / 2 >= before,
	    "the file is still there");
	return NULL;
}

TEST(what_nobody_has_got_does_not_stay_open)
{
	return use_in_files((const char *const[]){"-c", suite_path, NULL}, "-k",
	    0);
}

/* ---- The end of files ---- */

static void exec_itself(void)
{
	char *argv[] = {(char *)suite_path, (char *)"@exit", NULL};

	execv(suite_path, argv);
}

TEST(the_end_of_a_file_is_told_once)
{
	int other, copy;
	pid_t pid;

	TRY(port_make(1));
	other = port_open(port, 99, O_RDWR | O_CLOEXEC, 0, 0);
	pid = must_fork();
	if (pid == 0) {
		close(other);
		serve(answer_seven, 0);
	}
	port_leave_to(pid);
	copy = dup(other);
	pid = must_fork();
	if (pid == 0) {
		exec_itself();
		_exit(1);
	}
	close(copy);
	MUST(exited_with(reap(pid), 7), "a child that executes");
	MUST(CALL(SYS_fsync, 0) == 7 && heard->notes == 0,
	    "it is told though the file is open");
	pid = must_fork();
	if (pid == 0)
		_exit(0);
	close(other);
	reap(pid);
	MUST(CALL(SYS_fsync, 0) == 7, "the server");
	while (heard->notes == 0)
		sleep_ms(1);
	MUST(heard->notes == 2 || heard->closed == 99, "another file");
	MUST(CALL(SYS_fsync, 0) == 7 && heard->notes <= 2, "told twice");
	return service_end();
}

TEST(notes_that_nobody_takes_are_forgotten)
{
	int i;

	TRY(port_make(1));
	for (i = 0; i < 1000; i++)
		close(port_open(port, (uint64_t)i, O_RDWR, 0, 0));
	close(port);
	return NULL;
}

static const struct test tests[] = {
    T(what_is_kept_is_done_exactly_once),
    T(a_kept_server_may_be_killed_at_any_moment),
    T(a_server_that_takes_over_has_what_was_reserved),
    T(a_call_that_may_have_been_done_is_not_interrupted),
    T(a_call_that_may_have_been_done_stays_the_next_without_memory),
    T(a_call_that_may_have_been_done_can_be_killed),
    T(only_a_parents_hand_can_be_taken_over),
    T(a_file_is_free_when_its_caller_is_killed),
    T(waiting_for_a_file_is_not_in_the_way_of_others),
    T(a_descriptor_for_a_caller_that_is_gone_is_closed),
    T(a_call_whose_server_died_and_then_its_caller_is_told_to_be_gone),
    T(a_call_whose_caller_died_and_then_its_server_is_told_to_be_gone),
    T(a_call_that_two_servers_died_of_is_told_to_be_gone),
    T(a_call_that_is_answered_is_not_told_to_be_gone),
    T(a_call_that_is_asked_again_is_not_told_to_be_gone),
    T(what_nobody_has_got_does_not_stay_open),
    T(the_end_of_a_file_is_told_once),
    T(notes_that_nobody_takes_are_forgotten),
};

/* Runs in the tree of a file server. */
static int use(void)
{
	const char *found = open_for_nobody();

	if (found != NULL)
		dprintf(1, "# %s\n", found);
	return found != NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "use") == 0)
		return use();
	if (argc > 1 && strcmp(argv[1], "@exit") == 0)
		return 7;
	return suite_main(argc, argv, tests, COUNT(tests));
}
