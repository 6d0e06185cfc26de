/* SPDX-License-Identifier: MIT */
/*
 * sys_file.c - system calls on open descriptors.
 */
#include "abi/errno.h"
#include "abi/stat.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/tty.h"
#include "syscalls.h"

#define IOV_MAX 1024

/* Linux's limit for one transfer. */
#define TRANSFER_MAX 0x7ffff000UL

/*
 * The end of user memory is the end of what can be named: a length that
 * reaches beyond is an address error, whatever is mapped before.
 */
static bool is_user_buffer(vaddr_t at, size_t len)
{
	return len <= USER_TOP && at <= USER_TOP - len;
}

static long transfer(int fd, vaddr_t at, size_t len, bool is_write)
{
	struct file *f = fd_get(fd);

	if (f == NULL)
		return -EBADF;
	if (is_write ? !file_can_write(f) : !file_can_read(f))
		return -EBADF;
	len = min_u64(len, TRANSFER_MAX);
	if (!is_user_buffer(at, len))
		return -EFAULT;
	return is_write ? f->ops->write(f, at, len) : f->ops->read(f, at, len);
}

long sys_read(const struct trapframe *tf)
{
	return transfer((int)tf_arg(tf, 0), tf_arg(tf, 1), tf_arg(tf, 2),
	    false);
}

long sys_write(const struct trapframe *tf)
{
	return transfer((int)tf_arg(tf, 0), tf_arg(tf, 1), tf_arg(tf, 2), true);
}

/*
 * The piece of a vector that byte `done` lies in. 0 with len 0 at the end, or
 * an error.
 */
static int vector_piece(vaddr_t vector, uint64_t count, uint64_t done,
    struct iovec_abi *piece)
{
	for (uint64_t i = 0; i < count; i++) {
		int err = copyin(proc_self()->as, piece,
		    vector + i * sizeof *piece, sizeof *piece);

		if (err < 0)
			return err;
		if (done < piece->len) {
			piece->base += done;
			piece->len -= done;
			return 0;
		}
		done -= piece->len;
	}
	piece->len = 0;
	return 0;
}

/* Total length, or an error, so that an impossible vector moves nothing. */
static long vector_check(vaddr_t vector, uint64_t count)
{
	struct iovec_abi piece;
	uint64_t sum = 0;

	if (count > IOV_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		int err = copyin(proc_self()->as, &piece,
		    vector + i * sizeof piece, sizeof piece);

		if (err < 0)
			return err;
		if (piece.len > INT64_MAX - sum)
			return -EINVAL;
		sum += piece.len;
	}
	return (long)sum;
}

/* What is to go into a pipe as a whole is brought together first. */
static long write_gathered(struct file *f, vaddr_t vector, uint64_t len)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);
	struct iovec_abi piece;
	uint64_t done = 0;
	char *bytes;
	long err = 0;

	if (frame == NULL)
		return -ENOMEM;
	bytes = frame_virt(frame);
	for (; err == 0 && done < len; vector += sizeof piece) {
		err = copyin(proc_self()->as, &piece, vector, sizeof piece);
		if (err == 0 && piece.len > len - done)
			err = -EINVAL;
		if (err == 0)
			err = copyin(proc_self()->as, bytes + done, piece.base,
			    piece.len);
		if (err == 0)
			done += piece.len;
	}
	if (err == 0)
		err = pipe_write_gathered(f, bytes, len);
	frame_put(frame);
	return err;
}

/* Is there more to read at once? A vector that has something does not wait. */
static bool is_ready(int fd)
{
	struct file *f = fd_get(fd);

	return f == NULL || f->ops->poll == NULL ||
	    (f->ops->poll(f) & (POLLIN | POLLHUP)) != 0;
}

/*
 * A vector goes piece by piece, each executed to its end; the first short one
 * ends it. A read that has something does not wait for more. Only what a pipe
 * has to take as a whole is written otherwise.
 */
static long transfer_vector(const struct trapframe *tf, bool is_write)
{
	struct proc *p = proc_self();
	uint64_t count = tf_arg(tf, 2), done = 0;
	int fd = (int)tf_arg(tf, 0);
	struct file *f = fd_get(fd);
	struct iovec_abi piece;
	long n = vector_check(tf_arg(tf, 1), count);

	if (is_write && n > 0 && n <= PIPE_BUF && f != NULL &&
	    file_is_pipe(f) && file_can_write(f))
		return write_gathered(f, tf_arg(tf, 1), (uint64_t)n);
	if (p->progress.active)
		done = p->progress.before;
	while (n >= 0) {
		n = vector_piece(tf_arg(tf, 1), count, done, &piece);
		if (n < 0 || piece.len == 0)
			break;
		n = transfer(fd, piece.base, piece.len, is_write);
		if (n == -ERESTART && (is_write || done == 0)) {
			if (is_write)
				p->progress.before = done;
			return n;
		}
		if (n == -ERESTART)
			sched_unblock();
		p->progress.active = false;
		if (n > 0)
			done += (uint64_t)n;
		if (n >= 0 && (uint64_t)n < piece.len)
			break;
		if (!is_write && !is_ready(fd))
			break;
	}
	if (count == 0 || (done == 0 && n == 0 && piece.len == 0))
		return fd_get(fd) == NULL ? -EBADF : n;
	return done > 0 ? (long)done : n;
}

