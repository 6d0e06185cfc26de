/* SPDX-License-Identifier: MIT */
/*
 * harness.h - what every user-level suite is written with.
 *
 * A suite is a program: a list of tests and a main() that calls suite_main().
 * A test is a function whose name is a claim. It returns NULL if the claim
 * holds, a sentence saying what was found if it does not, or SKIP("reason").
 *
 * Each test runs in a process of its own, so a test may leave its memory, its
 * descriptors and its handlers in any state. It must reap its children. When
 * it has ended, suite_main() asks the kernel whether its invariants hold and
 * whether exactly as many frames are free as before.
 *
 * The same source runs on Linux, where the calls that only Calf has return
 * ENOSYS; what depends on them is left out there. Nothing here may allocate
 * memory or use stdio streams, whose buffers a fork would duplicate.
 *
 * Include this file first: it asks the C library for its full interface.
 */
#ifndef TESTS_USER_HARNESS_H
#define TESTS_USER_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __riscv
#include "abi/syscall.h"
#else
#include <sys/syscall.h>
#endif

#include "abi/calf.h"

#define PAGE 4096UL
#define MIB  (1UL << 20)
#define GIB  (1UL << 30)

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- Tests ---- */

typedef const char *test_fn(void);

struct test {
	const char *name;
	test_fn *run;
};

#define TEST(name) static const char *name(void)
#define T(name)             \
	{                   \
#name, name \
	}

#define SUITE(list)                                                 \
	int main(int argc, char **argv)                             \
	{                                                           \
		return suite_main(argc, argv, (list), COUNT(list)); \
	}

/*
 * Runs the tests, all or those whose names contain argv[1], and reports in
 * TAP. Returns the program's exit status: 0 if all passed.
 */
int suite_main(int argc, char **argv, const struct test *tests, int count);

/* argv[0] of the suite: the path under which it can execute itself. */
extern const char *suite_path;

extern char found_text[256];

/* A sentence with figures in it. */
#define found(...) \
	(snprintf(found_text, sizeof(found_text), __VA_ARGS__), found_text)

/* Not a failure: this system lacks something that the test needs. */
#define SKIP(reason) "SKIP " reason

/* Ends the test with `sentence` unless `condition` holds. */
#define MUST(condition, sentence)          \
	do {                               \
		if (!(condition))          \
			return (sentence); \
	} while (0)

/* Ends the test with what `expression` found, if it found anything. */
#define TRY(expression)                           \
	do {                                      \
		const char *tried = (expression); \
		if (tried != NULL)                \
			return tried;             \
	} while (0)

/* Exit status of a process that left a sentence in `verdict`. */
#define FAILED 113

/* Shared with all processes of a test, behind the cells of the board. */
extern char *verdict;

/* Ends this process, and with it the test, with a sentence. */
_Noreturn void give_up(const char *sentence);

/* ---- Processes ---- */

/* Forks a child that runs `fn`; gives up if there can be none. */
pid_t child_start(test_fn *fn);

/* Waits for that child. NULL if its test passed, else what it found. */
const char *child_end(pid_t pid);

/*
 * The verdict of a child that ran a test, from its status: NULL, or a sentence.
 */
const char *status_verdict(int status);

/* child_start() and child_end(). */
const char *in_child(test_fn *fn);

/* fork(), or the end of the test. */
pid_t must_fork(void);

/*
 * vfork: the child runs `fn` in this memory, on a stack that ends at `top`, and
 * must not return from it. Returns the child's pid once it has left.
 */
pid_t vfork_on(void *top, void (*fn)(void));

/* A process that never sleeps, until it is killed. */
pid_t spinner_start(void);

/* Starts so many processes that all harts but the caller's are busy. */
void spinners_start(void);
void spinners_end(void);

/* The status of a child that runs `fn` and exits with 0. */
int status_of(void (*fn)(void));

/* Waits for `pid` and returns its status; gives up if that is no child. */
int reap(pid_t pid);

bool exited_with(int status, int code);
bool killed_by(int status, int sig);

/* NULL if a child that runs `fn` is killed by `sig`. */
const char *expect_signal(void (*fn)(void), int sig);

