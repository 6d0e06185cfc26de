/* SPDX-License-Identifier: MIT */
/*
 * node.c - nodes, and the tree that they are in; see node.h.
 */
#include "node.h"

#include <string.h>

#include "abi/stat.h"
#include "memory.h"

_Static_assert(NODE_TYPE == S_IFMT && NODE_FOLDER == S_IFDIR &&
	NODE_FILE == S_IFREG && NODE_LINK == S_IFLNK,
    "node.h");

#define DAY       86400
#define TIDY_PART 256 /* how many pages are freed at a time, */
#define TIDY_FEW  64  /* and how many of those that each take a call */

/* --- memory --------------------------------------------------------------- */

void tree_tidy(struct tree *t)
{
	scrap_free(&t->scrap, TIDY_PART);
	scrap_free(&t->shared_scrap, TIDY_FEW);
}

/*
 * Frees a part of the pages left over from large files. False if none are left.
 */
static bool reclaim(struct tree *t)
{
	if (!tree_has_scrap(t))
		return false;
	tree_tidy(t);
	return true;
}

void *tree_page(struct tree *t)
{
	void *page;

	do
		page = memory_page();
	while (page == NULL && reclaim(t));
	return page;
}

void *tree_alloc(struct tree *t, size_t size)
{
	void *mem;

	do
		mem = memory_alloc(size);
	while (mem == NULL && reclaim(t));
	return mem;
}

bool tree_put(struct tree *t, struct sparse *s, uint64_t index, void *item)
{
	while (!sparse_put(s, index, item))
		if (!reclaim(t))
			return false;
	return true;
}

uint64_t tree_pages_free(const struct tree *t)
{
	return memory_pages_free() + t->scrap.items + t->shared_scrap.items;
}

/* --- nodes ---------------------------------------------------------------- */

/*
 * A new number: the time, or more. A counter would not be enough, as a
 * successor does not know which numbers were given out since the server was
 * kept.
 */
static uint64_t new_contents(struct tree *t)
{
	uint64_t now =
	    (uint64_t)t->now.sec * 1000000000 + (uint64_t)t->now.nsec;

	t->last_contents = now > t->last_contents ? now : t->last_contents + 1;
	return t->last_contents;
}

struct node *node_new(struct tree *t, uint32_t mode)
{
	struct node *node = tree_alloc(t, sizeof *node);

	if (node == NULL)
		return NULL;
	memset(node, 0, sizeof *node);
	node->ino = ++t->next_ino;
	node->mode = mode;
	node->contents = new_contents(t);
	node->uses = 1;
	node->atime = node->mtime = node->ctime = node->btime = t->now;
	if (node_is(node, S_IFDIR))
		node->folder.next = FIRST_PLACE;
	t->nodes++;
	return node;
}

/* --- programs ------------------------------------------------------------- */

static struct node **program_list(const struct tree *t, uint64_t contents)
{
	/*
	 * The product mixes the bits: the lower bits of times may all be equal.
	 */
	uint64_t mixed = contents * 0x9e3779b97f4a7c15;

	return (struct node **)&t->programs[mixed >> 32 & (PROGRAM_LISTS - 1)];
}

void node_executed(struct tree *t, struct node *node)
{
	struct node **list = program_list(t, node->contents);

	if (node->is_program)
		return;
	node->is_program = t->accessed = true;
	node->next_program = *list;
	*list = node;
}

struct node *node_of_program(const struct tree *t, uint64_t contents)
{
	struct node *node = *program_list(t, contents);

	while (node != NULL && node->contents != contents)
		node = node->next_program;
	return node;
}

/* The node is another program now, or none: takes it off the list. */
static void forget_program(struct tree *t, struct node *node)
{
	struct node **slot = program_list(t, node->contents);

	while (*slot != node)
		slot = &(*slot)->next_program;
	*slot = node->next_program;
	node->is_program = false;
}

/* --- the life of a node --------------------------------------------------- */

void node_use(struct node *node)
{
	node->uses++;
}

static void node_free(struct tree *t, struct node *node)
{
	if (node->is_program)
		forget_program(t, node);
	if (node_is(node, S_IFREG)) {
		sparse_cut(&node->pages, 0, &t->scrap);
		sparse_cut(&node->shared, 0, &t->shared_scrap);
	}
	if (node_is(node, S_IFLNK) && node->made == 0)
		memory_free(node->target, node->size + 1);
	if (node->made == 0)
		t->nodes--;
	memory_free(node, sizeof *node);
}

void node_leave(struct tree *t, struct node *node)
{
	/* A folder that was removed may be the last user of its parent. */
	while (node != NULL && --node->uses == 0 && node->links == 0) {
		struct node *up =
		    node_is(node, S_IFDIR) ? node->folder.parent : NULL;

		node_free(t, node);
		node = up;
	}
}

void node_touched(struct tree *t, struct node *node)
{
	node->ctime = t->now;
}

/*
 * Gives the contents another number. A program is in a list by its number, and
 * leaves that list first.
 */
static void renew_contents(struct tree *t, struct node *node)
{
	if (node->is_program)
		forget_program(t, node);
	node->contents = new_contents(t);
}

bool node_perhaps_changed(struct tree *t, struct node *node)
{
	if (!node->is_stored_to)
		return false;
	renew_contents(t, node);
	return true;
}

void node_changed(struct tree *t, struct node *node)
{
	node->mtime = node->ctime = t->now;
	renew_contents(t, node);
}

static bool is_later(struct moment a, struct moment b)
{
	return a.sec > b.sec || (a.sec == b.sec && a.nsec > b.nsec);
}

void node_accessed(struct tree *t, struct node *node)
{
	if (node->made != 0)
		return;
	if (!is_later(node->atime, node->mtime) ||
	    !is_later(node->atime, node->ctime) ||
	    t->now.sec - node->atime.sec >= DAY) {
		node->atime = t->now;
		t->accessed = true;
	}
}

/* --- the tree ------------------------------------------------------------- */

bool tree_init(struct tree *t, struct moment now, uint64_t seed)
{
	*t = (struct tree){.now = now,
	    .seed = seed,
	    .scrap.free = memory_page_free,
	    .shared_scrap.free = memory_shared_free};
	t->root = node_new(t, S_IFDIR | 0755);
	if (t->root == NULL)
		return false;
	t->root->links = 1;
	t->root->folder.parent = t->root;
	return true;
}

static struct name *first_name(const struct node *dir)
{
	uint64_t place = 0;

	return sparse_next(&dir->folder.order, &place);
}

void tree_destroy(struct tree *t)
{
	struct node *dir = t->root;

	while (dir != t->root || first_name(dir) != NULL) {
		struct name *name = first_name(dir);

		if (name == NULL) {
			dir = dir->folder.parent;
			folder_remove(t, dir, first_name(dir));
		} else if (node_is(name->node, S_IFDIR) &&
		    first_name(name->node) != NULL) {
			dir = name->node;
		} else {
			folder_remove(t, dir, name);
		}
	}
	t->root->links = 0;
	t->root->folder.parent = NULL;
	node_leave(t, t->root);
	while (reclaim(t))
		;
}
