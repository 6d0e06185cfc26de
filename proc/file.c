/* SPDX-License-Identifier: MIT */
/*
 * file.c - open files, and the table of descriptors of a process.
 */
#include "proc/file.h"

#include "abi/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"

static struct slab file_slab = SLAB_INIT(struct file);

struct file *file_create(const struct file_ops *ops, uint32_t flags)
{
	struct file *f = slab_alloc(&file_slab);

	if (f != NULL)
		*f = (struct file){.refs = 1, .flags = flags, .ops = ops};
	return f;
}

void file_get(struct file *f)
{
	(void)__atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
}

void file_discard(struct file *f)
{
	slab_free(&file_slab, f);
}

void file_put(struct file *f)
{
	if (__atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (f->ops->close != NULL)
		f->ops->close(f);
	file_discard(f);
}

static struct fd_table *self_table(void)
{
	return &proc_self()->fds;
}

static unsigned table_room(const struct fd_table *table)
{
	return table->files == table->few ? FD_INLINE : FD_MAX;
}

/* Makes room for descriptor `fd`, by moving to a frame if need be. */
static int table_grow(struct fd_table *table, unsigned fd)
{
	struct frame *frame;
	struct file **files;

	if (fd >= table->limit)
		return -EMFILE;
	if (fd < table_room(table))
		return 0;
	frame = frame_alloc(FRAME_KERNEL);
	if (frame == NULL)
		return -ENOMEM;
	files = frame_virt(frame);
	memcpy(files, table->few, sizeof table->few);
	lock_acquire(&sched_lock);
	table->files = files;
	lock_release(&sched_lock);
	return 0;
}

/* Moves `end` behind `fd`. Slots below `end` have a file or NULL. */
static void table_extend(struct fd_table *table, unsigned fd)
{
	while (table->end <= fd)
		table->files[table->end++] = NULL;
}

static void set_cloexec(struct fd_table *table, unsigned fd, bool on)
{
	uint64_t bit = 1UL << fd % 64;

	if (on)
		table->cloexec[fd / 64] |= bit;
	else
		table->cloexec[fd / 64] &= ~bit;
}

bool fd_is_cloexec(int fd)
{
	return self_table()->cloexec[fd / 64] >> fd % 64 & 1;
}

void fd_set_cloexec(int fd, bool on)
{
	set_cloexec(self_table(), (unsigned)fd, on);
}

static unsigned lowest_free(const struct fd_table *table, unsigned fd)
{
	while (fd < table->end && table->files[fd] != NULL)
		fd++;
	return fd;
}

static void put(struct fd_table *table, unsigned fd, struct file *f,
    bool cloexec) REQUIRES(sched_lock)
{
	table_extend(table, fd);
	table->files[fd] = f;
	set_cloexec(table, fd, cloexec);
}

int fd_install(struct file *f, int lowest, bool cloexec)
{
	struct fd_table *table = self_table();
	unsigned fd = lowest_free(table, (unsigned)lowest);
	int err = table_grow(table, fd);

	if (err < 0)
		return err;
	lock_acquire(&sched_lock);
	put(table, fd, f, cloexec);
	lock_release(&sched_lock);
	return (int)fd;
}

int fd_give(struct fd_table *table, struct file *f, bool cloexec)
{
	unsigned fd = lowest_free(table, 0);

	if (fd >= table_room(table))
		return -EMFILE;
	assert(fd < table->limit);
	put(table, fd, f, cloexec);
	return (int)fd;
}

struct file *fd_take(int fd)
{
	struct file *f = fd_get(fd);

	self_table()->files[fd] = NULL;
	return f;
}

bool fd_table_is_full(void)
{
	const struct fd_table *table = self_table();

	return table->end >= table->limit &&
	    lowest_free(table, 0) >= table->limit;
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
	struct fd_table *table = self_table();
	struct file *closed = fd_get(fd);
	int err = table_grow(table, (unsigned)fd);

	if (err < 0)
		return err;
	lock_acquire(&sched_lock);
	put(table, (unsigned)fd, f, cloexec);
	lock_release(&sched_lock);
	if (closed != NULL)
		file_put(closed);
	return fd;
}

int fd_close(int fd)
{
	struct file *f = fd_get(fd);

	if (f == NULL)
		return -EBADF;
	lock_acquire(&sched_lock);
	(void)fd_take(fd);
	lock_release(&sched_lock);
	file_put(f);
	return 0;
}

void fd_table_init(struct fd_table *table)
{
	table->end = 0;
	table->limit = table->limit_max = FD_MAX;
}

/* Ignores the limit, which may have been lowered below what is open. */
bool fd_table_prepare(struct fd_table *table, const struct fd_table *from)
{
	fd_table_init(table);
	return table_grow(table, from->end > 0 ? from->end - 1U : 0) == 0;
}

void fd_table_discard(struct fd_table *table)
{
	if (table->files != table->few)
		frame_put(frame_of_virt(table->files));
	table->files = table->few;
}

void fd_table_copy(struct fd_table *table, const struct fd_table *from)
{
	struct file **to = table->files, **files = from->files;
	unsigned end = from->end;

	table->end = from->end;
	table->limit = from->limit;
	table->limit_max = from->limit_max;
	/* Bits of descriptors beyond the end are not used. */
	for (unsigned i = 0; i * 64 < end; i++)
		table->cloexec[i] = from->cloexec[i];
	for (unsigned fd = 0; fd < end; fd++) {
		to[fd] = files[fd];
		if (to[fd] != NULL)
			file_get(to[fd]);
	}
}

#define CLOSE_PART 16 /* files that are closed without a pause */

bool fd_table_close_part(struct fd_table *table)
{
	unsigned closed = 0;

	while (table->end > 0 && closed < CLOSE_PART) {
		struct file *f = table->files[--table->end];

		if (f == NULL)
			continue;
		file_put(f);
		closed++;
	}
	if (table->end > 0)
		return false;
	fd_table_discard(table);
	return true;
}

void fd_table_close(struct fd_table *table)
{
	while (!fd_table_close_part(table))
		;
}

/* A descriptor's bit is cleared when it is closed: the next part skips it. */
bool fd_table_exec_part(struct fd_table *table)
{
	unsigned closed = 0;

	for (unsigned fd = 0; fd < table->end; fd++) {
		uint64_t *word = &table->cloexec[fd / 64], bit = 1UL << fd % 64;

		if (!(*word & bit))
			continue;
		if (closed++ == CLOSE_PART)
			return false;
		*word &= ~bit;
		(void)fd_close((int)fd);
	}
	return true;
}
