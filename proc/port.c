/* SPDX-License-Identifier: MIT */
/*
 * port.c - ports and remote files as objects: made, polled, closed.
 *
 * One struct file stands for the right to serve a port, however many processes
 * hold it. When it is closed no process can serve the port any more: all
 * callers are woken and find that out. Notes that no server took, and images of
 * the port's programs, are freed in parts, on the time of the process that
 * closed it.
 */
#include "proc/port.h"

#include "abi/errno.h"
#include "mm/slab.h"
#include "proc/device.h"
#include "proc/exec.h"
#include "proc/queue.h"
#include "proc/sched.h"

static struct slab ports = SLAB_INIT(struct port);
static struct slab remotes = SLAB_INIT(struct remote);
static uint64_t last_serial; /* [A] */

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
	*port = (struct port){.serial = __atomic_add_fetch(&last_serial, 1,
				  __ATOMIC_RELAXED),
	    .refs = 1,
	    .level = level,
	    .is_served = true};
	waitq_init(&port->idle);
	waitq_init(&port->callers);
	waitq_init(&port->served);
	waitq_init(&port->waiters);
	list_init(&port->notes);
	created->object = port;
	*f = created;
	return 0;
}

static void port_get(struct port *port)
{
	lock_acquire(&sched_lock);
	port->refs++;
	lock_release(&sched_lock);
}

static struct remote *remote_new(uint32_t number)
{
	struct remote *remote = slab_alloc(&remotes);

	if (remote != NULL)
		*remote = (struct remote){.number = number};
	return remote;
}

struct remote *remote_note(struct port *port, uint64_t token)
{
	struct remote *note = remote_new(REQUEST_INTERRUPT);

	if (note == NULL)
		return NULL;
	note->port = port;
	note->token = token;
	port_get(port);
	return note;
}

static struct file *file_of_remote(uint32_t flags)
{
	return file_create(&remote_ops,
	    flags & (O_ACCMODE | O_NONBLOCK | O_APPEND));
}

int remote_create(struct port *port, const struct remote_wish *wish,
    struct file **f)
{
	struct remote *remote = remote_new(REQUEST_CLOSED);
	struct file *created;

	if (remote == NULL)
		return -ENOMEM;
	created = file_of_remote(wish->flags);
	if (created == NULL) {
		slab_free(&remotes, remote);
		return -ENOMEM;
	}
	remote->port = port;
	remote->token = wish->token;
	remote->readable = wish->readable;
	remote->writable = wish->writable;
	remote->files = 1;
	list_init(&remote->behind);
	created->object = remote;
	*f = created;
	port_get(port);
	return 0;
}

int remote_again(const struct file *of, uint32_t flags, struct file **f)
{
	struct remote *remote = of->object;
	struct file *created = file_of_remote(flags);

	if (created == NULL)
		return -ENOMEM;
	created->object = remote;
	*f = created;
	lock_acquire(&sched_lock);
	remote->files++;
	lock_release(&sched_lock);
	return 0;
}

void remote_free(struct remote *remote)
{
	if (remote->port != NULL)
		port_put(remote->port);
	slab_free(&remotes, remote);
}

/* Gives the note to the port, for a server to take. False: it has none. */
static bool tell(struct remote *note) REQUIRES(sched_lock)
{
	struct port *port = note->port;

	if (!port->is_served)
		return false;
	list_push_back(&port->notes, &note->link);
	waitq_wake_all_locked(&port->idle);
	return true;
}

int port_need_spare(void)
{
	struct thread *t = &proc_self()->t;

	if (t->spare == NULL)
		t->spare = remote_new(REQUEST_GONE);
	return t->spare != NULL ? 0 : -ENOMEM;
}

struct remote *port_call_is_gone(struct remote_call *call)
{
	bool is_due = call->in_doubt;
	struct remote *note;

	if (!is_due && call->server == NULL)
		return NULL;
	note = is_due ? call->doubt : call->server->t.spare;
	call->in_doubt = false;
	note->port = remote_port(call->file);
	note->port->refs++;
	note->token = call->id;
	return is_due && !tell(note) ? note : NULL;
}

struct remote *port_use_spare(struct proc *server)
{
	struct proc *client = server->t.client;
	struct remote *note = server->t.spare;

	server->t.spare = NULL;
	if (client != NULL) {
		client->t.call.remote.doubt = note;
		client->t.call.remote.in_doubt = true;
		return NULL;
	}
	return note != NULL && note->port != NULL && tell(note) ? NULL : note;
}

void port_keep_spare(void)
{
	struct remote *spare = proc_self()->t.spare;

	/* NULL if a child has taken it over by port_adopt(). */
	if (spare == NULL || spare->port == NULL)
		return;
	port_put(spare->port);
	spare->port = NULL;
}

void remote_discard(struct file *f)
{
	struct remote *remote = f->object;
	bool is_last;

	lock_acquire(&sched_lock);
	is_last = --remote->files == 0;
	lock_release(&sched_lock);
	if (is_last)
		remote_free(remote);
	file_discard(f);
}

void port_note_done(struct proc *p)
{
	struct remote *note;

	lock_acquire(&sched_lock);
	note = p->t.note;
	p->t.note = NULL;
	if (note != NULL && device_note_done(note))
		note = NULL;
	lock_release(&sched_lock);
	if (note != NULL)
		remote_free(note);
}

/* Closing needs no memory: the remote file itself becomes the note. */
static void remote_close(struct file *f)
{
	struct remote *remote = f->object;
	bool is_last, is_told;

	lock_acquire(&sched_lock);
	is_last = --remote->files == 0;
	is_told = is_last && tell(remote);
	lock_release(&sched_lock);
	if (is_last && !is_told)
		remote_free(remote);
}

/* Asks no server, as the port knows which events are raised. */
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

/* The callers that are woken find that no process serves the port any more. */
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
	device_leave(port);
	port->next = self->closed;
	self->closed = port;
	self->t.work = 1;
}

#define NOTES_PART 64 /* notes that are freed without a pause */

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
			if (image_reclaim_of(p, port->serial))
				return;
			p->closed = next;
			port_put(port);
			return;
		}
		remote_free(remote);
	}
}

long port_session_of(pid_t pgid)
{
	const struct group *group;
	long result = -ESRCH;

	lock_acquire(&sched_lock);
	group = group_find(pgid);
	if (group != NULL)
		result = group->session->id;
	else if (proc_find(pgid) != NULL)
		result = 0;
	lock_release(&sched_lock);
	return result;
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

/* A port has no bytes: servers take requests by port_next. */
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

/* Reads and writes do not come here: they are calls of remote_call(). */
const struct file_ops remote_ops = {.poll = remote_poll, .close = remote_close};
