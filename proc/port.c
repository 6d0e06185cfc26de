/* SPDX-License-Identifier: MIT */
/*
 * port.c - ports and remote files as objects: made, polled, closed.
 *
 * The descriptor of a port has one file, however many processes hold it. When
 * that is gone nobody can serve any more: all callers are told so, and notes
 * that nobody took go back in parts, on the time of the process that closed it.
 */
#include "proc/port.h"

#include "abi/errno.h"
#include "mm/slab.h"
#include "proc/queue.h"
#include "proc/sched.h"

static struct slab ports = SLAB_INIT(struct port);
static struct slab remotes = SLAB_INIT(struct remote);

static void port_put(struct port *port)
{
	bool last;

	lock_acquire(&sched_lock);
	last = --port->refs == 0;
	lock_release(&sched_lock);
	if (last)
		slab_free(&ports, port);
}

int port_create(unsigned level, struct file **f)
{
	struct port *port = slab_alloc(&ports);
	struct file *created;

	if (port == NULL)
		return -ENOMEM;
	created = file_create(&port_ops, O_RDWR);
	if (created == NULL) {
		slab_free(&ports, port);
		return -ENOMEM;
	}
	*port = (struct port){.refs = 1, .level = level, .is_served = true};
	waitq_init(&port->idle);
	waitq_init(&port->callers);
	waitq_init(&port->served);
	waitq_init(&port->waiters);
	list_init(&port->notes);
	created->object = port;
	*f = created;
	return 0;
}

int remote_create(struct port *port, const struct remote_wish *wish,
    struct file **f)
{
	struct remote *remote = slab_alloc(&remotes);
	struct file *created;

	if (remote == NULL)
		return -ENOMEM;
	created = file_create(&remote_ops,
	    wish->flags & (O_ACCMODE | O_NONBLOCK | O_APPEND));
	if (created == NULL) {
		slab_free(&remotes, remote);
		return -ENOMEM;
	}
	*remote = (struct remote){.port = port,
	    .token = wish->token,
	    .readable = wish->readable,
	    .writable = wish->writable};
	list_init(&remote->behind);
	created->object = remote;
	*f = created;
	lock_acquire(&sched_lock);
	port->refs++;
	lock_release(&sched_lock);
	return 0;
}

void remote_free(struct remote *remote)
{
	port_put(remote->port);
	slab_free(&remotes, remote);
}

/* A note needs no memory: it is what the file was. */
static void remote_close(struct file *f)
{
	struct remote *remote = f->object;
	struct port *port = remote->port;
	bool served;

	lock_acquire(&sched_lock);
	served = port->is_served;
	if (served) {
		list_push_back(&port->notes, &remote->link);
		waitq_wake_all_locked(&port->idle);
	}
	lock_release(&sched_lock);
	if (!served)
		remote_free(remote);
}

/* No message: the port knows which events are raised. */
static unsigned remote_poll(struct file *f)
{
	const struct remote *remote = f->object;
	struct port *port = remote->port;
	unsigned events = 0;

	lock_acquire(&sched_lock);
	port->waiters.polled = true;
	if (!port->is_served)
		events = POLLHUP | POLLERR;
	if (remote->readable == 0 || (port->events & remote->readable) != 0)
		events |= POLLIN;
	if (remote->writable == 0 || (port->events & remote->writable) != 0)
		events |= POLLOUT;
	lock_release(&sched_lock);
	return events;
}

/* Who is woken finds that nobody serves. */
static void port_close(struct file *f)
{
	struct port *port = f->object;
	struct proc *self = proc_self();

	lock_acquire(&sched_lock);
	port->is_served = false;
	waitq_wake_all_locked(&port->callers);
	waitq_wake_all_locked(&port->served);
	waitq_wake_all_locked(&port->waiters);
	lock_release(&sched_lock);
	port->next = self->closed;
	self->closed = port;
	self->t.work = 1;
}

#define NOTES_PART 64 /* that go back without a pause */

void port_clear_part(struct proc *p)
{
	struct port *port = p->closed, *next = port->next;

	for (int i = 0; i < NOTES_PART; i++) {
		struct remote *remote = NULL;

		lock_acquire(&sched_lock);
		if (!list_is_empty(&port->notes)) {
			remote =
			    list_entry(port->notes.next, struct remote, link);
			list_unlink(&remote->link);
		}
		lock_release(&sched_lock);
		if (remote == NULL) {
			p->closed = next;
			port_put(port);
			return;
		}
		remote_free(remote);
	}
}

static unsigned port_poll(struct file *f)
{
	struct port *port = f->object;
	unsigned events = 0;

	lock_acquire(&sched_lock);
	port->idle.polled = true;
	if (!list_is_empty(&port->callers.procs) ||
	    !list_is_empty(&port->notes))
		events = POLLIN;
	lock_release(&sched_lock);
	return events;
}

/* Its bytes are requests, which read() cannot take. */
static long port_transfer(struct file *f, vaddr_t at, size_t len, unsigned how)
{
	(void)f, (void)at, (void)len, (void)how;
	return -EINVAL;
}

const struct file_ops port_ops = {.read = port_transfer,
    .write = port_transfer,
    .part = PAGE_SIZE,
    .poll = port_poll,
    .close = port_close};

/* Who reads and writes comes to remote_call() before. */
const struct file_ops remote_ops = {.poll = remote_poll, .close = remote_close};
