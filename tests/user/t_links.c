/* SPDX-License-Identifier: MIT */
/*
 * t_links.c - links in /proc, and in /dev, to what processes have open, where
 * they are, and what they execute: what they say, and what is behind them.
 */
#include "harness.h"

#include <dirent.h>
#include <sys/stat.h>

#define FOLDER    "/tmp/t_links"
#define FILE_PATH FOLDER "/file"

static char text[4096];

/* The text of the link, or a sentence in its place. */
static const char *link_text(const char *path)
{
	long n = raw(SYS_readlinkat, AT_FDCWD, (long)path, (long)text,
	    sizeof(text) - 1);

	if (n < 0)
		return found("error %ld", -n);
	text[n] = '\0';
	return text;
}

static const char *fd_path(int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static const char *path_of(int pid, const char *what)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return path;
}

static bool is(const char *one, const char *other)
{
	return strcmp(one, other) == 0;
}

static void clean(void)
{
	static const char *const names[] = {FILE_PATH, FOLDER "/other"};

	for (int i = 0; i < COUNT(names); i++)
		(void)raw(SYS_unlinkat, AT_FDCWD, (long)names[i], 0);
}

/* A new file that has these three bytes. */
static int begin(void)
{
	int fd;

	(void)raw(SYS_mkdirat, AT_FDCWD, (long)"/tmp", 0777);
	(void)raw(SYS_mkdirat, AT_FDCWD, (long)FOLDER, 0777);
	clean();
	fd = open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0600);
	(void)write(fd, "abc", 3);
	return fd;
}

/* ---- Files ---- */

TEST(a_file_is_opened_anew)
{
	int fd = begin(), again = open(fd_path(fd), O_RDONLY);
	char bytes[4];

	MUST(again >= 0 && read(again, bytes, 4) == 3, "it begins elsewhere");
	MUST(lseek(fd, 0, SEEK_CUR) == 3, "the other has moved");
	MUST(write(again, "x", 1) == -1 && errno == EBADF, "it can be written");
	close(again);
	again = open(fd_path(fd), O_WRONLY | O_APPEND);
	MUST(again >= 0 && write(again, "d", 1) == 1, "append");
	MUST(read(fd, bytes, 4) == 1 && bytes[0] == 'd', "another file");
	clean();
	close(again);
	close(fd);
	return NULL;
}

TEST(a_file_that_was_removed_is_there)
{
	int fd = begin(), again;
	struct stat st;
	char bytes[4];

	clean();
	again = open(fd_path(fd), O_RDONLY);
	MUST(again >= 0 && read(again, bytes, 4) == 3, "it cannot be opened");
	MUST(raw(SYS_truncate, (long)fd_path(fd), 1) == 0 &&
		fstat(again, &st) == 0 && st.st_size == 1,
	    "truncate");
	MUST(raw(SYS_fchmodat, AT_FDCWD, (long)fd_path(fd), 0640) == 0 &&
		fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 0640),
	    "chmod");
	MUST(strstr(link_text(fd_path(fd)), " (deleted)") != NULL,
	    found("it is %s", text));
	close(again);
	close(fd);
	return NULL;
}

TEST(a_link_says_where_a_file_is)
{
	int fd = begin(), root = open("/", O_RDONLY);

	MUST(is(link_text(fd_path(fd)), FILE_PATH), found("it is %s", text));
	(void)raw(SYS_renameat2, AT_FDCWD, (long)FILE_PATH, AT_FDCWD,
	    (long)FOLDER "/other", 0);
	MUST(is(link_text(fd_path(fd)), FOLDER "/other"),
	    found("moved, it is %s", text));
	MUST(is(link_text(fd_path(root)), "/"), found("/ is %s", text));
	close(fd);
	fd = on_calf() ? open("/init", O_RDONLY) : -1;
	MUST(fd < 0 || is(link_text(fd_path(fd)), "/init"),
	    found("/init is %s", text));
	close(fd);
	MUST(raw(SYS_readlinkat, AT_FDCWD, (long)fd_path(fd), (long)text,
		 sizeof(text)) == -ENOENT,
	    "it is closed");
	MUST(open(fd_path(fd), O_RDONLY) == -1 && errno == ENOENT,
	    "it can be opened");
	close(root);
	clean();
	return NULL;
}

