/* SPDX-License-Identifier: MIT */
/*
 * sys_file.c - system calls on open descriptors.
 */
#include "abi/errno.h"
#include "abi/stat.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/pipe.h"
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

/* Is a part followed by another, until all is moved or there is no more? */
INLINE bool io_goes_on(const struct io *io)
{
	return io->is_write ? io->f->ops->write_goes_on
			    : io->f->ops->read_goes_on;
}

static long io_pause(const struct io *io)
{
	return call_go_on(
	    io->f->ops->holds_signals ? SIGNAL_HELD : SIGNAL_RESTARTS);
}

INLINE unsigned io_wait(const struct io *io)
{
	return io->f->flags & O_NONBLOCK ? 0 : IO_WAIT;
}

/* Goes on with what a part, or a wait, has left to do. */
static NOINLINE long transfer_rest(const struct io *io, vaddr_t at, size_t len)
{
	struct transfer *t = call_transfer();
	unsigned how = io_wait(io) | (t->done > 0 ? IO_REST : 0);
	long n = io_part(io, at + t->done, len - t->done, how);

	if (n == CALL_WAITS || n == CALL_GOES_ON)
		return n;
	if (n > 0)
		t->done += (size_t)n;
	if (n > 0 && t->done < len && io_goes_on(io))
		return io_pause(io);
	return t->done > 0 ? (long)t->done : n;
}

/* The first part has moved `n` of `len` bytes, and is not all. */
static NOINLINE long transfer_more(const struct io *io, size_t n)
{
	call_transfer()->done = n;
	return io_pause(io);
}

INLINE long transfer(int fd, vaddr_t at, size_t len, bool is_write)
{
	struct io io;
	long n = io_begin(&io, fd, is_write);

	if (n < 0)
		return n;
	len = min_u64(len, TRANSFER_MAX);
	if (!is_user_buffer(at, len))
		return -EFAULT;
	if (unlikely(call_is_repeated()))
		return transfer_rest(&io, at, len);
	n = io_part(&io, at, len, io_wait(&io));
	if (unlikely(n > 0 && (size_t)n < len && io_goes_on(&io)))
		return transfer_more(&io, (size_t)n);
	return n;
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

/* As if it read from /dev/random. */
long sys_getrandom(const struct trapframe *tf)
{
	struct file random = {.ops = &random_ops};
	struct io io = {.f = &random};

	if (tf_arg(tf, 2) & ~7UL)
		return -EINVAL;
	if (!is_user_buffer(tf_arg(tf, 0), tf_arg(tf, 1)))
		return -EFAULT;
	return transfer_rest(&io, tf_arg(tf, 0),
	    min_u64(tf_arg(tf, 1), TRANSFER_MAX));
}

/* The sum of the lengths, or why this is no vector. Nothing relies on it. */
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

/*
 * Brings together what is to go into a pipe as a whole. Returns how much that
 * is: the vector may have changed since its lengths were added up.
 */
static long gather(char *bytes, vaddr_t vector, uint64_t count)
{
	struct aspace *as = proc_self()->as;
	struct iovec_abi piece;
	size_t done = 0;

	for (uint64_t i = 0; i < count && done < PIPE_BUF; i++) {
		int err =
		    copyin(as, &piece, vector + i * sizeof piece, sizeof piece);
		size_t n = min_u64(piece.len, PIPE_BUF - done);

		if (err == 0)
			err = copyin(as, bytes + done, piece.base, n);
		if (err < 0)
			return err;
		done += n;
	}
	return (long)done;
}

static long write_gathered(const struct io *io, vaddr_t vector, uint64_t count)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);
	char *bytes;
	long n;

	if (frame == NULL)
		return -ENOMEM;
	bytes = frame_virt(frame);
	n = gather(bytes, vector, count);
	if (n > 0)
		n = pipe_write_gathered(io->f, bytes, (size_t)n, io_wait(io));
	frame_put(frame);
	return n;
}

/* Is there more to read at once? A vector that has something does not wait. */
static bool is_ready(struct file *f)
{
	return f->ops->poll == NULL ||
	    (f->ops->poll(f) & (POLLIN | POLLHUP)) != 0;
}

/*
 * The next piece that has bytes becomes the one at hand, and is read this once.
 * 1; 0 at the end; or an error.
 */
