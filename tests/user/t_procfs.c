/* SPDX-License-Identifier: MIT */
/* t_procfs.c - /proc: its contents, compared with the results of calls. */
#include "harness.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "abi/misc.h"

static char text[16384];

/*
 * Reads all of a file, with a NUL behind it. Returns how many bytes, or a
 * negated errno.
 */
static long content(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n, done = 0;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + done, sizeof(text) - 1 - (size_t)done)) > 0)
		done += n;
	close(fd);
	text[done] = '\0';
	return n < 0 ? -errno : done;
}

static long content_of(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return content(path);
}

/* The number behind the first `name` in the text; -1 if it is not there. */
static long number_behind(const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* ---- Processes ---- */

/* The numbers behind the name in a stat file. */
enum { PPID, PGID, SID };

static char read_stat(int pid, long numbers[3])
{
	char state, *at;

	if (content_of(pid, "stat") <= 0 || strtol(text, &at, 10) != pid)
		return 0;
	at = strrchr(text, ')');
	if (at == NULL)
		return 0;
	state = at[2];
	at += 3;
	for (int i = 0; i < 3; i++)
		numbers[i] = strtol(at, &at, 10);
	return state;
}

static const char *says_who_it_is(void)
{
	char link[32] = "", own[32];
	long numbers[3];

	snprintf(own, sizeof(own), "%d", getpid());
	MUST(readlink("/proc/self", link, sizeof(link) - 1) > 0 &&
		strcmp(link, own) == 0,
	    found("self is %s", link));
	MUST(read_stat(getpid(), numbers) != 0, "no stat");
	MUST(numbers[PPID] == getppid() && numbers[PGID] == getpgrp() &&
		numbers[SID] == getsid(0),
	    found("its parent is %ld, its group %ld, its session %ld",
		numbers[PPID], numbers[PGID], numbers[SID]));
	MUST(content("/proc/self/status") > 0 &&
		number_behind("\nPid:") == getpid() &&
		number_behind("\nPPid:") == getppid(),
	    "status");
	return NULL;
}

TEST(self_is_the_caller)
{
	TRY(says_who_it_is());
	return in_child(says_who_it_is);
}

static int opened_link;

static const char *leads_to_who_asks(void)
{
	char link[32] = "", own[32];

	snprintf(own, sizeof(own), "%d", getpid());
	MUST(raw(SYS_readlinkat, opened_link, (long)"", (long)link,
		 sizeof(link) - 1) == (long)strlen(own) &&
		strcmp(link, own) == 0,
	    found("%d is told %s", getpid(), link));
	return NULL;
}

/* The text does not depend on the process that opened the link. */
TEST(a_link_that_is_open_leads_to_the_caller)
{
	opened_link = open("/proc/self", O_PATH | O_NOFOLLOW);
	MUST(opened_link >= 0, "it cannot be opened");
	TRY(leads_to_who_asks());
	TRY(in_child(leads_to_who_asks));
	return leads_to_who_asks();
}

TEST(a_process_is_there_until_it_is_waited_for)
{
	long numbers[3];
	pid_t pid = must_fork();
	char state, path[64];
	int fd;

	if (pid == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	MUST(read_stat(pid, numbers) != 0 && numbers[PPID] == getpid(),
	    "another parent");
	kill(pid, SIGSTOP);
	(void)waitpid(pid, NULL, WUNTRACED);
	state = read_stat(pid, numbers);
	MUST(state == 'T', found("stopped, it is %c", state));
	kill(pid, SIGKILL);
	while ((state = read_stat(pid, numbers)) != 'Z')
		MUST(state != 0, "it is gone before it is waited for");
	(void)reap(pid);
	MUST(content_of(pid, "stat") == -ENOENT, "it is there still");
	MUST(read(fd, text, 1) == -1 && errno == ESRCH, "what is open says so");
	close(fd);
	MUST(content("/proc/0/stat") == -ENOENT, "0");
	MUST(content("/proc/01/stat") == -ENOENT, "01");
	MUST(content("/proc/1x/stat") == -ENOENT, "1x");
	MUST(content("/proc/1/nothing") == -ENOENT, "nothing");
	return NULL;
}

static const char *has_a_name(void)
{
	(void)raw(SYS_prctl, PR_SET_NAME, (long)"another");
	MUST(content("/proc/self/comm") == 8 && strcmp(text, "another\n") == 0,
	    text);
	MUST(content("/proc/self/stat") > 0 &&
		strstr(text, " (another) ") != NULL,
	    text);
	return NULL;
}

TEST(a_process_has_the_name_that_it_gave_itself)
{
	return in_child(has_a_name);
}

static const char words[] = "@words\0one\0\0two words";

/* What a program that was executed with them finds. */
static int executed(const char *self)
{
	size_t len = strlen(self) + 1;
	pid_t pid = getppid();

	/* A child that it forks has these arguments, too. */
	if (content("/proc/self/cmdline") != (long)(len + sizeof(words)) ||
	    strcmp(text, self) != 0 ||
	    memcmp(text + len, words, sizeof(words)) != 0)
		return 1;
	pid = fork();
	if (pid == 0)
		_exit(content("/proc/self/cmdline") !=
		    (long)(len + sizeof(words)));
	return exited_with(reap(pid), 0) ? 0 : 2;
}

static void execute(void)
{
	execl(suite_path, suite_path, "@words", "one", "", "two words", NULL);
	_exit(127);
}

TEST(its_arguments_are_those_that_it_was_executed_with)
{
	int status = status_of(execute);

	MUST(exited_with(status, 0), found("status %x", status));
	return NULL;
}

/* The permissions of an address in `maps`, or "". */
static const char *rights_of(const void *at)
{
	const char *line = text;

	while (line != NULL && *line != '\0') {
		char *end;
		unsigned long from = strtoul(line, &end, 16);
		unsigned long to = strtoul(end + 1, &end, 16);

		if ((unsigned long)at >= from && (unsigned long)at < to)
			return end + 1;
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return "";
}

static bool has_rights(const void *at, const char *rights)
{
	return strncmp(rights_of(at), rights, 5) == 0;
}

TEST(maps_are_what_is_mapped)
{
	unsigned char *p = pages_private(8), *shared = pages_shared(1);
	int local = 0;

	p[0] = p[2 * PAGE] = 1;
	MUST(mprotect(p + PAGE, PAGE, PROT_READ) == 0, "mprotect");
	MUST(mprotect(p + 5 * PAGE, PAGE, PROT_NONE) == 0, "mprotect");
	MUST(munmap(p + 3 * PAGE, PAGE) == 0, "munmap");
	MUST(content("/proc/self/maps") > 0, "no maps");
	MUST(has_rights(p, "rw-p ") && has_rights(p + 2 * PAGE, "rw-p ") &&
		has_rights(p + 4 * PAGE, "rw-p "),
	    "memory");
	MUST(has_rights(p + PAGE, "r--p "), "to be read only");
	MUST(has_rights(p + 5 * PAGE, "---p "), "without rights");
	MUST(has_rights(p + 3 * PAGE, ""), "what is not mapped");
	MUST(has_rights(shared, "rw-s "), "shared memory");
	MUST(has_rights(&local, "rw-p "), "the stack");
	MUST(has_rights((void *)(uintptr_t)rights_of, "r-xp "), "the program");
	return NULL;
}

/* A child shares all memory: pages that may be written are still "w". */
TEST(maps_say_what_a_process_may_do)
{
	unsigned char *p = pages_private(1);
	pid_t pid;

	p[0] = 1;
	pid = must_fork();
	if (pid == 0)
		for (;;)
			pause();
	p[0] = 2; /* their tables are not shared any more */
	MUST(content_of(pid, "maps") > 0 && has_rights(p, "rw-p "), "a copy");
	kill(pid, SIGKILL);
	(void)reap(pid);
	return NULL;
}

/* ---- The system ---- */

TEST(the_system_is_what_its_calls_say)
{
	struct sysinfo info;
	struct utsname name;
	char want[256];
	int harts = 0;

	MUST(sysinfo(&info) == 0 && uname(&name) == 0, "calls");
	MUST(content("/proc/meminfo") > 0 &&
		number_behind("MemTotal:") ==
		    (long)(info.totalram * info.mem_unit / 1024),
	    "meminfo");
	MUST(number_behind("MemFree:") > 0, "no memory is free");
	snprintf(want, sizeof(want), "%s version %s ", name.sysname,
	    name.release);
	MUST(content("/proc/version") > 0 &&
		strncmp(text, want, strlen(want)) == 0,
	    text);
	MUST(content("/proc/cpuinfo") > 0, "cpuinfo");
	for (const char *at = text; (at = strstr(at, "processor\t")) != NULL;
	     at++)
		harts++;
	MUST(harts == sysconf(_SC_NPROCESSORS_ONLN), found("%d harts", harts));
	MUST(content("/proc/mounts") > 0 && strstr(text, " / ") != NULL &&
		strstr(text, "proc /proc proc ") != NULL,
	    text);
	return NULL;
}

/* Is that the line of the file? */
static bool says(const char *path, const char *line)
{
	long n = content(path);

	return n == (long)strlen(line) + 1 && text[n - 1] == '\n' &&
	    strncmp(text, line, (size_t)n - 1) == 0;
}

TEST(what_sysctl_reads_is_what_uname_says)
{
	struct utsname name;
	char path[64];

	MUST(uname(&name) == 0, "uname");
	MUST(says("/proc/sys/kernel/hostname", name.nodename), text);
	MUST(says("/proc/sys/kernel/osrelease", name.release), text);
	MUST(says("/proc/sys/kernel/ostype", name.sysname), text);
	MUST(says("/proc/sys/kernel/version", name.version), text);
	MUST(says("/proc/sys/kernel/domainname", name.domainname), text);
	MUST(says("/proc/sys/kernel/tainted", "0"), text);
	MUST(says("/proc/sys/kernel/pid_max", "4194304"), text);
	MUST(chdir("/proc/sys/kernel") == 0 &&
		getcwd(path, sizeof(path)) != NULL &&
		strcmp(path, "/proc/sys/kernel") == 0,
	    "where it is");
	MUST(chdir("../../self") == 0 && content("mounts") > 0 &&
		strstr(text, "proc /proc proc ") != NULL,
	    text);
	MUST(chdir("/") == 0 && open("/proc/sys/fs", O_RDONLY) == -1 &&
		errno == ENOENT,
	    "a name that is not there");
	return NULL;
}

TEST(time_passes)
{
	struct timespec now;
	long up;

	MUST(content("/proc/uptime") > 0, "uptime");
	up = strtol(text, NULL, 10);
	clock_gettime(CLOCK_MONOTONIC, &now);
	MUST(now.tv_sec - up <= 2 && up <= now.tv_sec + 2,
	    found("%ld seconds", up));
	MUST(content("/proc/stat") > 0 && strncmp(text, "cpu  ", 5) == 0 &&
		number_behind("\nprocs_running ") > 0 &&
		number_behind("\nprocesses ") > 0,
	    text);
	MUST(content("/proc/loadavg") > 0 && strchr(text, '/') != NULL, text);
	return NULL;
}

/* ---- Files and folders ---- */

/* How often a name is in /proc. */
static int times_listed(const char *name)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int times = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		times += strcmp(entry->d_name, name) == 0;
	if (dir != NULL)
		closedir(dir);
	return times;
}

TEST(each_name_is_listed_once)
{
	static const char *const names[] = {".", "..", "self", "meminfo",
	    "uptime", "1"};
	char own[16];

	snprintf(own, sizeof(own), "%d", getpid());
	for (int i = 0; i < COUNT(names); i++)
		MUST(times_listed(names[i]) == 1, names[i]);
	MUST(times_listed(own) == 1, "its own pid");
	MUST(times_listed("01") == 0, "01");
	return NULL;
}

/* A list goes on at the position at which another one ended. */
TEST(a_list_may_begin_anywhere)
{
	char entries[1024];
	int fd = open("/proc", O_RDONLY | O_DIRECTORY);
	long off;

	MUST(raw(SYS_getdents64, fd, (long)entries, 64) > 0, "nothing");
	off = lseek(fd, 0, SEEK_CUR);
	close(fd);
	fd = open("/proc", O_RDONLY | O_DIRECTORY);
	MUST(off > 0 && lseek(fd, off, SEEK_SET) == off, "lseek");
	MUST(raw(SYS_getdents64, fd, (long)entries, sizeof(entries)) > 0,
	    found("nothing from %ld on", off));
	close(fd);
	return NULL;
}

TEST(a_directory_may_be_one_of_a_process)
{
	static char path[64];
	char own[64];
	struct stat there, here;

	snprintf(own, sizeof(own), "/proc/%d", getpid());
	MUST(chdir("/proc/self") == 0, "chdir");
	MUST(getcwd(path, sizeof(path)) != NULL && strcmp(path, own) == 0,
	    path);
	MUST(content("stat") > 0 && strtol(text, NULL, 10) == getpid(),
	    "a file in it");
	MUST(content("../self/../uptime") > 0, "above it");
	MUST(stat("..", &there) == 0 && stat("/proc", &here) == 0 &&
		there.st_ino == here.st_ino && there.st_dev == here.st_dev,
	    "what is above it");
	MUST(stat(".", &there) == 0 && stat(own, &here) == 0 &&
		S_ISDIR(here.st_mode) && there.st_ino == here.st_ino,
	    "it has two numbers");
	MUST(lstat("/proc/self", &here) == 0 && S_ISLNK(here.st_mode), "self");
	MUST(lstat("/proc/self/", &here) == 0 && S_ISDIR(here.st_mode),
	    "self with a slash");
	return NULL;
}

/* The process is gone, and its folder is empty. */
TEST(the_folder_of_a_process_outlives_it)
{
	pid_t pid = must_fork();
	char path[64];
	int fd;

	if (pid == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	MUST(fd >= 0, "it cannot be opened");
	MUST(faccessat(fd, "stat", R_OK, 0) == 0, "nothing is in it");
	kill(pid, SIGKILL);
	(void)reap(pid);
	MUST(faccessat(fd, "stat", R_OK, 0) == -1, "a file of nobody");
	close(fd);
	return NULL;
}

TEST(parts_make_up_the_whole)
{
	char whole[512], part[8];
	int fd = open("/proc/self/comm", O_RDONLY);
	long len = read(fd, whole, sizeof(whole));

	MUST(fd >= 0 && len > 4, "the whole");
	MUST(read(fd, part, 1) == 0, "more than the whole");
	MUST(pread(fd, part, 2, 2) == 2 && memcmp(part, whole + 2, 2) == 0,
	    "a part");
	MUST(lseek(fd, 1, SEEK_SET) == 1 && read(fd, part, 3) == 3 &&
		memcmp(part, whole + 1, 3) == 0,
	    "after a seek");
	MUST(read(fd, part, sizeof(part)) > 0, "the rest");
	MUST(pread(fd, part, 1, 1L << 40) == 0, "far behind");
	close(fd);
	return NULL;
}

#define MANY 150

TEST(many_of_its_files_can_be_open)
{
	int fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] =
		    open(i % 2 ? "/proc/self/stat" : "/proc/uptime", O_RDONLY);
		MUST(fds[i] >= 0, found("file %d: error %d", i, errno));
	}
	for (int i = 0; i < MANY; i++) {
		char c = 0;

		MUST(read(fds[i], &c, 1) == 1 && c >= '0' && c <= '9',
		    found("file %d says %c", i, c));
		close(fds[i]);
	}
	return NULL;
}

TEST(nothing_can_be_changed)
{
	static const struct {
		const char *path;
		int flags, error;
	} opens[] = {{"/proc/stat", O_WRONLY, EACCES},
	    {"/proc/stat", O_RDONLY | O_TRUNC, EACCES},
	    {"/proc/self/comm", O_RDWR, EACCES},
	    {"/proc/new", O_RDWR | O_CREAT, EPERM}, {"/proc", O_WRONLY, EISDIR},
	    {"/proc", O_RDWR | O_TMPFILE, EOPNOTSUPP},
	    {"/proc/self", O_RDONLY | O_NOFOLLOW, ELOOP}};

	if (!on_calf())
		return SKIP("other errors are Linux's");
	for (int i = 0; i < COUNT(opens); i++)
		MUST(open(opens[i].path, opens[i].flags, 0600) == -1 &&
			errno == opens[i].error,
		    found("open %d: error %d", i, errno));
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"/proc/x", 0) == -EPERM, "mkdir");
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/proc/stat", 0) == -EPERM,
	    "unlink");
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/proc", AT_REMOVEDIR) == -EBUSY,
	    "rmdir");
	MUST(raw(SYS_renameat2, AT_FDCWD, (long)"/proc", AT_FDCWD, (long)"/q",
		 0) == -EBUSY,
	    "rename");
	MUST(raw(SYS_renameat2, AT_FDCWD, (long)"/proc/stat", AT_FDCWD,
		 (long)"/q", 0) == -EBUSY,
	    "rename of a file");
	MUST(raw(SYS_renameat2, AT_FDCWD, (long)"/bin", AT_FDCWD,
		 (long)"/proc/q", 0) == -EBUSY,
	    "rename to it");
	MUST(raw(SYS_linkat, AT_FDCWD, (long)"/init", AT_FDCWD, (long)"/proc/q",
		 0) == -EPERM,
	    "link");
	MUST(raw(SYS_linkat, AT_FDCWD, (long)"/proc/stat", AT_FDCWD, (long)"/q",
		 0) == -ENOENT,
	    "link from it");
	MUST(raw(SYS_symlinkat, (long)"a", AT_FDCWD, (long)"/proc/q") == -EPERM,
	    "symlink");
	MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE,
		 open("/proc/stat", O_RDONLY), 0) == MAP_FAILED &&
		errno == ENODEV,
	    "mmap");
	return NULL;
}

static const struct test tests[] = {
    T(self_is_the_caller),
    T(a_link_that_is_open_leads_to_the_caller),
    T(a_process_is_there_until_it_is_waited_for),
    T(a_process_has_the_name_that_it_gave_itself),
    T(its_arguments_are_those_that_it_was_executed_with),
    T(maps_are_what_is_mapped),
    T(maps_say_what_a_process_may_do),
    T(the_system_is_what_its_calls_say),
    T(what_sysctl_reads_is_what_uname_says),
    T(time_passes),
    T(each_name_is_listed_once),
    T(a_list_may_begin_anywhere),
    T(a_directory_may_be_one_of_a_process),
    T(the_folder_of_a_process_outlives_it),
    T(parts_make_up_the_whole),
    T(many_of_its_files_can_be_open),
    T(nothing_can_be_changed),
};

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "@words") == 0)
		return executed(argv[0]);
	return suite_main(argc, argv, tests, COUNT(tests));
}
