/* SPDX-License-Identifier: MIT */
/*
 * init - process 1, once the servers are there.
 *
 * It runs a shell in a process group of its own, in the foreground of the
 * console, and waits for whatever ends: its shell, or a process whose parent is
 * gone. When the shell exits, so does init, with the same status, and that
 * switches the machine off. A shell that was killed is started again.
 */
#include <program.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL "/bin/sh"

const char program_help[] =
    "NAME\n"
    "    init - the first program after the servers\n"
    "\n"
    "SYNOPSIS\n"
    "    init\n"
    "\n"
    "DESCRIPTION\n"
    "    Starts a shell in the foreground of the terminal, and waits for\n"
    "    every process whose parent is gone. A shell that was killed is\n"
    "    started again. When the shell exits, init exits with its status,\n"
    "    and as process 1 that switches the machine off.\n"
    "\n"
    "SEE ALSO\n"
    "    sh --help\n";

static char *const shell_argv[] = {(char *)"sh", NULL};
static char *const shell_env[] = {
    (char *)"PATH=/bin:/",
    (char *)"HOME=/",
    NULL,
};

static void print_banner(void)
{
	printf("\n"
	       "Calf: fork copies nothing, whatever the size of the process.\n"
	       "\n"
	       "  cow        watch tables and pages being shared and copied\n"
	       "  vmmap      what an address space is made of\n"
	       "  ps, free   who runs, and where the memory went\n"
	       "  forkbench  what a fork costs, by size\n"
	       "  oom        what happens when memory runs out\n"
	       "  help       the rest\n"
	       "\n");
}

/* Parent and child both call this, as either may be the first to need it. */
static void move_to_foreground(pid_t pid)
{
	setpgid(pid, pid);
	tcsetpgrp(STDIN_FILENO, pid);
}

static pid_t start_shell(void)
{
	pid_t pid = fork();

	if (pid > 0)
		move_to_foreground(pid);
	if (pid != 0)
		return pid;
	move_to_foreground(getpid());
	signal(SIGTTOU, SIG_DFL);
	execve(SHELL, shell_argv, shell_env);
	perror(SHELL);
	_exit(127);
}

/* Waits for everybody; returns the wait status of process `pid`. */
static int reap_until(pid_t pid)
{
	int status = 0;

	while (wait(&status) != pid)
		continue;
	return status;
}

int main(int argc, char **argv)
{
	pid_t shell;
	int status;

	/*
	 * Without this, a background process that sets the foreground is
	 * stopped.
	 */
	signal(SIGTTOU, SIG_IGN);
	print_banner();
	for (int i = 1; i < argc; i++)
		fprintf(stderr, "init: %s: ignored\n", argv[i]);
	for (;;) {
		shell = start_shell();
		if (shell < 0) {
			perror("init: fork");
			return 1;
		}
		status = reap_until(shell);
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		printf("init: the shell died (%s), here is another\n",
		    strsignal(WTERMSIG(status)));
	}
}
