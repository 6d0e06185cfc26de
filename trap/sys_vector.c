/* SPDX-License-Identifier: MIT */
/*
 * sys_vector.c - readv and writev, preadv and pwritev: bytes to and from
 * several pieces of memory.
 *
 * The vector is read once, when the call begins. So the pieces that are moved
 * are those that were checked, even if another process changes the vector in
 * the program's memory meanwhile (C2).
 */
#include "abi/syscall.h"
#include "io.h"
#include "mm/frame.h"
#include "proc/pipe.h"
#include "proc/port.h"
#include "proc/vector.h"
#include "syscalls.h"

/*
 * Reads the pieces as the program gave them, into the places where struct piece
 * will be.
 */
static int pieces_read(struct vector *v, vaddr_t from)
{
	uint32_t n;

	for (uint32_t i = 0; i < v->count; i += n) {
		uint32_t slot = VECTOR_HEAD + i;
		struct piece **page = &v->pages[slot / VECTOR_PAGE];
		int err;

		if (*page == NULL) {
			struct frame *frame = frame_alloc(FRAME_KERNEL);

			if (frame == NULL)
				return -ENOMEM;
			*page = frame_virt(frame);
		}
		slot %= VECTOR_PAGE;
		n = (uint32_t)min_u64(v->count - i, VECTOR_PAGE - slot);
		err = copyin(proc_self()->as, *page + slot,
		    from + i * sizeof **page, n * sizeof **page);
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * Makes pieces of what was read. Of all their bytes, no more than TRANSFER_MAX
 * will be moved.
 */
static int pieces_check(struct vector *v)
{
	uint64_t end = 0;
	int err = 0;

	for (uint32_t i = 0; i < v->count; i++) {
		struct piece *piece = vector_piece(v, i);
		const struct iovec_abi given = {piece->at, piece->end};

		if ((int64_t)given.len < 0)
			return -EINVAL;
		if (!is_user_buffer(given.base, given.len))
			err = -EFAULT;
		piece->at = given.base - end;
		end += min_u64(given.len, TRANSFER_MAX);
		piece->end = end;
	}
	v->len = min_u64(end, TRANSFER_MAX);
	return err;
}

static int vector_begin(vaddr_t from, uint64_t count)
{
	struct vector *v;
	int err;

	if (count > IOV_MAX)
		return -EINVAL;
	v = vector_alloc();
	if (v == NULL)
		return -ENOMEM;
	call_vector()->vector = v;
	v->count = (uint32_t)count;
	err = pieces_read(v, from);
	return err < 0 ? err : pieces_check(v);
}

#define GATHER_PART 8 /* pieces that are brought together without a pause */

/* Brings together what is to go into a pipe as a whole; 0 when all is there. */
static long gather(struct vector *v, size_t *done)
{
	for (int n = 0; v->index < v->count; n++, v->index++) {
		const struct piece *piece = vector_piece(v, v->index);
		int err;

		if (n == GATHER_PART)
			return call_go_on(SIGNAL_RESTARTS);
		err = copyin(proc_self()->as, v->gathered + *done,
		    piece->at + *done, piece->end - *done);
		if (err < 0)
			return err;
		*done = piece->end;
	}
	return 0;
}

static long write_gathered(const struct io *io, struct transfer *t)
{
	struct vector *v = t->vector;
	long result;

	if (v->gathered == NULL) {
		struct frame *frame = frame_alloc(FRAME_KERNEL);

		if (frame == NULL)
			return -ENOMEM;
		v->gathered = frame_virt(frame);
	}
	result = gather(v, &t->len);
	if (result == 0)
		result = pipe_write_gathered(io->f, v->gathered, v->len,
		    io_wait(io));
	return result;
}

/* Is there more to read, or the end, so that a read would not wait? */
static bool is_ready(struct file *f)
{
	return f->ops->poll == NULL ||
	    (f->ops->poll(f) & (POLLIN | POLLHUP)) != 0;
}

/* Goes on to the next piece if all of this one is moved. False at the end. */
static bool next_piece(struct transfer *t)
{
	struct vector *v = t->vector;

	while (t->len == 0) {
		const struct piece *piece;

		if (t->done == v->len)
			return false;
		piece = vector_piece(v, v->index++);
		t->base = piece->at + t->done;
		t->len = min_u64(piece->end, v->len) - t->done;
	}
	return true;
}

#define PIECES_PART 8 /* of a vector that are moved without a pause */

/*
 * Moves piece after piece, each to its end. A piece that is moved in part ends
 * the call, unless io_goes_on(). A read that has got bytes does not wait for
 * more.
 */
static long transfer_pieces(const struct io *io, struct transfer *t)
{
	size_t end = t->done + io->f->ops->part;

	for (int i = 0;
	     i < PIECES_PART && t->done < end && (i == 0 || !user_took_long());
	     i++) {
		bool begins = t->len == 0;
		unsigned how = io_wait(io) | (begins ? 0 : IO_REST);
		long n;

		if (!next_piece(t))
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
			return io_goes_on(io) ? call_go_on(SIGNAL_RESTARTS)
					      : moved(t, 0);
	}
	return call_go_on(SIGNAL_RESTARTS);
}

/* Bytes that a pipe has to take as a whole are brought together first. */
static long vector_go_on(const struct io *io)
{
	struct transfer *t = call_vector();

	if (io->is_write && t->vector->len - 1 < PIPE_BUF &&
	    file_is_pipe(io->f))
		return write_gathered(io, t);
	return transfer_pieces(io, t);
}

#define READY_PART 8 /* pieces that are made ready without a pause */

/*
 * Does for pieces what a read of one buffer does: finds memory for the first
 * READY_MAX bytes. Of a piece behind them only the first byte is looked at. If
 * memory ends there, less is read. 0 when it is done.
 */
static long make_ready(struct transfer *t)
{
	struct vector *v = t->vector;
	size_t *done = &t->len;

	for (int n = 0; *done < v->len; n++) {
		const struct piece *piece = vector_find(v, *done);
		size_t len = *done < READY_MAX
		    ? min_u64(piece->end, READY_MAX) - *done
		    : 1;
		long ready;

		if (n == READY_PART || user_took_long())
			return call_go_on(SIGNAL_RESTARTS);
		ready = user_ready(proc_self()->as, piece->at + *done, len,
		    ACCESS_WRITE);
		if (ready == -ENOMEM)
			return call_or_later(ready, SIGNAL_RESTARTS);
		if (ready < 0 && *done > 0)
			v->len = *done;
		if (ready < 0)
			break;
		*done += (size_t)ready;
		if (*done >= READY_MAX)
			*done = piece->end;
	}
	return 0;
}

/*
 * Asks a server for all pieces at once, by the call of one buffer, whose
 * further arguments, like a position, are where this call has them.
 */
static long ask_server(const struct io *io, uint64_t number)
{
	struct transfer *t = call_vector();
	struct vector *v = t->vector;
	struct piece first;
	size_t len;
	long n;

	if (v->len == 0)
		return 0;
	n = io->is_write ? 0 : make_ready(t);
	if (n != 0)
		return n;
	len = v->len;
	first = *vector_find(v, 0);
	if (first.end < len)
		return remote_vector(io->f, number, v);
	call_forget();
	return remote_call_as(io->f, number, first.at, len);
}

/* A server is asked by calls of this number. Only its files have positions. */
static long transfer_vector(const struct trapframe *tf, bool is_write,
    uint64_t number)
{
	bool has_position = number == SYS_pread64 || number == SYS_pwrite64;
	struct io io;
	long n;

	if (has_position && (int64_t)tf_arg(tf, 3) < 0)
		return -EINVAL;
	n = io_begin(&io, tf_int(tf, 0), is_write);
	if (n < 0)
		return n;
	if (has_position && !file_is_remote(io.f))
		return -ESPIPE;
	if (!call_is_repeated())
		n = vector_begin(tf_arg(tf, 1), tf_arg(tf, 2));
	if (n < 0) {
		call_forget();
		return n;
	}
	n = file_is_remote(io.f) ? ask_server(&io, number) : vector_go_on(&io);
	/* Without memory it may be executed again, with the same pieces. */
	if (n >= 0)
		call_forget();
	return n;
}

long sys_readv(const struct trapframe *tf)
{
	return transfer_vector(tf, false, SYS_read);
}

long sys_writev(const struct trapframe *tf)
{
	return transfer_vector(tf, true, SYS_write);
}

long sys_preadv(const struct trapframe *tf)
{
	return transfer_vector(tf, false, SYS_pread64);
}

long sys_pwritev(const struct trapframe *tf)
{
	return transfer_vector(tf, true, SYS_pwrite64);
}
