/* SPDX-License-Identifier: MIT */
/*
 * rename.c - renames a node: it gets the new name, and loses the old one.
 *
 * If the new name exists already it is made to lead to the node, so that a
 * listing of the folder finds the name once. The new name is made first, as
 * that can fail.
 */
#include "tree.h"

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"

struct side {
	struct walk walk;
	struct node *node; /* NULL: nothing has this name */
};

static int side_find(struct tree *t, struct where where, struct side *side)
{
	return path_to_last(t, where, &side->walk);
}

static int side_look(struct side *side)
{
	int err = walk_look(&side->walk, &side->node);

	if (err < 0)
		side->node = NULL;
	return err;
}

/* Is `node` the folder, or below it? */
static bool is_above(const struct node *dir, const struct node *node)
{
	while (node != dir && node != node->folder.parent)
		node = node->folder.parent;
	return node == dir;
}

/*
 * Is the inner name in the folder that the outer one names, or below it? That
 * folder would be moved into itself.
 */
static bool holds(const struct side *outer, const struct side *inner)
{
	return outer->node != NULL && node_is(outer->node, S_IFDIR) &&
	    is_above(outer->node, inner->walk.at);
}

static bool is_folder(const struct side *side)
{
	return side->node != NULL && node_is(side->node, S_IFDIR);
}

/* Only folders may have slashes behind their names. */
static int check_slashes(const struct side *old, const struct side *new,
    unsigned flags)
{
	if ((flags & RENAME_EXCHANGE) && !is_folder(new) && new->walk.slash)
		return -ENOTDIR;
	if (is_folder(old))
		return 0;
	if (old->walk.slash)
		return -ENOTDIR;
	return !(flags & RENAME_EXCHANGE) && new->walk.slash ? -ENOTDIR : 0;
}

static int check_loops(const struct side *old, const struct side *new,
    unsigned flags)
{
	if (holds(old, new))
		return -EINVAL;
	if (holds(new, old))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* Can the node that has the new name be replaced? */
static int check_replaced(const struct side *old, const struct side *new)
{
	if (new->node == NULL)
		return 0;
	if (is_folder(old) && !is_folder(new))
		return -ENOTDIR;
	if (!is_folder(old) && is_folder(new))
		return -EISDIR;
	return is_folder(new) && !folder_is_empty(new->node) ? -ENOTEMPTY : 0;
}

static int check_flags(unsigned flags)
{
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	return flags == (RENAME_NOREPLACE | RENAME_EXCHANGE) ? -EINVAL : 0;
}

/* Is the node made (made.h), or the folder that was given to the maker? */
static bool is_made(const struct node *node)
{
	return node != NULL && node->made != 0;
}

/* Finds both names and their nodes. */
static int look(struct side *old, struct side *new, unsigned flags)
{
	int err;

	if (old->walk.last != LAST_NAME)
		return -EBUSY;
	if (new->walk.last != LAST_NAME)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	err = side_look(old);
	if (err < 0)
		return err;
	err = side_look(new);
	if (err < 0 && (err != -ENOENT || (flags & RENAME_EXCHANGE)))
		return err;
	if (node_is_dead(new->walk.at))
		return -ENOENT;
	if (is_made(old->node) || is_made(new->node) || is_made(new->walk.at))
		return -EBUSY;
	return new->node != NULL && (flags & RENAME_NOREPLACE) ? -EEXIST : 0;
}

static struct name *name_of(const struct side *side)
{
	return folder_find(side->walk.at, &side->walk.text);
}

static void exchange(struct tree *t, struct side *old, struct side *new)
{
	struct node *node = old->node;

	node_use(node);
	name_lead(t, old->walk.at, name_of(old), new->node);
	name_lead(t, new->walk.at, name_of(new), node);
	node_leave(t, node);
}

static int move(struct tree *t, struct side *old, struct side *new)
{
	if (new->node != NULL)
		name_lead(t, new->walk.at, name_of(new), old->node);
	else if (!folder_add(t, new->walk.at, &new->walk.text, old->node))
		return -ENOSPC;
	folder_remove(t, old->walk.at, name_of(old));
	return 0;
}

int tree_rename(struct tree *t, struct where from, struct where to,
    unsigned flags)
{
	struct side old, new;
	int err = check_flags(flags);

	if (err == 0)
		err = side_find(t, from, &old);
	if (err == 0)
		err = side_find(t, to, &new);
	if (err == 0)
		err = look(&old, &new, flags);
	if (err == 0)
		err = check_slashes(&old, &new, flags);
	if (err == 0)
		err = check_loops(&old, &new, flags);
	if (err < 0)
		return err;
	/* Two names of one file: nothing is to be done. */
	if (old.node == new.node)
		return 0;
	if (flags & RENAME_EXCHANGE) {
		exchange(t, &old, &new);
		return 0;
	}
	err = check_replaced(&old, &new);
	return err == 0 ? move(t, &old, &new) : err;
}