static int next_piece(struct transfer *t, vaddr_t vector, uint64_t count)
{
	struct iovec_abi piece;

	while (t->len == 0) {
		int err;

		if (t->index == count || t->done >= TRANSFER_MAX)
			return 0;
		err = copyin(proc_self()->as, &piece,
		    vector + t->index * sizeof piece, sizeof piece);
		if (err < 0)
			return err;
		t->index++;
		t->base = piece.base;
		t->len = min_u64(piece.len, TRANSFER_MAX - t->done);
	}
	return is_user_buffer(t->base, t->len) ? 1 : -EFAULT;
}

static long moved(const struct transfer *t, long otherwise)
{
	return t->done > 0 ? (long)t->done : otherwise;
}

#define PIECES_PART 32 /* of a vector that are moved without a pause */

/*
 * A vector goes piece by piece, each to its end; the first short one ends it. A
 * read that has something does not wait for more.
 */
static long transfer_pieces(const struct io *io, vaddr_t vector, uint64_t count)
{
	struct transfer *t = call_transfer();

	for (int i = 0; i < PIECES_PART; i++) {
		bool begins = t->len == 0;
		unsigned how = io_wait(io) | (begins ? 0 : IO_REST);
		long n = next_piece(t, vector, count);

		if (n <= 0)
			return moved(t, n);
		if (!io->is_write && begins && t->done > 0) {
			if (!is_ready(io->f))
				return moved(t, 0);
			how &= ~(unsigned)IO_WAIT;
		}
		n = io_part(io, t->base, t->len, how);
		if (n == CALL_WAITS || n == CALL_GOES_ON)
			return n;
		if (n <= 0)
			return moved(t, n);
		t->done += (size_t)n;
		t->base += (size_t)n;
		t->len -= (size_t)n;
		if (t->len > 0)
			return io_goes_on(io) ? io_pause(io) : moved(t, 0);
	}
	return io_pause(io);
}

/* Only what a pipe has to take as a whole is written otherwise. */
static long transfer_vector(const struct trapframe *tf, bool is_write)
{
	vaddr_t vector = tf_arg(tf, 1);
	uint64_t count = tf_arg(tf, 2);
	struct io io;
	long n = io_begin(&io, (int)tf_arg(tf, 0), is_write);

	if (n < 0)
		return n;
	if (!call_is_repeated()) {
		n = vector_check(vector, count);
		if (n < 0)
			return n;
		if (is_write && n > 0 && n <= PIPE_BUF && file_is_pipe(io.f))
			return write_gathered(&io, vector, count);
	}
	return transfer_pieces(&io, vector, count);
}

long sys_readv(const struct trapframe *tf)
{
	return transfer_vector(tf, false);
}

long sys_writev(const struct trapframe *tf)
{
	return transfer_vector(tf, true);
}

#define PREAD_PART (16UL << 10)

static long pread_part(const struct node *node, vaddr_t to, size_t len,
    uint64_t pos)
{
	struct aspace *as = proc_self()->as;
	struct transfer *t = call_transfer();
	size_t rest = min_u64(len - t->done, PREAD_PART);
	long n = user_ready(as, to + t->done, rest, ACCESS_WRITE);
	int err;

	if (n <= 0)
		return moved(t, n);
	err = copyout(as, to + t->done, node->data + pos + t->done, (size_t)n);
	assert(err == 0);
	t->done += (size_t)n;
	return t->done < len ? call_go_on(SIGNAL_HELD) : (long)t->done;
}

long sys_pread64(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));
	size_t len = min_u64(tf_arg(tf, 2), TRANSFER_MAX);
	uint64_t pos = tf_arg(tf, 3);

	if (f == NULL)
		return -EBADF;
	if (f->node == NULL || !node_is(f->node, MODE_FILE))
		return -ESPIPE;
	if ((int64_t)pos < 0)
		return -EINVAL;
	len = pos < f->node->size ? min_u64(len, f->node->size - pos) : 0;
	return pread_part(f->node, tf_arg(tf, 1), len, pos);
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
	err = user_prepare(proc_self()->as, tf_arg(tf, 0), sizeof fds);
	if (err == 0)
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
	assert(err == 0);
	return 0;
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
