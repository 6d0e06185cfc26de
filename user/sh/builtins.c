/* SPDX-License-Identifier: MIT */
/*
 * builtins.c - the commands that are not programs: those that change the shell
 * itself or know its jobs.
 */
#include "sh.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int do_cd(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : getenv("HOME");

	if (path == NULL)
		path = "/";
	if (chdir(path) == 0)
		return 0;
	complain("cd: %s: %s", path, strerror(errno));
	return 1;
}

static int do_pwd(int argc, char **argv)
{
	char path[PATH_MAX];

	(void)argc;
	(void)argv;
	if (getcwd(path, sizeof path) == NULL) {
		complain("pwd: %s", strerror(errno));
		return 1;
	}
	puts(path);
	return 0;
}

static int do_exit(int argc, char **argv)
{
	exit(argc > 1 ? atoi(argv[1]) : shell.status);
}

static int do_jobs(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	jobs_print();
	return 0;
}

/* Waits for everything in the background; ctrl-C ends the waiting. */
static int do_wait(int argc, char **argv)
{
	int status;
	pid_t pid;

	(void)argc;
	(void)argv;
	while ((pid = waitpid(-1, &status, WUNTRACED)) > 0)
		job_note(pid, status);
	return errno == EINTR ? 128 + SIGINT : 0;
}

static int do_fg(int argc, char **argv)
{
	struct job *job = job_find(argc > 1 ? argv[1] : NULL);

	if (job == NULL || !shell.job_control) {
		complain("fg: no such job");
		return 1;
	}
	puts(job->text);
	job->stopped = false;
	set_foreground(job->pgid);
	kill(-job->pgid, SIGCONT);
	job_wait(job);
	return shell.status;
}

static int do_bg(int argc, char **argv)
{
	struct job *job = job_find(argc > 1 ? argv[1] : NULL);

	if (job == NULL || !shell.job_control) {
		complain("bg: no such job");
		return 1;
	}
	job->stopped = false;
	job->background = true;
	kill(-job->pgid, SIGCONT);
	job_print(job);
	return 0;
}

/*
 * Does what the program kill does; this one also takes jobs, and needs no fork.
 */
static int do_kill(int argc, char **argv)
{
	const struct job *job;
	int sig = SIGTERM;
	int failed = 0;
	int i = 1;
	pid_t pid;

	if (argc > 2 && argv[1][0] == '-' && str2sig(argv[i++] + 1, &sig) < 0) {
		complain("kill: no signal %s", argv[1] + 1);
		return 1;
	}
	for (; i < argc; i++) {
		job = *argv[i] == '%' ? job_find(argv[i]) : NULL;
		pid = job == NULL       ? atoi(argv[i])
		    : shell.job_control ? -job->pgid
					: job->pgid;
		if (pid != 0 && kill(pid, sig) == 0)
			continue;
		complain("kill: %s: no such process", argv[i]);
		failed = 1;
	}
	return failed;
}

static int do_help(int argc, char **argv);

static const struct builtin builtins[] = {
    {"cd", do_cd, "change the working directory"},
    {"pwd", do_pwd, "print the working directory"},
    {"jobs", do_jobs, "list what runs in the background, or is stopped"},
    {"fg", do_fg, "continue a job in the foreground: fg %1"},
    {"bg", do_bg, "continue a job in the background: bg %1"},
    {"wait", do_wait, "wait for what runs in the background"},
    {"kill", do_kill, "send a signal: kill -KILL %1"},
    {"exit", do_exit, "leave the shell"},
    {"help", do_help, "print this"},
};

#define BUILTINS (sizeof builtins / sizeof builtins[0])

static int do_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("To see copy-on-write at work:\n"
	       "  cow        watch tables and pages being shared and copied\n"
	       "  vmmap PID  what an address space is made of\n"
	       "  ps, free   who runs, and where the memory went\n"
	       "  forkbench  what a fork costs, by size\n"
	       "  oom        what happens when memory runs out\n"
	       "  crash WAY  die, in one of many ways\n"
	       "  server     a counter that another process reads\n"
	       "  files      run a command in a tree of files of its own\n"
	       "Others: bench cat echo false head hello kill ls sh sleep true "
	       "wc yes\n"
	       "In the shell itself:\n");
	for (size_t i = 0; i < BUILTINS; i++)
		printf("  %-10s %s\n", builtins[i].name, builtins[i].what);
	printf("More about one of them: cow --help\n");
	printf("a | b, a && b, a || b, a; b, a &, < file, > file, 2>&1, $?\n");
	return 0;
}

const struct builtin *find_builtin(const struct stage *stage)
{
	for (size_t i = 0; stage->argc > 0 && i < BUILTINS; i++)
		if (strcmp(stage->argv[0], builtins[i].name) == 0)
			return &builtins[i];
	return NULL;
}

int builtin_run(const struct builtin *builtin, const struct stage *stage)
{
	if (stage->argc == 2 && strcmp(stage->argv[1], "--help") == 0) {
		printf("%s: %s\n", builtin->name, builtin->what);
		return 0;
	}
	return builtin->run(stage->argc, (char **)stage->argv);
}
