/* SPDX-License-Identifier: MIT */
/*
 * ltprun.c - the first process of a machine on which the programs in PROGRAMS
 * are executed one after the other; tests/linux/ltp.py. Before the output of
 * each comes a line with its name, and after it a line with its status. A
 * program with "_child" in its name is only executed by others.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS "/ltp/testcases/bin"
#define MAX      256
#define SECONDS  100 /* for each */

static char *names[MAX];

static int find_names(void)
{
	DIR *dir = opendir(PROGRAMS);
	struct dirent *entry;
	int count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL && count < MAX)
		if (entry->d_name[0] != '.' &&
		    strstr(entry->d_name, "_child") == NULL)
			names[count++] = strdup(entry->d_name);
	return count;
}

_Noreturn static void execute(char *name)
{
	static char path_is[] = "PATH=" PROGRAMS ":/bin",
		    root[] = "LTPROOT=/ltp", folder[] = "TMPDIR=/tmp",
		    plain[] = "LTP_COLORIZE_OUTPUT=n",
		    no_config[] = "KCONFIG_SKIP_CHECK=1";
	static char *const environment[] = {path_is, root, folder, plain,
	    no_config, NULL};
	char path[512], *argv[] = {name, NULL};
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	dup2(null, 0);
	dup2(1, 2);
	close(null);
	chdir("/tmp");
	snprintf(path, sizeof(path), PROGRAMS "/%s", name);
	execve(path, argv, environment);
	_exit(127);
}

/* Waits for the process, for SECONDS at most; its status, or -1. */
static int end_of(pid_t pid)
{
	const struct timespec pause = {0, 20000000};
	int status = -1;

	for (int i = 0; i < SECONDS * 50; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		nanosleep(&pause, NULL);
	}
	return -1;
}

static void run(char *name)
{
	pid_t pid;
	int status;

	printf("@begin %s\n", name);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		execute(name);
	status = pid > 0 ? end_of(pid) : -1;
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, status < 0 ? 0 : WNOHANG) > 0)
		;
	printf("\n@end %s %d\n", name, status);
	fflush(stdout);
}

int main(void)
{
	int count = find_names();

	for (int i = 0; i < count; i++)
		run(names[i]);
	return count == 0 || count == MAX;
}
