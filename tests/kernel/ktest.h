/* SPDX-License-Identifier: MIT */
/*
 * ktest.h - suites that run inside the kernel, before the first process.
 *
 * A test is a sentence: a function whose name is the claim, which returns NULL
 * if it holds, SKIP("reason") where it cannot be tried, and otherwise what was
 * found instead. After each test the invariants are verified (aspace_audit),
 * and exactly as many frames must be free as before.
 *
 * A suite is a file with a list of tests and one line, SUITE(name, list);
 * ktest.c lists the suites in the order in which they should be read.
 *
 * Tests run one after the other on the boot hart's small stack: what is larger
 * than a few hundred bytes is static.
 */
#ifndef TESTS_KERNEL_KTEST_H
#define TESTS_KERNEL_KTEST_H

#include "abi/errno.h"
#include "lib/assert.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct test {
	const char *name;
	const char *(*run)(void);
};

struct suite {
	const char *name;
	const struct test *tests;
	unsigned count;
};

#define TEST(name) static const char *name(void)
#define T(name)             \
	{                   \
#name, name \
	}
#define SUITE(name, list) \
	const struct suite suite_##name = {#name, list, array_len(list)}

#define SKIP(reason) "SKIP " reason

/* Ends the test with `sentence` unless `condition` holds. */
#define MUST(condition, sentence)          \
	do {                               \
		if (!(condition))          \
			return (sentence); \
	} while (0)

/* Ends the test with what `expression` found, if it found anything. */
#define TRY(expression)                            \
	do {                                       \
		const char *tried_ = (expression); \
		if (tried_ != NULL)                \
			return tried_;             \
	} while (0)

/* A sentence with figures in it; good until the next but one. */
const char *found(const char *fmt, ...) PRINTF(1, 2);

/* The next of a sequence of pseudo-random numbers below `limit`. */
uint64_t rnd(uint64_t *state, uint64_t limit);

/*
 * Runs the suites named in `words`, separated by commas, or all but the red
 * ones if it is empty. Reports in TAP and switches the machine off, with
 * status 0 if there were tests and all passed.
 */
NORETURN void kernel_tests_run(const char *words, size_t len);

extern const struct suite suite_string, suite_print, suite_list, suite_fdt,
    suite_frame, suite_counts, suite_slab, suite_range, suite_protect,
    suite_share, suite_gap, suite_fork, suite_bag, suite_lend, suite_family,
    suite_sharer, suite_usercopy, suite_teardown, suite_starve, suite_mistakes,
    suite_exception, suite_machine, suite_live, suite_model, suite_numbers,
    suite_turns;

/* What must fail: tests/red/. */
extern const struct suite suite_red, suite_leak, suite_broken, suite_panic,
    suite_undefined, suite_hang;

#endif
