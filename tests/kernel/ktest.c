/* SPDX-License-Identifier: MIT */
/*
 * ktest.c - runs the suites and reports.
 *
 * The audit looks at all free memory, which takes a while on a machine with
 * gigabytes. So most of it is set aside (ballast.c) as long as no test needs
 * all of it. Of the words of a free frame each audit looks at a part; as many
 * audits as there are parts follow the last test.
 */
#include "ktest.h"

#include <stdarg.h>

#include "arch/power.h"
#include "ballast.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/frame.h"

static const struct suite *const suites[] = {
    &suite_string,
    &suite_print,
    &suite_list,
    &suite_fdt,
    &suite_machine,
    &suite_frame,
    &suite_counts,
    &suite_slab,
    &suite_range,
    &suite_protect,
    &suite_share,
    &suite_gap,
    &suite_fork,
    &suite_bag,
    &suite_lend,
    &suite_family,
    &suite_sharer,
    &suite_usercopy,
    &suite_teardown,
    &suite_numbers,
    &suite_turns,
    &suite_starve,
    &suite_mistakes,
    &suite_exception,
    &suite_live,
    &suite_model,
};

static const struct suite *const red_suites[] = {
    &suite_red,
    &suite_leak,
    &suite_broken,
    &suite_panic,
    &suite_undefined,
    &suite_hang,
};

/* Progress of a run. */
struct run {
	unsigned number;
	unsigned failed;
	uint64_t free; /* frames, after the last audit */
};

const char *found(const char *fmt, ...)
{
	/* Used in turns, so that one sentence can quote another. */
	static char texts[2][120];
	static unsigned turn;
	char *text = texts[turn++ % 2];
	va_list args;

	va_start(args, fmt);
	(void)str_vformat(text, sizeof texts[0], fmt, args);
	va_end(args);
	return text;
}

/* Vigna's splitmix64. */
uint64_t rnd(uint64_t *state, uint64_t limit)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % limit;
}

/* Is `name` one of the words? */
static bool is_listed(const char *words, size_t len, const char *name)
{
	size_t want = strlen(name), start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && words[i] != ',')
			continue;
		if (i - start == want && memcmp(words + start, name, want) == 0)
			return true;
		start = i + 1;
	}
	return false;
}

static void run_test(struct run *run, const struct test *test)
{
	const char *sentence = test->run();
	bool failed;
	uint64_t free;

	frame_fail_set(NULL);
	hoard_drop(&eaten);
	free = aspace_audit();
	if (sentence == NULL && free != run->free)
		sentence =
		    found("%lu frames free, %lu before", free, run->free);
	run->free = free;
	run->number++;
	failed = sentence != NULL && strncmp(sentence, SKIP(""), 5) != 0;
	run->failed += failed;
	kprintf("%sok %u - %s%s%s\n", failed ? "not " : "", run->number,
	    test->name, sentence != NULL ? " # " : "",
	    sentence != NULL ? sentence : "");
}

static void run_suite(struct run *run, const struct suite *suite)
{
	kprintf("# suite %s\n", suite->name);
	for (unsigned i = 0; i < suite->count; i++)
		run_test(run, &suite->tests[i]);
}

/* The suites that were asked for, into `chosen`; returns how many. */
static unsigned choose(const char *words, size_t len,
    const struct suite *chosen[])
{
	unsigned count = 0;

	for (unsigned i = 0; i < array_len(suites); i++)
		if (len == 0 || is_listed(words, len, suites[i]->name))
			chosen[count++] = suites[i];
	for (unsigned i = 0; i < array_len(red_suites); i++)
		if (is_listed(words, len, red_suites[i]->name))
			chosen[count++] = red_suites[i];
	return count;
}

void kernel_tests_run(const char *words, size_t len)
{
	static const struct suite
	    *chosen[array_len(suites) + array_len(red_suites)];
	unsigned count = choose(words, len, chosen), planned = 0;
	struct run run = {0};

	for (unsigned i = 0; i < count; i++)
		planned += chosen[i]->count;
	kprintf("1..%u\n", planned);
	ballast_take();
	run.free = aspace_audit();
	for (unsigned i = 0; i < count; i++)
		run_suite(&run, chosen[i]);
	for (unsigned i = 0; i < POISON_PARTS; i++)
		(void)aspace_audit();
	kprintf("# %u passed, %u failed\n", run.number - run.failed,
	    run.failed);
	power_off(run.number == 0 || run.failed > 0);
}
