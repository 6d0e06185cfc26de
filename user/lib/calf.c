/* SPDX-License-Identifier: MIT */
/*
 * calf.c - the calls that only Calf has.
 */
#include <calf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

long calf_stat(struct calf_stat *st, size_t size)
{
	return syscall(SYS_calf_stat, st, size);
}

int calf_ps(int after, struct calf_ps *ps)
{
	return (int)syscall(SYS_calf_ps, after, ps);
}

int calf_walk(int pid, uint64_t va, struct calf_walk *w)
{
	return (int)syscall(SYS_calf_walk, pid, va, w);
}

int calf_next(int pid, uint64_t va, struct calf_run *run)
{
	return (int)syscall(SYS_calf_next, pid, va, run);
}

long calf_check(void)
{
	return syscall(SYS_calf_check);
}

long calf_fail(uint64_t n, int mode)
{
	return syscall(SYS_calf_fail, n, mode);
}

void calf_require(void)
{
	struct calf_stat st;

	if (calf_stat(&st, sizeof st) >= 0)
		return;
	dprintf(2,
	    "this needs Calf: another kernel does not show its tables\n");
	exit(EXIT_FAILURE);
}
