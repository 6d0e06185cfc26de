/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what a film of the machine is made from: a record of each thing
 * that happens, in a ring in memory which a program outside of the machine
 * drains (tools/film.py). Only the trace build has any of it; elsewhere TRACE()
 * is nothing, and its arguments are not looked at.
 *
 * A record says when, on which hart and at which line of the source, and has a
 * few values, whose names are given in a string beside them. A name may say
 * what kind of value it is: `frame:table` is frame_trace() of a frame.
 */
#ifndef ARCH_TRACE_H
#define ARCH_TRACE_H

#include "lib/compiler.h"
#include "lib/types.h"

#define TRACE_VALUES 5

#ifdef CALF_TRACE

#define IS_TRACED true

/* Where a record comes from, and how its values are called. */
struct trace_place {
	const char *event;
	const char *names;
	const char *file;
	const char *function;
	uint64_t line;
};

/* Begins: from here on there are records. */
void trace_init(void);

void trace_record(const struct trace_place *place,
    const uint64_t values[TRACE_VALUES]);

/* Eight characters of a text that has at least so many before its end. */
INLINE uint64_t trace_word(const char *text, unsigned n)
{
	uint64_t word = 0;

	for (unsigned i = 8; i-- > 0;)
		word = word << 8 | (uint8_t)text[n * 8 + i];
	return word;
}

/* 32 characters, as the last four values. */
#define TRACE_TEXT(text)                                               \
	trace_word(text, 0), trace_word(text, 1), trace_word(text, 2), \
	    trace_word(text, 3)

#define TRACE(event, names, ...)                                             \
	do {                                                                 \
		static const struct trace_place trace_here = {#event, names, \
		    __FILE__, __func__, __LINE__};                           \
		const uint64_t trace_values[TRACE_VALUES] = {__VA_ARGS__};   \
		trace_record(&trace_here, trace_values);                     \
	} while (0)

#else

#define IS_TRACED false

static inline void trace_init(void)
{
}

#define TRACE(event, names, ...) ((void)0)

#endif

#endif
