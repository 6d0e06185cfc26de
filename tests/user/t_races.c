/* SPDX-License-Identifier: MIT */
/*
 * t_races.c - two processes act at one moment: one ends while the other looks
 * at it, two end that have children in one group, or two read from one pipe.
 */
#include "harness.h"

#include <poll.h>
#include <sched.h>
#include <sys/uio.h>

static void spin(int n)
{
	volatile int i;

	for (i = 0; i < n; i++)
		continue;
}

/* How many rounds: an emulator of Linux takes long for each process. */
static int rounds(int n)
{
	return on_emulator() ? n / 20 : n;
}

/* ---- A child that nobody waits for goes while its parent looks at it ---- */

enum { VICTIM, ROUND, KILLER };

/* Kills the process whose pid is in VICTIM, sooner or later after that. */
_Noreturn static void kill_each(void)
{
	int round;

	for (round = 1;; round++) {
		cell_set(KILLER, round);
		cell_await(ROUND, round);
		spin(round % 64 * 200);
		(void)kill(cell_get(VICTIM), SIGKILL);
		sleep_ms(1);
	}
}

/*
 * An address where full tables meet, and full tables above them. Once fork has
 * shared these, the kernel takes long to make the memory there ready.
 */
static unsigned char *far_away(void)
{
	unsigned char *border = reserve(2 * GIB, GIB) + GIB;
	size_t i;

	if (mprotect(border - GIB, 2 * GIB, PROT_READ | PROT_WRITE) != 0)
		give_up("no memory");
	for (i = 0; i < 512; i++) {
		border[i * 2 * MIB] = 1;
		border[-(ptrdiff_t)((i + 1) * 2 * MIB)] = 1;
	}
	for (i = 0; i < 512; i++) {
		border[i * PAGE] = 1;
		border[-(ptrdiff_t)((i + 1) * PAGE)] = 1;
	}
	return border;
}

static pid_t sharer_start(void)
{
	pid_t pid = must_fork();

	while (pid == 0)
		sleep_ms(10000);
	return pid;
}

/* The child unmaps the large memory first, so that it ends without delay. */
static pid_t stopped_child(int round, unsigned char *far)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		(void)munmap(far - GIB, 2 * GIB);
		cell_set(VICTIM, getpid());
		cell_set(ROUND, round);
		(void)raise(SIGSTOP);
		_exit(1);
	}
	return pid;
}

static const char *wait_for_who_is_killed(void)
{
	unsigned char *far = far_away(), *to = far - 2;
	int n = rounds(500), i, status;
	pid_t killer;

	cell_set(ROUND, 0);
	cell_set(KILLER, 0);
	(void)signal(SIGCHLD, SIG_IGN);
	killer = must_fork();
	if (killer == 0)
		kill_each();
	for (i = 1; i <= n; i++) {
		pid_t pid, sharer = sharer_start();
		long got;

		cell_await(KILLER, i);
		pid = stopped_child(i, far);
		got = raw(SYS_wait4, pid, (long)to, WUNTRACED, 0);
		memcpy(&status, to, sizeof(status));
		MUST(got == -ECHILD || (got == pid && WIFSTOPPED(status)),
		    found("%d: %ld, status 0x%x", i, got, (unsigned)status));
		MUST(waitpid(pid, NULL, 0) == -1 && errno == ECHILD,
		    "it is still there");
		(void)kill(sharer, SIGKILL);
	}
	(void)kill(killer, SIGKILL);
	MUST(waitpid(killer, NULL, 0) == -1, "it was waited for");
	return NULL;
}

TEST(a_stopped_child_may_be_gone_before_it_is_told_of)
{
	return in_child(wait_for_who_is_killed);
}

/* ---- Two shells end that have jobs in one group ---- */

/* Members of the large group whose parent is init, which continues none. */
#define MANY 300

enum { READY, GO, LARGE, SMALL, HUNG_UP };

static void hung_up(int sig)
{
	(void)sig;
	cell_set(HUNG_UP, 1);
}

/* A child in the group whose number is in the cell; the first one begins it. */
static void member_start(int group, void (*handler)(int), bool stops)
{
	int before = cell_get(READY);

	if (must_fork() == 0) {
		if (cell_get(group) == 0)
			cell_set(group, getpid());
		(void)setpgid(0, cell_get(group));
		(void)signal(SIGHUP, handler);
		(void)cell_add(READY, 1);
		if (stops)
			(void)raise(SIGSTOP);
		for (;;)
			sleep_ms(10000);
	}
	cell_await(READY, before + 1);
}

/* Makes members whose parent then ends, so that init becomes their parent. */
static const char *large_group_start(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		member_start(LARGE, SIG_IGN, false);
	return NULL;
}

