/* SPDX-License-Identifier: MIT */
/*
 * testinit.c - runs test programs one after the other.
 *
 * It is /init of a test run, and an ordinary program as well: the programs
 * are those named as arguments, or else those of `builtin`. Each speaks TAP
 * for itself; the lines that begin with # say which one it is. The exit
 * status is 0 if all of them exited with 0.
 *
 * As process 1 it also reaps what others leave behind.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TEST_DIRECTORY
#define TEST_DIRECTORY "/bin/"
#endif

/* In the order in which they should be read. */
static const char *const builtin[] = {
    "t_fork",
    "t_vfork",
    "t_vforkkill",
    "t_region",
    "t_cow",
    "t_regs",
    "t_mem",
    "t_model",
    "t_copyout",
    "t_tables",
    "t_badptr",
    "t_share",
    "t_call",
    "t_callcode",
    "t_news",
    "t_errno",
    "t_entry",
    "t_crowd",
    "t_signal",
    "t_sigwait",
    "t_sigfault",
    "t_sigstack",
    "t_sigorder",
    "t_timer",
    "t_jobs",
    "t_many",
    "t_races",
    "t_orphan",
    "t_proc",
    "t_exec",
    "t_elf",
    "t_fd",
    "t_device",
    "t_pipe",
    "t_futex",
    "t_poll",
    "t_port",
    "t_portwait",
    "t_server",
    "t_keep",
    "t_stop",
    "t_paths",
    "t_roots",
    "t_given",
    "t_image",
    "t_loading",
    "t_programs",
    "t_files",
    "t_locks",
    "t_mapshared",
    "t_fifo",
    "t_links",
    "t_vector",
    "t_self",
    "t_oom",
    "t_sweep",
    "t_storm",
};

#define BUILTIN ((int)(sizeof(builtin) / sizeof(builtin[0])))

static void say(const char *text)
{
	(void)!write(1, text, strlen(text));
}

/* Waits for all processes until `pid` has ended; returns its wait status. */
static int reap_until(pid_t pid)
{
	int status = 0;

	while (wait(&status) != pid)
		continue;
	return status;
}

static void run(const char *path)
{
	char *argv[] = {(char *)path, NULL};

	execv(path, argv);
	say("Bail out! cannot be executed\n");
	_exit(127);
}

/* Whether the program exited with 0. */
static int passes(const char *path)
{
	char line[160];
	pid_t pid;
	int status;

	snprintf(line, sizeof(line), "# suite %s\n", path);
	say(line);
	pid = fork();
	if (pid == 0)
		run(path);
	if (pid < 0) {
		say("Bail out! fork failed\n");
		return 0;
	}
	status = reap_until(pid);
	if (WIFSIGNALED(status)) {
		snprintf(line, sizeof(line), "Bail out! killed by signal %d\n",
		    WTERMSIG(status));
		say(line);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	char line[120];
	int count = argc > 1 ? argc - 1 : BUILTIN;
	int passed = 0;
	int i;

	for (i = 0; i < count; i++) {
		if (argc > 1)
			snprintf(line, sizeof(line), "%s", argv[i + 1]);
		else
			snprintf(line, sizeof(line), TEST_DIRECTORY "%s",
			    builtin[i]);
		passed += passes(line);
	}
	snprintf(line, sizeof(line), "# suites %d passed, %d failed\n", passed,
	    count - passed);
	say(line);
	return passed == count ? 0 : 1;
}
