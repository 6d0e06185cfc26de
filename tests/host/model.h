/* SPDX-License-Identifier: MIT */
/*
 * model.h - a machine so small that all its states can be visited.
 *
 * Tables have two entries and a process has four pages:
 *
 *   root: [0] a table of level 1, [1] the kernel's
 *   level 1: [0] pages 0 and 1, [1] pages 2 and 3
 *
 * Of a frame only the first two words are used. Process i runs on hart i, for
 * ever; ASIDs are for random.c.
 *
 * A TLB here is the set of all that it could hold: every entry that was ever
 * visible since the last fence that covers it. If nothing in the set allows
 * too much, no TLB does.
 */
#ifndef HOST_MODEL_H
#define HOST_MODEL_H

#include "sim.h"

#define MODEL_PROCS  3
#define MODEL_SPACES 4 /* one for each process, and a bag */
#define MODEL_PAGES  4
#define MODEL_FRAMES 48
#define MODEL_PLACES 7 /* entries of a tree: the root's, two, four */
#define MODEL_HELD   4 /* different values of one entry in a TLB */

/* The values of one entry that a TLB may hold. */
struct held {
	uint8_t count;
	bool invalid; /* it may also hold an invalid entry */
	uint64_t bits[MODEL_HELD];
};

/* A page as a process must see it. */
struct model_page {
	bool mapped;
	uint8_t perms;
	uint8_t value;
};

struct model_proc {
	struct aspace *as; /* NULL: none */
	struct model_page pages[MODEL_PAGES];
	struct held tlb[MODEL_PLACES];
};

/* The whole state of the machine, to be saved and restored. */
struct model_state {
	struct frame frames[MODEL_FRAMES];
	uint64_t words[MODEL_FRAMES][2];
	struct aspace pool[MODEL_SPACES];
	bool pool_used[MODEL_SPACES];
	struct list list;
	struct model_proc procs[MODEL_PROCS];
};

/* ---- model_machine.c ---- */

extern struct model_proc model_procs[MODEL_PROCS];

void model_boot(void);
void model_save(struct model_state *state);
void model_restore(const struct model_state *state);

/* Adds every entry that is visible now to the TLB of process p. */
void model_fill(unsigned p);
/* I6: nothing is held that the tables do not allow. */
void model_check_tlb(unsigned p);

/* The place of the entry for a page at a level. */
unsigned model_place(unsigned page, int level);

/* ---- model_ops.c ---- */

struct model_op {
	uint8_t kind;
	uint8_t proc;
	uint8_t first; /* page */
	uint8_t count; /* pages */
	uint8_t perms;
	uint8_t eager; /* the TLB faults wherever it may */
	uint8_t fail;  /* which allocation fails; 0: none */
	uint8_t from;  /* PASS: whose pages they are */
};

/* Which operations are tried. */
struct model_config {
	uint8_t procs; /* how many processes at once */
	uint8_t pages; /* a bit for each page that is touched */
	bool protect;
	bool unmap;
	bool discard;
	bool pass;
	bool runs; /* all pages are passed at once, tables as such */
	bool failures;
	unsigned forks; /* at most */
};

unsigned model_list(const struct model_config *config, struct model_op *ops);

/* False if the operation does not apply in this state. */
bool model_execute(const struct model_op *op);
void model_check(void);
void model_print(const struct model_op *op);

#define MODEL_MAX_OPS 400

/* MODEL_CHANGE + enum range_kind: a change of a range. */
enum {
	MODEL_LOAD,
	MODEL_STORE,
	MODEL_FORK,
	MODEL_EXIT,
	MODEL_PASS,
	MODEL_CHANGE,
};

/* ---- model_state.c ---- */

/*
 * A hash of a state: the tables, in which frames are numbered in the order in
 * which they are met instead of by address, and what the TLBs hold.
 */
struct model_hash {
	uint64_t a;
	uint64_t b;
};
struct model_hash model_hash(unsigned forks);

#endif
