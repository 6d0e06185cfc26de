/* SPDX-License-Identifier: MIT */
/*
 * ours.c - operations on a tree of the file server.
 *
 * What the server and the kernel do around the tree is done here as well: the
 * position of an open file, the umask, the folder that a process is in.
 */
#define _GNU_SOURCE
#include "differ.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../user/servers/files/tree.h"
#include "memory.h"
#include "tap.h"

static struct tree tree;
static struct file opened[SLOTS];
static struct file *slots[SLOTS]; /* NULL, or that of `opened` */
static uint64_t positions[SLOTS];
static struct node *cwd;
static uint32_t mask;

void ours_begin(void)
{
	struct moment set = {1, 0};

	(void)tree_init(&tree, set, 7);
	tree.now = (struct moment){2000000000, 0};
	cwd = tree.root;
	node_use(cwd);
	mask = 022;
}

struct tree *ours_tree(void)
{
	return &tree;
}

const char *ours_end(void)
{
	for (int i = 0; i < SLOTS; i++) {
		if (slots[i] != NULL)
			file_close(&tree, slots[i]);
		slots[i] = NULL;
	}
	node_leave(&tree, cwd);
	tree_destroy(&tree);
	if (memory_in_use > 0)
		return found("%lu objects are left", memory_in_use);
	return tree.nodes > 0 ? found("%lu nodes are left", tree.nodes) : NULL;
}

static struct where where(int base, const char *path)
{
	struct node *from = cwd;

	if (base != CWD && slots[base] != NULL)
		from = slots[base]->node;
	return (struct where){from, path};
}

void ours_look(const struct op *op)
{
	struct node *node;

	if (op->kind == OP_TRUNCATE || !(op->flags & O_PATH))
		(void)path_find(&tree,
		    where(op->kind == OP_TRUNCATE ? CWD : op->base, op->path),
		    PATH_FOLLOW, &node);
}

static struct time time_of(struct moment m)
{
	return (struct time){m.sec, m.nsec};
}

static void tell(struct outcome *o, const struct node *node)
{
	struct attributes st;
	struct seen seen;

	node_stat(node, &st);
	memset(&seen, 0, sizeof seen);
	seen = (struct seen){.ino = st.ino,
	    .mode = st.mode,
	    .links = st.links,
	    .uid = st.uid,
	    .gid = st.gid,
	    .rdev = st.rdev,
	    .size = st.size,
	    .blocks = st.blocks,
	    .atime = time_of(st.atime),
	    .mtime = time_of(st.mtime),
	    .ctime = time_of(st.ctime)};
	memcpy(o->out, &seen, sizeof seen);
	o->len = sizeof seen;
}

static long list(struct file *file, struct outcome *o, size_t chunk)
{
	uint64_t position = 0;
	char buf[4096];
	long n;

	while ((n = file_list(&tree, file, &position, buf, chunk)) > 0)
		outcome_add_entries(o, buf, n);
	return n;
}

static long transfer(const struct op *op, struct file *file, struct outcome *o)
{
	bool at_position = op->offset == NO_POSITION;
	uint64_t at = at_position ? positions[op->slot] : (uint64_t)op->offset;
	long n;

	if (op->offset < NO_POSITION)
		return -EINVAL;
	if (op->kind == OP_READ) {
		n = file_read(&tree, file, at, o->out, (size_t)op->len);
		o->len = n > 0 ? (size_t)n : 0;
		at += o->len;
	} else {
		memset(o->out, op->byte, (size_t)op->len);
		n = file_write(&tree, file, &at, o->out, (size_t)op->len);
	}
	if (at_position && n > 0 && S_ISREG(file->node->mode))
		positions[op->slot] = at;
	return n;
}

static long open_file(const struct op *op)
{
	struct file file;
	int err = file_open(&tree, where(op->base, op->path), op->flags,
	    op->mode & ~mask, &file);

	if (err < 0)
		return err;
	if (slots[op->slot] != NULL)
		file_close(&tree, slots[op->slot]);
	opened[op->slot] = file;
	slots[op->slot] = &opened[op->slot];
	positions[op->slot] = 0;
	return 0;
}

static long change_folder(struct node *node)
{
	if (!S_ISDIR(node->mode))
		return -ENOTDIR;
	node_use(node);
	node_leave(&tree, cwd);
	cwd = node;
	return 0;
}

bool ours_is_open(int slot)
{
	return slots[slot] != NULL;
}

/* --- what the tree is, as one number -------------------------------------- */

static uint64_t digest;

static void add_bytes(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ at[i]) * 0x100000001b3;
}

/* Adds all attributes of the node except for its access time. */
static void add_node(const struct node *node)
{
	struct attributes st;
	uint64_t index = 0;
	const char *page;

	memset(&st, 0, sizeof st);
	node_stat(node, &st);
	st.atime = (struct moment){0, 0};
	add_bytes(&st, sizeof st);
	if (S_ISLNK(st.mode))
		add_bytes(node->target, node->size);
	if (!S_ISREG(st.mode))
		return;
	for (; (page = sparse_next(&node->pages, &index)); index++) {
		add_bytes(&index, sizeof index);
		add_bytes(page, 4096);
	}
}

