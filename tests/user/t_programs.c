/* SPDX-License-Identifier: MIT */
/*
 * t_programs.c - programs of the file server's tree: files that change, go, or
 * are none; scripts; many, and large ones.
 *
 * A test runs /bin/files, and that runs this program again, in the tree, to do
 * what the test is about; once more with a server that dies after each change.
 * t_image.c is about servers whose answers are wrong.
 */
#include "service.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "abi/elf.h"

/* ---- Making files, and executing them ---- */

static const char *put(const char *path, const void *bytes, size_t len,
    mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	MUST(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "writing");
	close(fd);
	return NULL;
}

static const char *put_text(const char *path, const char *text)
{
	return put(path, text, strlen(text), 0755);
}

#define AT 0x1010000UL

/* A program that exits with `code`, and is `len` bytes large. */
static const char *put_program(const char *path, unsigned code, size_t len)
{
	struct {
		struct elf_header header;
		struct elf_segment segment;
		unsigned code[3];
	} elf = {.header = {.ident = {0x7f, 'E', 'L', 'F', 2, 1},
		     .type = ET_EXEC,
		     .machine = EM_RISCV,
		     .entry = AT + offsetof(__typeof__(elf), code),
		     .phoff = offsetof(__typeof__(elf), segment),
		     .phentsize = sizeof(struct elf_segment),
		     .phnum = 1},
	    .segment = {.type = PT_LOAD, .flags = PF_R | PF_X, .vaddr = AT},
	    /* li a0, code; li a7, SYS_exit; ecall */
	    .code = {0x513 | code << 20, 0x05d00893, 0x73}};
	int fd;

	if (len < sizeof(elf))
		len = sizeof(elf);
	elf.segment.filesz = elf.segment.memsz = len;
	TRY(put(path, &elf, sizeof(elf), 0755));
	fd = open(path, O_WRONLY);
	MUST(raw(SYS_ftruncate, fd, (long)len) == 0, "ftruncate");
	close(fd);
	return NULL;
}

/* ---- What is done in the tree ---- */

static const char *change_programs(void)
{
	TRY(put_program("/p", 50, 0));
	MUST(outcome("/p") == 50 && outcome("/p") == 50, "a program");
	TRY(put_program("/p", 51, 0));
	MUST(outcome("/p") == 51, "what it was before");
	MUST(raw(SYS_linkat, AT_FDCWD, (long)"/p", AT_FDCWD, (long)"/q", 0) ==
		0,
	    "linkat");
	MUST(outcome("/q") == 51, "another name");
	TRY(put_program("/q", 52, 0));
	MUST(outcome("/p") == 52, "by another name");
	MUST(raw(SYS_renameat2, AT_FDCWD, (long)"/q", AT_FDCWD, (long)"/r",
		 0) == 0,
	    "renameat2");
	MUST(outcome("/r") == 52 && outcome("/q") == ENOENT, "a new name");
	MUST(raw(SYS_truncate, (long)"/p", 100) == 0, "truncate");
	MUST(outcome("/r") == ENOEXEC, "the half of it");
	return NULL;
}

static void wait_for_word(void)
{
	char byte = 'r';

	_exit(write(1, &byte, 1) == 1 && read(0, &byte, 1) == 1 ? 60 : 61);
}

/* A copy of this program, which is changed and removed while it runs. */
static const char *change_what_runs(void)
{
	int fd = open(suite_path, O_RDONLY), to[2], from[2];
	size_t len = (size_t)lseek(fd, 0, SEEK_END);
	unsigned char *bytes = pages_private(len / PAGE + 1);
	pid_t pid;

	MUST(raw(SYS_pread64, fd, (long)bytes, (long)len, 0) == (long)len,
	    "reading");
	TRY(put("/copy", bytes, len, 0755));
	MUST(pipe(to) == 0 && pipe(from) == 0, "pipe");
	pid = must_fork();
	if (pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl("/copy", "/copy", "wait", NULL);
		_exit(1);
	}
	close(from[1]);
	MUST(read(from[0], bytes, 1) == 1, "it does not run");
	memset(bytes, 0, len);
	TRY(put("/copy", bytes, len, 0755));
	MUST(raw(SYS_unlinkat, AT_FDCWD, (long)"/copy", 0) == 0, "unlinkat");
	MUST(write(to[1], "x", 1) == 1, "write");
	MUST(exited_with(reap(pid), 60), "it did not go on");
	MUST(outcome("/copy") == ENOENT, "it is there");
	return NULL;
}

