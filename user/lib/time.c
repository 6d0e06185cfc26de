/* SPDX-License-Identifier: MIT */
/*
 * time.c - the calls of time.h and sys/time.h.
 */
#include <time.h>

#include <errno.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
	return (int)syscall(SYS_clock_gettime, clock, now);
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
	return (int)syscall(SYS_clock_getres, clock, resolution);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *duration,
    struct timespec *rest)
{
	long r = syscall(SYS_clock_nanosleep, clock, flags, duration, rest);

	return r < 0 ? errno : 0;
}

int nanosleep(const struct timespec *duration, struct timespec *rest)
{
	return (int)syscall(SYS_nanosleep, duration, rest);
}

time_t time(time_t *result)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -1;
	if (result != NULL)
		*result = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone)
{
	return (int)syscall(SYS_gettimeofday, now, zone);
}

int setitimer(int which, const struct itimerval *value, struct itimerval *old)
{
	return (int)syscall(SYS_setitimer, which, value, old);
}
