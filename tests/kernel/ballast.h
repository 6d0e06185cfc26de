/* SPDX-License-Identifier: MIT */
/*
 * ballast.h - memory that is set aside, or eaten to leave others without.
 */
#ifndef TESTS_KERNEL_BALLAST_H
#define TESTS_KERNEL_BALLAST_H

#include "lib/list.h"
#include "mm/frame.h"

/* Of a large machine, so many frames are for the tests: enough for each. */
#define BALLAST_LEAVES 4096

/* Sets the others aside, of those that have never been used. */
void ballast_take(void);

/* Frames that somebody holds, chained through their own memory. */
struct hoard {
	struct list list;
	uint64_t frames;
};

void hoard_init(struct hoard *hoard);

/* The one of the running test; what it leaves in there is taken from it. */
extern struct hoard eaten;

/* One more; false if there is none. */
MUST_USE bool hoard_frame(struct hoard *hoard);

/* Takes single frames until `leave` of them are free. */
void hoard_all_but(struct hoard *hoard, uint64_t leave);

/* Gives one frame back, the last that came; there must be one. */
void hoard_return(struct hoard *hoard);
void hoard_drop(struct hoard *hoard);

#endif