static const char *execute_none(void)
{
	TRY(put("/empty", "", 0, 0755));
	TRY(put_text("/text", "echo hi\n"));
	TRY(put_program("/short", 1, 5000));
	TRY(put("/plain", "x", 1, 0644));
	MUST(raw(SYS_truncate, (long)"/short", 4999) == 0, "truncate");
	MUST(outcome("/empty") == ENOEXEC, "empty");
	MUST(outcome("/text") == ENOEXEC, "a text");
	MUST(outcome("/short") == ENOEXEC, "not all of it");
	MUST(outcome("/plain") == EACCES, "no x bit");
	MUST(outcome("/dev") == EACCES, "a folder");
	MUST(outcome("/dev/null") == EACCES, "a device");
	MUST(outcome("/short/") == ENOTDIR, "a file with a slash");
	MUST(outcome("/nothing") == ENOENT && outcome("") == ENOENT, "nothing");
	MUST(raw(SYS_symlinkat, (long)"loop", AT_FDCWD, (long)"/loop") == 0,
	    "symlinkat");
	MUST(outcome("/loop") == ELOOP, "a link to itself");
	MUST(raw(SYS_execve, PAGE, 0, 0) == -EFAULT, "a path from nowhere");
	return NULL;
}

/* The exit status of this program as an interpreter; see main(). */
static int interpreted(int argc, char **argv)
{
	static char line[200];

	for (int i = 1; i < argc; i++) {
		strcat(line, argv[i]);
		strcat(line, "|");
	}
	return put("/line", line, strlen(line), 0644) == NULL ? 62 : 1;
}

static const char *says(const char *path, const char *line)
{
	static char is[200];
	int fd;

	MUST(outcome(path) == 62, found("%s does not run", path));
	fd = open("/line", O_RDONLY);
	memset(is, 0, sizeof(is));
	MUST(read(fd, is, sizeof(is) - 1) > 0, "nothing is said");
	close(fd);
	return strcmp(is, line) == 0 ? NULL : found("%s: %s", path, is);
}

static const char *execute_scripts(void)
{
	char text[300], name[16];
	int i;

	MUST(raw(SYS_symlinkat, (long)suite_path, AT_FDCWD, (long)"/me") == 0,
	    "symlinkat");
	TRY(put_text("/s", "#!/me script\nsomething else\n"));
	TRY(says("/s", "script|/s|rest|"));
	TRY(put_text("/t", "#! \t /me \t script  two words \t \n"));
	TRY(says("/t", "script  two words|/t|rest|"));
	TRY(put_text("/u", "#!/s"));
	TRY(says("/u", "script|/s|/u|rest|"));
	TRY(put_text("/v", "#!/s one\n"));
	TRY(says("/v", "script|/s|one|/v|rest|"));
	MUST(chdir("/dev") == 0, "chdir");
	TRY(put_text("/w", "#!../me script\n"));
	TRY(says("../w", "script|../w|rest|"));
	/* Five scripts on top of each other are not too many. */
	for (i = 1; i < 6; i++) {
		snprintf(name, sizeof(name), "/s%d", i);
		snprintf(text, sizeof(text), "#!/s%d\n", i - 1);
		if (i == 1)
			strcpy(text, "#!/me script\n");
		TRY(put_text(name, text));
	}
	TRY(says("/s5", "script|/s1|/s2|/s3|/s4|/s5|rest|"));
	TRY(put_text("/s6", "#!/s5\n"));
	MUST(outcome("/s6") == ELOOP, "six scripts");
	TRY(put_text("/self", "#!/self\n"));
	MUST(outcome("/self") == ELOOP, "a script of itself");
	return NULL;
}

static const char *execute_wrong_scripts(void)
{
	static char path[PATH_MAX - 10];
	char text[300];

	TRY(put_text("/a", "#!\n"));
	MUST(outcome("/a") == ENOEXEC, "no name");
	TRY(put_text("/a", "#!  \t \nx"));
	MUST(outcome("/a") == ENOEXEC, "blanks");
	TRY(put_text("/a", "#!/nothing\n"));
	MUST(outcome("/a") == ENOENT, "no interpreter");
	TRY(put_text("/a", "#!/dev x\n"));
	MUST(outcome("/a") == EACCES, "a folder");
	TRY(put_text("/b", "nothing"));
	TRY(put_text("/a", "#!/b\n"));
	MUST(outcome("/a") == ENOEXEC, "of a text");
	/* The name does not end in what is looked at. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	TRY(put("/a", text, sizeof(text), 0755));
	MUST(outcome("/a") == ENOEXEC, "a name without an end");
	text[255] = ' ';
	TRY(put("/a", text, sizeof(text), 0755));
	MUST(outcome("/a") == ENOENT, "a name that ends just in time");
	/* The words do not fit. */
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 2] = 'c';
	TRY(put_text("/c", "#!/dev/null with-an-argument\n"));
	MUST(outcome(path) == E2BIG, "too many words");
	return NULL;
}

