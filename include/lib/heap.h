/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the member with the smallest key, whose links live in its members.
 *
 * A leftist heap: no key is smaller than that of its parent, and of the two
 * children the left one has at least the rank of the right one. The rank of a
 * member is the length of the path to the right, which n members keep below
 * log2(n + 1). All that is done takes a few steps for each member of such a
 * path, however many members there are beside it.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/compiler.h"
#include "lib/types.h"

struct heap_node {
	struct heap_node *left;
	struct heap_node *right;
	struct heap_node *parent;
	uint64_t key;
	uint64_t rank;
};

struct heap {
	struct heap_node *first; /* NULL: it is empty */
};

/* Puts in a node that is in no heap, whose key is set and does not change. */
void heap_insert(struct heap *heap, struct heap_node *node);

/* Takes out a node that is in the heap, wherever it is. */
void heap_remove(struct heap *heap, struct heap_node *node);

#endif
