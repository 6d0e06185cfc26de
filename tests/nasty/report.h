/* SPDX-License-Identifier: MIT */
/*
 * report.h - telling what happened: failures, traces, watched memory.
 */
#ifndef NASTY_REPORT_H
#define NASTY_REPORT_H

#include "machine.h"

/* The exit status when the machine found a mistake. */
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

/* Could a store to `pa` be to what is watched? */
static inline bool report_may_watch(uint64_t pa)
{
	return pa - machine.config.watch + 7 < 15;
}

/* Reports a store of `size` bytes to `pa`, if that is watched. */
void report_watch(struct core *c, uint64_t pa, unsigned size);

/* The last stretches of a hart's steps, `count` at most. */
void report_recent(const struct core *c, unsigned count);

#endif
