/* SPDX-License-Identifier: MIT */
/*
 * effects.c - process 1 that changes files, a chapter at a time, and at the end
 * prints the results of all calls and the contents of the files. Each run has
 * to print that, also if the file server was killed meanwhile: an effect that
 * is lost, or comes twice, is seen here (tests/nasty/kill.py).
 *
 *     rdinit=/bin/effects CHAPTER...
 *
 * Nothing is printed before the end, so that the console server has no part in
 * it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/statfs.h"

#define ROOM 8192 /* as much as the console takes at once */

static char said[ROOM];
static size_t said_len;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(said + said_len, ROOM - said_len, format, args);
	va_end(args);
	if (n > 0)
		said_len += (size_t)n;
	if (said_len >= ROOM)
		said_len = ROOM - 1;
}

static void did(const char *what, long result)
{
	if (result < 0)
		say("%s: error %d\n", what, errno);
	else
		say("%s: %ld\n", what, result);
}

#define DO(call) did(#call, (long)(call))

/* ---- Calls that the library has no names for ---- */

#define HERE AT_FDCWD

static long make_folder(const char *path)
{
	return syscall(SYS_mkdirat, HERE, path, 0750);
}

static long remove_folder(const char *path)
{
	return syscall(SYS_unlinkat, HERE, path, AT_REMOVEDIR);
}

static long make_link(const char *from, const char *to)
{
	return syscall(SYS_linkat, HERE, from, HERE, to, 0);
}

static long make_symlink(const char *text, const char *path)
{
	return syscall(SYS_symlinkat, text, HERE, path);
}

static long rename_to(const char *from, const char *to)
{
	return syscall(SYS_renameat2, HERE, from, HERE, to, 0);
}

/* ---- What there is ---- */

static char bytes[40000];

/* Prints the bytes; for a row of equal ones, how many they are. */
static void show_bytes(const char *at, long len)
{
	for (long i = 0, n; i < len; i += n) {
		for (n = 1; i + n < len && at[i + n] == at[i];)
			n++;
		say(at[i] >= ' ' ? " %c*%ld" : " \\%d*%ld", at[i], n);
	}
	say("\n");
}

static void show_file(int fd)
{
	long n = syscall(SYS_pread64, fd, bytes, sizeof bytes, 0);

	say("  bytes");
	show_bytes(bytes, n);
}

/* Blocks and times are left out. */
static void show(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0) {
		say("%s is not there: error %d\n", path, errno);
		return;
	}
	say("%s: node %lu mode %o links %lu owner %u %u size %ld\n", path,
	    (unsigned long)st.st_ino, st.st_mode, (unsigned long)st.st_nlink,
	    st.st_uid, st.st_gid, (long)st.st_size);
	if (S_ISLNK(st.st_mode)) {
		long n = readlink(path, bytes, sizeof bytes);

		say("  leads to %.*s\n", n > 0 ? (int)n : 0, bytes);
	}
	if (!S_ISREG(st.st_mode))
		return;
	fd = open(path, O_RDONLY);
	show_file(fd);
	close(fd);
}

/* The names of a folder, in its order. */
static void list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	say("in %s:", path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		say(" %s", entry->d_name);
	say("\n");
	if (dir != NULL)
		closedir(dir);
}

/* Counts all nodes of the tree, also those that no path leads to. */
static void count_nodes(void)
{
	struct statfs_abi st;

	if (syscall(SYS_statfs, "/", &st) < 0)
		say("nodes: error %d\n", errno);
	else
		say("nodes: %lu\n", (unsigned long)(st.files - st.ffree));
}

/* ---- The chapters ---- */

static void make_and_write(void)
{
	int fd;

	DO(make_folder("/w"));
	DO(make_folder("/w"));
	DO(fd = open("/w/a", O_RDWR | O_CREAT | O_EXCL, 0640));
	DO(open("/w/a", O_RDWR | O_CREAT | O_EXCL, 0640));
	DO(write(fd, "one", 3));
	DO(write(fd, "two", 3));
	DO(lseek(fd, 1, SEEK_SET));
	DO(write(fd, "NE", 2));
	DO(lseek(fd, 0, SEEK_CUR));
	DO(syscall(SYS_pwrite64, fd, "xyz", 3, 5000));
	DO(read(fd, bytes, 4));
	DO(close(fd));
	show("/w/a");
	DO(close(open("/w/a", O_WRONLY | O_TRUNC)));
	show("/w/a");
	list("/w");
}

static void append(void)
{
	int fd, other;

	DO(fd = open("/log", O_WRONLY | O_CREAT | O_APPEND, 0644));
	DO(other = open("/log", O_RDWR | O_APPEND));
	for (int i = 0; i < 4; i++) {
		DO(write(i % 2 ? fd : other, "0123456789" + i, 1));
		DO(lseek(fd, 0, SEEK_CUR));
	}
	DO(fcntl(fd, F_SETFL, 0));
	DO(lseek(fd, 1, SEEK_SET));
	DO(write(fd, "in", 2));
	DO(write(other, "end", 3));
	show("/log");
	DO(close(fd));
	DO(close(other));
}

