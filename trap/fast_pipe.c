/* SPDX-License-Identifier: MIT */
/*
 * fast_pipe.c - the fast paths of read() and write() on pipes: read() finds the
 * pipe empty and waits; write() finds the pipe empty and a reader waiting. The
 * bytes then go straight from one buffer to the other, and the reader's call
 * has ended when it wakes up.
 *
 * A fast path changes nothing until it is sure that it can do all. If anything
 * is not as expected, the call is left to its ordinary handler. Without this
 * file everything works the same, and slower.
 */
#include "fast_port.h"

#include "proc/pipe.h"

/* Is it an end of a pipe, open for `mode`, at which calls may wait? */
INLINE bool is_end(const struct file *f, uint32_t mode)
{
	return f != NULL && file_is_pipe(f) &&
	    (f->flags & (O_ACCMODE | O_NONBLOCK)) == mode;
}

/* The file is no such end; it may be that of a server that waits for a call. */
INLINE long no_pipe(const struct trapframe *tf, const struct file *f)
{
	return f != NULL && file_is_remote(f) && is_awaited(f) ? CALL_SENDS
							       : leave(tf);
}

long fast_read(const struct trapframe *tf)
{
	struct file *f = fd_get(tf_int(tf, 0));
	vaddr_t to = tf_arg(tf, 1);
	size_t len = tf_arg(tf, 2);
	struct proc *self = proc_self();
	struct pipe *pipe;
	long result;

	if (unlikely(!is_end(f, O_RDONLY)))
		return no_pipe(tf, f);
	pipe = f->object;
	if (!pipe_is_empty(pipe) || len == 0 || ((to + len) | len) >= USER_TOP)
		return sys_read(tf);
	lock_acquire(&pipe->lock);
	if (unlikely(!pipe_is_empty(pipe) || pipe->writers == 0)) {
		lock_release(&pipe->lock);
		return sys_read(tf);
	}
	call_buffer(&self->t.call, to, len);
	lock_acquire(&sched_lock);
	result = call_queue(self, &pipe->read_event, SIGNAL_RESTARTS);
	lock_release(&sched_lock);
	lock_release(&pipe->lock);
	return result;
}

/*
 * Is the buffer of a reader that waits ready for `len` bytes? Its space has no
 * runner, and cannot get one while sched_lock is held. Never if the reader is
 * in readv, whose call keeps more, which hand_over() does not give back.
 */
INLINE bool buffer_is_ready(const struct proc *reader, size_t len, void **to_at)
    REQUIRES(sched_lock)
{
	const struct transfer *wanted = &reader->t.call.transfer;
	const struct aspace *as = reader->as;
	vaddr_t to = wanted->base;

	if (reader->t.call.kept != KEPT_TRANSFER || len > wanted->len ||
	    len > PAGE_SIZE - (to & PAGE_MASK) || !aspace_is_idle(as))
		return false;
	return user_page_ready(as, to, ACCESS_WRITE, to_at);
}

/* Copies the bytes, in a loop if they are few: often there are one or two. */
INLINE void copy(void *to, const void *from, size_t len)
{
	if (len >= sizeof(uint64_t)) {
		memcpy(to, from, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		((char *)to)[i] = ((const char *)from)[i];
}

/* Gives all of the bytes to the reader; false if that cannot be done. */
INLINE bool hand_over(struct pipe *pipe, const void *from, size_t len)
    REQUIRES(pipe->lock)
{
	struct proc *reader;
	void *to;

	lock_acquire(&sched_lock);
	reader = waitq_first(&pipe->read_event);
	if (unlikely(reader == NULL || !buffer_is_ready(reader, len, &to))) {
		lock_release(&sched_lock);
		return false;
	}
	copy(to, from, len);
	reader->t.call.word = 0;
	*tf_reg(&reader->t.tf, REG_A0) = len;
	list_unlink(&reader->t.link);
	ready_push(reader);
	lock_release(&sched_lock);
	return true;
}

long fast_write(const struct trapframe *tf)
{
	struct file *f = fd_get(tf_int(tf, 0));
	vaddr_t from = tf_arg(tf, 1);
	size_t len = tf_arg(tf, 2);
	struct pipe *pipe;
	void *bytes;

	if (unlikely(!is_end(f, O_WRONLY)))
		return no_pipe(tf, f);
	pipe = f->object;
	if (list_is_empty(&pipe->read_event.procs) || len - 1 >= COPY_MAX ||
	    len > PAGE_SIZE - (from & PAGE_MASK))
		return sys_write(tf);
	if (unlikely(
		!user_page_ready(proc_self()->as, from, ACCESS_READ, &bytes)))
		return sys_write(tf);
	lock_acquire(&pipe->lock);
	if (unlikely(!pipe_is_empty(pipe) || !hand_over(pipe, bytes, len))) {
		lock_release(&pipe->lock);
		return sys_write(tf);
	}
	lock_release(&pipe->lock);
	return (long)len;
}
