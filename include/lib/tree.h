/* SPDX-License-Identifier: MIT */
/*
 * tree.h - digital search trees: a bit of the key that is looked for says which
 * of the two subtrees of an element comes next; each level uses the next bit.
 * So a tree is never deeper than a key has bits, whichever keys are in it.
 *
 * An element has a struct tree as a member, as with list.h. A place is what
 * points to an element, or is NULL where one would belong.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include "lib/assert.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct tree {
	struct tree *below[2];
};

/* Where an element of this type has its key, in bytes from its struct tree. */
#define TREE_KEY(type, member, key) \
	((long)offsetof(type, key) - (long)offsetof(type, member))

/*
 * The place of a number. There are `count` trees, each of the numbers with one
 * remainder, by their other bits. `key` is the TREE_KEY of a pid_t.
 */
INLINE struct tree **tree_place(struct tree **roots, uint32_t count, pid_t id,
    long key)
{
	struct tree **slot = &roots[(uint32_t)id % count];
	uint32_t bits = (uint32_t)id / count;

	for (unsigned i = 0; *slot != NULL &&
	     *(const pid_t *)(const void *)((const char *)*slot + key) != id;
	     i++) {
		assert(i < 32);
		slot = &(*slot)->below[bits >> i & 1];
	}
	return slot;
}

/*
 * Takes the element out that a place holds. A leaf from below it takes its
 * place. It may, as the keys of all elements below a place have the bits that
 * lead to the place.
 */
static inline void tree_remove(struct tree **slot)
{
	struct tree *removed = *slot, **last = slot, *moved;

	while ((*last)->below[0] != NULL || (*last)->below[1] != NULL)
		last = &(*last)->below[(*last)->below[0] == NULL];
	moved = *last;
	*last = NULL;
	if (moved == removed)
		return;
	*moved = *removed;
	*slot = moved;
}

#endif
