/* SPDX-License-Identifier: MIT */
/*
 * file.c - open files of the initrd and the simple devices, and the table of
 * descriptors of a process.
 */
#include "proc/file.h"

#include "abi/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/random.h"

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

void file_put(struct file *f)
{
	if (__atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (f->ops->close != NULL)
		f->ops->close(f);
	slab_free(&file_slab, f);
}

#define FILE_PART (16UL << 10) /* bytes that are moved without a pause */

/*
 * The buffer is made ready first: what is read then arrives, and the position,
 * which others may share, moves once and for good.
 */
static long node_read(struct file *f, vaddr_t to, size_t len, unsigned how)
{
	struct aspace *as = proc_self()->as;
	const struct node *node = f->node;
	long n;
	int err;

	(void)how;
	if (node_is(node, MODE_DIR))
		return -EISDIR;
	n = user_ready(as, to, min_u64(len, FILE_PART), ACCESS_WRITE);
	if (n <= 0)
		return n;
	lock_acquire(&f->lock);
	len = f->pos < node->size ? min_u64((size_t)n, node->size - f->pos) : 0;
	err = copyout(as, to, node->data + f->pos, len);
	f->pos += len;
	lock_release(&f->lock);
	assert(err == 0);
	return (long)len;
}

static const struct file_ops node_ops = {.read = node_read,
    .read_goes_on = true,
    .holds_signals = true};

static long null_read(struct file *f, vaddr_t to, size_t len, unsigned how)
{
	(void)f, (void)to, (void)len, (void)how;
	return 0;
}

static long null_write(struct file *f, vaddr_t from, size_t len, unsigned how)
{
	(void)f, (void)from, (void)how;
	return (long)len;
}

/* Fills user memory from a source of small pieces, to the end of a page. */
static long fill(vaddr_t to, size_t len, void (*source)(void *, size_t))
{
	size_t n = min_u64(len, PAGE_SIZE - (to & PAGE_MASK));
	void *kernel;
	int err;

	if (n == 0)
		return 0;
	err = user_page(proc_self()->as, to, ACCESS_WRITE, &kernel);
	if (err < 0)
		return err;
	source(kernel, n);
	return (long)n;
}

static void zero_source(void *to, size_t len)
{
	memset(to, 0, len);
}

static long zero_read(struct file *f, vaddr_t to, size_t len, unsigned how)
{
	(void)f, (void)how;
	return fill(to, len, zero_source);
}

static long random_read(struct file *f, vaddr_t to, size_t len, unsigned how)
{
	(void)f, (void)how;
	return fill(to, len, random_bytes);
}

static const struct file_ops null_ops = {.read = null_read,
    .write = null_write};
static const struct file_ops zero_ops = {.read = zero_read,
    .write = null_write,
    .read_goes_on = true};
const struct file_ops random_ops = {.read = random_read,
    .write = null_write,
    .read_goes_on = true};

static const struct file_ops *device_ops(const char *name)
{
	if (strcmp(name, "null") == 0)
		return &null_ops;
	if (strcmp(name, "zero") == 0)
		return &zero_ops;
	if (strcmp(name, "random") == 0 || strcmp(name, "urandom") == 0)
		return &random_ops;
	if (strcmp(name, "console") == 0 || strcmp(name, "tty") == 0)
		return &tty_ops;
	return NULL;
}

int file_open(const struct node *node, uint32_t flags, struct file **file)
{
	const struct file_ops *ops = &node_ops;
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (node_is(node, MODE_CHAR)) {
		ops = device_ops(node->name);
		if (ops == NULL)
			return -ENODEV;
	} else if (writes || (flags & O_TRUNC)) {
		return node_is(node, MODE_DIR) ? -EISDIR : -EROFS;
	}
	*file = file_create(ops, flags & (O_ACCMODE | O_NONBLOCK | O_APPEND));
	if (*file == NULL)
		return -ENOMEM;
	(*file)->node = node;
	return 0;
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
	table->files = files;
	return 0;
}

/* Every slot below `end` means something. */
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

int fd_install(struct file *f, int lowest, bool cloexec)
{
	struct fd_table *table = self_table();
	unsigned fd = (unsigned)lowest;
	int err;

	while (fd < table->end && table->files[fd] != NULL)
		fd++;
	err = table_grow(table, fd);
	if (err < 0)
		return err;
	table_extend(table, fd);
	table->files[fd] = f;
	set_cloexec(table, fd, cloexec);
	return (int)fd;
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
	struct fd_table *table = self_table();
	int err = table_grow(table, (unsigned)fd);

	if (err < 0)
		return err;
	table_extend(table, (unsigned)fd);
	if (table->files[fd] != NULL)
		file_put(table->files[fd]);
	table->files[fd] = f;
	set_cloexec(table, (unsigned)fd, cloexec);
	return fd;
}

int fd_close(int fd)
{
	struct file *f = fd_get(fd);

	if (f == NULL)
		return -EBADF;
	self_table()->files[fd] = NULL;
	file_put(f);
	return 0;
}

void fd_table_init(struct fd_table *table)
{
	table->end = 0;
	table->limit = table->limit_max = FD_MAX;
}

/* What is open stays open, even if the limit was lowered since. */
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
	table->end = from->end;
	table->limit = from->limit;
	table->limit_max = from->limit_max;
	/* Bits of descriptors beyond the end mean nothing. */
	for (unsigned i = 0; i * 64 < from->end; i++)
		table->cloexec[i] = from->cloexec[i];
	for (unsigned fd = 0; fd < from->end; fd++) {
		table->files[fd] = from->files[fd];
		if (table->files[fd] != NULL)
			file_get(table->files[fd]);
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

/* Descriptors that have been dealt with have lost their mark. */
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
		if (table->files[fd] != NULL)
			file_put(table->files[fd]);
		table->files[fd] = NULL;
	}
	return true;
}
