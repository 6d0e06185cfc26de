/* SPDX-License-Identifier: MIT */
/*
 * main.c - boots a kernel on the nasty machine; docs/nasty.md.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "check.h"
#include "elf.h"
#include "gdbstub.h"
#include "kill.h"
#include "report.h"
#include "stay.h"

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec +
	    (double)usage.ru_utime.tv_usec / 1e6;
}

static void summary(void)
{
	double seconds = cpu_seconds();

	fprintf(stderr,
	    "# nasty: %" PRIu64 " instructions in %.1f s of CPU, "
	    "%.1f million a second\n",
	    machine_steps(), seconds,
	    (double)machine_steps() / 1e6 / (seconds > 0 ? seconds : 1));
	stay_summary();
}

static void say_words(const struct config *config)
{
	char *words = config_words(config);

	fprintf(stderr, "# %s\n", words);
	free(words);
}

/* Step by step from where the trace begins. */
static void run(const struct config *config)
{
	struct core *c;

	machine_run(config->trace_from < config->until ? config->trace_from
						       : config->until);
	while (machine_steps() < config->until && (c = sched_next()) != NULL) {
		report_step(c);
		machine_run(machine_steps() + 1);
	}
}

int main(int argc, char **argv)
{
	struct config config;

	config_parse(&config, argc, argv);
	machine_init(&config);
	if (config.gdb != NULL)
		gdb_serve(config.gdb);
	if (!config.quiet)
		say_words(&config);
	run(&config);
	console_flush();
	if (!machine.over)
		report_failure(machine.cores, "stopped, as until= says");
	if (config.kill_every != 0)
		kill_report();
	if (!config.quiet)
		summary();
	return machine.status;
}
