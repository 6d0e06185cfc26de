/* SPDX-License-Identifier: MIT */
/*
 * sys_vector.c - readv and writev: bytes to and from several pieces of memory.
 *
 * The vector is read once, when the call begins; what is moved then is what was
 * checked, whatever others make of the program's memory meanwhile (C2).
 */
#include "abi/syscall.h"
#include "io.h"
#include "mm/frame.h"
#include "proc/pipe.h"
#include "proc/port.h"
#include "syscalls.h"

_Static_assert(sizeof(struct iovec_abi) * VECTOR_PAGE == PAGE_SIZE, "call.h");

static const struct iovec_abi *piece_at(const struct vector *v, uint64_t index)
{
	return &v->pages[index / VECTOR_PAGE][index % VECTOR_PAGE];
}

static int pieces_read(struct vector *v, vaddr_t from)
{
	uint64_t left = v->count;

	for (unsigned i = 0; left > 0; i++, from += PAGE_SIZE) {
		uint64_t n = min_u64(left, VECTOR_PAGE);
		struct frame *frame = frame_alloc(FRAME_KERNEL);
		int err;

		if (frame == NULL)
			return -ENOMEM;
		v->pages[i] = frame_virt(frame);
		err = copyin(proc_self()->as, v->pages[i], from,
		    n * sizeof v->pages[i][0]);
		if (err < 0)
			return err;
		left -= n;
	}
	return 0;
}

/* Adds up the lengths, of which no more than TRANSFER_MAX will be moved. */
static int pieces_check(struct vector *v)
{
	int err = 0;

	for (uint64_t i = 0; i < v->count; i++) {
		const struct iovec_abi *piece = piece_at(v, i);

		if ((int64_t)piece->len < 0)
			return -EINVAL;
		if (!is_user_buffer(piece->base, piece->len))
			err = -EFAULT;
		v->len += min_u64(piece->len, TRANSFER_MAX);
	}
	return err;
}

static int vector_begin(vaddr_t from, uint64_t count)
{
	struct vector *v;
	int err;

	if (count > IOV_MAX)
		return -EINVAL;
	v = call_vector();
	v->count = (uint32_t)count;
	err = pieces_read(v, from);
	return err < 0 ? err : pieces_check(v);
}

#define GATHER_PART 256 /* pieces that are brought together without a pause */

/* Brings together what is to go into a pipe as a whole; 0 when all is there. */
static long gather(struct vector *v)
{
	size_t *done = &v->transfer.len;

	for (int n = 0; v->index < v->count; n++, v->index++) {
		const struct iovec_abi *piece = piece_at(v, v->index);
		int err;

		if (n == GATHER_PART)
			return call_go_on(SIGNAL_RESTARTS);
		err = copyin(proc_self()->as, v->gathered + *done, piece->base,
		    piece->len);
		if (err < 0)
			return err;
		*done += piece->len;
	}
	return 0;
}

static long write_gathered(const struct io *io, struct vector *v)
{
	long result;

	if (v->gathered == NULL) {
		struct frame *frame = frame_alloc(FRAME_KERNEL);

		if (frame == NULL)
			return -ENOMEM;
		v->gathered = frame_virt(frame);
	}
	result = gather(v);
	if (result == 0)
		result = pipe_write_gathered(io->f, v->gathered, v->len,
		    io_wait(io));
	return result;
}

/* Is there more to read at once? A vector that has something does not wait. */
static bool is_ready(struct file *f)
{
	return f->ops->poll == NULL ||
	    (f->ops->poll(f) & (POLLIN | POLLHUP)) != 0;
}

/* The next piece that has bytes becomes the one at hand. False at the end. */
static bool next_piece(struct vector *v)
{
	struct transfer *t = &v->transfer;

	while (t->len == 0) {
		const struct iovec_abi *piece;

		if (v->index == v->count || t->done >= TRANSFER_MAX)
			return false;
		piece = piece_at(v, v->index++);
		t->base = piece->base;
		t->len = min_u64(piece->len, TRANSFER_MAX - t->done);
	}
	return true;
}

#define PIECES_PART 32 /* of a vector that are moved without a pause */

/*
 * A vector goes piece by piece, each to its end; the first short one ends it. A
 * read that has something does not wait for more.
 */
static long transfer_pieces(const struct io *io, struct vector *v)
{
	struct transfer *t = &v->transfer;
	size_t end = t->done + io->f->ops->part;

	for (int i = 0;
	     i < PIECES_PART && t->done < end && (i == 0 || !user_took_long());
	     i++) {
		bool begins = t->len == 0;
		unsigned how = io_wait(io) | (begins ? 0 : IO_REST);
		long n;

		if (!next_piece(v))
			return moved(t, 0);
		if (!io->is_write && t->done > 0) {
			if (begins && !is_ready(io->f))
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
static long vector_go_on(const struct io *io, struct vector *v)
{
	if (io->is_write && v->len - 1 < PIPE_BUF && file_is_pipe(io->f))
		return write_gathered(io, v);
	return transfer_pieces(io, v);
}

/* A server is asked for the first piece that has bytes, as by read or write. */
static long ask_for_piece(const struct io *io)
{
	struct vector *v = call_vector();
	struct transfer piece;

	(void)next_piece(v);
	piece = v->transfer;
	call_forget();
	if (piece.len == 0)
		return 0;
	return remote_call_as(io->f, io->is_write ? SYS_write : SYS_read,
	    piece.base, piece.len);
}

static long transfer_vector(const struct trapframe *tf, bool is_write)
{
	struct io io;
	long n = io_begin(&io, (int)tf_arg(tf, 0), is_write);

	if (n < 0)
		return n;
	if (!call_is_repeated())
		n = vector_begin(tf_arg(tf, 1), tf_arg(tf, 2));
	if (n == 0 && file_is_remote(io.f))
		return ask_for_piece(&io);
	if (n == 0)
		n = vector_go_on(&io, call_vector());
	if (n != CALL_WAITS && n != CALL_GOES_ON)
		call_forget();
	return n;
}

long sys_readv(const struct trapframe *tf)
{
	return transfer_vector(tf, false);
}

long sys_writev(const struct trapframe *tf)
{
	return transfer_vector(tf, true);
}
