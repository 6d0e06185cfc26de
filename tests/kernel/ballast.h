/* SPDX-License-Identifier: MIT */
/*
 * ballast.h - memory that is set aside, or eaten to leave others without.
 */
#ifndef TESTS_KERNEL_BALLAST_H
#define TESTS_KERNEL_BALLAST_H

#include "lib/list.h"
#include "mm/frame.h"

/* What ballast_take() leaves: enough for every test. */
#define BALLAST_LEAVES 4096

/* Sets aside all but BALLAST_LEAVES frames, and gives them back. */
void ballast_take(void);
void ballast_drop(void);

/*
 * Frames that somebody holds, chained through their own memory. A hoard may
 * hold blocks too, each with its order.
 */
struct hoard {
	struct list blocks;
	uint64_t frames;
};

struct hoarded {
	struct list link;
	uint64_t order;
};

void hoard_init(struct hoard *hoard);

/* The one of the running test; what it leaves in there is taken from it. */
extern struct hoard eaten;

/* One more block; false if there is none of that order. */
MUST_USE bool hoard_block(struct hoard *hoard, unsigned order);

/* One more single frame, by way of the cache. */
MUST_USE bool hoard_frame(struct hoard *hoard);

/* Takes single frames until `leave` of them are free. */
void hoard_all_but(struct hoard *hoard, uint64_t leave);

/* Gives one frame back, the last that came; there must be one. */
void hoard_return(struct hoard *hoard);
void hoard_drop(struct hoard *hoard);

/* How many blocks of this order there are; changes nothing. */
uint64_t blocks_of_order(unsigned order);

#endif
