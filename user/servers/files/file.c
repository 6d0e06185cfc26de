/* SPDX-License-Identifier: MIT */
/*
 * file.c - what is done with an open file.
 */
#include "tree.h"

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/unistd.h"
#include "made.h"

static bool may_read(const struct file *file)
{
	uint32_t access = file->flags & O_ACCMODE;

	return !(file->flags & O_PATH) &&
	    (access == O_RDONLY || access == O_RDWR);
}

static bool may_write(const struct file *file)
{
	uint32_t access = file->flags & O_ACCMODE;

	return !(file->flags & O_PATH) &&
	    (access == O_WRONLY || access == O_RDWR);
}

/* Are all positions of the range such that a file can have? */
static bool is_range(uint64_t at, uint64_t len)
{
	return at <= FILE_MAX && len <= FILE_MAX - at;
}

void file_accessed(struct tree *t, const struct file *file)
{
	if (!(file->flags & O_NOATIME))
		node_accessed(t, file->node);
}

int file_begin_read(struct tree *t, struct file *file, uint64_t position,
    size_t *len)
{
	const struct node *node = file->node;

	if (!may_read(file))
		return -EBADF;
	if (!is_range(position, *len))
		return -EINVAL;
	if (node_is(node, S_IFDIR))
		return -EISDIR;
	if (!node_is(node, S_IFREG) || node->made != 0)
		return 0;
	*len = data_left(node, position, *len);
	file_accessed(t, file);
	return 0;
}

long file_read(struct tree *t, struct file *file, uint64_t position, void *to,
    size_t len)
{
	const struct node *node = file->node;
	int err = file_begin_read(t, file, position, &len);

	if (err < 0)
		return err;
	if (node->made != 0)
		return t->maker->read(node->made, position, to, len);
	if (!node_is(node, S_IFREG))
		return device_read(node, to, len);
	return (long)data_read(node, position, to, len);
}

long file_pages(struct tree *t, struct file *file, uint64_t position,
    void **pages, size_t count)
{
	struct node *node = file->node;

	if (!may_read(file))
		return -EBADF;
	if (node_is(node, S_IFCHR))
		return device_pages(node, pages, count);
	if (!node_is(node, S_IFREG) || node->made != 0)
		return -ENODEV;
	file_accessed(t, file);
	return (long)data_pages(node, position, pages, count);
}

static bool may_be_shared(const struct file *file)
{
	const struct node *node = file->node;

	return may_read(file) && node_is(node, S_IFREG) && node->made == 0;
}

void file_share(struct tree *t, const struct file *file, uint64_t position,
    size_t count, uint64_t all)
{
	struct node *node = file->node;

	if (!may_be_shared(file))
		return;
	if (may_write(file) && !node->is_stored_to)
		node->is_stored_to = t->unkept = true;
	(void)data_share(t, node, position, count, all);
}

long file_shared_pages(struct tree *t, struct file *file, uint64_t position,
    void **pages, size_t count)
{
	struct node *node = file->node;
	size_t n;

	if (!may_read(file))
		return -EBADF;
	if (!may_be_shared(file))
		return -ENODEV;
	n = t->unkept ? 0 : data_shared_pages(node, position, pages, count);
	if (n == 0 && count > 0 && position < node->size)
		return -ENOMEM;
	file_accessed(t, file);
	return (long)n;
}

long file_write(struct tree *t, struct file *file, uint64_t *position,
    const void *from, size_t len)
{
	struct node *node = file->node;
	size_t done;

	if (!may_write(file))
		return -EBADF;
	if (!is_range(*position, len))
		return -EINVAL;
	if (!node_is(node, S_IFREG))
		return device_write(node, len);
	if (len == 0)
		return 0;
	if (file->flags & O_APPEND)
		*position = node->size;
	if (*position >= FILE_MAX)
		return -EFBIG;
	done = data_write(t, node, *position, from, len);
	if (done == 0)
		return -ENOSPC;
	node_changed(t, node);
	*position += done;
	return (long)done;
}

int tree_truncate(struct tree *t, struct where where, int64_t size)
{
	struct node *node;
	int err;

	if (size < 0)
		return -EINVAL;
	err = path_find(t, where, PATH_FOLLOW, &node);
	if (err < 0)
		return err;
	if (node_is(node, S_IFDIR))
		return -EISDIR;
	if (!node_is(node, S_IFREG))
		return -EINVAL;
	if (node->size != (uint64_t)size)
		node_changed(t, node);
	data_truncate(t, node, (uint64_t)size);
	return 0;
}

int file_truncate(struct tree *t, struct file *file, int64_t size)
{
	if (size < 0)
		return -EINVAL;
	if (file->flags & O_PATH)
		return -EBADF;
	if (!may_write(file) || !node_is(file->node, S_IFREG))
		return -EINVAL;
	data_truncate(t, file->node, (uint64_t)size);
	node_changed(t, file->node);
	return 0;
}

int file_allocate(struct tree *t, struct file *file, int mode, int64_t offset,
    int64_t len)
{
	struct node *node = file->node;
	uint64_t end = (uint64_t)offset + (uint64_t)len;
	int err;

	if (file->flags & O_PATH)
		return -EBADF;
	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode == FALLOC_FL_PUNCH_HOLE)
		return -EOPNOTSUPP;
	if (!may_write(file))
		return -EBADF;
	if (!node_is(node, S_IFREG))
		return -ENODEV;
	if (end > FILE_MAX)
		return -EFBIG;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		data_punch(t, node, (uint64_t)offset, end);
	} else {
		err = data_allocate(t, node, (uint64_t)offset, end);
		if (err < 0)
			return err;
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			data_grow(t, node, end);
	}
	node_changed(t, node);
	return 0;
}

static int64_t seek_data(const struct node *node, int64_t offset, int whence)
{
	uint64_t at = (uint64_t)offset;

	if (offset < 0 || at >= node->size)
		return -ENXIO;
	if (whence == SEEK_DATA) {
		at = data_next(node, at);
		return at < node->size ? (int64_t)at : -ENXIO;
	}
	at = data_gap(node, at);
	return (int64_t)(at < node->size ? at : node->size);
}

int64_t file_seek(struct file *file, uint64_t position, int64_t offset,
    int whence)
{
	const struct node *node = file->node;
	uint64_t base = 0, at;

	if (file->flags & O_PATH)
		return -EBADF;
	if (whence < SEEK_SET || whence > SEEK_HOLE)
		return -EINVAL;
	if (node_is(node, S_IFCHR))
		return 0;
	if (node_is(node, S_IFREG) &&
	    (whence == SEEK_DATA || whence == SEEK_HOLE))
		return seek_data(node, offset, whence);
	if (whence == SEEK_CUR)
		base = position;
	else if (whence == SEEK_END && node_is(node, S_IFREG))
		base = node->size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	at = base + (uint64_t)offset;
	return at <= FILE_MAX ? (int64_t)at : -EINVAL;
}
