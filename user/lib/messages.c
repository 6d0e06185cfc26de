/* SPDX-License-Identifier: MIT */
/*
 * messages.c - errors and signals in words.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEN(array) (sizeof(array) / sizeof(array)[0])

static const char *const errors[] = {
    [0] = "No error",
    [EPERM] = "Operation not permitted",
    [ENOENT] = "No such file or directory",
    [ESRCH] = "No such process",
    [EINTR] = "Interrupted",
    [ENXIO] = "No such device or address",
    [E2BIG] = "Arguments too long",
    [ENOEXEC] = "Not a static program for 64-bit RISC-V",
    [EBADF] = "Bad file descriptor",
    [ECHILD] = "No child processes",
    [EAGAIN] = "Try again",
    [ENOMEM] = "Out of memory",
    [EACCES] = "Permission denied",
    [EFAULT] = "Bad address",
    [EBUSY] = "In use",
    [EEXIST] = "File exists",
    [EXDEV] = "In another file system",
    [ENODEV] = "No such device",
    [ENOTDIR] = "Not a directory",
    [EISDIR] = "Is a directory",
    [EINVAL] = "Invalid argument",
    [ENFILE] = "Too many open files in system",
    [EMFILE] = "Too many open files",
    [ENOTTY] = "Not a terminal",
    [EFBIG] = "File too large",
    [ENOSPC] = "No space left",
    [ESPIPE] = "Cannot seek",
    [EROFS] = "Read-only file system",
    [EMLINK] = "Too many links",
    [EPIPE] = "Broken pipe",
    [ERANGE] = "Result does not fit",
    [EDEADLK] = "Would wait for itself",
    [EIO] = "Input or output error",
    [ENAMETOOLONG] = "Name too long",
    [ENOLCK] = "No locks available",
    [ENOSYS] = "No such system call",
    [ENOTEMPTY] = "Directory not empty",
    [ELOOP] = "Too many symbolic links",
    [EOVERFLOW] = "Value too large",
};

static const struct {
	const char *name;
	const char *meaning;
} signals[] = {
    [SIGHUP] = {"HUP", "Hangup"},
    [SIGINT] = {"INT", "Interrupt"},
    [SIGQUIT] = {"QUIT", "Quit"},
    [SIGILL] = {"ILL", "Illegal instruction"},
    [SIGTRAP] = {"TRAP", "Breakpoint"},
    [SIGABRT] = {"ABRT", "Aborted"},
    [SIGBUS] = {"BUS", "Bus error"},
    [SIGFPE] = {"FPE", "Arithmetic exception"},
    [SIGKILL] = {"KILL", "Killed"},
    [SIGUSR1] = {"USR1", "User signal 1"},
    [SIGSEGV] = {"SEGV", "Segmentation fault"},
    [SIGUSR2] = {"USR2", "User signal 2"},
    [SIGPIPE] = {"PIPE", "Broken pipe"},
    [SIGALRM] = {"ALRM", "Alarm clock"},
    [SIGTERM] = {"TERM", "Terminated"},
    [SIGCHLD] = {"CHLD", "Child changed"},
    [SIGCONT] = {"CONT", "Continued"},
    [SIGSTOP] = {"STOP", "Stopped (signal)"},
    [SIGTSTP] = {"TSTP", "Stopped"},
    [SIGTTIN] = {"TTIN", "Stopped (terminal input)"},
    [SIGTTOU] = {"TTOU", "Stopped (terminal output)"},
    [SIGSYS] = {"SYS", "Bad system call"},
};

/*
 * `word`, or if there is none `kind` and the number, until the next call. The
 * caller may not change either, although C's type for it allows that.
 */
static char *describe(const char *word, const char *kind, int n)
{
	static char text[32];

	if (word != NULL)
		return (char *)word;
	snprintf(text, sizeof text, "%s %d", kind, n);
	return text;
}

char *strerror(int error)
{
	bool known = error >= 0 && (size_t)error < LEN(errors);

	return describe(known ? errors[error] : NULL, "Error", error);
}

char *strsignal(int sig)
{
	bool known = sig >= 0 && (size_t)sig < LEN(signals);

	return describe(known ? signals[sig].meaning : NULL, "Signal", sig);
}

int str2sig(const char *restrict name, int *restrict sig)
{
	char *end;
	long number = strtol(name, &end, 10);

	if (end != name && *end == '\0' && number >= 0 && number < NSIG) {
		*sig = (int)number;
		return 0;
	}
	for (int i = 1; i < (int)LEN(signals); i++) {
		if (signals[i].name == NULL || strcmp(name, signals[i].name))
			continue;
		*sig = i;
		return 0;
	}
	return -1;
}
