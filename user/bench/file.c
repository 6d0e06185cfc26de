/* SPDX-License-Identifier: MIT */
/*
 * file.c - calls on files: reading, opening, finding, creating. On this kernel
 * the file server answers them.
 */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 9
#define BATCH  50
#define BLOCK  (64 * KIB)

#define FOLDER_1 "/bench.1"
#define FOLDER_2 FOLDER_1 "/two"
#define FOLDER_3 FOLDER_2 "/three"
#define FILE     FOLDER_3 "/file"
#define SHORT    "/bench.1/short"
#define NEW      "/bench.1/new"

static char *block, *got;

/* An operation, done once. Returns whether it did what it should. */
typedef bool operation(int fd);

static void row(const char *name, operation *op, int fd)
{
	struct samples s = {0};

	for (int i = 0; i <= ROUNDS; i++) {
		bool right = true;
		uint64_t start = count_start(), total;

		for (int k = 0; k < BATCH; k++)
			right = op(fd) && right;
		total = count_since(start, count_stop());
		check(right, name);
		if (i > 0) /* the first one makes the way ready */
			sample(&s, total, BATCH);
	}
	report(name, &s);
}

static bool read_byte(int fd)
{
	return pread(fd, got, 1, 4321) == 1 && got[0] == block[4321];
}

static bool read_block(int fd)
{
	return pread(fd, got, BLOCK, 0) == (ssize_t)BLOCK;
}

static bool open_and_close(int fd)
{
	fd = open(SHORT, O_RDONLY);
	return fd >= 0 && close(fd) == 0;
}

static bool find(int fd)
{
	struct stat st;

	(void)fd;
	return stat(FILE, &st) == 0 && (size_t)st.st_size == BLOCK;
}

static bool create_and_remove(int fd)
{
	bool right;

	fd = open(NEW, O_WRONLY | O_CREAT | O_EXCL, 0600);
	right = write(fd, block, PAGE_BYTES) == (ssize_t)PAGE_BYTES;
	return close(fd) == 0 && syscall(SYS_unlinkat, AT_FDCWD, NEW, 0) == 0 &&
	    right;
}

static void make_folder(const char *path)
{
	check(syscall(SYS_mkdirat, AT_FDCWD, path, 0700) == 0, path);
}

static void remove_path(const char *path, int flags)
{
	(void)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	check(write(fd, block, BLOCK) == (ssize_t)BLOCK, path);
	return fd;
}

void bench_file(void)
{
	int fd;

	block = map(BLOCK);
	got = map(BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (char)(i * 7 + i / PAGE_BYTES);
	make_folder(FOLDER_1);
	make_folder(FOLDER_2);
	make_folder(FOLDER_3);
	close(make_file(SHORT));
	fd = make_file(FILE);
	row("file-read-1", read_byte, fd);
	row("file-read-64k", read_block, fd);
	check(memcmp(got, block, BLOCK) == 0, "what was read");
	row("open-close", open_and_close, -1);
	row("stat-4", find, -1);
	row("create-write-unlink", create_and_remove, -1);
	close(fd);
	unmap(block, BLOCK);
	unmap(got, BLOCK);
	remove_path(SHORT, 0);
	remove_path(FILE, 0);
	remove_path(FOLDER_3, AT_REMOVEDIR);
	remove_path(FOLDER_2, AT_REMOVEDIR);
	remove_path(FOLDER_1, AT_REMOVEDIR);
}
