/* SPDX-License-Identifier: MIT */
/*
 * heap.c - a leftist heap, whose nodes know their parents.
 *
 * Two heaps are merged along their right paths, which are short. To take a node
 * out is to put what its children merge into in its place, and to make the
 * ranks above it right. Each rank that changes on the way up is larger than the
 * one below it, so that this path is short as well.
 *
 * Ref: Knuth, "The Art of Computer Programming", volume 3, section 5.2.3.
 */
#include "lib/heap.h"

static uint64_t rank_of(const struct heap_node *node)
{
	return node != NULL ? node->rank : 0;
}

/* Restores the order of two children, and the rank; true if that was new. */
static bool set_rank(struct heap_node *node)
{
	struct heap_node *right = node->right;
	uint64_t before = node->rank;

	if (rank_of(right) > rank_of(node->left)) {
		node->right = node->left;
		node->left = right;
	}
	node->rank = rank_of(node->right) + 1;
	return node->rank != before;
}

/* Makes one heap of two, each without a parent. */
static struct heap_node *merge(struct heap_node *a, struct heap_node *b)
{
	struct heap_node *root = NULL, *parent = NULL, **at = &root;

	while (a != NULL && b != NULL) {
		struct heap_node *low = b->key < a->key ? b : a;

		b = low == a ? b : a;
		a = low->right;
		low->parent = parent;
		*at = low;
		at = &low->right;
		parent = low;
	}
	*at = a != NULL ? a : b;
	if (*at != NULL)
		(*at)->parent = parent;
	for (; parent != NULL; parent = parent->parent)
		(void)set_rank(parent);
	return root;
}

/* Removes the link from its parent. */
static void cut(struct heap_node *node)
{
	if (node != NULL)
		node->parent = NULL;
}

void heap_insert(struct heap *heap, struct heap_node *node)
{
	node->left = node->right = node->parent = NULL;
	node->rank = 1;
	heap->first = merge(heap->first, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *parent = node->parent, *below;

	cut(node->left);
	cut(node->right);
	below = merge(node->left, node->right);
	if (below != NULL)
		below->parent = parent;
	if (parent == NULL)
		heap->first = below;
	else if (parent->left == node)
		parent->left = below;
	else
		parent->right = below;
	while (parent != NULL && set_rank(parent))
		parent = parent->parent;
}
