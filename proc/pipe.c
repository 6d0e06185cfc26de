/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - bytes from one process to another.
 *
 * A pipe is a ring of frames, each allocated when it is needed. The kernel
 * keeps no reference to user memory: bytes are copied in before the writer goes
 * on, and out before the reader does, so neither sees what the other does to
 * its page later.
 *
 * A write of up to PIPE_BUF bytes goes in as a whole or not at all.
 */
#include "proc/pipe.h"

#include "abi/errno.h"
#include "abi/signal.h"
#include "fifo.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/file.h"
#include "proc/queue.h"
#include "proc/sched.h"
#include "proc/signal.h"

#define WRITE_PART (4 * PAGE_SIZE) /* bytes that are written without a pause */

static struct slab pipes = SLAB_INIT(struct pipe);

/* Where byte number `at` is, and how many follow it in the same frame. */
static char *pipe_at(struct pipe *pipe, uint64_t at, size_t *n)
{
	*n = min_u64(*n, PAGE_SIZE - at % PAGE_SIZE);
	return pipe->page[at / PAGE_SIZE % PIPE_FRAMES] + at % PAGE_SIZE;
}

/* Makes sure that there is a frame for byte number `at`. */
static bool pipe_give_page(struct pipe *pipe, uint64_t at)
{
	char **page = &pipe->page[at / PAGE_SIZE % PIPE_FRAMES];
	struct frame *frame;

	if (*page != NULL)
		return true;
	frame = frame_alloc(FRAME_KERNEL);
	if (frame == NULL)
		return false;
	*page = frame_virt(frame);
	return true;
}

/* Moves up to `n` bytes out of the ring, as far as one frame goes. */
static size_t take(struct pipe *pipe, char *to, size_t n) REQUIRES(pipe->lock)
{
	char *from;

	n = min_u64(n, pipe->head - pipe->tail);
	from = pipe_at(pipe, pipe->tail, &n);
	memcpy(to, from, n);
	pipe->tail += n;
	return n;
}

/*
 * The pipe looked empty without its lock. If it still is, this is the end of
 * the file if there is no writer; else the reader waits, and the call says
 * where its buffer is, so that a writer can fill it.
 */
static long read_nothing(struct pipe *pipe, vaddr_t to, size_t len,
    unsigned how)
{
	long result;

	lock_acquire(&pipe->lock);
	if (!pipe_is_empty(pipe)) {
		result = call_go_on(SIGNAL_RESTARTS);
	} else if (pipe->writers == 0) {
		result = 0;
	} else if (!(how & IO_WAIT)) {
		result = -EAGAIN;
	} else {
		call_buffer(&proc_self()->t.call, to, len);
		result = call_wait(&pipe->read_event, SIGNAL_RESTARTS);
	}
	lock_release(&pipe->lock);
	return result;
}

/* Reads into one page, which is made ready first. */
static long read_some(struct pipe *pipe, vaddr_t to, size_t len)
{
	size_t n = min_u64(len, PAGE_SIZE - (to & PAGE_MASK));
	void *kernel;
	int err = user_page(proc_self()->as, to, ACCESS_WRITE, &kernel);

	if (err < 0)
		return err;
	lock_acquire(&pipe->lock);
	n = take(pipe, kernel, n);
	waitq_wake_all(&pipe->write_event);
	lock_release(&pipe->lock);
	return (long)n;
}

/*
 * Reads page by page. An error at the first page is the result; at a later one
 * it only ends the read. If no byte is there after all, another reader was
 * faster, and the call begins anew.
 */
