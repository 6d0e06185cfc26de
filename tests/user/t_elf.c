/* SPDX-License-Identifier: MIT */
/*
 * t_elf.c - files that are almost programs, or odd ones.
 *
 * odd_elf.py makes them out of this program, which exits with WORKED if its
 * argument is "@run". The folder that a file is in says what must come of it.
 */
#include "harness.h"

#include <dirent.h>

#define FILES     "/elf/"
#define WORKED    70
#define REFUSED   71
#define NO_REASON 72 /* refused with another error than ENOEXEC */

static char path[300];

/* The status of a process that executes the file. */
static int status_of_file(const char *file, const char *role)
{
	char *argv[] = {(char *)(uintptr_t)file, (char *)(uintptr_t)role, NULL};
	pid_t pid = must_fork();

	if (pid == 0) {
		long result = raw(SYS_execve, (long)file, (long)argv, 0);

		_exit(result == -ENOEXEC ? REFUSED : NO_REASON);
	}
	return reap(pid);
}

static const char *is_refused(int status)
{
	if (exited_with(status, REFUSED))
		return NULL;
	/* Linux notices some mistakes after it has given up the old program. */
	if (!on_calf() &&
	    (exited_with(status, NO_REASON) || WIFSIGNALED(status)))
		return NULL;
	return found("%s: status 0x%x", path, (unsigned)status);
}

static const char *is_killed(int status)
{
	return killed_by(status, SIGSEGV)
	    ? NULL
	    : found("%s: status 0x%x", path, (unsigned)status);
}

static const char *works(int status)
{
	return exited_with(status, WORKED)
	    ? NULL
	    : found("%s: status 0x%x", path, (unsigned)status);
}

/* Tries all files of a folder, at least `count`. */
static const char *each_file(const char *folder, int count,
    const char *(*verdict_on)(int status))
{
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), FILES "%s", folder);
	dir = opendir(path);
	if (dir == NULL && !on_calf())
		return SKIP("the odd programs are not there");
	MUST(dir != NULL, "the odd programs are not there");
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), FILES "%s/%s", folder,
		    entry->d_name);
		TRY(verdict_on(status_of_file(path, "@run")));
		count--;
	}
	closedir(dir);
	return count <= 0 ? NULL : found("%d files are missing", count);
}

TEST(what_is_no_program_is_refused)
{
	return each_file("refused", 32, is_refused);
}

TEST(what_does_not_begin_in_its_text_is_killed)
{
	return each_file("killed", 6, is_killed);
}

TEST(what_is_odd_but_right_works)
{
	return each_file("works", 6, works);
}

TEST(a_stack_is_executed_only_if_the_file_says_so)
{
#ifdef __riscv
	int status;

	snprintf(path, sizeof(path), "%s", suite_path);
	TRY(is_killed(status_of_file(path, "@stack")));
	snprintf(path, sizeof(path), FILES "stack/executable");
	status = status_of_file(path, "@stack");
	if (!on_calf() && exited_with(status, NO_REASON))
		return SKIP("the odd programs are not there");
	return works(status);
#else
	return SKIP("needs code of another processor");
#endif
}

static int run_on_stack(void)
{
#ifdef __riscv
	volatile uint32_t code[1];

	/* Stored here, as a constant initial value need not be on the stack. */
	code[0] = 0x00008067; /* ret */
	__asm__ volatile("fence.i" ::: "memory");
	((void (*)(void))(uintptr_t)code)();
#endif
	return WORKED;
}

static const struct test tests[] = {
    T(what_is_no_program_is_refused),
    T(what_does_not_begin_in_its_text_is_killed),
    T(what_is_odd_but_right_works),
    T(a_stack_is_executed_only_if_the_file_says_so),
};

static const char *any(int status)
{
	(void)status;
	return NULL;
}

/* The kernel keeps programs, which is no leak if it does so before a test. */
static void execute_all(void)
{
	(void)each_file("killed", 0, any);
	(void)each_file("works", 0, any);
	(void)each_file("stack", 0, any);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "@run") == 0)
		return WORKED;
	if (argc > 1 && strcmp(argv[1], "@stack") == 0)
		return run_on_stack();
	if (on_calf() && !on_calf_test_build())
		execute_all();
	return suite_main(argc, argv, tests, COUNT(tests));
}
