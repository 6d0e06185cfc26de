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

/* Without the lock both are guesses, which may be old. */
static uint64_t tail_of(const struct pipe *pipe)
{
	return __atomic_load_n(&pipe->tail, __ATOMIC_RELAXED);
}

static bool is_empty(const struct pipe *pipe)
{
	return __atomic_load_n(&pipe->head, __ATOMIC_RELAXED) == tail_of(pipe);
}

/* Where byte number `at` is, and how many follow it in the same frame. */
static char *pipe_at(struct pipe *pipe, uint64_t at, size_t *n)
{
	*n = min_u64(*n, PAGE_SIZE - at % PAGE_SIZE);
	return pipe->page[at / PAGE_SIZE % PIPE_FRAMES] + at % PAGE_SIZE;
}

static NOINLINE bool page_give(char **page)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);

	if (frame == NULL)
		return false;
	*page = frame_virt(frame);
	return true;
}

/* A frame for byte number `at`. */
static inline bool pipe_give_page(struct pipe *pipe, uint64_t at)
{
	char **page = &pipe->page[at / PAGE_SIZE % PIPE_FRAMES];

	return likely(*page != NULL) || page_give(page);
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

/* Nothing to read, it seemed: the end, or a reason to wait. */
static NOINLINE long read_nothing(struct file *f, struct pipe *pipe)
{
	long result = -ERESTART;

	lock_acquire(&pipe->lock);
	if (is_empty(pipe)) {
		if (pipe->writers == 0)
			result = 0;
		else if (f->flags & O_NONBLOCK)
			result = -EAGAIN;
		else
			sched_block(&pipe->read_event, CALL_RESTARTABLE);
	}
	lock_release(&pipe->lock);
	return result;
}

/* Reads up to `n` bytes into one page, which is made ready before. */
static NOINLINE long read_some(struct pipe *pipe, vaddr_t to, size_t n)
{
	void *kernel;
	int err = user_page(proc_self()->as, to, ACCESS_WRITE, &kernel);

	if (err < 0)
		return err;
	lock_acquire(&pipe->lock);
	n = take(pipe, kernel, n);
	waitq_wake_all(&pipe->write_event);
	lock_release(&pipe->lock);
	return n > 0 ? (long)n : -ERESTART; /* another reader was faster */
}

/* Page by page. The first decides about errors, others end the read. */
static NOINLINE long read_pages(struct pipe *pipe, vaddr_t to, size_t len)
{
	size_t done = 0;

	while (done < len && !is_empty(pipe)) {
		long n = read_some(pipe, to + done,
		    min_u64(len - done, PAGE_SIZE - ((to + done) & PAGE_MASK)));

		if (n <= 0)
			return done > 0 ? (long)done : n;
		done += (size_t)n;
	}
	return done > 0 ? (long)done : -ERESTART;
}

static long pipe_read(struct file *f, vaddr_t to, size_t len)
{
	struct pipe *pipe = f->object;

	if (len == 0)
		return 0;
	if (is_empty(pipe))
		return read_nothing(f, pipe);
	if (len > PAGE_SIZE - (to & PAGE_MASK) ||
	    len > PAGE_SIZE - (tail_of(pipe) & PAGE_MASK))
		return read_pages(pipe, to, len);
	return read_some(pipe, to, len);
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

/* More than goes in as a whole. */
static long write_large(struct file *f, struct pipe *pipe, vaddr_t from,
    size_t len, size_t done) REQUIRES(pipe->lock)
{
	bool no_memory = false;
	long n;

	if (pipe->readers == 0)
		return done > 0 ? (long)done : -EPIPE;
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
 * Can `len` bytes go in as a whole? Their count if so. `err` says that they
 * could not be read.
 */
static long make_room(struct file *f, struct pipe *pipe, size_t len, int err)
    REQUIRES(pipe->lock)
{
	if (pipe->readers == 0)
		return -EPIPE;
	if (PIPE_SIZE - (pipe->head - pipe->tail) < len)
		return wait_for_room(f, pipe, 0);
	if (err < 0)
		return err;
	if (!pipe_give_page(pipe, pipe->head) ||
	    !pipe_give_page(pipe, pipe->head + len - 1))
		return -ENOMEM;
	return (long)len;
}

/* Up to PIPE_BUF bytes, which lie in one page or two. */
static long write_small(struct file *f, struct pipe *pipe, vaddr_t from,
    size_t len)
{
	struct aspace *as = proc_self()->as;
	size_t first = min_u64(len, PAGE_SIZE - (from & PAGE_MASK));
	void *part[2] = {NULL, NULL};
	int err = user_page(as, from, ACCESS_READ, &part[0]);
	long result;

	if (unlikely(first < len) && err == 0)
		err = user_page(as, from + first, ACCESS_READ, &part[1]);
	lock_acquire(&pipe->lock);
	result = make_room(f, pipe, len, err);
	if (likely(result > 0)) {
		put(pipe, part[0], first);
		if (unlikely(first < len))
			put(pipe, part[1], len - first);
		waitq_wake_all(&pipe->read_event);
	}
	lock_release(&pipe->lock);
	return result;
}

static NOINLINE void send_sigpipe(void)
{
	struct proc *p = proc_self();

	lock_acquire(&sched_lock);
	signal_send(p, SIGPIPE, (struct siginfo_small){SI_USER, p->pid, 0});
	lock_release(&sched_lock);
}

/* The result of a write; that nobody reads is a signal as well. */
static inline long pipe_written(long result)
{
	if (unlikely(result == -EPIPE))
		send_sigpipe();
	return result;
}

static long pipe_write(struct file *f, vaddr_t from, size_t len)
{
	struct pipe *pipe = f->object;
	struct proc *p = proc_self();
	long result;

	if (len == 0)
		return 0;
	if (len <= PIPE_BUF) {
		result = write_small(f, pipe, from, len);
	} else {
		lock_acquire(&pipe->lock);
		result = write_large(f, pipe, from, len,
		    p->progress.active ? p->progress.bytes : 0);
		lock_release(&pipe->lock);
	}
	return pipe_written(result);
}

long pipe_write_gathered(struct file *f, const char *from, size_t len)
{
	struct pipe *pipe = f->object;
	long result;

	lock_acquire(&pipe->lock);
	result = make_room(f, pipe, len, 0);
	if (result > 0) {
		put(pipe, from, len);
		waitq_wake_all(&pipe->read_event);
	}
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
