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

/* What becomes of misaligned loads and stores. */
enum misaligned {
	MISALIGNED_TRAPS,    /* to S-mode */
	MISALIGNED_DONE,     /* by the hardware */
	MISALIGNED_FIRMWARE, /* done, and the cycles of a trap to it */
	MISALIGNED_HART_0,   /* done by that hart, trapped by the others */
};

struct config {
	const char *kernel, *initrd, *append, *input;
	const char *console; /* where the kernel's words go; NULL: stdout */
	uint64_t memory;
	const char *memory_file; /* the file that holds memory; NULL: none */
	unsigned harts;
	uint64_t seed;

	bool kind;           /* no adversary at all */
	unsigned boot;       /* the hart that begins */
	unsigned asid_bits;  /* 0 to 16 */
	unsigned stick;      /* of 8 times, how often a cached entry is used */
	bool caches_invalid; /* invalid entries, too */
	bool stale_code;     /* instruction bytes are kept until fence.i */
	bool svade;          /* A and D by fault */
	enum misaligned misaligned;
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

	const char *kill; /* processes of this name are killed; NULL: none */
	const char *counting; /* whose instructions count; NULL: of `kill` */
	const char *during;   /* count once this name runs; NULL: at once */
	uint64_t kill_at;     /* kill before the instruction of this number */
	uint64_t kill_again;  /* then again after every so many; 0: never */
	uint64_t kill_every;  /* a copy is killed every so many; 0: no copies */
	uint64_t kill_to;     /* the last number at which to kill */
	uint64_t kill_within; /* instructions that a copy may take to its end */
	unsigned death;       /* enum death of kill.h */
	bool kill_parent;     /* its parent is killed instead */
	bool typist;          /* types what the output asks for */
	bool quiet;
	bool hold; /* at its end the machine stays, so that gdb can go back */
};

/* Fills in what the command line leaves open, from the seed. */
void config_parse(struct config *config, int argc, char **argv);

/* The words for a shell that repeat this run; to be freed. */
char *config_words(const struct config *config);

#endif