TEST(a_folder_is_gone_through)
{
	int fd = begin(), dir = open(FOLDER, O_RDONLY | O_DIRECTORY);
	struct stat st, same;
	char path[96];

	snprintf(path, sizeof(path), "%s/file", fd_path(dir));
	MUST(raw(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) == 0 &&
		fstat(fd, &same) == 0 && st.st_ino == same.st_ino,
	    "the file in it");
	snprintf(path, sizeof(path), "%s/file", fd_path(fd));
	MUST(raw(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) ==
		-ENOTDIR,
	    "a file in the file");
	MUST(chdir(fd_path(dir)) == 0 &&
		is(link_text("/proc/self/cwd"), FOLDER),
	    found("it is in %s", text));
	MUST(chdir("/proc/self/cwd/..") == 0 &&
		is(link_text("/proc/self/cwd"), "/tmp"),
	    found("then it is in %s", text));
	clean();
	close(dir);
	close(fd);
	return NULL;
}

/* ---- Pipes ---- */

TEST(a_pipe_is_opened_by_a_process_that_has_it)
{
	char byte = 0, name[64];
	struct stat st, same;
	int ends[2], again;

	(void)begin();
	clean();
	MUST(pipe(ends) == 0, "no pipe");
	again = open(fd_path(ends[0]), O_RDONLY | O_CLOEXEC);
	MUST(again >= 0 && fcntl(again, F_GETFD) == FD_CLOEXEC, "read");
	MUST(write(ends[1], "x", 1) == 1 && read(again, &byte, 1) == 1 &&
		byte == 'x',
	    "the byte");
	close(again);
	again = open(fd_path(ends[1]), O_WRONLY | O_TRUNC);
	MUST(again >= 0 && fcntl(again, F_GETFD) == 0, "write");
	close(ends[1]);
	MUST(write(again, "y", 1) == 1 && read(ends[0], &byte, 1) == 1,
	    "the other byte");
	close(again);
	MUST(read(ends[0], &byte, 1) == 0, "it does not end");
	MUST(fstat(ends[0], &st) == 0 &&
		raw(SYS_newfstatat, AT_FDCWD, (long)fd_path(ends[0]),
		    (long)&same, 0) == 0 &&
		S_ISFIFO(same.st_mode),
	    "stat");
	snprintf(name, sizeof(name), "pipe:[%lu]", (unsigned long)st.st_ino);
	MUST(is(link_text(fd_path(ends[0])), name), found("it is %s", text));
	return NULL;
}

/* Linux would open the other end too, and pipes of any process. */
TEST(a_pipe_is_opened_as_it_is_open)
{
	int ends[2];
	pid_t pid;

	if (!on_calf())
		return SKIP("Linux opens the pipe anew");
	MUST(pipe(ends) == 0, "no pipe");
	MUST(open(fd_path(ends[0]), O_WRONLY) == -1 && errno == EACCES,
	    "the other end");
	MUST(open(fd_path(ends[0]), O_RDWR) == -1 && errno == EACCES, "both");
	MUST(open(fd_path(ends[0]), O_ACCMODE) == -1 && errno == EINVAL,
	    "neither");
	MUST(chdir(fd_path(ends[0])) == -1 && errno == ENOTDIR, "chdir");
	pid = must_fork();
	if (pid == 0) {
		char path[64];

		close(ends[0]);
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", getppid(),
		    ends[0]);
		_exit(open(path, O_RDONLY) == -1 ? errno : 0);
	}
	MUST(exited_with(reap(pid), EACCES), "that of another");
	return NULL;
}

/* ---- Processes ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How many descriptors are listed; -1 if one is not open. */
static int count_listed(int pid)
{
	DIR *dir = opendir(path_of(pid, "fd"));
	struct dirent *entry;
	int count = 0;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		if (!is_digit(entry->d_name[0]))
			continue;
		if (pid == getpid() &&
		    fcntl((int)strtol(entry->d_name, NULL, 10), F_GETFD) < 0)
			count = -1000;
		count++;
	}
	closedir(dir);
	return count;
}

TEST(what_is_open_is_listed)
{
	int before = count_listed(getpid()), fds[100];

	MUST(before > 0, "nothing");
	for (int i = 0; i < COUNT(fds); i++)
		fds[i] = dup(0);
	MUST(count_listed(getpid()) == before + COUNT(fds), "some are not");
	for (int i = 0; i < COUNT(fds); i += 2)
		close(fds[i]);
	MUST(count_listed(getpid()) == before + COUNT(fds) / 2,
	    "some are still");
	return NULL;
}

static const char *has_opened(void)
{
	int fd = open(FILE_PATH, O_RDWR);

	MUST(fd >= 0 && dup2(fd, 100) == 100, "it cannot be opened");
	(void)chdir(FOLDER);
	cell_set(0, 1);
	cell_await(1, 1);
	return NULL;
}

