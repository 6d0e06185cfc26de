/* SPDX-License-Identifier: MIT */
/*
 * picture.h - what cow shows: five pages and the tables above them, in two
 * address spaces, now and a step ago.
 */
#ifndef COW_PICTURE_H
#define COW_PICTURE_H

#include <calf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BASE 0x200000000UL

enum page { PAGE_A, PAGE_B, PAGE_READONLY, PAGE_SHARED, PAGE_UNTOUCHED, PAGES };

/*
 * How much memory a table maps, and where that of the table that is sent
 * begins.
 */
#define TABLE_BYTES (2UL << 20)
#define TO_SEND     (BASE + 8 * TABLE_BYTES)

/* Rows of the picture: the root, the tables below the root, the pages. */
#define TABLES 2
#define ROWS   (1 + TABLES + PAGES + 1)

/* The last one is the table that the child sends. */
#define ROW_SENT (ROWS - 1)

struct cell {
	bool exists;
	uint8_t kind;
	uint8_t flags;
	uint32_t count;
	uint64_t pa;
};

/* One side of the picture: an address space, now and a step ago. */
struct view {
	pid_t pid; /* 0: there is no such process */
	struct cell now[ROWS];
	struct cell before[ROWS];
};

static inline volatile char *page_of(enum page page)
{
	return (volatile char *)(BASE + page * CALF_PAGE_SIZE);
}

/* Looks at both, and prints what they have beside each other. */
void print_picture(struct view *parent, struct view *child);

#endif
