/* SPDX-License-Identifier: MIT */
/*
 * system.c - the system as a whole: its name, memory, limits, randomness, end.
 */
#include <stddef.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

int uname(struct utsname *name)
{
	return (int)syscall(SYS_uname, name);
}

int sysinfo(struct sysinfo *info)
{
	return (int)syscall(SYS_sysinfo, info);
}

ssize_t getrandom(void *buf, size_t len, unsigned int flags)
{
	return syscall(SYS_getrandom, buf, len, flags);
}

int reboot(int command)
{
	return (int)syscall(SYS_reboot, REBOOT_MAGIC1, REBOOT_MAGIC2, command,
	    NULL);
}

int getrusage(int who, struct rusage *usage)
{
	return (int)syscall(SYS_getrusage, who, usage);
}

int getrlimit(int resource, struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0L, resource, NULL, limit);
}

int setrlimit(int resource, const struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0L, resource, limit, NULL);
}