static long read_pages(struct pipe *pipe, vaddr_t to, size_t len)
{
	size_t done = 0;

	while (done < len && !pipe_is_empty(pipe)) {
		long n = read_some(pipe, to + done, len - done);

		if (n < 0 && done == 0)
			return n;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done > 0 ? (long)done : call_go_on(SIGNAL_RESTARTS);
}

static long pipe_read(struct file *f, vaddr_t to, size_t len, unsigned how)
{
	struct pipe *pipe = f->object;
	int err;

	if (len == 0)
		return 0;
	if (pipe_is_empty(pipe))
		return read_nothing(pipe, to, len, how);
	/* For the bytes that are there now, no memory is late after this. */
	len = min_u64(len, min_u64(PIPE_SIZE, pipe_bytes(pipe)));
	err = user_reach(proc_self()->as, to, len, ACCESS_WRITE);
	if (err < 0)
		return err;
	if (len > WRITE_PART && user_took_long())
		return call_go_on(SIGNAL_HELD);
	return read_pages(pipe, to, len);
}

/*
 * Copies into the ring what fits. The lock is held meanwhile, so that a small
 * write goes in as a whole; a page fault of the source is taken under it.
 */
static long pipe_write_some(struct pipe *pipe, vaddr_t from, size_t len,
    bool *no_memory)
{
	size_t done = 0;

	while (done < len) {
		size_t n = min_u64(len - done,
		    PAGE_SIZE - ((from + done) & PAGE_MASK));
		void *kernel;
		char *to;
		int err = user_page(proc_self()->as, from + done, ACCESS_READ,
		    &kernel);

		if (err < 0)
			return done > 0 ? (long)done : err;
		n = min_u64(n, PIPE_SIZE - (pipe->head - pipe->tail));
		if (n == 0)
			break;
		if (!pipe_give_page(pipe, pipe->head)) {
			*no_memory = true;
			break;
		}
		to = pipe_at(pipe, pipe->head, &n);
		memcpy(to, kernel, n);
		pipe->head += n;
		done += n;
	}
	return (long)done;
}

/* A write to a pipe without readers raises SIGPIPE and fails. */
static long no_reader(void)
{
	struct proc *p = proc_self();

	lock_acquire(&sched_lock);
	signal_send(p, SIGPIPE, (struct siginfo_small){SI_USER, p->pid, 0});
	lock_release(&sched_lock);
	return -EPIPE;
}

static long wait_for_room(struct pipe *pipe, unsigned how)
{
	if (!(how & IO_WAIT))
		return -EAGAIN;
	return call_wait(&pipe->write_event, SIGNAL_RESTARTS);
}

/* Writes as much as fits, up to one part, of what need not go in as a whole. */
static long write_large(struct pipe *pipe, vaddr_t from, size_t len,
    unsigned how) REQUIRES(pipe->lock)
{
	bool no_memory = false;
	long n;

	if (pipe->readers == 0)
		return no_reader();
	n = pipe_write_some(pipe, from, min_u64(len, WRITE_PART), &no_memory);
	if (n > 0)
		waitq_wake_all(&pipe->read_event);
	if (n != 0)
		return n;
	return no_memory ? -ENOMEM : wait_for_room(pipe, how);
}

static void put(struct pipe *pipe, const char *from, size_t len)
    REQUIRES(pipe->lock)
{
	while (len > 0) {
		size_t n = len;
		char *to = pipe_at(pipe, pipe->head, &n);

		memcpy(to, from, n);
		pipe->head += n;
		from += n;
		len -= n;
	}
}

/*
 * Writes up to PIPE_BUF bytes, as a whole or not at all: the kernel's bytes at
 * `kernel`, or if that is NULL the program's at `from`. The program's memory is
 * ready, or `err` says why not.
 */
static long write_whole(struct pipe *pipe, const char *kernel, vaddr_t from,
    size_t len, int err, unsigned how) REQUIRES(pipe->lock)
{
	bool no_memory;

	if (pipe->readers == 0)
		return no_reader();
	if (PIPE_SIZE - (pipe->head - pipe->tail) < len)
		return wait_for_room(pipe, how);
	if (err < 0)
		return err;
	if (!pipe_give_page(pipe, pipe->head) ||
	    !pipe_give_page(pipe, pipe->head + len - 1))
		return -ENOMEM;
	if (kernel != NULL)
		put(pipe, kernel, len);
	else
		IGNORE_RESULT(pipe_write_some(pipe, from, len, &no_memory));
	waitq_wake_all(&pipe->read_event);
	return (long)len;
}

long pipe_write_gathered(struct file *f, const char *from, size_t len,
    unsigned how)
{
	struct pipe *pipe = f->object;
	long result;

	lock_acquire(&pipe->lock);
	result = write_whole(pipe, from, 0, len, 0, how);
	lock_release(&pipe->lock);
	return result;
}

static long pipe_write(struct file *f, vaddr_t from, size_t len, unsigned how)
{
	bool whole = len <= PIPE_BUF && !(how & IO_REST);
	struct pipe *pipe = f->object;
	long result;
	int err = 0;

	if (len == 0)
		return 0;
	if (whole)
		err = user_prepare(proc_self()->as, from, len, ACCESS_READ);
	if (err == -ENOMEM && user_is_late())
		return err;
	lock_acquire(&pipe->lock);
	result = whole ? write_whole(pipe, NULL, from, len, err, how)
		       : write_large(pipe, from, len, how);
	lock_release(&pipe->lock);
	return result;
}

/*
 * `f` is an end that was opened by the pipe's name. Has the other side never
 * been open since? If it was not open at that time, `f->pos` is one more than
 * how often it had been opened before; otherwise `f->pos` is 0.
 */
static bool is_alone(const struct file *f)
{
	const struct pipe *pipe = f->object;
	uint64_t ever =
	    file_can_read(f) ? pipe->writers_ever : pipe->readers_ever;

	return f->pos == ever + 1;
}

static unsigned pipe_poll(struct file *f)
{
	struct pipe *pipe = f->object;
	unsigned events = 0;

	lock_acquire(&pipe->lock);
	if (file_can_read(f)) {
		pipe->read_event.polled = true;
		if (pipe->head != pipe->tail)
			events |= POLLIN;
		if (pipe->writers == 0 && !is_alone(f))
			events |= POLLHUP;
	}
	if (file_can_write(f)) {
		pipe->write_event.polled = true;
		if (PIPE_SIZE - (pipe->head - pipe->tail) >= PIPE_BUF)
			events |= POLLOUT;
		if (pipe->readers == 0)
			events |= POLLERR;
	}
	lock_release(&pipe->lock);
	return events;
}

static void pipe_free(struct pipe *pipe)
{
	for (unsigned i = 0; i < PIPE_FRAMES; i++)
		if (pipe->page[i] != NULL)
			frame_put(frame_of_virt(pipe->page[i]));
	slab_free(&pipes, pipe);
}

static void leave(struct pipe *pipe, const struct file *f, bool *last)
{
	lock_acquire(&pipe->lock);
	pipe->readers -= file_can_read(f);
	pipe->writers -= file_can_write(f);
	waitq_wake_all(&pipe->read_event);
	waitq_wake_all(&pipe->write_event);
	*last = pipe->readers == 0 && pipe->writers == 0;
	lock_release(&pipe->lock);
}

static void leave_fifo(struct pipe *pipe, const struct file *f, bool *last)
{
	lock_acquire(&fifo_lock);
	leave(pipe, f, last);
	if (*last)
		fifo_remove(pipe);
	lock_release(&fifo_lock);
}

static void pipe_close(struct file *f)
{
	struct pipe *pipe = f->object;
	bool last;

	if (pipe->name.port != 0)
		leave_fifo(pipe, f, &last);
	else
		leave(pipe, f, &last);
	if (last)
		pipe_free(pipe);
}

const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .write_goes_on = true,
    .part = WRITE_PART,
    .poll = pipe_poll,
    .close = pipe_close,
};