_Noreturn static void first_shell(int delay)
{
	member_start(LARGE, SIG_DFL, true);
	cell_await(GO, 1);
	cell_set(GO, 2);
	spin(delay);
	_exit(0);
}

/* The parent of the small group, and of the last member of the large one. */
_Noreturn static void second_shell(void)
{
	cell_await(READY, 1);
	member_start(SMALL, hung_up, true);
	member_start(LARGE, SIG_DFL, false);
	sleep_ms(1);
	cell_set(GO, 1);
	cell_await(GO, 2);
	_exit(0);
}

static const char *small_group_is_there(int round)
{
	pid_t group = cell_get(SMALL);
	long end = now_ms() + 3000;

	while (cell_get(HUNG_UP) == 0 && now_ms() < end)
		sched_yield();
	MUST(cell_get(HUNG_UP) != 0, found("%d: it is stopped", round));
	MUST(kill(-group, 0) == 0, found("%d: the group is gone", round));
	(void)kill(-group, SIGKILL);
	while (kill(-group, 0) == 0)
		sched_yield();
	return NULL;
}

static const char *both_shells_end(int round)
{
	pid_t first, second;

	cell_set(READY, 0);
	cell_set(GO, 0);
	cell_set(SMALL, 0);
	cell_set(HUNG_UP, 0);
	first = must_fork();
	if (first == 0)
		first_shell(round % 50 * 100);
	second = must_fork();
	if (second == 0)
		second_shell();
	(void)reap(first);
	(void)reap(second);
	return small_group_is_there(round);
}

TEST(two_shells_that_end_at_once_leave_each_group_its_members)
{
	int n = rounds(100), i;

	cell_set(LARGE, 0);
	TRY(in_child(large_group_start));
	for (i = 0; i < n; i++)
		TRY(both_shells_end(i));
	(void)kill(-cell_get(LARGE), SIGKILL);
	while (kill(-cell_get(LARGE), 0) == 0)
		sched_yield();
	return NULL;
}

/* ---- A byte comes into a pipe while a process looks at it ---- */

#define FILES 400

static int fds[2];

_Noreturn static void write_each(void)
{
	int round;

	for (round = 1;; round++) {
		cell_await(ROUND, round);
		spin(round % 64 * 200);
		(void)!write(fds[1], "x", 1);
	}
}

/* The entry that asks for the event is looked at first, before many others. */
TEST(what_comes_while_a_poll_looks_is_found)
{
	struct pollfd polls[FILES];
	int n = rounds(500), i;
	pid_t writer;
	char byte;

	MUST(pipe(fds) == 0, "no pipe");
	for (i = 0; i < FILES; i++)
		polls[i] = (struct pollfd){fds[0], i == 0 ? POLLIN : 0, 0};
	cell_set(ROUND, 0);
	writer = must_fork();
	if (writer == 0)
		write_each();
	for (i = 1; i <= n; i++) {
		long begun = now_ms();

		cell_set(ROUND, i);
		MUST(poll(polls, FILES, 4000) == 1, "nothing came");
		MUST(now_ms() - begun < 3000,
		    found("%d: it was found at the end", i));
		MUST(read(fds[0], &byte, 1) == 1, "nothing to read");
	}
	(void)kill(writer, SIGKILL);
	(void)reap(writer);
	return NULL;
}

enum { BYTES = KILLER + 1 };

_Noreturn static void read_two_pieces(void)
{
	char bytes[2];
	struct iovec pieces[2] = {{bytes, 1}, {bytes + 1, 1}};

	for (;;) {
		ssize_t n = readv(fds[0], pieces, 2);

		if (n > 0)
			(void)cell_add(BYTES, (int)n);
	}
}

/* A reader has a byte and sees another, but the other reader takes that. */
TEST(a_vector_that_has_something_does_not_wait)
{
	int n = rounds(6000), i;
	pid_t readers[2];

	MUST(pipe(fds) == 0, "no pipe");
	cell_set(BYTES, 0);
	for (i = 0; i < 2; i++) {
		readers[i] = must_fork();
		if (readers[i] == 0)
			read_two_pieces();
	}
	for (i = 1; i <= n; i++) {
		long end = now_ms() + 3000;

		MUST(write(fds[1], "xx", 2) == 2, "nothing written");
		while (cell_get(BYTES) < 2 * i && now_ms() < end)
			sched_yield();
		MUST(cell_get(BYTES) == 2 * i, found("%d: one waits", i));
	}
	for (i = 0; i < 2; i++) {
		(void)kill(readers[i], SIGKILL);
		(void)reap(readers[i]);
	}
	return NULL;
}

/* ---- Groups change, and the session is asked for ---- */

