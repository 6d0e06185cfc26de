/* SPDX-License-Identifier: MIT */
/*
 * tap.c - see tap.h.
 */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

const char *found(const char *fmt, ...)
{
	static char texts[2][200];
	static unsigned turn;
	char *text = texts[turn++ % 2];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof texts[0], fmt, args);
	va_end(args);
	return text;
}

static void run_one(void *arg)
{
	const struct test *test = arg;
	const char *problem = test->run();

	if (problem == NULL)
		return;
	(void)snprintf(sim_text, SIM_TEXT_SIZE, "%s", problem);
	_exit(SIM_FAILED);
}

int tap_run(const struct test *tests, unsigned count)
{
	unsigned failed = 0;

	printf("1..%u\n", count);
	for (unsigned i = 0; i < count; i++) {
		struct test test = tests[i];
		bool ok = sim_run(run_one, &test);

		printf("%sok %u - %s", ok ? "" : "not ", i + 1, test.name);
		if (!ok)
			printf(" # %s", sim_text);
		printf("\n");
		failed += !ok;
	}
	return failed > 0;
}

const char *must_panic(void (*fn)(void *), void *arg, const char *text)
{
	if (sim_run(fn, arg))
		return found("no panic, expected \"%s\"", text);
	if (strstr(sim_text, text) == NULL)
		return found("panic \"%.100s\", expected \"%s\"", sim_text,
		    text);
	return NULL;
}