int pipe_create(uint32_t flags, struct file *ends[2])
{
	struct pipe *pipe = slab_alloc(&pipes);

	if (pipe == NULL)
		return -ENOMEM;
	ends[0] = file_create(&pipe_ops, O_RDONLY | (flags & O_NONBLOCK));
	ends[1] = file_create(&pipe_ops, O_WRONLY | (flags & O_NONBLOCK));
	if (ends[0] == NULL || ends[1] == NULL)
		goto discard;
	memset(pipe, 0, sizeof *pipe);
	pipe->readers = pipe->writers = 1;
	waitq_init(&pipe->read_event);
	waitq_init(&pipe->write_event);
	ends[0]->object = ends[1]->object = pipe;
	return 0;

discard:
	slab_free(&pipes, pipe);
	for (int i = 0; i < 2; i++)
		if (ends[i] != NULL)
			file_discard(ends[i]);
	return -ENOMEM;
}

/* ---- Pipes that have a name ---- */

static void enter(struct pipe *pipe, struct file *f)
{
	lock_acquire(&pipe->lock);
	f->object = pipe;
	pipe->readers += file_can_read(f);
	pipe->readers_ever += file_can_read(f);
	pipe->writers += file_can_write(f);
	pipe->writers_ever += file_can_write(f);
	if (pipe->readers == 0)
		f->pos = pipe->readers_ever + 1;
	if (pipe->writers == 0)
		f->pos = pipe->writers_ever + 1;
	waitq_wake_all(&pipe->read_event);
	lock_release(&pipe->lock);
}

/*
 * Opens the pipe of that name. If there is none, `new` becomes it, and is
 * *used. -ENXIO: as pipe_open().
 */
static int enter_fifo(struct pipe_name name, struct file *f, struct pipe *new,
    bool *used) REQUIRES(fifo_lock)
{
	struct pipe *pipe = fifo_find(name);
	uint32_t readers = pipe != NULL ? pipe->readers : 0;

	*used = false;
	if (f->flags == (O_WRONLY | O_NONBLOCK) && readers == 0)
		return -ENXIO;
	if (pipe == NULL) {
		*used = true;
		pipe = new;
		pipe->name = name;
		fifo_add(pipe);
	}
	enter(pipe, f);
	return 0;
}

int pipe_open(struct pipe_name name, uint32_t flags, struct file **opened)
{
	struct file *f =
	    file_create(&pipe_ops, flags & (O_ACCMODE | O_NONBLOCK));
	struct pipe *new = slab_alloc(&pipes);
	bool used = false;
	int err = -ENOMEM;

	if (f != NULL && new != NULL) {
		memset(new, 0, sizeof *new);
		waitq_init(&new->read_event);
		waitq_init(&new->write_event);
		lock_acquire(&fifo_lock);
		err = enter_fifo(name, f, new, &used);
		lock_release(&fifo_lock);
	}
	if (new != NULL && !used)
		slab_free(&pipes, new);
	if (err == 0)
		*opened = f;
	else if (f != NULL)
		file_discard(f);
	return err;
}

/* A writer, too, waits on the readers' queue, which enter() wakes. */
long pipe_await(struct file *f)
{
	struct pipe *pipe = f->object;
	long result = 0;

	lock_acquire(&pipe->lock);
	if (is_alone(f) && !(f->flags & O_NONBLOCK))
		result = call_wait(&pipe->read_event, SIGNAL_RESTARTS);
	lock_release(&pipe->lock);
	return result;
}
