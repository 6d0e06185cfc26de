/* SPDX-License-Identifier: MIT */
/*
 * config.h - what the command line and the seed decide.
 */
#ifndef NASTY_CONFIG_H
#define NASTY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum sched_mode {
	SCHED_FAIR,    /* harts take turns of some dozens of instructions */
	SCHED_UNFAIR,  /* one stands still for a long time, at a store */
	SCHED_SHARED,  /* turns end at atomics and stores to shared data */
	SCHED_BOUNDED, /* few turns, which end anywhere */
	SCHED_MODES,
};

struct config {
	const char *kernel, *initrd, *append, *input;
	const char *console; /* where the kernel's words go; NULL: stdout */
	uint64_t memory;
	const char *memory_file; /* what it is kept in; NULL: nothing */
	unsigned harts;
	uint64_t seed;

	bool kind;           /* no adversary at all */
	unsigned asid_bits;  /* 0 to 16 */
	unsigned stick;      /* of 8 times, how often a cached entry is used */
	bool caches_invalid; /* invalid entries, too */
	bool stale_code;     /* instruction bytes are kept until fence.i */
	bool svade;          /* A and D by fault */
	bool misaligned;     /* done by the hardware, or trapped */
	bool sstc;
	bool stval_has_insn;
	bool late_stores;
	unsigned rate;  /* instructions of a hart in one tick of the clock */
	int sched_mode; /* -1: another one now and then */
	unsigned storm; /* 1 in so many turns in user mode, the timer fires */
	uint64_t entry_limit; /* instructions in one entry to the kernel */

	uint64_t until;
	uint64_t trace_from;
	uint64_t watch; /* a physical address; 0: none */
	const char *gdb;

	const char *kill; /* name of those who are killed; NULL: nobody is */
	const char *counting; /* whose instructions count; NULL: their own */
	const char *during; /* from when one of this name runs; NULL: at once */
	uint64_t kill_at;   /* before that one of their instructions */
	uint64_t kill_again;  /* and all so many after that; 0: once */
	uint64_t kill_every;  /* in a copy for each so many; 0: no copies */
	uint64_t kill_to;     /* up to here */
	uint64_t kill_within; /* instructions that a copy may take to its end */
	unsigned death;       /* enum death of kill.h */
	bool kill_parent;     /* in place of who it would be */
	bool quiet;
	bool hold; /* for the debugger the end is one of time */
};

/* Fills in what the command line leaves open, from the seed. */
void config_parse(struct config *config, int argc, char **argv);

/* The words that make the same run, in a shell; to be freed. */
char *config_words(const struct config *config);

#endif
