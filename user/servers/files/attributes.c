/* SPDX-License-Identifier: MIT */
/* attributes.c - reads and changes the attributes of a node. */
#include "tree.h"

#include <stdio.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/unistd.h"
#include "made.h"
#include "memory.h"

/* bytes of a folder's size for each entry, as tmpfs counts */
#define NAME_BYTES 20
#define MODE_BITS  07777U

void node_stat(const struct node *node, struct attributes *st)
{
	*st = (struct attributes){.ino = node->ino,
	    .mode = node->mode,
	    .links = node->links,
	    .uid = node->uid,
	    .gid = node->gid,
	    .rdev = node->rdev,
	    .size = node->size,
	    .atime = node->atime,
	    .mtime = node->mtime,
	    .ctime = node->ctime,
	    .btime = node->btime};
	if (node->made != 0 && node->links == 0)
		st->links = 1;
	if (node_is(node, S_IFREG))
		st->blocks = data_page_count(node) * (MEMORY_PAGE / 512);
	if (!node_is(node, S_IFDIR))
		return;
	/* The "." of a folder is a link, and "." and ".." count as entries. */
	if (node->links > 0)
		st->links++;
	st->size =
	    NAME_BYTES * (FIRST_PLACE + sparse_count(&node->folder.order));
}

void node_chmod(struct tree *t, struct node *node, uint32_t mode)
{
	node->mode = (node->mode & S_IFMT) | (mode & MODE_BITS);
	node_touched(t, node);
}

void node_chown(struct tree *t, struct node *node, uint32_t uid, uint32_t gid)
{
	if (uid != KEEP_ID)
		node->uid = uid;
	if (gid != KEEP_ID)
		node->gid = gid;
	/*
	 * The set-user-ID and set-group-ID bits do not stay with a new owner.
	 */
	if (!node_is(node, S_IFDIR)) {
		node->mode &= ~(uint32_t)S_ISUID;
		if (node->mode & S_IXGRP)
			node->mode &= ~(uint32_t)S_ISGID;
	}
	node_touched(t, node);
}

static bool is_valid(const struct moment *time)
{
	return time->nsec == UTIME_NOW || time->nsec == UTIME_OMIT ||
	    (time->nsec >= 0 && time->nsec < 1000000000);
}

static void set_time(const struct tree *t, struct moment *time,
    const struct moment *to)
{
	if (to->nsec == UTIME_NOW)
		*time = t->now;
	else if (to->nsec != UTIME_OMIT)
		*time = *to;
}

int node_utimes(struct tree *t, struct node *node, const struct moment times[2])
{
	if (!is_valid(&times[0]) || !is_valid(&times[1]))
		return -EINVAL;
	if (times[0].nsec == UTIME_OMIT && times[1].nsec == UTIME_OMIT)
		return 0;
	set_time(t, &node->atime, &times[0]);
	set_time(t, &node->mtime, &times[1]);
	node_touched(t, node);
	return 0;
}

int tree_access(struct tree *t, struct where where, enum path_how how, int mode)
{
	struct node *node;
	int err;

	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	err = path_find(t, where, how, &node);
	if (err < 0)
		return err;
	if ((mode & X_OK) && !node_is(node, S_IFDIR) && !(node->mode & 0111))
		return -EACCES;
	return 0;
}

long node_readlink(struct tree *t, struct node *node, char *to, size_t size)
{
	size_t len;

	if (!node_is(node, S_IFLNK))
		return -EINVAL;
	/* An open link of a maker may have the target of an earlier call. */
	if (node->made != 0 && !made_lead(t, node))
		return -ENOENT;
	len = node->size < size ? node->size : size;
	memcpy(to, node->target, len);
	node_accessed(t, node);
	return (long)len;
}

static struct text name_of(const struct tree *t, const struct node *dir)
{
	const struct name *name = dir->name;

	if (name == NULL)
		return t->maker->name(dir->made);
	return (struct text){.start = name->text, .len = name->len};
}

long node_path(const struct tree *t, const struct node *dir, char *to,
    size_t size)
{
	size_t at = size;
	size_t len;

	if (node_is_dead(dir))
		return -ENOENT;
	if (size < 2)
		return -ERANGE;
	to[--at] = '\0';
	if (dir == t->root)
		to[--at] = '/';
	for (; dir != t->root; dir = dir->folder.parent) {
		struct text name = name_of(t, dir);

		if (at < name.len + 1)
			return -ERANGE;
		at -= name.len;
		memcpy(to + at, name.start, name.len);
		to[--at] = '/';
	}
	len = size - at;
	memmove(to, to + at, len);
	return (long)len;
}

long node_place(const struct tree *t, const struct node *node, char *to,
    size_t size)
{
	const struct node *dir = node_is(node, S_IFDIR) ? node : node->in;
	long len = dir != NULL ? node_path(t, dir, to, size) : -ENOENT;

	/* Linux has this text for a node that never had a name. */
	if (len == -ENOENT)
		return snprintf(to, size, "/#%lu (deleted)", node->ino);
	if (len < 0)
		return len;
	len--; /* its NUL */
	if (dir == node)
		return len;
	if (node->name->len + 1 > size - (size_t)len)
		return -ERANGE;
	if (dir != t->root)
		to[len++] = '/';
	memcpy(to + len, node->name->text, node->name->len);
	return len + (long)node->name->len;
}
