/* SPDX-License-Identifier: MIT */
/*
 * entries.c - making and removing names.
 */
#include "tree.h"

#include <string.h>

#include "abi/errno.h"
#include "abi/limits.h"
#include "abi/stat.h"
#include "memory.h"

/*
 * Finds the folder and the name for something new. ENOENT also if there are
 * slashes behind a name that is not to be a folder's.
 */
static int find_room(struct tree *t, struct where where, uint32_t type,
    struct walk *w)
{
	struct node *node;
	int err = path_to_last(t, where, w);

	if (err < 0)
		return err;
	if (w->last != LAST_NAME)
		return -EEXIST;
	err = walk_look(w, &node);
	if (err != -ENOENT)
		return err == 0 ? -EEXIST : err;
	if (w->slash && type != S_IFDIR)
		return -ENOENT;
	return node_is_dead(w->at) ? -ENOENT : 0;
}

/*
 * Makes a node. It gets the group of its folder if the folder has the
 * set-group-ID bit.
 */
struct node *node_new_in(struct tree *t, const struct node *dir, uint32_t mode)
{
	struct node *node = node_new(t, mode);

	if (node == NULL || !(dir->mode & S_ISGID))
		return node;
	node->gid = dir->gid;
	if (node_is(node, S_IFDIR))
		node->mode |= S_ISGID;
	return node;
}

int walk_make(struct walk *w, uint32_t mode, struct node **made)
{
	struct node *node;
	bool added;

	if (w->at->made != 0)
		return -EPERM;
	node = node_new_in(w->tree, w->at, mode);
	if (node == NULL)
		return -ENOSPC;
	added = folder_add(w->tree, w->at, &w->text, node);
	if (added)
		*made = node;
	node_leave(w->tree, node);
	return added ? 0 : -ENOSPC;
}

int tree_mkdir(struct tree *t, struct where where, uint32_t mode)
{
	struct node *node;
	struct walk w;
	int err = find_room(t, where, S_IFDIR, &w);

	if (err < 0)
		return err;
	return walk_make(&w, S_IFDIR | (mode & (0777 | S_ISVTX)), &node);
}

static bool is_made_by_mknod(uint32_t type)
{
	return type == S_IFREG || type == S_IFCHR || type == S_IFBLK ||
	    type == S_IFIFO || type == S_IFSOCK;
}

int tree_mknod(struct tree *t, struct where where, uint32_t mode, uint64_t rdev)
{
	uint32_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	struct node *node;
	struct walk w;
	int err;

	if (type == S_IFDIR)
		return -EPERM;
	if (!is_made_by_mknod(type))
		return -EINVAL;
	err = find_room(t, where, type, &w);
	if (err == 0)
		err = walk_make(&w, type | (mode & 07777), &node);
	if (err == 0 && (type == S_IFCHR || type == S_IFBLK))
		node->rdev = rdev;
	return err;
}

int tree_symlink(struct tree *t, const char *target, struct where where)
{
	size_t len = strlen(target);
	struct node *node;
	struct walk w;
	char *copy;
	int err;

	if (len == 0)
		return -ENOENT;
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	err = find_room(t, where, S_IFLNK, &w);
	if (err < 0)
		return err;
	copy = tree_alloc(t, len + 1);
	if (copy == NULL)
		return -ENOSPC;
	err = walk_make(&w, S_IFLNK | 0777, &node);
	if (err < 0) {
		memory_free(copy, len + 1);
		return err;
	}
	memcpy(copy, target, len + 1);
	node->target = copy;
	node->size = len;
	return 0;
}

int tree_link(struct tree *t, struct where old, enum path_how how,
    struct where new)
{
	struct node *node;
	struct walk w;
	int err = path_find(t, old, how, &node);

	if (err == 0)
		err = find_room(t, new, S_IFREG, &w);
	if (err < 0)
		return err;
	if (node_is(node, S_IFDIR))
		return -EPERM;
	/* Once it has lost its last name, a file gets no other. */
	if (node->links == 0 && !node->linkable)
		return -ENOENT;
	if (w.at->made != 0)
		return -EPERM;
	if (!folder_add(t, w.at, &w.text, node))
		return -ENOSPC;
	node->linkable = false;
	return 0;
}

int tree_unlink(struct tree *t, struct where where)
{
	struct node *node;
	struct walk w;
	int err = path_to_last(t, where, &w);

	if (err < 0)
		return err;
	if (w.last != LAST_NAME)
		return -EISDIR;
	err = walk_look(&w, &node);
	if (err < 0)
		return err;
	if (node_is(node, S_IFDIR))
		return -EISDIR;
	if (w.slash)
		return -ENOTDIR;
	if (w.at->made != 0)
		return -EPERM;
	folder_remove(t, w.at, folder_find(w.at, &w.text));
	return 0;
}

int tree_rmdir(struct tree *t, struct where where)
{
	static const int errors[] = {[LAST_ROOT] = -EBUSY,
	    [LAST_DOT] = -EINVAL,
	    [LAST_DOTDOT] = -ENOTEMPTY};
	struct node *node;
	struct walk w;
	int err = path_to_last(t, where, &w);

	if (err < 0)
		return err;
	if (w.last != LAST_NAME)
		return errors[w.last];
	err = walk_look(&w, &node);
	if (err < 0)
		return err;
	if (!node_is(node, S_IFDIR))
		return -ENOTDIR;
	if (!folder_is_empty(node))
		return -ENOTEMPTY;
	if (node->made != 0)
		return -EBUSY;
	folder_remove(t, w.at, folder_find(w.at, &w.text));
	return 0;
}
