/* SPDX-License-Identifier: MIT */
/*
 * fast_lease.c - the fast path of a server that reads or writes what is lent to
 * it, between a request and its reply.
 */
#include "fast_port.h"

#include "proc/space.h"

bool copy_claimed(const struct copy *copy)
{
	size_t n = 1;

	for (size_t done = 0; done < copy->len; done += n) {
		n = copy_part(copy, done);
		if (unlikely(n == 0 ||
			(done / LEASE_PART != (done + n) / LEASE_PART &&
			    hart_is_interrupted())))
			return false;
	}
	return true;
}

/*
 * Finds which bytes are to be copied between the memory that the caller lends
 * and the server's, and claims the caller's space. False if that cannot be.
 */
INLINE bool lease_claim(const struct trapframe *tf, uint32_t may,
    struct copy *copy, struct aspace **as) REQUIRES(sched_lock)
{
	struct proc *self = proc_self(), *client = self->t.client;
	uint64_t offset = tf_arg(tf, 2), len = tf_arg(tf, 4);
	vaddr_t own = tf_arg(tf, 3), lent;
	const struct lease *lease;

	if (unlikely(client == NULL || client->t.state != PROC_BLOCKED))
		return false;
	lease = &client->t.call.remote.lease;
	if (unlikely(client->t.call.remote.in_pieces || !(lease->may & may) ||
		offset > lease->len || len > lease->len - offset ||
		!space_borrow(client->as)))
		return false;
	*as = client->as;
	lent = lease->at + offset;
	*copy = may == LEND_READ
	    ? (struct copy){client->as, self->as, lent, own, len}
	    : (struct copy){self->as, client->as, own, lent, len};
	return true;
}

/* Copies all bytes at once, or leaves the call to its ordinary handler. */
INLINE long use_lease(const struct trapframe *tf, uint32_t may)
{
	const struct file *f = fd_get(tf_int(tf, 0));
	struct copy copy;
	struct aspace *as;
	bool done;

	if (unlikely(f == NULL || !file_is_port(f) || tf_arg(tf, 1) != 0 ||
		tf_arg(tf, 4) - 1 >= LEND_MAX))
		return leave(tf);
	lock_acquire(&sched_lock);
	done = lease_claim(tf, may, &copy, &as);
	lock_release(&sched_lock);
	if (unlikely(!done))
		return leave(tf);
	done = copy_claimed(&copy);
	space_leave(as);
	return likely(done) ? (long)copy.len : leave(tf);
}

long fast_port_read(const struct trapframe *tf)
{
	return use_lease(tf, LEND_READ);
}

long fast_port_write(const struct trapframe *tf)
{
	return use_lease(tf, LEND_WRITE);
}
