/* SPDX-License-Identifier: MIT */
/*
 * sleep SECONDS - wait, also for parts of a second: sleep 0.5
 */
#include <program.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char program_help[] =
    "NAME\n"
    "    sleep - wait\n"
    "\n"
    "SYNOPSIS\n"
    "    sleep SECONDS\n"
    "\n"
    "DESCRIPTION\n"
    "    Waits for so long. SECONDS may have a fraction.\n"
    "\n"
    "EXAMPLES\n"
    "    sleep 0.5\n";

/* The digits after the point, as nanoseconds; *end is what follows them. */
static long fraction(char *digits, char **end)
{
	long unit = 100000000;
	long nanoseconds = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++) {
		nanoseconds += (*digits - '0') * unit;
		unit /= 10;
	}
	*end = digits;
	return nanoseconds;
}

int main(int argc, char **argv)
{
	struct timespec duration = {.tv_sec = 0};
	char *end;

	if (argc != 2) {
		fprintf(stderr, "usage: sleep SECONDS\n");
		return 2;
	}
	duration.tv_sec = strtol(argv[1], &end, 10);
	if (*end == '.')
		duration.tv_nsec = fraction(end + 1, &end);
	if (end == argv[1] || *end != '\0' || duration.tv_sec < 0) {
		fprintf(stderr, "sleep: %s: expected seconds\n", argv[1]);
		return 1;
	}
	if (nanosleep(&duration, NULL) == 0)
		return 0;
	perror("sleep");
	return 1;
}