/* The pieces of a vector are written together, or none of them is. */
static void write_vectors(void)
{
	struct iovec more[] = {{bytes, 9000}, {bytes + 33000, 300},
	    {bytes + 20000, 8000}};
	char one[] = "one", two[] = "two";
	struct iovec few[] = {{one, 3}, {NULL, 0}, {two, 3}};
	int fd, other;

	memset(bytes, 'm', sizeof bytes);
	memset(bytes + 33000, 'n', 500);
	DO(fd = open("/v", O_WRONLY | O_CREAT | O_APPEND, 0600));
	DO(other = open("/v", O_RDWR));
	DO(writev(fd, few, 3));
	DO(writev(fd, more, 3));
	DO(writev(fd, few, 3));
	DO(syscall(SYS_pwritev, other, few, 3, 1, 0));
	show("/v");
	DO(lseek(other, 4, SEEK_SET));
	DO(readv(other, few, 3));
	say("read: %s, %s\n", one, two);
	DO(lseek(other, 0, SEEK_CUR));
	DO(close(fd));
	DO(close(other));
}

/* One write is several pieces for the server, and two blocks of memory. */
static void write_much(void)
{
	int fd;

	memset(bytes, 'm', sizeof bytes);
	memset(bytes + 33000, 'n', 500);
	DO(fd = open("/much", O_RDWR | O_CREAT | O_APPEND, 0600));
	DO(write(fd, bytes, 34000));
	DO(write(fd, "behind", 6));
	show("/much");
	DO(syscall(SYS_ftruncate, fd, 3));
	DO(syscall(SYS_ftruncate, fd, 4100));
	show("/much");
	DO(syscall(SYS_fallocate, fd, 0, 4090, 50));
	DO(syscall(SYS_truncate, "/much", 2));
	show("/much");
	DO(close(fd));
}

static void link_and_remove(void)
{
	int fd;

	DO(fd = open("/first", O_RDWR | O_CREAT, 0600));
	DO(write(fd, "f", 1));
	DO(make_link("/first", "/second"));
	DO(make_link("/first", "/second"));
	show("/second");
	DO(unlink("/first"));
	DO(unlink("/first"));
	show("/second");
	DO(unlink("/second"));
	count_nodes();
	DO(write(fd, "still", 5));
	show_file(fd);
	DO(close(fd));
	DO(make_symlink("/w/there", "/sign"));
	DO(make_symlink("elsewhere", "/sign"));
	show("/sign");
	DO(unlink("/sign"));
	count_nodes();
	list("/");
}

static void rename_all(void)
{
	DO(make_folder("/from"));
	DO(make_folder("/to"));
	DO(close(open("/from/a", O_CREAT | O_WRONLY, 0600)));
	DO(close(open("/to/b", O_CREAT | O_WRONLY, 0644)));
	DO(rename_to("/from/a", "/from/c"));
	DO(rename_to("/from/a", "/from/c"));
	DO(rename_to("/from/c", "/to/b"));
	DO(rename_to("/from/c", "/to/b"));
	show("/to/b");
	DO(rename_to("/to", "/from/to"));
	DO(rename_to("/from", "/from/to/x"));
	DO(remove_folder("/from"));
	DO(unlink("/from/to/b"));
	DO(remove_folder("/from/to"));
	DO(remove_folder("/from/to"));
	show("/from");
	DO(remove_folder("/from"));
	count_nodes();
	list("/");
}

/* Removes names during a list: none is listed twice. */
static void list_and_remove(void)
{
	char name[] = "/l/0";
	struct dirent *entry;
	DIR *dir;

	DO(make_folder("/l"));
	for (int i = 0; i < 6; i++) {
		name[3] = (char)('0' + i);
		DO(syscall(SYS_mknodat, HERE, name, S_IFREG | 0600, 0));
	}
	dir = opendir("/l");
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		name[3] = entry->d_name[0];
		if (name[3] % 2)
			DO(unlink(name));
		else
			DO(rename_to(name, "/l/x"));
		say("  %s\n", name);
	}
	if (dir != NULL)
		closedir(dir);
	list("/l");
	count_nodes();
}

