/* SPDX-License-Identifier: MIT */
/*
 * fast_reply.c - the server's half of fast_port.c: what a server does with a
 * request in its hand. It reads and writes what is lent to it, and replies.
 */
#include "fast_port.h"

#include "proc/request.h"
#include "proc/space.h"

/* ---- What is lent, in between ---- */

/*
 * Finds what is to be copied between what is lent and the server's memory, and
 * claims the caller's space.
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
	if (unlikely(!(lease->may & may) || offset > lease->len ||
		len > lease->len - offset || !space_borrow(client->as)))
		return false;
	*as = client->as;
	lent = lease->at + offset;
	*copy = may == LEND_READ
	    ? (struct copy){client->as, self->as, lent, own, len}
	    : (struct copy){self->as, client->as, own, lent, len};
	return true;
}

/* Copies all of it at once, or leaves it to the ordinary handler. */
INLINE long use_lease(const struct trapframe *tf, uint32_t may)
{
	const struct file *f = fd_get((int)tf_arg(tf, 0));
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

/* ---- The reply ---- */

/* The reply of the running process, whose room for a request is `room`. */
INLINE const struct reply *reply_of(const struct proc *self,
    const struct request *room)
{
	vaddr_t at = tf_arg(&self->t.tf, 1), beside = tf_arg(&self->t.tf, 2);

	/* They are often in one page, and found by one walk. */
	if (likely((at ^ beside) < PAGE_SIZE &&
		(at & PAGE_MASK) <= PAGE_SIZE - sizeof(struct reply) &&
		at % sizeof(uint64_t) == 0))
		return (const void *)((const char *)room + (at - beside));
	return words_ready(self->as, at, sizeof(struct reply), ACCESS_READ);
}

/*
 * The caller in the server's hand, if it waits at this port for no more than a
 * reply, and nobody else waits there.
 */
INLINE struct proc *caller_of(const struct proc *self, const struct port *port)
    REQUIRES(sched_lock)
{
	struct proc *client = self->t.client;
	const struct remote_call *call;
	const struct remote *remote;

	if (unlikely(client == NULL || client->t.state != PROC_BLOCKED))
		return NULL;
	call = &client->t.call.remote;
	remote = call->file->object;
	if (unlikely(call->exec != NULL || call_maps(call) ||
		remote->port != port || !list_is_empty(&remote->behind) ||
		!list_is_empty(&port->callers.procs) ||
		!list_is_empty(&port->notes) || self->t.heard ||
		!may_leave(self)))
		return NULL;
	return client;
}

/* The caller goes on, and the server waits for the next request. */
INLINE void answer(struct proc *self, struct proc *client,
    const struct reply *reply, struct request *room) REQUIRES(sched_lock)
{
	struct file *f = client->t.call.remote.file;
	struct remote *remote = f->object;

	if (reply->flags & REPLY_POSITION)
		f->pos = reply->position;
	self->t.client = NULL;
	self->t.owes = false;
	remote->is_in_hand = false;
	self->t.call.state = CALL_WAIT;
	self->t.call.on_signal = SIGNAL_RESTARTS;
	room_keep(&self->t.call, room);
	self->t.state = PROC_BLOCKED;
	list_push_back(&remote->port->idle.procs, &self->t.link);
	give(client, reply->result);
}

INLINE bool answer_word(struct proc *self, const struct port *port,
    const struct reply *reply, struct request *room) REQUIRES(sched_lock)
{
	struct proc *client = caller_of(self, port);

	if (unlikely(client == NULL || !switch_is_easy_to(client)))
		return false;
	answer(self, client, reply, room);
	return true;
}

INLINE bool lends(const struct proc *client, size_t len) REQUIRES(sched_lock)
{
	const struct lease *lease = &client->t.call.remote.lease;

	return (lease->may & LEND_WRITE) && len <= lease->len &&
	    len <= LEND_MAX;
}

/*
 * As send(), for more bytes, without the lock. False also if the caller was
 * killed meanwhile, or another one came to the port.
 */
static NOINLINE bool send_more(const struct proc *self, const struct port *port,
    const struct copy *copy) REQUIRES(sched_lock)
{
	struct proc *client = self->t.client;
	struct aspace *as = client->as;
	bool done;

	aspace_claim(as);
	lock_release(&sched_lock);
	done = copy_claimed(copy);
	lock_acquire(&sched_lock);
	if (likely(done && caller_of(self, port) == client))
		return true;
	lock_release(&sched_lock);
	space_leave(as);
	lock_acquire(&sched_lock);
	return false;
}

/* Sends the caller `len` bytes that are at `out`. */
INLINE bool send(const struct proc *self, const struct proc *client,
    const struct port *port, vaddr_t out, size_t len) REQUIRES(sched_lock)
{
	const struct copy copy = {self->as, client->as, out,
	    client->t.call.remote.lease.at, len};

	if (len <= COPY_MAX && copy_part(&copy, 0) == len)
		return true;
	return send_more(self, port, &copy);
}

/* Replies with bytes, which are copied to what the caller lends. */
static NOINLINE long send_bytes(const struct trapframe *tf,
    const struct port *port, const struct reply *reply, struct request *room)
{
	/* A copy, as the bytes may be written over the reply itself. */
	const struct reply said = *reply;
	struct proc *self = proc_self(), *client;
	bool done;

	lock_acquire(&sched_lock);
	client = caller_of(self, port);
	done = client != NULL && switch_is_easy_to(client) &&
	    lends(client, said.out_len) &&
	    send(self, client, port, (vaddr_t)said.out, said.out_len);
	if (likely(done))
		answer(self, client, &said, room);
	lock_release(&sched_lock);
	return likely(done) ? CALL_GIVES : sys_port_next(tf);
}

/*
 * The caller in the server's hand, if it waits at this port for a file, which
 * it can be given.
 */
INLINE struct proc *opener_of(const struct proc *self, const struct port *port)
    REQUIRES(sched_lock)
{
	struct proc *client = caller_of(self, port);

	if (unlikely(client == NULL ||
		client->t.call.remote.number != SYS_openat ||
		!switch_is_easy_to(client)))
		return NULL;
	return client;
}

/* A new file for the caller; NULL if nobody waits for one, or memory is out. */
static struct file *new_file(const struct proc *self, struct port *port,
    const struct reply *reply)
{
	const struct remote_wish wish = {reply->token, reply->readable,
	    reply->writable, reply->file_flags};
	struct file *f;
	bool is_awaited;

	lock_acquire(&sched_lock);
	is_awaited = opener_of(self, port) != NULL;
	lock_release(&sched_lock);
	if (unlikely(!is_awaited || remote_create(port, &wish, &f) < 0))
		return NULL;
	return f;
}

/* Replies with a new file, for which the caller gets a descriptor. */
static NOINLINE long send_file(const struct trapframe *tf, struct port *port,
    const struct reply *reply, struct request *room)
{
	struct reply said = *reply;
	struct proc *self = proc_self(), *client;
	struct file *f;

	if (unlikely(said.flags != REPLY_FILE || said.out_len != 0 ||
		(said.file_flags & O_ACCMODE) == O_ACCMODE))
		return sys_port_next(tf);
	f = new_file(self, port, &said);
	if (unlikely(f == NULL))
		return sys_port_next(tf);
	said.flags = 0;
	said.result = -EMFILE;
	lock_acquire(&sched_lock);
	client = opener_of(self, port);
	if (likely(client != NULL))
		said.result =
		    fd_give(&client->fds, f, said.file_flags & O_CLOEXEC);
	if (likely(said.result >= 0))
		answer(self, client, &said, room);
	lock_release(&sched_lock);
	if (likely(said.result >= 0))
		return CALL_GIVES;
	remote_discard(f);
	return sys_port_next(tf);
}

/*
 * port_next() of a server that has a request in hand: the reply to it, and the
 * wait for the next one. The process serves this port if its file is that of
 * the port of the request.
 */
long fast_port_next(const struct trapframe *tf)
{
	const struct file *f = fd_get((int)tf_arg(tf, 0));
	struct proc *self = proc_self();
	const struct reply *reply;
	struct request *room;
	bool done;

	if (unlikely(
		self->t.client == NULL || f == NULL || (f->flags & O_NONBLOCK)))
		return sys_port_next(tf);
	room = room_of(self);
	if (unlikely(room == NULL))
		return sys_port_next(tf);
	reply = reply_of(self, room);
	if (unlikely(reply == NULL))
		return sys_port_next(tf);
	if (unlikely(reply->flags & ~REPLY_POSITION))
		return send_file(tf, f->object, reply, room);
	if (reply->out_len != 0)
		return send_bytes(tf, f->object, reply, room);
	lock_acquire(&sched_lock);
	done = answer_word(self, f->object, reply, room);
	lock_release(&sched_lock);
	return likely(done) ? CALL_GIVES : sys_port_next(tf);
}
