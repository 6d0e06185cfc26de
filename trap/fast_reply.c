/* SPDX-License-Identifier: MIT */
/*
 * fast_reply.c - the server's half of fast_port.c: it replies to the request in
 * its hand, and waits for the next one.
 */
#include "fast_port.h"

#include "proc/request.h"
#include "proc/space.h"

/*
 * The reply of the running process, whose room for a request is `room`; NULL if
 * it is not ready.
 */
INLINE const struct reply *reply_of(const struct proc *self,
    const struct request *room)
{
	vaddr_t at = tf_arg(&self->t.tf, 1), beside = tf_arg(&self->t.tf, 2);

	/* They are often in one page, which room_of() has found already. */
	if (likely((at ^ beside) < PAGE_SIZE &&
		(at & PAGE_MASK) <= PAGE_SIZE - sizeof(struct reply) &&
		at % sizeof(uint64_t) == 0))
		return (const void *)((const char *)room + (at - beside));
	return words_ready(self->as, at, sizeof(struct reply), ACCESS_READ);
}

/* May the server wait for the next request now? Not if there is one. */
INLINE bool may_wait(const struct proc *self, const struct port *port)
    REQUIRES(sched_lock)
{
	return list_is_empty(&port->callers.procs) &&
	    list_is_empty(&port->notes) && !self->t.heard && may_leave(self);
}

/*
 * The caller in the server's hand, if it waits at this port for no more than a
 * reply, and nobody else waits there; else NULL.
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
	if (unlikely(call->exec != NULL || call->in_pieces || call_maps(call) ||
		remote->port != port || !list_is_empty(&remote->behind) ||
		!may_wait(self, port)))
		return NULL;
	return client;
}

/* The server waits for the next request. */
INLINE void await(struct proc *self, struct port *port, struct request *room)
    REQUIRES(sched_lock)
{
	self->t.call.state = CALL_WAIT;
	self->t.call.on_signal = SIGNAL_RESTARTS;
	room_keep(&self->t.call, room);
	self->t.state = PROC_BLOCKED;
	list_push_back(&port->idle.procs, &self->t.link);
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
	await(self, remote->port, room);
	give(client, reply->result);
}

INLINE struct proc *answer_word(struct proc *self, const struct port *port,
    const struct reply *reply, struct request *room) REQUIRES(sched_lock)
{
	struct proc *client = caller_of(self, port);

	if (unlikely(client == NULL || !switch_is_easy_to(client)))
		return NULL;
	answer(self, client, reply, room);
	return client;
}

INLINE bool lends(const struct proc *client, size_t len) REQUIRES(sched_lock)
{
	const struct lease *lease = &client->t.call.remote.lease;

	return (lease->may & LEND_WRITE) && len <= lease->len &&
	    len <= LEND_MAX;
}

/*
 * Does what send() does, for more bytes; releases the lock meanwhile. False
 * also if the caller was killed meanwhile, or another one came to the port.
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

/* Sends the caller `len` bytes that are at `out`. False if it cannot. */
INLINE bool send(const struct proc *self, const struct proc *client,
    const struct port *port, vaddr_t out, size_t len) REQUIRES(sched_lock)
{
	const struct remote_call *call = &client->t.call.remote;
	const struct copy copy = {self->as, client->as, out, call->lease.at,
	    len};
	void *bytes;

	if (unlikely(len > COPY_MAX))
		return send_more(self, port, &copy);
	if (likely(call->ready != NULL &&
		len <= PAGE_SIZE - (out & PAGE_MASK) &&
		user_page_ready(self->as, out, ACCESS_READ, &bytes))) {
		memcpy(call->ready, bytes, len);
		return true;
	}
	return copy_part(&copy, 0) == len || send_more(self, port, &copy);
}

