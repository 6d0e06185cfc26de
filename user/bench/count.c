/* SPDX-License-Identifier: MIT */
/*
 * count.c - the counter, samples, and how a row is printed.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CALIBRATIONS 64

const char *count_unit = "instr";
const char *row_prefix = "";

static uint64_t overhead; /* of a start and a stop alone */
static bool is_wrong;

uint64_t count_since(uint64_t start, uint64_t stop)
{
	uint64_t total = stop - start;

	return total > overhead ? total - overhead : 0;
}

/* A loop of 2n instructions, as counted. */
static uint64_t count_loop(uint64_t n)
{
	uint64_t start = count_start();

	__asm__ volatile("1: addi %0, %0, -1\n"
			 "   bnez %0, 1b"
			 : "+r"(n));
	return count_since(start, count_stop());
}

/* Tries a few times, as an interrupt would add the kernel's instructions. */
static bool counts_instructions(void)
{
	for (int i = 0; i < 10; i++) {
		uint64_t count = count_loop(20000) - count_loop(10000);

		if (count >= 20000 - 6 && count <= 20000 + 6)
			return true;
	}
	return false;
}

void count_init(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < CALIBRATIONS; i++) {
		uint64_t start = count_start();
		uint64_t total = count_stop() - start;

		if (total < best)
			best = total;
	}
	overhead = best;
	if (!counts_instructions())
		count_unit = "ns";
}

void sample(struct samples *s, uint64_t total, uint64_t n)
{
	if (s->count < MAX_SAMPLES)
		s->value[s->count++] = total * 100 / n;
}

uint64_t sample_min(const struct samples *s)
{
	uint64_t best = s->value[0];

	for (unsigned i = 1; i < s->count; i++)
		if (s->value[i] < best)
			best = s->value[i];
	return best;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t sample_median(struct samples *s)
{
	qsort(s->value, s->count, sizeof s->value[0], compare);
	return s->value[(s->count - 1) / 2];
}

/* Small figures with a decimal, large ones without. */
static void print_hundredths(uint64_t value)
{
	if (value < 100000 && value % 100 >= 5)
		printf("%lu.%lu\t", value / 100, value % 100 / 10);
	else
		printf("%lu\t", value / 100);
}

void report_unit(const char *row, struct samples *s, const char *unit)
{
	__asm__ volatile(MARK_ROW);
	printf("%s%s\t", row_prefix, row);
	print_hundredths(sample_min(s));
	print_hundredths(sample_median(s));
	printf("%s\t%s\n", unit, is_wrong ? "FAILED" : "ok");
	fflush(stdout);
	if (is_wrong)
		exit(1);
}

void report(const char *row, struct samples *s)
{
	report_unit(row, s, count_unit);
}

void skip(const char *row, const char *reason)
{
	printf("# %s%s: not measured, %s\n", row_prefix, row, reason);
	fflush(stdout);
}

void wrong(const char *what)
{
	printf("# WRONG: %s\n", what);
	fflush(stdout);
	is_wrong = true;
}

void check(bool right, const char *what)
{
	if (!right)
		wrong(what);
}
