/* SPDX-License-Identifier: MIT */
/*
 * t_twins.c - the servers of the system, and the process that stays behind for
 * each: a process tries to kill both at once, and they go on.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/ioctl.h>

static const char *const names[] = {"files", "console"};

static const struct twins {
	pid_t keeper, server;
} none;

/* The processes of that name, if there are two. */
static struct twins find(const char *name)
{
	struct calf_ps ps = {0}, found[2] = {{0}};
	int count = 0;

	while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1)
		if (strcmp(ps.name, name) == 0 && ps.state != 'Z' &&
		    count++ < 2)
			found[count - 1] = ps;
	if (count == 2 && found[0].ppid == found[1].pid)
		return (struct twins){found[1].pid, found[0].pid};
	if (count == 2 && found[1].ppid == found[0].pid)
		return (struct twins){found[0].pid, found[1].pid};
	return none;
}

static bool are_same(struct twins a, struct twins b)
{
	return a.keeper == b.keeper && a.server == b.server;
}

/* Waits until there are two, and not both of those that were there before. */
static bool await_twins(const char *name, struct twins before, struct twins *t)
{
	for (int i = 0; i < 2000; i++) {
		*t = find(name);
		if (t->keeper > 0 && !are_same(*t, before))
			return true;
		sleep_ms(1);
	}
	return false;
}

/* Calls both servers: without one of them its call would be EIO. */
static const char *both_answer(void)
{
	int n, fd = open("/twins", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char c = 0;

	MUST(fd >= 0, found("no file: %d", errno));
	MUST(write(fd, "x", 1) == 1 && pread(fd, &c, 1, 0) == 1 && c == 'x',
	    "no bytes");
	MUST(close(fd) == 0 && unlink("/twins") == 0, "unlink");
	fd = open("/dev/console", O_RDWR);
	MUST(fd >= 0 && ioctl(fd, FIONREAD, &n) == 0,
	    found("no terminal: %d", errno));
	close(fd);
	return NULL;
}

enum { SPARED, KILLED, OTHERS };

/*
 * A process that is stopped cannot make a new twin, so it stays the last when
 * the other has been killed. OTHERS: meanwhile the two were no twins any more,
 * or not yet, which says nothing.
 */
static int try_to_kill_the_last(const char *name, struct twins t, pid_t last)
{
	pid_t first = last == t.server ? t.keeper : t.server;
	int result = OTHERS;

	(void)kill(last, SIGSTOP);
	if (are_same(find(name), t) && kill(first, SIGKILL) == 0) {
		result = kill(last, SIGKILL) == 0 ? 0 : errno;
		if (result == EAGAIN)
			result = kill(last, SIGTERM) == 0 ? 0 : errno;
		if (result == EAGAIN)
			result = SPARED;
		else
			result = result == ESRCH ? OTHERS : KILLED;
	}
	(void)kill(last, SIGCONT);
	return result;
}

#define TRIES 200

static const char *last_is_spared(const char *name, bool is_keeper)
{
	int result = OTHERS;

	for (int i = 0; i < TRIES && result == OTHERS; i++) {
		struct twins t;

		MUST(await_twins(name, none, &t), "no twins");
		result = try_to_kill_the_last(name, t,
		    is_keeper ? t.keeper : t.server);
		TRY(both_answer());
	}
	MUST(result != OTHERS, "there are never two");
	MUST(result == SPARED, "both were killed");
	return NULL;
}

TEST(the_last_of_two_cannot_be_killed)
{
	if (!on_calf())
		return SKIP("there are servers on Calf only");
	for (int i = 0; i < 4; i++)
		TRY(last_is_spared(names[i / 2], i % 2 == 0));
	return NULL;
}

#define ROUNDS 100

static const char *kill_both(const char *name, int i)
{
	struct twins t;

	MUST(await_twins(name, none, &t), "no twins");
	(void)kill(i % 2 ? t.keeper : t.server, i % 4 < 2 ? SIGKILL : SIGTERM);
	(void)kill(i % 2 ? t.server : t.keeper, SIGKILL);
	return both_answer();
}

TEST(both_are_killed_at_once_and_go_on)
{
	if (!on_calf())
		return SKIP("there are servers on Calf only");
	for (int i = 0; i < ROUNDS; i++)
		TRY(kill_both(names[i / 4 % 2], i));
	return NULL;
}

static bool is_server(const struct calf_ps *ps)
{
	return strcmp(ps->name, names[0]) == 0 ||
	    strcmp(ps->name, names[1]) == 0;
}

/*
 * Kills all servers that it finds, on a hart of its own if there are several.
 */
_Noreturn static void kill_all_servers(void)
{
	for (;;) {
		struct calf_ps ps = {0};

		while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1)
			if (is_server(&ps))
				(void)kill(ps.pid, SIGKILL);
	}
}

#define KILLERS 2
#define OPENED  1500

/* A call that two servers have died of is EIO, but not those that follow. */
TEST(no_kill_comes_when_the_other_is_about_to_end)
{
	pid_t killers[KILLERS];

	if (!on_calf())
		return SKIP("there are servers on Calf only");
	for (int i = 0; i < KILLERS; i++) {
		killers[i] = must_fork();
		if (killers[i] == 0)
			kill_all_servers();
	}
	for (int i = 0; i < OPENED; i++)
		close(open(i % 2 ? "/twins" : "/dev/console", O_RDWR | O_CREAT,
		    0600));
	for (int i = 0; i < KILLERS; i++) {
		(void)kill(killers[i], SIGKILL);
		(void)reap(killers[i]);
	}
	return both_answer();
}

static const struct test tests[] = {
    T(the_last_of_two_cannot_be_killed),
    T(both_are_killed_at_once_and_go_on),
    T(no_kill_comes_when_the_other_is_about_to_end),
};

SUITE(tests)
