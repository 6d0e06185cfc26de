/* SPDX-License-Identifier: MIT */
/*
 * t_boot.c - the servers that the first program has made: what they are to
 * others, and that they go on, whichever of their processes is killed.
 */
#include "harness.h"

#include <calf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The processes of that name: one stays behind, and its child serves. */
struct pair {
	pid_t keeper, server;
};

static struct pair pair_of(const char *name)
{
	struct calf_ps ps = {0};
	struct pair pair = {0, 0};

	while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1) {
		if (strcmp(ps.name, name) != 0 || ps.state == 'Z')
			continue;
		pair.keeper = pair.server;
		pair.server = ps.pid;
	}
	return pair;
}

/* Two, of which the second is the child of the first. */
static const char *await_pair(const char *name, struct pair *pair)
{
	for (int i = 0; i < 500; i++) {
		struct pair again;

		*pair = pair_of(name);
		sleep_ms(2);
		again = pair_of(name);
		if (pair->keeper > 0 && pair->keeper == again.keeper &&
		    pair->server == again.server)
			return NULL;
	}
	return found("%s is not two processes", name);
}

static const char *use_files(void)
{
	struct stat st;
	int fd = open("/boot-test", O_CREAT | O_RDWR | O_TRUNC, 0600);

	MUST(fd >= 0, found("no file: errno %d", errno));
	MUST(write(fd, "abc", 3) == 3, "write");
	MUST(fstat(fd, &st) == 0 && st.st_size == 3, "size");
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/boot-test", 0) == 0, "unlink");
	close(fd);
	return NULL;
}

static const char *use_terminal(void)
{
	struct stat st;

	MUST(fstat(1, &st) == 0 || errno == EBADF, "the terminal is gone");
	return NULL;
}

static const char *kill_one_after_the_other(const char *name,
    const char *(*use)(void))
{
	struct pair pair;

	for (int i = 0; i < 6; i++) {
		TRY(await_pair(name, &pair));
		MUST(kill(i % 2 == 0 ? pair.keeper : pair.server, SIGKILL) == 0,
		    "it cannot be killed");
		/*
		 * In each second round the pair has to be complete again before
		 * a call.
		 */
		if (i % 2 == 0)
			TRY(await_pair(name, &pair));
		TRY(use());
	}
	return await_pair(name, &pair);
}

TEST(the_files_go_on_whoever_is_killed)
{
	return kill_one_after_the_other("files", use_files);
}

TEST(the_terminal_goes_on_whoever_is_killed)
{
	return kill_one_after_the_other("console", use_terminal);
}

TEST(servers_have_no_parent_and_no_terminal)
{
	struct calf_ps ps = {0};
	int servers = 0;

	while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1) {
		if (strcmp(ps.name, "files") != 0 &&
		    strcmp(ps.name, "console") != 0)
			continue;
		servers++;
		MUST(ps.ppid != 1, "one is a child of process 1");
		MUST(getsid(ps.pid) != getsid(0), "one is of our session");
	}
	MUST(servers >= 4, found("%d processes", servers));
	return NULL;
}

/* The servers would not survive the end of all their processes at once. */
TEST(a_signal_to_their_group_spares_servers)
{
	static const char *const names[] = {"files", "console"};

	for (int i = 0; i < COUNT(names); i++) {
		struct pair before, after;

		TRY(await_pair(names[i], &before));
		MUST(kill(-getpgid(before.server), SIGKILL) == 0, "kill");
		sleep_ms(5);
		after = pair_of(names[i]);
		MUST(after.keeper == before.keeper &&
			after.server == before.server,
		    found("%s was killed", names[i]));
	}
	return NULL;
}

/* Each of these calls once ended the file server. */
TEST(odd_calls_are_answered_as_all_others)
{
	char byte;
	int fd;

	TRY(use_files());
	fd = (int)raw(SYS_openat, AT_FDCWD, (long)"/", 3, 0);
	MUST(fd == -EISDIR, found("a folder to be written: %d", fd));
	fd = open("/odd", O_CREAT | O_RDWR, 0600);
	MUST(fd >= 0 && close(fd) == 0, "no file");
	fd = (int)raw(SYS_openat, AT_FDCWD, (long)"/odd", 3, 0);
	MUST(fd >= 0 && raw(SYS_read, fd, (long)&byte, 1) == -EBADF &&
		raw(SYS_write, fd, (long)&byte, 1) == -EBADF,
	    "neither to be read nor written");
	close(fd);
	(void)raw(SYS_unlinkat, AT_FDCWD, (long)"/link", 0);
	MUST(raw(SYS_symlinkat, (long)"target", AT_FDCWD, (long)"/link") == 0,
	    "no link");
	MUST(raw(SYS_readlinkat, AT_FDCWD, (long)"/link", (long)&byte,
		 0x100000001L) == 1 &&
		byte == 't',
	    "a length beyond an int");
	return use_files();
}

