/* SPDX-License-Identifier: MIT */
/* fast_port.h - what the fast paths have in common. */
#ifndef TRAP_FAST_PORT_H
#define TRAP_FAST_PORT_H

#include "lib/string.h"
#include "proc/port.h"
#include "proc/queue.h"
#include "syscalls.h"

#define COPY_MAX 512UL        /* bytes that are copied under sched_lock */
#define LEND_MAX (64UL << 10) /* bytes that are lent, or sent by a reply */

/*
 * May the running process block, and the hart go on as another one? Not if it
 * has work, such as a signal that is due: a sender gives it work under
 * sched_lock. The trace build takes the ordinary path always, since a film
 * shows a message step by step.
 */
INLINE bool may_leave(const struct proc *self) REQUIRES(sched_lock)
{
	return !IS_TRACED && self->t.work == 0 && self->as->sharers == 1;
}

/*
 * Ends the call of `next`, which waits, with `result`, and claims `next` for
 * this hart, which is to go on as that process: sched_give().
 */
INLINE void give(struct proc *next, long result) REQUIRES(sched_lock)
{
	next->t.call.word = 0;
	*tf_reg(&next->t.tf, REG_A0) = (uint64_t)result;
	list_unlink(&next->t.link);
	switch_claim(next);
}

/* Bytes on their way from one process's memory to another's. */
struct copy {
	const struct aspace *from_as, *to_as;
	vaddr_t from, to;
	size_t len;
};

/*
 * Copies the bytes from `done` on, as far as one page on either side goes.
 * Returns how many; 0 if a page is not ready.
 */
INLINE size_t copy_part(const struct copy *copy, size_t done)
{
	vaddr_t from = copy->from + done, to = copy->to + done;
	size_t n = min_u64(copy->len - done,
	    PAGE_SIZE - max_u64(from & PAGE_MASK, to & PAGE_MASK));
	void *from_at, *to_at;

	if (unlikely(
		!user_page_ready(copy->from_as, from, ACCESS_READ, &from_at) ||
		!user_page_ready(copy->to_as, to, ACCESS_WRITE, &to_at)))
		return 0;
	memcpy(to_at, from_at, n);
	return n;
}

/*
 * Copies all bytes, without the lock; the space of the other side has to be
 * claimed. False if a page is not ready, or the hart is interrupted: then the
 * ordinary path copies, with pauses.
 */
bool copy_claimed(const struct copy *copy);

/* Does a server wait? Read without the lock, so the answer is only a hint. */
INLINE bool is_awaited(const struct file *f)
{
	return !list_is_empty(&remote_port(f)->idle.procs);
}

/* Leaves the call to its ordinary handler. */
INLINE long leave(const struct trapframe *tf)
{
	return syscall_table[tf_number(tf)].full(tf);
}

#endif
