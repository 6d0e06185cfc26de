/* SPDX-License-Identifier: MIT */
/*
 * stdlib.c - numbers, the environment, and the end of the program.
 */
#include <stdlib.h>

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ATEXIT_MAX 32

static void (*exit_functions[ATEXIT_MAX])(void);
static int exit_count;

int atexit(void (*fn)(void))
{
	if (exit_count == ATEXIT_MAX)
		return -1;
	exit_functions[exit_count++] = fn;
	return 0;
}

void exit(int status)
{
	while (exit_count > 0)
		exit_functions[--exit_count]();
	_exit(status);
}

void _Exit(int status)
{
	_exit(status);
}

/*
 * If SIGABRT is blocked, ignored or handled, the second one ends the program.
 */
void abort(void)
{
	sigset_t only;

	raise(SIGABRT);
	signal(SIGABRT, SIG_DFL);
	sigemptyset(&only);
	sigaddset(&only, SIGABRT);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	raise(SIGABRT);
	_exit(128 + SIGABRT);
}

void assert_failed(const char *claim, const char *file, int line,
    const char *function)
{
	dprintf(2, "%s:%d: %s: not true: %s\n", file, line, function, claim);
	abort();
}

char *getenv(const char *name)
{
	size_t len = strlen(name);

	for (char **entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
			return *entry + len + 1;
	return NULL;
}

static int digit_value(char c)
{
	if (isdigit(c))
		return c - '0';
	if (isalpha(c))
		return tolower(c) - 'a' + 10;
	return INT_MAX;
}

/* Skips 0x, if a digit follows it, and settles which base it is. */
static const char *read_base(const char *s, int *base)
{
	bool hex = s[0] == '0' && tolower(s[1]) == 'x' && isxdigit(s[2]);

	if (*base == 0)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return hex && *base == 16 ? s + 2 : s;
}

/* A number as written: all strto functions are made of this. */
struct number {
	unsigned long value;
	const char *end; /* of the number; its start if there was no digit */
	bool negative;
	bool overflowed;
};

static struct number read_number(const char *s, int base)
{
	struct number n = {.end = s};
	int digit;

	while (isspace(*s))
		s++;
	n.negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	s = read_base(s, &base);
	for (; (digit = digit_value(*s)) < base; n.end = ++s) {
		if (__builtin_mul_overflow(n.value, (unsigned long)base,
			&n.value) ||
		    __builtin_add_overflow(n.value, (unsigned long)digit,
			&n.value))
			n.overflowed = true;
	}
	return n;
}

static unsigned long out_of_range(unsigned long nearest)
{
	errno = ERANGE;
	return nearest;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
	struct number n = read_number(s, base);

	if (end != NULL)
		*end = (char *)(uintptr_t)n.end;
	if (n.overflowed)
		return out_of_range(ULONG_MAX);
	return n.negative ? -n.value : n.value;
}

long strtol(const char *restrict s, char **restrict end, int base)
{
	struct number n = read_number(s, base);

	if (end != NULL)
		*end = (char *)(uintptr_t)n.end;
	if (n.overflowed || n.value > (unsigned long)LONG_MAX + n.negative)
		return (long)out_of_range(
		    n.negative ? (unsigned long)LONG_MIN : LONG_MAX);
	return (long)(n.negative ? -n.value : n.value);
}

unsigned long long strtoull(const char *restrict s, char **restrict end,
    int base)
{
	return strtoul(s, end, base);
}

long long strtoll(const char *restrict s, char **restrict end, int base)
{
	return strtol(s, end, base);
}

long atol(const char *s)
{
	return strtol(s, NULL, 10);
}

int atoi(const char *s)
{
	return (int)atol(s);
}

int abs(int n)
{
	return n < 0 ? -n : n;
}

long labs(long n)
{
	return n < 0 ? -n : n;
}

/* The linear congruence of Knuth's MMIX; its high bits are the good ones. */
static uint64_t rand_state = 1;

int rand(void)
{
	rand_state = rand_state * 6364136223846793005UL + 1442695040888963407UL;
	return (int)(rand_state >> 33);
}

void srand(unsigned int seed)
{
	rand_state = seed;
}