TEST(it_is_seen_what_another_has_open)
{
	int fd = begin(), again;
	char bytes[4];
	pid_t pid = child_start(has_opened);

	cell_await(0, 1);
	MUST(is(link_text(path_of(pid, "fd/100")), FILE_PATH),
	    found("it is %s", text));
	MUST(is(link_text(path_of(pid, "cwd")), FOLDER),
	    found("it is in %s", text));
	again = open(path_of(pid, "fd/100"), O_RDONLY);
	MUST(again >= 0 && read(again, bytes, 4) == 3, "it cannot be read");
	MUST(raw(SYS_faccessat, AT_FDCWD, (long)path_of(pid, "fd/101"), 0) ==
		-ENOENT,
	    "one that is not open");
	cell_set(1, 1);
	TRY(child_end(pid));
	MUST(raw(SYS_faccessat, AT_FDCWD, (long)path_of(pid, "fd"), 0) ==
		-ENOENT,
	    "it is gone");
	clean();
	close(again);
	close(fd);
	return NULL;
}

/* Others look while it opens and closes. */
TEST(a_process_can_be_looked_at_at_any_time)
{
	pid_t pid = must_fork();

	if (pid == 0)
		for (;;) {
			int fd = dup2(0, 40);

			(void)chdir("/");
			close(fd);
		}
	for (int i = 0; i < 300; i++) {
		const char *says = link_text(path_of(pid, "fd/40"));

		MUST(!is(says, ""), "nothing");
		(void)link_text(path_of(pid, "cwd"));
		MUST(count_listed(pid) >= 0, "it cannot be listed");
	}
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return NULL;
}

TEST(what_it_executes_can_be_executed)
{
	struct stat st, same;
	pid_t pid;

	if (on_emulator())
		return SKIP("it is the emulator that is executed");
	MUST(raw(SYS_newfstatat, AT_FDCWD, (long)"/proc/self/exe", (long)&st,
		 0) == 0 &&
		raw(SYS_newfstatat, AT_FDCWD, (long)suite_path, (long)&same,
		    0) == 0 &&
		st.st_ino == same.st_ino,
	    "it is another");
	MUST(link_text("/proc/self/exe")[0] == '/' &&
		strcmp(strrchr(text, '/'), strrchr(suite_path, '/')) == 0,
	    found("it is %s", text));
	pid = must_fork();
	if (pid == 0) {
		execl("/proc/self/exe", "another", "exit", "42", NULL);
		_exit(99);
	}
	MUST(exited_with(reap(pid), 42), "it cannot be executed");
	return NULL;
}

TEST(a_descriptor_can_be_executed)
{
	int fd = open(suite_path, O_RDONLY);
	pid_t pid;

	if (on_emulator())
		return SKIP("it cannot execute this program");
	pid = must_fork();
	if (pid == 0) {
		execl(fd_path(fd), "another", "exit", "43", NULL);
		_exit(99);
	}
	MUST(exited_with(reap(pid), 43), "it cannot be");
	close(fd);
	return NULL;
}

/* ---- /dev ---- */

TEST(dev_has_names_for_open_files)
{
	int fd = begin(), again;
	char path[32], bytes[4];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	again = open(path, O_RDONLY);
	MUST(again >= 0 && read(again, bytes, 4) == 3, "/dev/fd");
	(void)dup2(fd, 0);
	close(again);
	again = open("/dev/stdin", O_RDONLY);
	MUST(again >= 0 && read(again, bytes, 4) == 3, "/dev/stdin");
	close(again);
	MUST(is(link_text("/dev/stdout"), "/proc/self/fd/1"), "/dev/stdout");
	MUST(is(link_text("/dev/stderr"), "/proc/self/fd/2"), "/dev/stderr");
	clean();
	close(fd);
	return NULL;
}

TEST(a_call_follows_a_few_links_of_proc)
{
	char path[200] = "/proc/self/cwd";
	struct stat st;

	if (!on_calf())
		return SKIP("Linux follows 40");
	for (int i = 0; i < 3; i++)
		strcat(path, "/proc/self/cwd");
	MUST(chdir("/") == 0 &&
		raw(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) == 0,
	    "four");
	strcat(path, "/proc/self/cwd");
	MUST(raw(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0) == -ELOOP,
	    "five");
	return NULL;
}

static const struct test tests[] = {
    T(a_file_is_opened_anew),
    T(a_file_that_was_removed_is_there),
    T(a_link_says_where_a_file_is),
    T(a_folder_is_gone_through),
    T(a_pipe_is_opened_by_a_process_that_has_it),
    T(a_pipe_is_opened_as_it_is_open),
    T(what_is_open_is_listed),
    T(it_is_seen_what_another_has_open),
    T(a_process_can_be_looked_at_at_any_time),
    T(what_it_executes_can_be_executed),
    T(a_descriptor_can_be_executed),
    T(dev_has_names_for_open_files),
    T(a_call_follows_a_few_links_of_proc),
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "exit") == 0)
		return (int)strtol(argv[2], NULL, 10);
	return suite_main(argc, argv, tests, COUNT(tests));
}