#define MANY 300

static const char *execute_many(void)
{
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "/p%d", i);
		TRY(put_program(name, (unsigned)i % 90 + 1, 0));
	}
	for (int i = 0; i < 2 * MANY; i++) {
		snprintf(name, sizeof(name), "/p%d", i % MANY);
		MUST(outcome(name) == i % MANY % 90 + 1, found("%s", name));
	}
	return NULL;
}

/* 30 MB where there is room. */
static const char *execute_large(void)
{
	struct sysinfo info;
	size_t len = 30UL << 20;

	MUST(sysinfo(&info) == 0, "sysinfo");
	if (len > info.freeram / 3)
		len = info.freeram / 3;
	TRY(put_program("/large", 70, len));
	MUST(outcome("/large") == 70 && outcome("/large") == 70, "a large one");
	return NULL;
}

static void borrow(void)
{
	_exit((int)-execute("/p"));
}

static const char *execute_in_turn(void)
{
	unsigned char *stack = pages_private(16);

	TRY(put_program("/p", 71, 0));
	MUST(exited_with(reap(vfork_on(stack + 16 * PAGE, borrow)), 71),
	    "after vfork");
	MUST(exited_with(reap(vfork_on(stack + 16 * PAGE, borrow)), 71),
	    "once more");
	TRY(put_text("/all", "#!/bin/sh\n/p; /bin/sh -c -- '/p; exit 72'\n"));
	MUST(outcome("/all") == 72, "a shell that runs a shell");
	return NULL;
}

static test_fn *const uses[] = {change_programs, change_what_runs, execute_none,
    execute_scripts, execute_wrong_scripts, execute_many, execute_large,
    execute_in_turn};

/* ---- The tests ---- */

static const char *use(test_fn *run, const char *option)
{
	const char *words[] = {"-c", suite_path, "-c", "/bin/sh", NULL};
	int i = 0;

	while (uses[i] != run)
		i++;
	return use_in_files(words, option, i);
}

static const char *use_twice(test_fn *run)
{
	TRY(use(run, "--"));
	return use(run, "-k");
}

TEST(a_program_is_what_is_in_the_file_now)
{
	return use_twice(change_programs);
}

TEST(what_runs_is_not_what_is_in_the_file)
{
	return use_twice(change_what_runs);
}

TEST(what_is_no_program_is_not_executed)
{
	return use_twice(execute_none);
}

TEST(a_script_is_executed_by_its_interpreter)
{
	return use_twice(execute_scripts);
}

TEST(a_script_without_an_interpreter_is_none)
{
	return use_twice(execute_wrong_scripts);
}

TEST(programs_may_be_more_than_fit_into_the_cache)
{
	return use(execute_many, "--");
}

TEST(a_program_may_be_large)
{
	return use(execute_large, "--");
}

TEST(programs_execute_programs)
{
	return use_twice(execute_in_turn);
}

static const struct test tests[] = {
    T(a_program_is_what_is_in_the_file_now),
    T(what_runs_is_not_what_is_in_the_file),
    T(what_is_no_program_is_not_executed),
    T(a_script_is_executed_by_its_interpreter),
    T(a_script_without_an_interpreter_is_none),
    T(programs_may_be_more_than_fit_into_the_cache),
    T(a_program_may_be_large),
    T(programs_execute_programs),
};

int main(int argc, char **argv)
{
	const char *found;

	suite_path = "/bin/t_programs";
	if (argc > 1 && strncmp(argv[1], "script", 6) == 0)
		return interpreted(argc, argv);
	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		wait_for_word();
	if (argc != 3 || strcmp(argv[1], "use") != 0)
		return suite_main(argc, argv, tests, COUNT(tests));
	found = uses[atoi(argv[2])]();
	if (found != NULL)
		dprintf(1, "# %s\n", found);
	return found != NULL;
}