long sys_readv(const struct trapframe *tf)
{
	return transfer_vector(tf, false);
}

long sys_writev(const struct trapframe *tf)
{
	return transfer_vector(tf, true);
}

long sys_pread64(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));
	size_t len = min_u64(tf_arg(tf, 2), TRANSFER_MAX);
	uint64_t pos = tf_arg(tf, 3);
	int err;

	if (f == NULL)
		return -EBADF;
	if (f->node == NULL || !node_is(f->node, MODE_FILE))
		return -ESPIPE;
	if ((int64_t)pos < 0)
		return -EINVAL;
	len = pos < f->node->size ? min_u64(len, f->node->size - pos) : 0;
	err = copyout(proc_self()->as, tf_arg(tf, 1), f->node->data + pos, len);
	return err < 0 ? err : (long)len;
}

long sys_lseek(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));
	int64_t offset = (int64_t)tf_arg(tf, 1), pos;

	if (f == NULL)
		return -EBADF;
	if (f->node == NULL || node_is(f->node, MODE_CHAR))
		return -ESPIPE;
	if (tf_arg(tf, 2) > SEEK_END)
		return -EINVAL;
	lock_acquire(&f->lock);
	pos = offset;
	if (tf_arg(tf, 2) == SEEK_CUR)
		pos = (int64_t)(f->pos + (uint64_t)offset);
	else if (tf_arg(tf, 2) == SEEK_END)
		pos = (int64_t)(f->node->size + (uint64_t)offset);
	if (pos < 0)
		pos = -EINVAL;
	else
		f->pos = (uint64_t)pos;
	lock_release(&f->lock);
	return pos;
}

long sys_close(const struct trapframe *tf)
{
	return fd_close((int)tf_arg(tf, 0));
}

static long duplicate(int fd, int lowest, bool cloexec)
{
	struct file *f = fd_get(fd);
	int result;

	if (f == NULL)
		return -EBADF;
	file_get(f);
	result = fd_install(f, lowest, cloexec);
	if (result < 0)
		file_put(f);
	return result;
}

long sys_dup(const struct trapframe *tf)
{
	return duplicate((int)tf_arg(tf, 0), 0, false);
}

long sys_dup3(const struct trapframe *tf)
{
	int from = (int)tf_arg(tf, 0), to = (int)tf_arg(tf, 1);
	uint64_t flags = tf_arg(tf, 2);
	struct file *f = fd_get(from);
	int result;

	if (from == to || (flags & ~(uint64_t)O_CLOEXEC) != 0)
		return -EINVAL;
	if (f == NULL || (unsigned)to >= proc_self()->fds.limit)
		return -EBADF;
	file_get(f);
	result = fd_replace(to, f, flags & O_CLOEXEC);
	if (result < 0)
		file_put(f);
	return result;
}

long sys_pipe2(const struct trapframe *tf)
{
	uint64_t flags = tf_arg(tf, 1);
	bool cloexec = flags & O_CLOEXEC;
	struct file *ends[2];
	int fds[2], err;

	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = pipe_create((uint32_t)flags, ends);
	if (err < 0)
		return err;
	fds[0] = fd_install(ends[0], 0, cloexec);
	if (fds[0] < 0) {
		file_put(ends[0]);
		file_put(ends[1]);
		return fds[0];
	}
	fds[1] = fd_install(ends[1], 0, cloexec);
	if (fds[1] < 0) {
		(void)fd_close(fds[0]);
		file_put(ends[1]);
		return fds[1];
	}
	err = copyout(proc_self()->as, tf_arg(tf, 0), fds, sizeof fds);
	if (err < 0) {
		(void)fd_close(fds[0]);
		(void)fd_close(fds[1]);
	}
	return err;
}

long sys_fcntl(const struct trapframe *tf)
{
	int fd = (int)tf_arg(tf, 0);
	struct file *f = fd_get(fd);
	uint64_t arg = tf_arg(tf, 2);

	if (f == NULL)
		return -EBADF;
	switch (tf_arg(tf, 1)) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= proc_self()->fds.limit)
			return -EINVAL;
		return duplicate(fd, (int)arg,
		    tf_arg(tf, 1) == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_is_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		f->flags = (f->flags & ~(uint32_t)O_NONBLOCK) |
		    (uint32_t)(arg & O_NONBLOCK);
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_ioctl(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));

	if (f == NULL)
		return -EBADF;
	if (f->ops != &tty_ops)
		return -ENOTTY;
	return tty_ioctl((uint32_t)tf_arg(tf, 1), tf_arg(tf, 2));
}
