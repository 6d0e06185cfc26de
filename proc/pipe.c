/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - bytes from one process to another.
 *
 * A pipe is a ring of frames, the first one given at its creation and the
 * others when they are needed. The kernel keeps no reference to user memory:
 * bytes are copied in before the writer goes on, and out before the reader
 * does, so neither sees what the other does to its page later.
 *
 * A write of up to PIPE_BUF bytes goes in as a whole or not at all.
 */
#include "abi/errno.h"
#include "abi/signal.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"

#define PIPE_FRAMES 16
#define PIPE_SIZE   (PIPE_FRAMES * PAGE_SIZE)

struct pipe {
	struct lock lock;
	uint64_t head;    /* bytes ever written */
	uint64_t tail;    /* bytes ever read */
	uint32_t readers; /* open files for reading: 1 or 0 */
	uint32_t writers;
	struct waitq read_event;  /* it is no longer empty, or has ended */
	struct waitq write_event; /* there is room, or nobody to read */
	char *page[PIPE_FRAMES];  /* NULL until needed */
};

static struct slab pipes = SLAB_INIT(struct pipe);

/* Where byte number `at` is, and how many follow it in the same frame. */
static char *pipe_at(struct pipe *pipe, uint64_t at, size_t *n)
{
	*n = min_u64(*n, PAGE_SIZE - at % PAGE_SIZE);
	return pipe->page[at / PAGE_SIZE % PIPE_FRAMES] + at % PAGE_SIZE;
}

/* A frame for byte number `at`. */
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

/*
 * Reads what there is: the first piece decides about an error, later ones end
 * the read. User memory is made ready outside the lock.
 */
static long pipe_read_some(struct pipe *pipe, vaddr_t to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t n =
		    min_u64(len - done, PAGE_SIZE - ((to + done) & PAGE_MASK));
		void *kernel;
		char *from;
		int err = user_page(proc_self()->as, to + done, ACCESS_WRITE,
		    &kernel);

		if (err < 0)
			return done > 0 ? (long)done : err;
		lock_acquire(&pipe->lock);
		n = min_u64(n, pipe->head - pipe->tail);
		from = pipe_at(pipe, pipe->tail, &n);
		memcpy(kernel, from, n);
		pipe->tail += n;
		lock_release(&pipe->lock);
		if (n == 0)
			break;
		done += n;
	}
	return (long)done;
}

