/* SPDX-License-Identifier: MIT */
/*
 * io.h - what the calls that move bytes between files and the caller's memory
 * have in common: sys_file.c, sys_vector.c.
 */
#ifndef TRAP_IO_H
#define TRAP_IO_H

#include "abi/errno.h"
#include "proc/file.h"

/* Linux's limit for one transfer. */
#define TRANSFER_MAX 0x7ffff000UL

/*
 * May a call use these bytes as its buffer? If they reach beyond the end of
 * user memory, the call is -EFAULT, even if the first of them are mapped.
 */
static inline bool is_user_buffer(vaddr_t at, size_t len)
{
	return len <= USER_TOP && at <= USER_TOP - len;
}

/* What is to be moved between a file and the caller's memory. */
struct io {
	struct file *f;
	bool is_write;
};

/* The file for a call that reads from it, or writes to it; or -EBADF. */
INLINE int io_begin(struct io *io, int fd, bool is_write)
{
	struct file *f = fd_get(fd);

	*io = (struct io){f, is_write};
	if (f == NULL || !(is_write ? file_can_write(f) : file_can_read(f)))
		return -EBADF;
	return 0;
}

INLINE long io_part(const struct io *io, vaddr_t at, size_t len, unsigned how)
{
	const struct file_ops *ops = io->f->ops;

	return io->is_write ? ops->write(io->f, at, len, how)
			    : ops->read(io->f, at, len, how);
}

/* Is a part followed by another, until all is moved? */
INLINE bool io_goes_on(const struct io *io)
{
	return io->is_write && io->f->ops->write_goes_on;
}

INLINE unsigned io_wait(const struct io *io)
{
	return io->f->flags & O_NONBLOCK ? 0 : IO_WAIT;
}

/* The bytes moved so far, or if there are none, another result. */
static inline long moved(const struct transfer *t, long otherwise)
{
	return t->done > 0 ? (long)t->done : otherwise;
}

#endif
