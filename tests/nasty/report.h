/* SPDX-License-Identifier: MIT */
/*
 * report.h - telling what happened: failures, traces, watched memory.
 */
#ifndef NASTY_REPORT_H
#define NASTY_REPORT_H

#include "machine.h"

/* What the machine exits with when it found something wrong itself. */
#define STATUS_FAILED 250
#define STATUS_USAGE  2

/* The end: what was expected, and the state of every hart. */
void report_failure(struct core *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Bad arguments or files: one line, and exit. */
_Noreturn void report_usage(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* One line for an address: "name+0x10" or the bare number. */
const char *report_symbol(uint64_t va);

/* The struct proc that a hart runs, or NULL; layout.h knows what is in it. */
const uint8_t *report_process_of(const struct core *c);

/* The instruction that comes next, for --trace. */
void report_step(struct core *c);

/* Is something in the page watched? */
static inline bool report_watches(uint64_t pa)
{
	return (machine.config.watch ^ pa) >> PAGE_SHIFT == 0;
}

/* A store of `size` bytes was done to `pa`: is that being watched? */
void report_watch(struct core *c, uint64_t pa, unsigned size);

/* The last stretches of a hart's steps, `count` at most. */
void report_recent(const struct core *c, unsigned count);

#endif