static long pipe_read(struct file *f, vaddr_t to, size_t len)
{
	struct pipe *pipe = f->object;
	long result;

	if (len == 0)
		return 0;
	lock_acquire(&pipe->lock);
	if (pipe->head == pipe->tail) {
		result = 0;
		if (pipe->writers > 0 && (f->flags & O_NONBLOCK))
			result = -EAGAIN;
		else if (pipe->writers > 0) {
			sched_block(&pipe->read_event, CALL_RESTARTABLE);
			result = -ERESTART;
		}
		lock_release(&pipe->lock);
		return result;
	}
	lock_release(&pipe->lock);
	result = pipe_read_some(pipe, to, len);
	if (result == 0)
		return -ERESTART; /* another reader was faster */
	lock_acquire(&pipe->lock);
	waitq_wake_all(&pipe->write_event);
	lock_release(&pipe->lock);
	return result;
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

/* All or nothing for small writes: the check of what may fail comes first. */
static int prepare_small(struct pipe *pipe, vaddr_t from, size_t len)
{
	void *kernel;
	int err = user_page(proc_self()->as, from, ACCESS_READ, &kernel);

	if (err == 0)
		err = user_page(proc_self()->as, from + len - 1, ACCESS_READ,
		    &kernel);
	if (err < 0)
		return err;
	if (!pipe_give_page(pipe, pipe->head) ||
	    !pipe_give_page(pipe, pipe->head + len - 1))
		return -ENOMEM;
	return 0;
}

/* Waits for room, with what is done so far in the progress of the call. */
static long wait_for_room(struct file *f, struct pipe *pipe, size_t done)
{
	struct progress *progress = &proc_self()->progress;

	if (f->flags & O_NONBLOCK)
		return done > 0 ? (long)done : -EAGAIN;
	if (!progress->active)
		*progress = (struct progress){.active = true};
	progress->bytes = done;
	sched_block(&pipe->write_event, CALL_RESTARTABLE);
	return -ERESTART;
}

static long pipe_write_locked(struct file *f, struct pipe *pipe, vaddr_t from,
    size_t len, size_t done)
{
	size_t room = PIPE_SIZE - (pipe->head - pipe->tail);
	bool no_memory = false;
	long n;
	int err;

	if (pipe->readers == 0)
		return done > 0 ? (long)done : -EPIPE;
	if (len <= PIPE_BUF) {
		if (room < len)
			return wait_for_room(f, pipe, 0);
		err = prepare_small(pipe, from, len);
		if (err < 0)
			return err;
	}
	n = pipe_write_some(pipe, from + done, len - done, &no_memory);
	if (n > 0)
		waitq_wake_all(&pipe->read_event);
	if (n < 0 || no_memory) {
		done += n > 0 ? (size_t)n : 0;
		return done > 0 ? (long)done : n < 0 ? n : -ENOMEM;
	}
	done += (size_t)n;
	return done == len ? (long)done : wait_for_room(f, pipe, done);
}

/* The result of a write; that nobody reads is a signal as well. */
static long pipe_written(long result)
{
	struct proc *p = proc_self();

	if (result != -EPIPE)
		return result;
	lock_acquire(&sched_lock);
	signal_send(p, SIGPIPE, (struct siginfo_small){SI_USER, p->pid, 0});
	lock_release(&sched_lock);
	return result;
}

static long pipe_write(struct file *f, vaddr_t from, size_t len)
{
	struct pipe *pipe = f->object;
	struct proc *p = proc_self();
	size_t done = p->progress.active ? p->progress.bytes : 0;
	long result;

	if (len == 0)
		return 0;
	lock_acquire(&pipe->lock);
	result = pipe_write_locked(f, pipe, from, len, done);
	lock_release(&pipe->lock);
	return pipe_written(result);
}

static long gathered_locked(struct file *f, struct pipe *pipe, const char *from,
    size_t len)
{
	size_t n;

	if (pipe->readers == 0)
		return -EPIPE;
	if (PIPE_SIZE - (pipe->head - pipe->tail) < len)
		return wait_for_room(f, pipe, 0);
	if (!pipe_give_page(pipe, pipe->head) ||
	    !pipe_give_page(pipe, pipe->head + len - 1))
		return -ENOMEM;
	for (size_t done = 0; done < len; done += n, pipe->head += n) {
		char *to;

		n = len - done;
		to = pipe_at(pipe, pipe->head, &n);
		memcpy(to, from + done, n);
	}
	waitq_wake_all(&pipe->read_event);
	return (long)len;
}

long pipe_write_gathered(struct file *f, const char *from, size_t len)
{
	struct pipe *pipe = f->object;
	long result;

	lock_acquire(&pipe->lock);
	result = gathered_locked(f, pipe, from, len);
	lock_release(&pipe->lock);
	return pipe_written(result);
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
		if (pipe->writers == 0)
			events |= POLLHUP;
	} else {
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

static void pipe_close(struct file *f)
{
	struct pipe *pipe = f->object;
	bool last;

	lock_acquire(&pipe->lock);
	if (file_can_read(f))
		pipe->readers = 0;
	else
		pipe->writers = 0;
	waitq_wake_all(&pipe->read_event);
	waitq_wake_all(&pipe->write_event);
	last = pipe->readers == 0 && pipe->writers == 0;
	lock_release(&pipe->lock);
	if (last)
		pipe_free(pipe);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .close = pipe_close,
};

static const struct file_ops no_ops = {0};

bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_ops;
}

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
	for (int i = 0; i < 2; i++) {
		if (ends[i] == NULL)
			continue;
		ends[i]->ops = &no_ops;
		file_put(ends[i]);
	}
	return -ENOMEM;
}
