/* SPDX-License-Identifier: MIT */
/*
 * bench [-s SECONDS] [-p PREFIX] [small] [all | GROUP... | scale N]
 *
 * Measures what system calls, faults and messages cost.
 *
 * It is one static program for every kernel, and runs as an ordinary program or
 * as the first process. It prints a line for each row,
 *
 *   name <TAB> min <TAB> median <TAB> unit <TAB> ok or FAILED
 *
 * and lines of remarks that begin with '#'. A row is FAILED if what was copied,
 * cleared or sent was not what it should have been; then the status is 1.
 *
 * It counts instructions, the kernel's included, where the clock ticks once in
 * 100 of them: QEMU -smp 1 -icount shift=0,sleep=off. Elsewhere it measures
 * nanoseconds. -s waits first, until a kernel has done with its own start, and
 * -p puts something before the name of each row, for this program can be linked
 * with another C library. `small` leaves out what needs much memory; `quick` is
 * `small all`.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

#define SMALL_LIMIT (64 * MIB)

/* As in user/include/program.h, which other C libraries do not have. */
extern const char program_help[];
const char program_help[] =
    "NAME\n"
    "    bench - what system calls, faults and messages cost\n"
    "\n"
    "SYNOPSIS\n"
    "    bench [-s SECONDS] [-p PREFIX] [small] [all | GROUP... | scale N]\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints a line for each row: its name, the least and the median cost,\n"
    "    the unit, and ok if the contents were right. The unit is\n"
    "    instructions where QEMU counts them (-smp 1 -icount\n"
    "    shift=0,sleep=off), else nanoseconds. Without words it is quick,\n"
    "    which is small all. A word that is no group lists the groups.\n"
    "\n"
    "    small    leaves out what needs more than 64 MiB\n"
    "    scale N  measures 1 to N processes at the same time\n"
    "\n"
    "OPTIONS\n"
    "    -s SECONDS  waits for so long first\n"
    "    -p PREFIX   begins the name of each row with it\n"
    "\n"
    "EXIT STATUS\n"
    "    1 if a row is FAILED or a group is not known, else 0.\n"
    "\n"
    "SEE ALSO\n"
    "    forkbench --help; docs/bench/README.md; make bench\n";

static const struct group {
	const char *name;
	void (*run)(void);
} groups[] = {
    {"idle", bench_idle},
    {"call", bench_call},
    {"signal", bench_signal},
    {"switch", bench_switch},
    {"pipe", bench_pipe},
    {"port", bench_port},
    {"read", bench_read},
    {"file", bench_file},
    {"fork", bench_fork},
    {"maps", bench_maps},
    {"life", bench_life},
    {"tree", bench_tree},
    {"server", bench_server},
    {"cow", bench_cow},
    {"worst", bench_worst},
    {"zero", bench_zero},
    {"mmap", bench_mmap},
    {"brk", bench_brk},
    {"bulk", bench_bulk},
    {"exit", bench_exit},
};

const char *bench_path;

#define GROUP_COUNT (sizeof groups / sizeof groups[0])

/* Runs a group in a process of its own: 0 if all its rows were right. */
static int run_group(const struct group *group)
{
	pid_t pid = start_child();
	int status = -1;

	if (pid == 0) {
		group->run();
		exit(0);
	}
	if (waitpid(pid, &status, 0) == pid && status == 0)
		return 0;
	printf("%s\t0\t0\t-\tFAILED\n", group->name);
	return 1;
}

static int run_all(void)
{
	int failures = 0;

	for (size_t i = 0; i < GROUP_COUNT; i++)
		failures += run_group(&groups[i]);
	return failures;
}

static int run_named(const char *name)
{
	for (size_t i = 0; i < GROUP_COUNT; i++)
		if (strcmp(groups[i].name, name) == 0)
			return run_group(&groups[i]);
	printf("bench: no group %s; there are quick, small, all, scale N",
	    name);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		printf(", %s", groups[i].name);
	printf("\n");
	return 1;
}

static int run_words(int argc, char **argv)
{
	int failures = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "all") == 0) {
			failures += run_all();
		} else if (strcmp(argv[i], "small") == 0) {
			memory_limit = SMALL_LIMIT;
		} else if (strcmp(argv[i], "quick") == 0) {
			memory_limit = SMALL_LIMIT;
			failures += run_all();
		} else if (strcmp(argv[i], "scale") == 0 && i + 1 < argc) {
			bench_scale((unsigned)atoi(argv[++i]));
		} else {
			failures += run_named(argv[i]);
		}
	}
	return failures;
}

static void print_heading(void)
{
	struct utsname name;

	if (uname(&name) == 0)
		printf("# kernel: %s %s %s\n", name.sysname, name.release,
		    name.version);
	printf("# %s\n",
	    strcmp(count_unit, "instr") == 0
		? "instructions, the kernel's included"
		: "nanoseconds: not under -icount shift=0,sleep=off");
	fflush(stdout);
}

/* Linux has no use for a first process that ends. */
static void power_off(void)
{
	if (getpid() == 1)
		reboot((int)RB_POWER_OFF);
}

int main(int argc, char **argv)
{
	static char quick[] = "quick";
	char *default_words[] = {quick};
	int failures;

	bench_path = argv[0];
	if (argc == 2 && strcmp(argv[1], "in-tree") == 0) {
		count_init();
		bench_in_tree();
		return 0;
	}
	for (argc--, argv++; argc >= 2 && argv[0][0] == '-';
	     argc -= 2, argv += 2) {
		if (strcmp(argv[0], "-s") == 0)
			sleep((unsigned)atoi(argv[1]));
		else if (strcmp(argv[0], "-p") == 0)
			row_prefix = argv[1];
		else
			break;
	}
	exchange = map_shared(PAGE_BYTES);
	count_init();
	print_heading();
	failures =
	    argc > 0 ? run_words(argc, argv) : run_words(1, default_words);
	printf("# bench: %s\n", failures == 0 ? "done" : "FAILED");
	fflush(stdout);
	if (failures == 0)
		power_off();
	return failures == 0 ? 0 : 1;
}