/*
 * Both calls set the access time of the link, so they are in the log; and a
 * replay has to fail as they did.
 */
static const char *look_for_nobody(void)
{
	MUST(raw(SYS_openat, AT_FDCWD, (long)"/to-proc/4194000/stat", O_RDONLY,
		 0) == -ENOENT,
	    "a file of nobody is opened");
	return NULL;
}

static const char *make_behind_nobody(void)
{
	MUST(raw(SYS_mkdirat, AT_FDCWD,
		 (long)"/to-proc/self/../4194000/../../ghost", 0700) == -ENOENT,
	    "a way through nobody's folder");
	return NULL;
}

static const char *misses_once_more(const char *(*miss)(void))
{
	struct pair pair;
	struct stat st;

	(void)raw(SYS_unlinkat, AT_FDCWD, (long)"/to-proc", 0);
	MUST(raw(SYS_symlinkat, (long)"/proc", AT_FDCWD, (long)"/to-proc") == 0,
	    "no link");
	sleep_ms(5);
	TRY(miss());
	TRY(await_pair("files", &pair));
	MUST(kill(pair.server, SIGKILL) == 0, "it cannot be killed");
	TRY(await_pair("files", &pair));
	MUST(stat("/ghost", &st) == -1 && errno == ENOENT,
	    "what failed is done once more, and does not fail");
	return use_files();
}

TEST(a_call_that_failed_fails_again_when_it_is_replayed)
{
	TRY(misses_once_more(look_for_nobody));
	return misses_once_more(make_behind_nobody);
}

static void open_in_a_full_table(void)
{
	struct stat st;

	while (dup(0) >= 0)
		continue;
	if (open("/full", O_CREAT | O_RDWR, 0600) != -1 || errno != EMFILE)
		_exit(1);
	if (open("/odd", O_RDWR | O_TRUNC) != -1 || errno != EMFILE)
		_exit(2);
	_exit(stat("/full", &st) == -1 && stat("/odd", &st) == 0 &&
		    st.st_size == 3
		? 0
		: 3);
}

TEST(what_gets_no_descriptor_is_not_opened)
{
	int fd = open("/odd", O_CREAT | O_RDWR | O_TRUNC, 0600);
	pid_t pid;

	MUST(fd >= 0 && write(fd, "abc", 3) == 3, "no file");
	close(fd);
	pid = must_fork();
	if (pid == 0)
		open_in_a_full_table();
	return status_verdict(reap(pid));
}

_Noreturn static void be_at_a_file(int fd)
{
	char path[64];

	if (raw(SYS_port_root, fd) != 0)
		_exit(1);
	if (raw(SYS_getcwd, (long)path, sizeof(path)) != -ENOTDIR)
		_exit(2);
	if (raw(SYS_openat, AT_FDCWD, (long)"x", O_RDONLY, 0) != -ENOTDIR)
		_exit(3);
	_exit(raw(SYS_openat, AT_FDCWD, (long)"/", O_RDONLY, 0) >= 0 ? 0 : 4);
}

/* No folder is its parent, so that it has no path to be told. */
TEST(a_process_may_be_at_a_file_that_is_no_folder)
{
	struct pair before, after;
	int fd = open("/odd", O_CREAT | O_RDWR, 0600);
	pid_t pid;

	MUST(fd >= 0, "no file");
	TRY(await_pair("files", &before));
	pid = must_fork();
	if (pid == 0)
		be_at_a_file(fd);
	TRY(status_verdict(reap(pid)));
	TRY(await_pair("files", &after));
	MUST(before.server == after.server, "the server has died of it");
	close(fd);
	return NULL;
}

TEST(a_terminal_is_not_written_what_is_not_there)
{
	MUST(raw(SYS_write, 1, 8, 10) == -EFAULT, "not said");
	return NULL;
}

static const struct test tests[] = {
    T(servers_have_no_parent_and_no_terminal),
    T(the_files_go_on_whoever_is_killed),
    T(the_terminal_goes_on_whoever_is_killed),
    T(a_signal_to_their_group_spares_servers),
    T(odd_calls_are_answered_as_all_others),
    T(a_call_that_failed_fails_again_when_it_is_replayed),
    T(what_gets_no_descriptor_is_not_opened),
    T(a_process_may_be_at_a_file_that_is_no_folder),
    T(a_terminal_is_not_written_what_is_not_there),
};

SUITE(tests)
