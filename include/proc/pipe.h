/* SPDX-License-Identifier: MIT */
/* pipe.h - pipes, with and without a name. */
#ifndef PROC_PIPE_H
#define PROC_PIPE_H

#include "abi/limits.h"
#include "proc/file.h"

#define PIPE_FRAMES 16
#define PIPE_SIZE   (PIPE_FRAMES * PAGE_SIZE)

/* The name of a pipe: a port, and a number that its server has chosen. */
struct pipe_name {
	uint64_t port; /* port.serial; 0: it has none */
	uint64_t token;
};

struct pipe {
	struct lock lock;
	uint64_t head;    /* bytes ever written */
	uint64_t tail;    /* bytes ever read */
	uint32_t readers; /* open files for reading: 1 or 0 without a name */
	uint32_t writers;
	struct waitq read_event;  /* it is no longer empty, or has no writer */
	struct waitq write_event; /* there is room, or no reader */
	char *page[PIPE_FRAMES];  /* NULL until needed */
	struct pipe_name name;    /* [c] */
	struct tree named;        /* in the tree of names; fifo.c */
	uint64_t readers_ever;    /* how often it was opened by its name */
	uint64_t writers_ever;
};

extern const struct file_ops pipe_ops;

static inline bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_ops;
}

/* Without the lock the results of these three functions may be old. */
static inline uint64_t pipe_tail(const struct pipe *pipe)
{
	return __atomic_load_n(&pipe->tail, __ATOMIC_RELAXED);
}

static inline size_t pipe_bytes(const struct pipe *pipe)
{
	return __atomic_load_n(&pipe->head, __ATOMIC_RELAXED) - pipe_tail(pipe);
}

static inline bool pipe_is_empty(const struct pipe *pipe)
{
	return pipe_bytes(pipe) == 0;
}

/* The two ends of a new pipe. -ENOMEM: there is none. */
MUST_USE int pipe_create(uint32_t flags, struct file *ends[2]);

/*
 * Opens the pipe of that name, which exists as long as it is open, for reading,
 * writing or both. -ENOMEM; -ENXIO: with O_NONBLOCK, for writing, and there is
 * no reader.
 */
MUST_USE int pipe_open(struct pipe_name name, uint32_t flags, struct file **f);

/*
 * Waits, in the call that has opened `f`, until the other side has been open at
 * some time since. 0, or CALL_WAITS or CALL_GOES_ON; 0 for all other ends.
 */
MUST_USE long pipe_await(struct file *f) EXCLUDES(sched_lock);

/* A number that no other pipe has as long as it is open. */
static inline uint64_t pipe_number(const struct file *f)
{
	return virt_to_phys(f->object);
}

/*
 * Writes 1 to PIPE_BUF bytes of the kernel's as a whole to a pipe that is open
 * for writing. Results as those of write.
 */
MUST_USE long pipe_write_gathered(struct file *f, const char *from, size_t len,
    unsigned how);

#endif