/* Replies with bytes, which are copied to what the caller lends. */
static NOINLINE long send_bytes(const struct trapframe *tf,
    const struct port *port, const struct reply *reply, struct request *room)
{
	/*
	 * A copy of what answer() looks at, as the bytes may be written over
	 * the reply itself.
	 */
	const struct reply said = {.flags = reply->flags,
	    .result = reply->result,
	    .position = reply->position};
	vaddr_t out = (vaddr_t)reply->out;
	size_t len = reply->out_len;
	struct proc *self = proc_self(), *client;
	bool done;

	lock_acquire(&sched_lock);
	client = caller_of(self, port);
	done = client != NULL && switch_is_easy_to(client) &&
	    lends(client, len) && send(self, client, port, out, len);
	if (likely(done))
		answer(self, client, &said, room);
	lock_release(&sched_lock);
	if (likely(done))
		sched_give(self, client);
	return sys_port_next(tf);
}

/*
 * The caller in the server's hand, if it waits at this port for a file that the
 * fast path can give to it; else NULL.
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

/* Replies with a new file, for which the caller gets a descriptor. */
static NOINLINE long send_file(const struct trapframe *tf,
    const struct file *port, const struct reply *reply, struct request *room)
{
	struct reply said = *reply;
	const struct remote_wish wish = {said.token, said.readable,
	    said.writable, said.file_flags};
	struct proc *self = proc_self(), *client;
	struct file *f;

	if (unlikely(said.flags != REPLY_FILE || said.out_len != 0 ||
		(said.file_flags & O_ACCMODE) == O_ACCMODE ||
		!file_is_port(port) ||
		remote_create(port->object, &wish, &f) < 0))
		return sys_port_next(tf);
	said.flags = 0;
	said.result = -EMFILE;
	lock_acquire(&sched_lock);
	client = opener_of(self, port->object);
	if (likely(client != NULL))
		said.result =
		    fd_give(&client->fds, f, said.file_flags & O_CLOEXEC);
	if (likely(said.result >= 0))
		answer(self, client, &said, room);
	lock_release(&sched_lock);
	if (likely(said.result >= 0))
		sched_give(self, client);
	remote_discard(f);
	return sys_port_next(tf);
}

/*
 * The server has no call in hand, but perhaps a note, which is done then. It
 * waits if there is nothing else for it. A process without thread.spare has not
 * served before, or a child has just taken over from it (port_adopt()).
 */
static NOINLINE long wait_again(const struct trapframe *tf,
    const struct file *f, struct request *room)
{
	struct proc *self = proc_self();
	struct port *port = f->object;
	bool waits;

	if (unlikely(!file_is_port(f) || self->t.serves > port->level + 1))
		return sys_port_next(tf);
	port_note_done(self);
	lock_acquire(&sched_lock);
	waits = self->t.spare != NULL && !self->t.owes && may_wait(self, port);
	if (likely(waits))
		await(self, port, room);
	lock_release(&sched_lock);
	if (likely(waits))
		schedule();
	return sys_port_next(tf);
}

/*
 * port_next(): the reply to the request in hand, if there is one, and the wait
 * for the next one. Where there is one, nothing else checks that the file is a
 * port: caller_of() finds nobody unless the file's object is the port of the
 * request.
 */
long fast_port_next(const struct trapframe *tf)
{
	const struct file *f = fd_get(tf_int(tf, 0));
	struct proc *self = proc_self(), *client;
	const struct reply *reply;
	struct request *room;

	if (unlikely(f == NULL || (f->flags & O_NONBLOCK)))
		return sys_port_next(tf);
	room = room_of(self);
	if (unlikely(room == NULL))
		return sys_port_next(tf);
	if (unlikely(self->t.client == NULL))
		return wait_again(tf, f, room);
	reply = reply_of(self, room);
	if (unlikely(reply == NULL))
		return sys_port_next(tf);
	if (unlikely(reply->flags & ~REPLY_POSITION))
		return send_file(tf, f, reply, room);
	if (reply->out_len != 0)
		return send_bytes(tf, f->object, reply, room);
	lock_acquire(&sched_lock);
	client = answer_word(self, f->object, reply, room);
	lock_release(&sched_lock);
	if (likely(client != NULL))
		sched_give(self, client);
	return sys_port_next(tf);
}
