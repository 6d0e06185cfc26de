/* SPDX-License-Identifier: MIT */
/*
 * file.h - open files, and the descriptors that name them.
 *
 * A file is a handle on a kernel object with a small table of operations. Its
 * operations work on the memory of the running process.
 *
 * Locks: [A] atomic   [c] constant   [f] file.lock
 */
#ifndef PROC_FILE_H
#define PROC_FILE_H

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "proc/proc.h"

struct file;

/* How bytes are to be moved. */
#define IO_WAIT 1 /* it may wait */
#define IO_REST 2 /* a part of the call's bytes has been moved already */

/*
 * read and write, which are there for every file that is open for it, move up
 * to `len` bytes between the object and the running process's memory, as many
 * as a hart may spend on without a pause. They return how many; 0 at the end;
 * -EFAULT or -ENOMEM where no byte could be moved; -EAGAIN or CALL_WAITS where
 * there is nothing yet; or CALL_GOES_ON.
 */
struct file_ops {
	long (*read)(struct file *f, vaddr_t to, size_t len, unsigned how);
	long (*write)(struct file *f, vaddr_t from, size_t len, unsigned how);
	unsigned (*poll)(struct file *f); /* NULL: always ready */
	void (*close)(struct file *f);
	bool write_goes_on; /* after a part, until all is written */
	size_t part;        /* bytes of a vector that go without a pause */
};

struct file {
	uint32_t refs;              /* [A] descriptors of all processes */
	uint32_t flags;             /* O_ACCMODE, O_NONBLOCK */
	const struct file_ops *ops; /* [c] */
	struct lock lock;
	uint64_t pos; /* [f] */
	void *object; /* [c] of the operations */
};

/* A file with one reference, or NULL if memory is out. */
MUST_USE struct file *file_create(const struct file_ops *ops, uint32_t flags);
void file_get(struct file *f);
void file_put(struct file *f);

/* Frees a file without its operation close: it needs none, or has had it. */
void file_discard(struct file *f);

static inline bool file_can_read(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static inline bool file_can_write(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

/* The file behind a descriptor of the running process, or NULL. */
static inline struct file *fd_get(int fd)
{
	const struct fd_table *table = &proc_self()->fds;

	return (unsigned)fd < table->end ? table->files[fd] : NULL;
}

/*
 * Puts a file into the lowest free descriptor from `lowest` on, and takes over
 * the caller's reference. Returns the descriptor, or -EMFILE or -ENOMEM.
 */
MUST_USE int fd_install(struct file *f, int lowest, bool cloexec)
    EXCLUDES(sched_lock);

/*
 * As fd_install() from 0 on, into the table of a process that waits and whose
 * table is not full. -EMFILE if the table would have to grow.
 */
MUST_USE int fd_give(struct fd_table *table, struct file *f, bool cloexec)
    REQUIRES(sched_lock);

/* Would fd_install() from 0 on return -EMFILE? */
bool fd_table_is_full(void);

/*
 * As fd_install(), into a given descriptor. A file that was open there is
 * closed.
 */
MUST_USE int fd_replace(int fd, struct file *f, bool cloexec)
    EXCLUDES(sched_lock);

/* Empties a descriptor that is open, and returns its file and reference. */
struct file *fd_take(int fd) REQUIRES(sched_lock);

/* Closes a descriptor. -EBADF. */
int fd_close(int fd) EXCLUDES(sched_lock);

bool fd_is_cloexec(int fd);
void fd_set_cloexec(int fd, bool on);

/* Makes the table empty, with the highest limits. */
void fd_table_init(struct fd_table *table);

/* Makes room for a copy of `from`; false if memory is out. */
MUST_USE bool fd_table_prepare(struct fd_table *table,
    const struct fd_table *from);
void fd_table_discard(struct fd_table *table);
void fd_table_copy(struct fd_table *table, const struct fd_table *from);

/* Closes all files. */
void fd_table_close(struct fd_table *table);

/*
 * Close a part of the files, all of them or those that exec closes. True when
 * these are closed.
 */
bool fd_table_close_part(struct fd_table *table);
bool fd_table_exec_part(struct fd_table *table);

#endif
