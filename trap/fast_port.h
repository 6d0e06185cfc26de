/* SPDX-License-Identifier: MIT */
/*
 * fast_port.h - what calls and replies that go straight have in common.
 */
#ifndef TRAP_FAST_PORT_H
#define TRAP_FAST_PORT_H

#include "lib/string.h"
#include "proc/port.h"
#include "proc/queue.h"
#include "syscalls.h"

#define COPY_MAX 512UL        /* bytes that are copied under sched_lock */
#define LEND_MAX (64UL << 10) /* that are lent, or sent by a reply */

/*
 * May the running process wait, and this hart leave it? One without work has no
 * signal that is due: who sends it one gives it work, under sched_lock. A film
 * shows each step where it is taken, and not by whom it is taken over.
 */
INLINE bool may_leave(const struct proc *self) REQUIRES(sched_lock)
{
	return !IS_TRACED && self->t.work == 0 && self->as->sharers == 1;
}

/* The hart is that of `next`, which waited and whose call has ended. */
INLINE void give(struct proc *next, long result) REQUIRES(sched_lock)
{
	next->t.call.word = 0;
	*tf_reg(&next->t.tf, REG_A0) = (uint64_t)result;
	list_unlink(&next->t.link);
	switch_claim(next);
	hart_self()->next = next;
}

/* Bytes on their way from one process's memory to another's. */
struct copy {
	const struct aspace *from_as, *to_as;
	vaddr_t from, to;
	size_t len;
};

/* A part of them, in one page on both sides. 0 if that is not ready. */
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
 * Copies all of them, without the lock and with the other side's space claimed.
 * False if that cannot be done, or the hart is wanted meanwhile: there are
 * pauses on the ordinary way.
 */
bool copy_claimed(const struct copy *copy);

/* The call is left to its handler. */
INLINE long leave(const struct trapframe *tf)
{
	return syscall_table[tf_number(tf)].full(tf);
}

#endif
