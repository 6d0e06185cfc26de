/* SPDX-License-Identifier: MIT */
/*
 * made.c - see made.h.
 */
#include "made.h"

#include "abi/errno.h"
#include "abi/stat.h"

#define MADE_INO (1UL << 48) /* above the inode numbers of ordinary nodes */

/*
 * Limits how many names a call looks up here: more than two paths can have, and
 * fewer than forty links with long texts, as all other callers wait meanwhile.
 */
#define LOOKS_MAX 2048

void made_begin(struct tree *t, struct node *dir, uint64_t key,
    const struct maker *maker)
{
	dir->made = key;
	t->maker = maker;
}

uint64_t made_ino(uint64_t key)
{
	return MADE_INO + key;
}

/*
 * Is there such a name? The answer changes from one moment to the next, so a
 * successor that does a call again must find what was found, and miss what was
 * missed.
 */
static bool is_found(struct tree *t, struct node *dir, const struct text *name,
    bool through, struct made *made)
{
	t->looks++;
	if (t->replays && t->looks == t->missed)
		return false;
	if (t->maker->find(t, dir->made, name, through, made))
		return true;
	if (!t->replays && t->missed == 0)
		t->missed = t->looks;
	return false;
}

bool made_lead(const struct tree *t, struct node *link)
{
	link->target = t->maker->target(t, link->made, &link->size);
	return link->target != NULL;
}

/* Makes the node. NULL: there is no memory. */
static struct node *make(struct tree *t, const struct made *made)
{
	struct node *node = node_new(t, made->mode);

	if (node == NULL)
		return NULL;
	t->nodes--; /* it does not count as a node of the tree */
	node->made = made->key;
	node->ino = made_ino(made->key);
	node->rdev = made->rdev;
	node->next_made = t->made;
	t->made = node;
	return node;
}

int made_look(struct tree *t, struct node *dir, const struct text *name,
    bool through, struct node **found)
{
	struct made made = {0};
	struct node *node;

	if (t->looks >= LOOKS_MAX)
		return -ELOOP;
	if (!is_found(t, dir, name, through, &made))
		return -ENOENT;
	node = make(t, &made);
	if (node == NULL)
		return -ENOMEM;
	if (node_is(node, S_IFDIR)) {
		node->folder.parent = dir;
		node_use(dir);
	}
	if (node_is(node, S_IFLNK) && !t->maker->leads(made.key))
		(void)made_lead(t, node);
	*found = node;
	return 0;
}

int made_follow(struct tree *t, const struct node *link, struct node **node)
{
	struct made made = {0};
	uint64_t *number;
	int err;

	if (!t->maker->leads(link->made))
		return 1;
	if (t->leads == LEADS_MAX)
		return -ELOOP;
	number = &t->lead[t->leads++];
	if (!t->replays)
		*number = t->maker->lead(link->made);
	err = t->maker->arrive(t, link->made, *number, node, &made);
	if (err < 0 || *node != NULL)
		return err;
	*node = make(t, &made);
	return *node != NULL ? 0 : -ENOMEM;
}

void made_leave(struct tree *t)
{
	while (t->made != NULL) {
		struct node *node = t->made;

		t->made = node->next_made;
		node_leave(t, node);
	}
}