static void add_folder(struct node *dir)
{
	const struct name *name;

	add_node(dir);
	add_bytes(&dir->folder.next, sizeof dir->folder.next);
	for (uint64_t at = 0; (name = sparse_next(&dir->folder.order, &at));
	     at++) {
		struct text text = text_read(&tree, name->text);

		add_bytes(name->text, name->len);
		add_bytes(&at, sizeof at);
		if (folder_find(dir, &text) != name)
			digest = 0;
		if (S_ISDIR(name->node->mode))
			add_folder(name->node);
		else
			add_node(name->node);
	}
}

uint64_t ours_digest(void)
{
	while (tree.scrap.first != NULL)
		tree_tidy(&tree);
	digest = 0xcbf29ce484222325;
	add_folder(tree.root);
	for (int i = 0; i < SLOTS; i++)
		if (slots[i] != NULL)
			add_node(slots[i]->node);
	add_bytes(&tree.nodes, sizeof tree.nodes);
	return digest;
}

static long file_call(const struct op *op, struct outcome *o)
{
	struct file *file = slots[op->slot];
	int64_t to;

	switch (op->kind) {
	case OP_CLOSE:
		slots[op->slot] = NULL;
		file_close(&tree, file);
		return 0;
	case OP_READ:
	case OP_WRITE:
		return transfer(op, file, o);
	case OP_SEEK:
		to = file_seek(file, positions[op->slot], op->offset,
		    op->whence);
		if (to >= 0)
			positions[op->slot] = (uint64_t)to;
		return to;
	case OP_FTRUNCATE:
		return file_truncate(&tree, file, op->len);
	case OP_ALLOCATE:
		return file_allocate(&tree, file, (int)op->flags, op->offset,
		    op->len);
	case OP_FSTAT:
		tell(o, file->node);
		return 0;
	case OP_FCHMOD:
		if (file->flags & O_PATH)
			return -EBADF;
		node_chmod(&tree, file->node, op->mode);
		return 0;
	case OP_LIST:
		if (file->flags & O_PATH)
			return -EBADF;
		positions[op->slot] = 0;
		return list(file, o, (size_t)op->len);
	default:
		return change_folder(file->node);
	}
}

/* The calls on the node that a path names. */
static long node_call(const struct op *op, struct outcome *o)
{
	bool no_follow =
	    (op->flags & AT_SYMLINK_NOFOLLOW) || op->kind == OP_READLINK;
	enum path_how how = no_follow ? 0 : PATH_FOLLOW;
	struct moment times[2];
	struct node *node;
	int err;

	if (op->kind == OP_UTIMES && op->times[0].nsec == UTIME_OMIT &&
	    op->times[1].nsec == UTIME_OMIT)
		return 0;
	if ((op->flags & AT_EMPTY_PATH) || op->kind == OP_READLINK)
		how |= PATH_EMPTY;
	if (op->kind == OP_CHDIR)
		err = path_find(&tree, where(CWD, op->path), how, &node);
	else
		err = path_find(&tree, where(op->base, op->path), how, &node);
	if (err < 0)
		return err;
	switch (op->kind) {
	case OP_READLINK:
		err = (int)node_readlink(&tree, node, (char *)o->out,
		    (size_t)op->len);
		o->len = err > 0 ? (size_t)err : 0;
		return err == -EINVAL && op->path[0] == '\0' ? -ENOENT : err;
	case OP_STAT:
		tell(o, node);
		return 0;
	case OP_CHMOD:
		node_chmod(&tree, node, op->mode);
		return 0;
	case OP_CHOWN:
		node_chown(&tree, node, op->uid, op->gid);
		return 0;
	case OP_UTIMES:
		for (int i = 0; i < 2; i++)
			times[i] = (struct moment){op->times[i].sec,
			    op->times[i].nsec};
		return node_utimes(&tree, node, times);
	default:
		return change_folder(node);
	}
}

static long path_call(const struct op *op, struct outcome *o)
{
	struct where at = where(op->base, op->path);
	struct where at2 = where(op->base2, op->path2);
	enum path_how how = 0;
	long n;

	switch (op->kind) {
	case OP_OPEN:
		return open_file(op);
	case OP_TRUNCATE:
		return tree_truncate(&tree, where(CWD, op->path), op->len);
	case OP_MKDIR:
		return tree_mkdir(&tree, at, op->mode & ~mask);
	case OP_RMDIR:
		return tree_rmdir(&tree, at);
	case OP_UNLINK:
		return tree_unlink(&tree, at);
	case OP_RENAME:
		return tree_rename(&tree, at, at2, op->flags);
	case OP_LINK:
		if (op->flags & AT_SYMLINK_FOLLOW)
			how |= PATH_FOLLOW;
		if (op->flags & AT_EMPTY_PATH)
			how |= PATH_EMPTY;
		return tree_link(&tree, at, how, at2);
	case OP_SYMLINK:
		return tree_symlink(&tree, op->path2, at);
	case OP_MKNOD:
		return tree_mknod(&tree, at, op->mode & ~mask, op->device);
	case OP_GETCWD:
		n = node_path(&tree, cwd, (char *)o->out, (size_t)op->len);
		o->len = n > 0 ? (size_t)n : 0;
		return n;
	case OP_ACCESS:
		return tree_access(&tree, at, PATH_FOLLOW, (int)op->mode);
	case OP_UMASK:
		mask = op->mode & 0777;
		return 0;
	default:
		return node_call(op, o);
	}
}

void ours_do(const struct op *op, struct outcome *o)
{
	tree.now.nsec++;
	o->len = 0;
	o->result = op_is_of_file(op) ? file_call(op, o) : path_call(op, o);
	if (o->result < 0)
		o->len = 0;
	tree_tidy(&tree);
}
