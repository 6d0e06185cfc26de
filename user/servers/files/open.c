/* SPDX-License-Identifier: MIT */
/*
 * open.c - opening files, and making them on the way.
 */
#include "tree.h"

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "made.h"

struct opening {
	struct walk walk;
	uint32_t flags;
	uint32_t mode;
	bool follow; /* a link that is the last name is followed */
	bool must_be_folder;
	bool created;
	struct node *node;
};

static bool has(const struct opening *o, uint32_t flags)
{
	return (o->flags & flags) == flags;
}

/* Is the file opened to be changed? */
static bool writes(const struct opening *o)
{
	return (o->flags & O_ACCMODE) != O_RDONLY || (o->flags & O_TRUNC);
}

static int check_flags(struct opening *o)
{
	if (o->flags & O_PATH)
		o->flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
	if (has(o, O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (o->flags & O_TMPFILE & ~O_DIRECTORY) {
		if (!has(o, O_TMPFILE) || (o->flags & O_ACCMODE) == O_RDONLY)
			return -EINVAL;
	}
	if (has(o, O_CREAT | O_EXCL))
		o->flags |= O_NOFOLLOW;
	o->follow = !(o->flags & O_NOFOLLOW);
	o->must_be_folder = has(o, O_DIRECTORY);
	return 0;
}

/* Finds the node of the last name, or makes it (O_CREAT). */
static int last_name(struct opening *o)
{
	int err;

	if (o->walk.last != LAST_NAME)
		return walk_look(&o->walk, &o->node);
	if (o->walk.slash && (o->flags & O_CREAT))
		return -EISDIR;
	if (o->walk.slash)
		o->must_be_folder = o->follow = true;
	err = walk_look(&o->walk, &o->node);
	if (err != -ENOENT || !(o->flags & O_CREAT) || node_is_dead(o->walk.at))
		return err;
	err = walk_make(&o->walk, S_IFREG | (o->mode & 07777), &o->node);
	o->created = err == 0;
	return err;
}

static int find(struct opening *o, const char *path)
{
	for (;;) {
		int err = last_name(o);

		if (err < 0 || !node_is(o->node, S_IFLNK) || !o->follow)
			return err;
		err = walk_enter(&o->walk, o->node, &path);
		if (err < 0)
			return err;
		o->node = o->walk.at;
		if (*path == '\0')
			return 0;
		err = walk_to_last(&o->walk, path);
		if (err < 0)
			return err;
	}
}

#define MAY_READ  0400U
#define MAY_WRITE 0200U

/*
 * Checks the access to something that is open already: its mode says for what.
 */
static int check_elsewhere(const struct opening *o)
{
	uint32_t access = o->flags & O_ACCMODE, wanted = 0;

	if (access == O_RDONLY || access == O_RDWR)
		wanted |= MAY_READ;
	if (access == O_WRONLY || access == O_RDWR)
		wanted |= MAY_WRITE;
	if (wanted == 0)
		return -EINVAL;
	return (o->node->mode & wanted) == wanted ? 0 : -EACCES;
}

/* May the node that was found be opened like this? */
static int check_node(const struct opening *o)
{
	bool is_folder = node_is(o->node, S_IFDIR);

	if (has(o, O_CREAT | O_EXCL) && !o->created)
		return -EEXIST;
	if ((o->flags & O_CREAT) && is_folder)
		return -EISDIR;
	if (o->must_be_folder && !is_folder)
		return -ENOTDIR;
	if (o->flags & O_PATH)
		return 0;
	if (node_is(o->node, S_IFLNK))
		return -ELOOP;
	if (is_folder)
		return writes(o) ? -EISDIR : 0;
	if (made_is_elsewhere(o->node))
		return check_elsewhere(o);
	if (o->node->made != 0)
		return writes(o) ? -EACCES : 0;
	if (node_is(o->node, S_IFIFO))
		return (o->flags & O_ACCMODE) == O_ACCMODE ? -EINVAL : 0;
	return node_is(o->node, S_IFREG) ? 0 : device_open(o->node);
}

/* O_TMPFILE: makes a file without a name. */
static int make_nameless(struct tree *t, struct opening *o, struct where where)
{
	struct node *dir;
	int err =
	    path_find(t, where, o->flags & O_NOFOLLOW ? 0 : PATH_FOLLOW, &dir);

	if (err < 0)
		return err;
	if (!node_is(dir, S_IFDIR))
		return -ENOTDIR;
	if (dir->made != 0)
		return -EOPNOTSUPP;
	o->node = node_new_in(t, dir, S_IFREG | (o->mode & 07777));
	if (o->node == NULL)
		return -ENOSPC;
	o->node->linkable = !(o->flags & O_EXCL);
	return 0;
}

static int open_named(struct tree *t, struct opening *o, struct where where)
{
	int err = path_to_last(t, where, &o->walk);

	if (err == 0)
		err = find(o, where.path);
	if (err == 0)
		err = check_node(o);
	if (err < 0)
		return err;
	node_use(o->node);
	if ((o->flags & O_TRUNC) && !o->created && node_is(o->node, S_IFREG)) {
		data_truncate(t, o->node, 0);
		node_changed(t, o->node);
	}
	return 0;
}

int file_open(struct tree *t, struct where where, uint32_t flags, uint32_t mode,
    struct file *file)
{
	struct opening o = {.flags = flags, .mode = mode};
	int err = check_flags(&o);

	if (err < 0)
		return err;
	if (has(&o, O_TMPFILE))
		err = make_nameless(t, &o, where);
	else
		err = open_named(t, &o, where);
	if (err < 0)
		return err;
	*file = (struct file){.node = o.node, .flags = o.flags};
	if (node_is(o.node, S_IFDIR) && o.node->made == 0)
		file->end = o.node->folder.next;
	return 0;
}

void file_open_node(struct node *node, struct file *file)
{
	node_use(node);
	*file = (struct file){.node = node, .flags = O_RDONLY};
}

void file_close(struct tree *t, const struct file *file)
{
	node_leave(t, file->node);
}