/* NULL if reading or writing a byte at `p` kills with SIGSEGV. */
const char *expect_no_load(const volatile void *p);
const char *expect_no_store(volatile void *p);

/*
 * Memory shared by all processes of a test, zeroed before each: for flags,
 * counters and barriers.
 */
#define BOARD_CELLS 256

#define BOARD_BYTES (BOARD_CELLS * sizeof(int))

extern int *board;

int cell_get(int i);
void cell_set(int i, int value);
int cell_add(int i, int value); /* returns the new value */

/* Yields until cell i holds at least `value`, or a process has given up. */
void cell_await(int i, int value);

/* Cell i is a barrier for `n` processes, used once. */
void cell_meet(int i, int n);

/* Writes to the stack and to data, so that these pages are this process's. */
void warm_up(void);

void sleep_ms(long ms);

/* Runs `change` in a child after 60 ms, when the caller should be waiting. */
pid_t change_later(void (*change)(void));

/* Reads exactly `len` bytes; false if they end, or there is an error. */
bool read_all(int fd, void *to, size_t len);

/* Milliseconds on the monotonic clock. */
long now_ms(void);

/* ---- Memory ---- */

/* n fresh pages, private and writable; gives up if there are none. */
unsigned char *pages_private(size_t n);
unsigned char *pages_shared(size_t n);

/* Address space of that many bytes without access, aligned to `align`. */
unsigned char *reserve(size_t bytes, size_t align);

/*
 * Stamps each of n pages with words that depend on `seed` and the page's
 * index; stamped() tells whether they are still there.
 */
void stamp(void *p, size_t n, unsigned seed);
bool stamped(const void *p, size_t n, unsigned seed);

bool all_bytes(const void *p, size_t len, unsigned char value);

/* Gives the terminal to the test, which runs in a group of its own. */
void to_foreground(void);

/* One read() of the terminal, of a few bytes, gives what is wanted. */
const char *reads(size_t size, const char *wanted);

/* The next of a sequence of pseudo-random numbers. */
uint64_t rnd(uint64_t *state);

/* ---- The kernel ---- */

/* A system call as such: the result, or the negated errno. */
#define raw(nr, ...) raw_call((nr), (const long[6]){__VA_ARGS__})
long raw_call(long nr, const long args[6]);

/* A path that is looked up in parts: of `size` bytes at most, it leads to /. */
void long_path(char *path, size_t size);

/* Calls faccessat() with such a path. Returns 0. */
long look_up_long_path(void);

/* Blocks a signal; the test fails if that cannot be done. */
void block_signal(int sig);

/* Whether the kernel is Calf. */
bool on_calf(void);

/*
 * Whether the kernel is an emulator of Linux's system calls (qemu-riscv64),
 * which answers some in another way. It is told by madvise(), where it takes
 * any advice.
 */
bool on_emulator(void);

/* NULL, or why tests of RISC-V instructions, or of vfork, cannot be run. */
const char *needs_riscv(void);
const char *needs_lending(void);

/* Whether it is a test build, with calf_check() and calf_fail(). */
bool on_calf_test_build(void);

/* Calf's counters; all zero elsewhere. */
struct calf_stat counters(void);

/* How many harts there are. */
int harts(void);

/*
 * The counters when only the caller and its children have anything left to do:
 * from here on only their work is counted. The runner, which wrote to its
 * memory after it had forked the test, may have been late.
 */
struct calf_stat quiet_counters(void);

/*
 * Runs `ask` in a process of its own, so that its end counts as well. NULL if
 * no stay in the kernel was longer than promised, so far.
 */
const char *is_short(void (*ask)(void));

/* A test whose name says which call is made. All have one claim: */
#define SHORT(name)                          \
	static void ask_##name(void);        \
	TEST(name)                           \
	{                                    \
		return is_short(ask_##name); \
	}                                    \
	static void ask_##name(void)

/* Checks the invariants and returns the number of free frames, or 0. */
uint64_t checked_free_frames(void);

/*
 * NULL as soon as exactly `before` frames are free, as checked_free_frames()
 * counts them; a sentence if that does not happen within ten seconds.
 */
const char *frames_settle(uint64_t before);

/* calf_fail(); returns what it returns, or 0 elsewhere. */
long fail_allocation(uint64_t n, int mode);

#endif
