/* SPDX-License-Identifier: MIT */
/* ballast.h - memory that is set aside, or taken so that allocations fail. */
#ifndef TESTS_KERNEL_BALLAST_H
#define TESTS_KERNEL_BALLAST_H

#include "lib/list.h"
#include "mm/frame.h"

/* The tests have so many frames, also on a large machine: enough for each. */
#define BALLAST_LEAVES 4096

/* Sets the other frames aside, of those that have never been used. */
void ballast_take(void);

/* Frames that a test holds, chained through their own memory. */
struct hoard {
	struct list list;
	uint64_t frames;
};

void hoard_init(struct hoard *hoard);

/* The frames that the running test holds; after the test they are freed. */
extern struct hoard eaten;

/* Takes one more frame; false if there is none. */
MUST_USE bool hoard_frame(struct hoard *hoard);

/* Takes single frames until `leave` of them are free. */
void hoard_all_but(struct hoard *hoard, uint64_t leave);

/* Gives one frame back, the last that came; there must be one. */
void hoard_return(struct hoard *hoard);
void hoard_drop(struct hoard *hoard);

#endif
