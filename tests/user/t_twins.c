/* SPDX-License-Identifier: MIT */
/*
 * t_twins.c - the servers of the system, and who stays behind for each: both
 * are killed at once, by who means it, and go on.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/ioctl.h>

static const char *const names[] = {"files", "console"};

static const struct twins {
	pid_t keeper, server;
} none;

/* All there are of that name, when they are two. */
static struct twins find(const char *name)
{
	struct calf_ps ps = {0}, older = {0};
	int count = 0;

	while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1) {
		if (strcmp(ps.name, name) != 0 || ps.state == 'Z')
			continue;
		if (++count == 1)
			older = ps;
		else if (older.ppid == ps.pid)
			return (struct twins){ps.pid, older.pid};
		else if (count == 2 && ps.ppid == older.pid)
			return (struct twins){older.pid, ps.pid};
	}
	return (struct twins){0, 0};
}

/* Waits until there are two, and not both of those that were there before. */
static bool await_twins(const char *name, struct twins before, struct twins *t)
{
	for (int i = 0; i < 2000; i++) {
		*t = find(name);
		if (t->keeper > 0 &&
		    (t->keeper != before.keeper || t->server != before.server))
			return true;
		sleep_ms(1);
	}
	return false;
}

/* What each of them is asked for: it would be EIO without a server. */
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

/* Who is stopped cannot make a new twin; the other cannot be killed then. */
static const char *last_is_spared(pid_t first, pid_t last)
{
	MUST(kill(last, SIGSTOP) == 0, "it cannot be stopped");
	MUST(kill(first, SIGKILL) == 0, "one cannot be killed");
	MUST(kill(last, SIGKILL) == -1 && errno == EAGAIN, "both were");
	MUST(kill(last, SIGTERM) == -1 && errno == EAGAIN, "by SIGTERM");
	MUST(kill(last, 0) == 0 && kill(last, SIGCONT) == 0, "no SIGCONT");
	return both_answer();
}

TEST(the_last_of_two_cannot_be_killed)
{
	struct twins t, next;

	if (!on_calf())
		return SKIP("there are servers on Calf only");
	for (int i = 0; i < 4; i++) {
		MUST(await_twins(names[i / 2], none, &t), "no twins");
		if (i % 2 == 0)
			TRY(last_is_spared(t.server, t.keeper));
		else
			TRY(last_is_spared(t.keeper, t.server));
		MUST(await_twins(names[i / 2], t, &next), "no twins again");
	}
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

/* Whoever it finds, on a hart of its own if there are several. */
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
