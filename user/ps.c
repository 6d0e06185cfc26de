/* SPDX-License-Identifier: MIT */
/*
 * ps - the processes there are.
 *
 * TIME is what a process spent on a hart, in milliseconds. The kernel counts it
 * in ticks of the timebase, whose rate is found by comparing two clocks.
 */
#include <calf.h>
#include <program.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

const char program_help[] =
    "NAME\n"
    "    ps - list the processes\n"
    "\n"
    "SYNOPSIS\n"
    "    ps\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints a line for each process: its number, its parent's, its\n"
    "    group's, its state (R runs or is ready, S sleeps, T is stopped, Z is\n"
    "    a zombie), the hart that it was last on, the time that it spent on\n"
    "    harts in milliseconds, and its name.\n"
    "\n"
    "SEE ALSO\n"
    "    vmmap --help\n";

#define CALIBRATION_NS 2000000L

static uint64_t ticks(void)
{
	uint64_t now;

	__asm__ volatile("rdtime %0" : "=r"(now));
	return now;
}

static long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static uint64_t ticks_per_ms(void)
{
	long start_ns = nanoseconds();
	uint64_t start = ticks();
	long elapsed_ns;

	do {
		elapsed_ns = nanoseconds() - start_ns;
	} while (elapsed_ns < CALIBRATION_NS);
	return (ticks() - start) * 1000000 / (uint64_t)elapsed_ns;
}

int main(int argc, char **argv)
{
	struct calf_ps ps = {.pid = 0};
	uint64_t per_ms;

	program_no_more(argc, argv, 1);
	calf_require();
	per_ms = ticks_per_ms();
	if (per_ms == 0)
		per_ms = 1;
	printf("  PID  PPID  PGID S HART   TIME ms NAME\n");
	while (calf_ps(ps.pid, &ps) == 1)
		printf("%5d %5d %5d %c %4d %9lu %.*s\n", ps.pid, ps.ppid,
		    ps.pgid, ps.state, ps.hart, ps.time_ticks / per_ms,
		    (int)sizeof ps.name, ps.name);
	return 0;
}