_Noreturn static void ask_for_session(int n)
{
	pid_t sid = getsid(0);

	for (int i = 0; i < n; i++)
		if (getsid(0) != sid)
			_exit(2);
	_exit(0);
}

TEST(a_process_that_is_moved_to_another_group_has_its_session)
{
	int status;
	pid_t child;

	(void)setpgid(0, 0);
	child = must_fork();
	if (child == 0)
		ask_for_session(rounds(100000));
	while (waitpid(child, &status, WNOHANG) == 0) {
		(void)setpgid(child, child);
		(void)setpgid(child, 0);
		(void)setpgid(child, getpid());
	}
	return exited_with(status, 0) ? NULL : status_verdict(status);
}

/* ---- Random bytes come as a whole, in spite of signals ---- */

static void ignore(int signal)
{
	(void)signal;
}

/*
 * Between two signals it leaves more time than a handler takes, sooner or
 * later: a process that finds a signal at each return gets no further.
 */
_Noreturn static void signal_for_ever(pid_t to)
{
	for (int i = 0;; i++) {
		(void)kill(to, SIGUSR1);
		spin(i % 64 * 50);
	}
}

/* The buffer lies in two pages; the call fills each in a part of its own. */
TEST(few_random_bytes_come_as_a_whole)
{
	unsigned char *pages = pages_private(2);
	pid_t self = getpid(), sender;
	int n = rounds(30000), i;
	long got = 256;

	signal(SIGUSR1, ignore);
	sender = must_fork();
	if (sender == 0)
		signal_for_ever(self);
	for (i = 0; i < n && got == 256; i++)
		got = raw(SYS_getrandom, (long)(pages + PAGE - 128), 256, 0);
	(void)kill(sender, SIGKILL);
	(void)reap(sender);
	MUST(got == 256, found("round %d: %ld bytes", i, got));
	return NULL;
}

/* ---- A process ends while the next one in the list is searched ---- */

#ifdef __riscv
#define SLEEPERS 200
#define NUMBERS  400 /* more than there are processes */

/* Numbers of cells. */
enum { BEGIN = 8, AGAIN, THERE, ASKED };

/*
 * In each round has a child that has ended and a younger one that stays, and
 * then waits for the first.
 */
_Noreturn static void replace_each(void)
{
	for (int round = 1;; round++) {
		pid_t first = must_fork(), second;

		if (first == 0)
			_exit(0);
		second = must_fork();
		if (second == 0)
			for (;;)
				pause();
		cell_set(THERE, round);
		spin(round % 64 * 200);
		(void)reap(first);
		cell_set(AGAIN, round);
		cell_await(ASKED, round);
		(void)kill(second, SIGKILL);
		(void)reap(second);
	}
}

static pid_t sleeper(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}
#endif

TEST(a_process_that_ends_while_it_is_looked_for_is_not_the_last)
{
#ifdef __riscv
	static pid_t sleepers[SLEEPERS];
	struct calf_ps ps;
	long result = 1;
	pid_t other;
	int i, round;

	if (!on_calf())
		return SKIP("only Calf has a list of processes");
	for (i = 0; i < SLEEPERS; i++)
		sleepers[i] = sleeper();
	other = must_fork();
	if (other == 0) {
		cell_await(BEGIN, 1);
		replace_each();
	}
	for (i = 0; i < NUMBERS; i++) {
		pid_t pid = must_fork();

		if (pid == 0)
			_exit(0);
		(void)reap(pid);
	}
	cell_set(BEGIN, 1);
	for (round = 1; round <= 1000 && result == 1; round++) {
		cell_await(THERE, round);
		do
			result = raw(SYS_calf_ps, other, (long)&ps);
		while (result == 1 && cell_get(AGAIN) < round);
		cell_set(ASKED, round);
	}
	(void)kill(other, SIGKILL);
	(void)reap(other);
	for (i = 0; i < SLEEPERS; i++) {
		(void)kill(sleepers[i], SIGKILL);
		(void)reap(sleepers[i]);
	}
	MUST(result == 1, found("round %d: nobody", round));
	return NULL;
#else
	return SKIP("only Calf has a list of processes");
#endif
}

static const struct test tests[] = {
    T(a_stopped_child_may_be_gone_before_it_is_told_of),
    T(two_shells_that_end_at_once_leave_each_group_its_members),
    T(what_comes_while_a_poll_looks_is_found),
    T(a_vector_that_has_something_does_not_wait),
    T(a_process_that_is_moved_to_another_group_has_its_session),
    T(few_random_bytes_come_as_a_whole),
    T(a_process_that_ends_while_it_is_looked_for_is_not_the_last),
};

SUITE(tests)
