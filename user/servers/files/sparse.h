/* SPDX-License-Identifier: MIT */
/*
 * sparse.h - an array of pointers with any index, most of which are NULL: the
 * pages of a file, and the names of a folder in the order of their making.
 *
 * It is a tree of tables of 64, as high as the largest index needs; what has
 * only index 0 needs no table. A table counts what is below it.
 */
#ifndef FILES_SPARSE_H
#define FILES_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPARSE_BITS   6
#define SPARSE_SLOTS  (1U << SPARSE_BITS)
#define SPARSE_LEVELS 11 /* enough for 64 bits */

struct sparse_table {
	uint64_t items;            /* how many items are below it */
	unsigned level;            /* 1: its slots are items */
	struct sparse_table *next; /* the next table of the scrap */
	void *slots[SPARSE_SLOTS];
};

/* Holds no item if all of it is zero. */
struct sparse {
	void *root;      /* a table, or at level 0 the item with index 0 */
	unsigned levels; /* how many levels of tables */
};

/* Tables with pages that were cut off and are to be freed bit by bit. */
struct scrap {
	struct sparse_table *first;
	uint64_t items;
	void (*free)(void *page);
};

uint64_t sparse_count(const struct sparse *s);

/* The item at `index`, or NULL. */
void *sparse_get(const struct sparse *s, uint64_t index);

/*
 * Puts `item` at `index`. False if there is no memory for tables: nothing has
 * changed then. It cannot fail if there is an item at `index` already.
 */
bool sparse_put(struct sparse *s, uint64_t index, void *item);

/*
 * How many of `count` items from `index` on lie in memory one after another,
 * each `size` bytes behind the one before; the first has to be there.
 */
size_t sparse_run(const struct sparse *s, uint64_t index, size_t count,
    size_t size);

/* Takes the item at `index` out, and returns it; NULL if there was none. */
void *sparse_take(struct sparse *s, uint64_t index);

/* The first item from *index on, and its index; NULL if there is none. */
void *sparse_next(const struct sparse *s, uint64_t *index);

/* The first index from `index` on that has no item. */
uint64_t sparse_gap(const struct sparse *s, uint64_t index);

/*
 * Removes all items from `index` on, which are pages. A few near `index` are
 * freed; whole tables of them go to the scrap. The time does not depend on how
 * many there are.
 */
void sparse_cut(struct sparse *s, uint64_t index, struct scrap *scrap);

/* Frees about so many pages and tables of the scrap. */
void scrap_free(struct scrap *scrap, uint64_t budget);

#endif
