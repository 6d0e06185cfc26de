/* SPDX-License-Identifier: MIT */
/*
 * tap.h - a test is a sentence: its name is the claim, and it returns NULL, or
 * what was found instead. Each runs in a process of its own.
 */
#ifndef HOST_TAP_H
#define HOST_TAP_H

struct test {
	const char *name;
	const char *(*run)(void);
};

#define TEST(name) static const char *name(void)
#define LISTED(name)        \
	{                   \
#name, name \
	}

/* Runs them all and prints TAP; the exit status of the program. */
int tap_run(const struct test *tests, unsigned count);

/* Formats a message. It is overwritten by the second call after it. */
const char *found(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Does `fn` of `arg` end in panic() with `text` in its message? */
const char *must_panic(void (*fn)(void *), void *arg, const char *text);

#endif
