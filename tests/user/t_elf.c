/* SPDX-License-Identifier: MIT */
/*
 * t_elf.c - files that are almost programs.
 *
 * Copies of this program, each with one field of its headers changed. Where
 * files can be written they are made here and executed; elsewhere there is
 * nothing to do. An attempt must be refused, or end the process that made it.
 */
#include "harness.h"

#include <sys/stat.h>

/* Offsets in a 64-bit ELF file, and of its first program header. */
#define E_TYPE      16
#define E_MACHINE   18
#define E_PHOFF     32
#define E_PHENTSIZE 54
#define E_PHNUM     56
#define PH          64
#define P_OFFSET    (PH + 8)
#define P_VADDR     (PH + 16)
#define P_FILESZ    (PH + 32)
#define P_MEMSZ     (PH + 40)

#define BAD_PROGRAM "/tmp/calf-bad-program"

#define MOST_BYTES (8 * MIB)

static unsigned char *image;
static size_t image_len;

static const char *image_load(void)
{
	int fd = open(suite_path, O_RDONLY);
	ssize_t n;

	MUST(fd >= 0, "the program itself cannot be read");
	image = pages_private(MOST_BYTES / PAGE);
	while ((n = read(fd, image + image_len, MOST_BYTES - image_len)) > 0)
		image_len += (size_t)n;
	close(fd);
	return image_len > PAGE ? NULL : "the program itself is too short";
}

static bool file_write(size_t len)
{
	int fd = open(BAD_PROGRAM, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, image, len) == (ssize_t)len;
	close(fd);
	return ok;
}

static long exec_bad(void)
{
	char *argv[] = {(char *)(uintptr_t)BAD_PROGRAM, NULL};

	return raw(SYS_execve, (long)argv[0], (long)argv, 0);
}

/* The attempt, in a process that it may cost. */
static const char *is_no_program(size_t len, const char *what)
{
	int status;
	pid_t pid;

	if (!file_write(len))
		return SKIP("no file can be written");
	pid = must_fork();
	if (pid == 0)
		_exit(exec_bad() < 0 ? 42 : 1);
	status = reap(pid);
	(void)unlink(BAD_PROGRAM);
	if (exited_with(status, 42) || WIFSIGNALED(status))
		return NULL;
	return found("%s: status 0x%x", what, (unsigned)status);
}

/* With `bytes` bytes at `at` set to `value`. */
static const char *with_field(size_t at, size_t bytes, uint64_t value)
{
	unsigned char before[8];
	const char *sentence;
	char what[40];

	memcpy(before, image + at, bytes);
	memcpy(image + at, &value, bytes);
	snprintf(what, sizeof(what), "0x%lx at %d", (unsigned long)value,
	    (int)at);
	sentence = is_no_program(image_len, what);
	memcpy(image + at, before, bytes);
	return sentence;
}

TEST(a_header_with_a_wrong_field_is_refused)
{
	TRY(image_load());
	TRY(with_field(0, 1, 0x7e));
	TRY(with_field(E_TYPE, 2, 1));
	TRY(with_field(E_MACHINE, 2, 0xbeef));
	TRY(with_field(E_PHOFF, 8, image_len));
	TRY(with_field(E_PHOFF, 8, -8UL));
	TRY(with_field(E_PHENTSIZE, 2, 1));
	TRY(with_field(E_PHNUM, 2, 0));
	return with_field(E_PHNUM, 2, 0xffff);
}

TEST(a_truncated_program_is_refused)
{
	TRY(image_load());
	TRY(is_no_program(0, "0 bytes"));
	TRY(is_no_program(1, "1 byte"));
	TRY(is_no_program(4, "4 bytes"));
	TRY(is_no_program(63, "63 bytes"));
	TRY(is_no_program(64, "64 bytes"));
	return is_no_program(100, "100 bytes");
}

TEST(a_text_is_refused)
{
	image = pages_private(1);
	memcpy(image, "This is a text.\n", 16);
	return is_no_program(16, "a text");
}

static const struct test tests[] = {
    T(a_header_with_a_wrong_field_is_refused),
    T(a_truncated_program_is_refused),
    T(a_text_is_refused),
};

SUITE(tests)
