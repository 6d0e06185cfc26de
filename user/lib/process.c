/* SPDX-License-Identifier: MIT */
/*
 * process.c - how a process begins, becomes another, and is waited for.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXECL_MAX 64 /* arguments of execl and execlp, with the NULL */

pid_t fork(void)
{
	return (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
}

/*
 * A real vfork would return twice on one stack, which a C function cannot do.
 * As a fork costs little here, this is fork.
 */
pid_t vfork(void)
{
	return fork();
}

void _exit(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)syscall(SYS_execve, path, argv, envp);
}

int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

/*
 * A name without a slash is looked for in the folders of PATH. The search goes
 * on after ENOENT and its like, and another error counts if nothing is found.
 */
int execvp(const char *name, char *const argv[])
{
	const char *dir = getenv("PATH");
	char path[PATH_MAX];
	int error = ENOENT;
	int len;

	if (*name == '\0' || strchr(name, '/') != NULL)
		return execv(name, argv);
	if (dir == NULL)
		dir = "/bin:/";
	while (*dir != '\0') {
		len = (int)strcspn(dir, ":");
		if (snprintf(path, sizeof path, "%.*s/%s", len, dir, name) <
		    (int)sizeof path)
			execv(path, argv);
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
		dir += len;
		dir += *dir == ':';
	}
	errno = error;
	return -1;
}

static int collect(char *argv[], const char *arg, va_list more)
{
	int argc = 0;

	for (; arg != NULL; arg = va_arg(more, char *)) {
		if (argc == EXECL_MAX - 1) {
			errno = E2BIG;
			return -1;
		}
		argv[argc++] = (char *)(uintptr_t)arg;
	}
	argv[argc] = NULL;
	return 0;
}

int execl(const char *path, const char *arg, ...)
{
	char *argv[EXECL_MAX];
	va_list more;
	int error;

	va_start(more, arg);
	error = collect(argv, arg, more);
	va_end(more);
	return error < 0 ? -1 : execv(path, argv);
}

int execlp(const char *name, const char *arg, ...)
{
	char *argv[EXECL_MAX];
	va_list more;
	int error;

	va_start(more, arg);
	error = collect(argv, arg, more);
	va_end(more);
	return error < 0 ? -1 : execvp(name, argv);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return (pid_t)syscall(SYS_wait4, pid, status, options, usage);
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return wait4(pid, status, options, NULL);
}

pid_t wait(int *status)
{
	return wait4(-1, status, 0, NULL);
}

int sched_yield(void)
{
	return (int)syscall(SYS_sched_yield);
}

int sched_getcpu(void)
{
	unsigned int hart;

	return syscall(SYS_getcpu, &hart, NULL, NULL) < 0 ? -1 : (int)hart;
}
