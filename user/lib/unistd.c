/* SPDX-License-Identifier: MIT */
/*
 * unistd.c - system calls on descriptors, paths, groups and memory.
 *
 * A call that riscv64 does not have is made from the one it has instead. Some
 * are in syscall.S.
 */
#include <unistd.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>

#define PAGE_BYTES 4096

off_t lseek(int fd, off_t offset, int whence)
{
	return syscall(SYS_lseek, fd, offset, whence);
}

int dup(int fd)
{
	return (int)syscall(SYS_dup, fd);
}

int dup3(int fd, int new_fd, int flags)
{
	return (int)syscall(SYS_dup3, fd, new_fd, flags);
}

/* dup3 refuses equal descriptors; dup2 only checks that they are open. */
int dup2(int fd, int new_fd)
{
	if (fd != new_fd)
		return dup3(fd, new_fd, 0);
	return fcntl(fd, F_GETFD) < 0 ? -1 : fd;
}

int pipe2(int fds[2], int flags)
{
	return (int)syscall(SYS_pipe2, fds, flags);
}

int pipe(int fds[2])
{
	return pipe2(fds, 0);
}

int isatty(int fd)
{
	struct termios modes;

	return tcgetattr(fd, &modes) == 0;
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	if (flags != 0)
		return (int)syscall(SYS_faccessat2, dir, path, mode, flags);
	return (int)syscall(SYS_faccessat, dir, path, mode);
}

int access(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, 0);
}

int unlink(const char *path)
{
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int chdir(const char *path)
{
	return (int)syscall(SYS_chdir, path);
}

char *getcwd(char *buf, size_t size)
{
	return syscall(SYS_getcwd, buf, size) < 0 ? NULL : buf;
}

ssize_t readlink(const char *restrict path, char *restrict buf, size_t size)
{
	return syscall(SYS_readlinkat, AT_FDCWD, path, buf, size);
}

pid_t getpid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

pid_t getppid(void)
{
	return (pid_t)syscall(SYS_getppid);
}

pid_t gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

uid_t getuid(void)
{
	return (uid_t)syscall(SYS_getuid);
}

uid_t geteuid(void)
{
	return (uid_t)syscall(SYS_geteuid);
}

gid_t getgid(void)
{
	return (gid_t)syscall(SYS_getgid);
}

gid_t getegid(void)
{
	return (gid_t)syscall(SYS_getegid);
}

pid_t getpgid(pid_t pid)
{
	return (pid_t)syscall(SYS_getpgid, pid);
}

pid_t getpgrp(void)
{
	return getpgid(0);
}

int setpgid(pid_t pid, pid_t pgid)
{
	return (int)syscall(SYS_setpgid, pid, pgid);
}

pid_t getsid(pid_t pid)
{
	return (pid_t)syscall(SYS_getsid, pid);
}

pid_t setsid(void)
{
	return (pid_t)syscall(SYS_setsid);
}

pid_t tcgetpgrp(int fd)
{
	int pgid;

	return ioctl(fd, TIOCGPGRP, &pgid) < 0 ? -1 : pgid;
}

int tcsetpgrp(int fd, pid_t pgid)
{
	return ioctl(fd, TIOCSPGRP, &pgid);
}

unsigned int sleep(unsigned int seconds)
{
	struct timespec left = {.tv_sec = seconds};

	return nanosleep(&left, &left) < 0 ? (unsigned int)left.tv_sec : 0;
}

int usleep(useconds_t microseconds)
{
	struct timespec duration = {
	    .tv_sec = microseconds / 1000000,
	    .tv_nsec = (long)(microseconds % 1000000) * 1000,
	};

	return nanosleep(&duration, NULL);
}

/* What is left of the earlier alarm is rounded up to whole seconds. */
unsigned int alarm(unsigned int seconds)
{
	struct itimerval next = {.it_value.tv_sec = seconds};
	struct itimerval last = {.it_value.tv_sec = 0};

	if (setitimer(ITIMER_REAL, &next, &last) < 0)
		return 0;
	return (unsigned int)last.it_value.tv_sec + (last.it_value.tv_usec > 0);
}

int pause(void)
{
	return poll(NULL, 0, -1);
}

/* The kernel answers with the break as it then is: unmoved on failure. */
int brk(void *end)
{
	if ((void *)syscall(SYS_brk, end) == end)
		return 0;
	errno = ENOMEM;
	return -1;
}

void *sbrk(intptr_t increment)
{
	static char *end;
	char *start;

	if (end == NULL)
		end = (char *)syscall(SYS_brk, 0);
	start = end;
	if (increment != 0 && brk(start + increment) < 0)
		return (void *)-1;
	end = start + increment;
	return start;
}

int getpagesize(void)
{
	return PAGE_BYTES;
}

static long count_processors(void)
{
	unsigned long mask[16] = {0};
	long len = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
	long count = 0;

	for (long i = 0; i < len / (long)sizeof mask[0]; i++)
		for (unsigned long bits = mask[i]; bits != 0; bits &= bits - 1)
			count++;
	return count > 0 ? count : 1;
}

long sysconf(int name)
{
	switch (name) {
	case _SC_PAGESIZE:
		return PAGE_BYTES;
	case _SC_CLK_TCK:
		return 100;
	case _SC_NPROCESSORS_CONF:
	case _SC_NPROCESSORS_ONLN:
		return count_processors();
	default:
		errno = EINVAL;
		return -1;
	}
}
