/* SPDX-License-Identifier: MIT */
/*
 * folder.c - the names in a folder; see node.h.
 *
 * Each name is in two structures. One finds it by its text: a trie of the bits
 * of a hash, in which every node may hold a name, so that any name below can
 * take the place of one that is removed. The other has the names in the order
 * in which they were added, for listing the folder: the place of a name does
 * not change while others come and go, and is not used again.
 */
#include "node.h"

#include <string.h>

#include "abi/stat.h"
#include "memory.h"

#define GOLDEN 0x9e3779b97f4a7c15

/*
 * Both halves of a product, combined: without the key nobody can choose names
 * that collide.
 */
static uint64_t mix(uint64_t a, uint64_t key)
{
	unsigned __int128 product = (unsigned __int128)a * (key | 1);

	return (uint64_t)product ^ (uint64_t)(product >> 64) ^ key;
}

/*
 * Each byte is looked at once. No name has a NUL in it, so that two names are
 * never the same words.
 */
struct text text_read(const struct tree *t, const char *start)
{
	uint64_t hash = t->seed, key = t->seed, word = 0;
	const char *at = start, *full = start + sizeof word;

	for (; *at != '\0' && *at != '/'; at++) {
		if (at == full) {
			hash = mix(hash ^ word, key);
			key += GOLDEN;
			word = 0;
			full += sizeof word;
		}
		word = word << 8 | (unsigned char)*at;
	}
	hash = mix(hash ^ word, key);
	return (struct text){start, (size_t)(at - start), hash * GOLDEN, word};
}

/* All of a short name is in its last word. */
static bool is_named(const struct name *name, const struct text *text)
{
	return name->hash == text->hash && name->len == text->len &&
	    name->last == text->last &&
	    (text->len <= sizeof text->last ||
		memcmp(name->text, text->start, text->len) == 0);
}

/* The place in the index where the name is, or where it is to be put. */
static struct name **find_slot(struct node *dir, const struct text *text)
{
	struct name **slot = &dir->folder.index;
	uint64_t bits = text->hash;

	for (; *slot != NULL && !is_named(*slot, text); bits <<= 1)
		slot = &(*slot)->below[bits >> 63];
	return slot;
}

struct name *folder_find(struct node *dir, const struct text *text)
{
	return *find_slot(dir, text);
}

bool folder_is_empty(const struct node *dir)
{
	return dir->folder.index == NULL;
}

static size_t name_size(size_t len)
{
	return sizeof(struct name) + len + 1;
}

static struct name *name_new(struct tree *t, const struct text *text)
{
	struct name *name = tree_alloc(t, name_size(text->len));

	if (name == NULL)
		return NULL;
	*name = (struct name){.hash = text->hash,
	    .last = text->last,
	    .len = text->len};
	memcpy(name->text, text->start, text->len);
	name->text[text->len] = '\0';
	return name;
}

/* Lets a name lead to a node. */
static void attach(struct tree *t, struct node *dir, struct name *name,
    struct node *node)
{
	name->node = node;
	node->name = name;
	node->in = dir;
	node->links++;
	node_touched(t, node);
	node_changed(t, dir);
	if (!node_is(node, S_IFDIR))
		return;
	dir->links++;
	node_use(dir);
	node_leave(t, node->folder.parent);
	node->folder.parent = dir;
}

/*
 * Ends that a name leads to its node. The caller decides what becomes of the
 * node.
 */
static void detach(struct tree *t, struct node *dir, const struct name *name)
{
	struct node *node = name->node;

	if (node->name == name) {
		node->name = NULL;
		node->in = NULL;
	}
	node->links--;
	node_touched(t, node);
	node_changed(t, dir);
	if (node_is(node, S_IFDIR))
		dir->links--;
}

bool folder_add(struct tree *t, struct node *dir, const struct text *text,
    struct node *node)
{
	struct name *name = name_new(t, text);

	if (name == NULL)
		return false;
	name->place = dir->folder.next;
	if (!tree_put(t, &dir->folder.order, name->place, name)) {
		memory_free(name, name_size(name->len));
		return false;
	}
	dir->folder.next++;
	*find_slot(dir, text) = name;
	attach(t, dir, name, node);
	return true;
}

/* Takes a name out of the index: a leaf below it takes its place. */
static void unindex(struct name **slot)
{
	struct name *name = *slot, **leaf = slot, *heir;

	while ((*leaf)->below[0] != NULL || (*leaf)->below[1] != NULL)
		leaf = &(*leaf)->below[(*leaf)->below[0] == NULL];
	heir = *leaf;
	*leaf = NULL;
	if (heir == name)
		return;
	heir->below[0] = name->below[0];
	heir->below[1] = name->below[1];
	*slot = heir;
}

void folder_remove(struct tree *t, struct node *dir, struct name *name)
{
	struct text text = {name->text, name->len, name->hash, name->last};
	struct node *node = name->node;

	node_use(node);
	unindex(find_slot(dir, &text));
	(void)sparse_take(&dir->folder.order, name->place);
	detach(t, dir, name);
	memory_free(name, name_size(name->len));
	node_leave(t, node);
}

void name_lead(struct tree *t, struct node *dir, struct name *name,
    struct node *node)
{
	struct node *old = name->node;

	node_use(old);
	detach(t, dir, name);
	attach(t, dir, name, node);
	node_leave(t, old);
}