static void change_attributes(void)
{
	const struct timespec times[] = {{1, 2}, {3, 4}};
	struct stat st = {0};
	int fd;

	DO(fd = open("/p", O_RDWR | O_CREAT, 0600));
	DO(syscall(SYS_fchmodat, HERE, "/p", 04711));
	DO(syscall(SYS_fchownat, HERE, "/p", 5, 6, 0));
	show("/p");
	DO(syscall(SYS_fchmod, fd, 0604));
	DO(syscall(SYS_fchown, fd, -1, 9));
	DO(syscall(SYS_utimensat, HERE, "/p", times, 0));
	show("/p");
	DO(fstat(fd, &st));
	say("changed at %ld and %ld ns\n", (long)st.st_mtim.tv_sec,
	    (long)st.st_mtim.tv_nsec);
	DO(make_folder("/d"));
	DO(chdir("/d"));
	DO(rename_to("/d", "/e"));
	DO(close(open("here", O_CREAT | O_WRONLY, 0600)));
	DO(getcwd(bytes, sizeof bytes) != NULL);
	say("at %s\n", bytes);
	DO(chdir("/"));
	list("/e");
	DO(close(fd));
}

/* Open files are shared, inherited and mapped. */
static void share(void)
{
	int fd, status = 0;
	char *page;
	pid_t pid;

	DO(fd = open("/s", O_RDWR | O_CREAT | O_EXCL, 0600));
	DO(write(fd, "parent", 6));
	pid = fork();
	if (pid == 0)
		_exit(write(fd, "child", 5) == 5 && unlink("/s") == 0 ? 7 : 8);
	waitpid(pid, &status, 0);
	say("the child ended with %d\n", WEXITSTATUS(status));
	DO(lseek(fd, 0, SEEK_CUR));
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	DO(write(fd, "more", 4));
	if (page != MAP_FAILED)
		say("mapped: %.20s\n", page);
	DO(lseek(dup(fd), 0, SEEK_CUR));
	show_file(fd);
	count_nodes();
}

/* Stores to a mapped file: no store is lost, and none is undone. */
static void store(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd, status = 0;
	char *at, *too;

	memset(bytes, 'b', 5000);
	DO(fd = open("/m", O_RDWR | O_CREAT | O_EXCL, 0600));
	DO(write(fd, bytes, 5000));
	at = mmap(NULL, 8192, rw, MAP_SHARED, fd, 0);
	DO(at != MAP_FAILED);
	memset(at + 10, 's', 20);
	DO(syscall(SYS_pwrite64, fd, "written", 7, 15));
	at[16] = 'S';
	DO(syscall(SYS_ftruncate, fd, 100));
	DO(syscall(SYS_ftruncate, fd, 6000));
	memset(at + 4090, 't', 10);
	DO(syscall(SYS_fallocate, fd, 3, 4092, 2));
	at[4093] = 'u';
	too = mmap(NULL, 4096, rw, MAP_SHARED, fd, 4096);
	DO(too != MAP_FAILED);
	if (fork() == 0) {
		too[500] = 'c';
		_exit(write(fd, "!", 1));
	}
	wait(&status);
	say("the child ended with %d, at[4596] is %c\n", WEXITSTATUS(status),
	    at[4596]);
	show("/m");
	DO(unlink("/m"));
	too[501] = 'd';
	show_file(fd);
	DO(close(fd));
	count_nodes();
}

/* A program that is copied, executed and removed. */
static void run(void)
{
	char *const argv[] = {(char *)"/copy", NULL}, *const envp[] = {NULL};
	const char script[] = "#!/bin/effects -nothing\n";
	int fd, status = 0;
	pid_t pid;

	DO(fd = open("/copy", O_WRONLY | O_CREAT | O_EXCL, 0755));
	DO(write(fd, script, sizeof script - 1));
	DO(close(fd));
	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (pid == 0) {
			execve("/copy", argv, envp);
			_exit(errno);
		}
		waitpid(pid, &status, 0);
		say("the program ended with %d\n", WEXITSTATUS(status));
		DO(unlink("/copy"));
	}
	count_nodes();
}

static const struct chapter {
	const char *name;
	void (*fn)(void);
} chapters[] = {
    {"make", make_and_write},
    {"append", append},
    {"much", write_much},
    {"vector", write_vectors},
    {"link", link_and_remove},
    {"rename", rename_all},
    {"list", list_and_remove},
    {"attributes", change_attributes},
    {"share", share},
    {"store", store},
    {"run", run},
};

#define CHAPTERS (sizeof chapters / sizeof chapters[0])

static int do_chapter(const char *name)
{
	for (size_t i = 0; i < CHAPTERS; i++) {
		if (strcmp(chapters[i].name, name) != 0)
			continue;
		say("--- %s\n", name);
		chapters[i].fn();
		return 0;
	}
	say("no chapter is called %s\n", name);
	return 1;
}

int main(int argc, char **argv)
{
	int status = 0;

	/* The chapter `run' executes this program so. */
	if (argc > 1 && strcmp(argv[1], "-nothing") == 0)
		return 33;
	for (int i = 1; i < argc; i++)
		status |= do_chapter(argv[i]);
	say("--- end\n");
	for (size_t at = 0; at < said_len;) {
		ssize_t n = write(1, said + at, said_len - at);

		if (n <= 0)
			return 2;
		at += (size_t)n;
	}
	return status;
}
