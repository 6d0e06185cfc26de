/* SPDX-License-Identifier: MIT */
/*
 * serve.c - how servers take requests and reach the memory that is lent to
 * them, and what becomes of a request when its server ends. Replies are in
 * reply.c.
 *
 * A caller is looked at under sched_lock, and only while it is BLOCKED. One
 * that is woken while a server has it in hand has been killed, or its port was
 * closed; it leaves the hand by itself. The memory of a caller is read and
 * written without that lock: its space is claimed first, so that it can neither
 * run nor end meanwhile.
 */
#include "abi/errno.h"
#include "lib/string.h"
#include "proc/port.h"
#include "proc/queue.h"
#include "proc/request.h"
#include "proc/sched.h"
#include "proc/space.h"

static struct remote *remote_of(const struct proc *client) REQUIRES(sched_lock)
{
	return client->t.call.remote.file->object;
}

void port_put_in_hand(struct proc *server, struct proc *client)
{
	struct remote *remote = remote_of(client);

	assert(server->t.client == NULL && server->t.spare != NULL);
	assert(client->t.call.remote.server == NULL && !remote->is_in_hand);
	server->t.client = client;
	server->t.owes = true;
	client->t.call.remote.server = server;
	remote->is_in_hand = true;
}

/*
 * Takes the caller out of the server's hand. Calls that waited behind it, on
 * the same file, are the first of the queue again; if nobody serves the port,
 * they are woken to learn that.
 */
void port_let_go(struct proc *server)
{
	struct proc *client = server->t.client;
	struct remote *remote = remote_of(client);
	struct port *port = remote->port;

	assert(client->t.call.remote.server == server && remote->is_in_hand);
	server->t.client = NULL;
	client->t.call.remote.server = NULL;
	remote->is_in_hand = false;
	list_splice_front(&port->callers.procs, &remote->behind);
	if (!port->is_served)
		waitq_wake_all_locked(&port->callers);
	else if (!list_is_empty(&port->callers.procs))
		waitq_wake_all_locked(&port->idle);
}

struct proc *port_empty_hand(struct proc *server)
{
	struct proc *client = server->t.client;

	if (client == NULL)
		return NULL;
	port_let_go(server);
	return client->t.state == PROC_BLOCKED ? client : NULL;
}

/*
 * Copies one part between the memory of the running process, a server, and what
 * was lent to it (M3). Returns how many bytes.
 */
static long copy(struct aspace *as, const struct lease *lease,
    const struct lease_use *use)
{
	struct aspace *own = proc_self()->as;
	bool out = use->may == LEND_WRITE;
	enum access ours = out ? ACCESS_READ : ACCESS_WRITE;
	enum access theirs = out ? ACCESS_WRITE : ACCESS_READ;
	size_t done = 0, len = min_u64(use->len, LEASE_PART);

	assert(aspace_is_ours(as) && (lease->may & use->may) != 0);
	if (use->offset >= lease->len)
		return 0;
	len = min_u64(len, lease->len - use->offset);
	if (user_reach(own, use->own, len, ours) < 0 ||
	    user_reach(as, lease->at + use->offset, len, theirs) < 0)
		return -ENOMEM;
	while (done < len) {
		vaddr_t here = use->own + done;
		vaddr_t there = lease->at + use->offset + done;
		size_t n = min_u64(len - done,
		    min_u64(PAGE_SIZE - (here & PAGE_MASK),
			PAGE_SIZE - (there & PAGE_MASK)));
		void *mine, *lent;
		int err = user_page(own, here, ours, &mine);

		if (err == 0)
			err = user_page(as, there, theirs, &lent);
		if (err < 0)
			return done > 0 ? (long)done : err;
		if (out)
			memcpy(lent, mine, n);
		else
			memcpy(mine, lent, n);
		done += n;
	}
	TRACE(lease_copied, "lent bytes written", lease->at, done, out);
	return (long)done;
}

/*
 * Finds what the caller in hand lends. If the result is 0 its space is claimed.
 */
static long claim_lease(const struct lease_use *use, struct lease *lease,
    struct aspace **as) REQUIRES(sched_lock)
{
	struct proc *client = proc_self()->t.client;

	if (client == NULL || client->t.state != PROC_BLOCKED)
		return -ESRCH;
	assert(client->t.call.kept == KEPT_REMOTE);
	*lease = client->t.call.remote.lease;
	*as = client->as;
	if (!(lease->may & use->may))
		return -EINVAL;
	return space_borrow(client->as) ? 0 : call_go_on(SIGNAL_HELD);
}

long port_copy_part(const struct lease_use *use)
{
	struct lease lease;
	struct aspace *as = NULL;
	long result;

	lock_acquire(&sched_lock);
	result = claim_lease(use, &lease, &as);
	lock_release(&sched_lock);
	if (result != 0)
		return result;
	result = copy(as, &lease, use);
	space_leave(as);
	return result;
}

/*
 * Puts the caller at the head of the queue, so that no other call on its file
 * overtakes it (M6).
 */
static void put_first(struct proc *client) REQUIRES(sched_lock)
{
	struct port *port = remote_of(client)->port;

	list_unlink(&client->t.link);
	list_push_front(&port->callers.procs, &client->t.link);
	waitq_wake_all_locked(&port->idle);
}

/*
 * Gives the request back to its caller with an error, for example because the
 * caller lacks memory, so that the caller's own call deals with it. With error
 * 0 the caller asks again. A call in doubt, which may have been done already,
 * is not woken for that: it stays first in the queue.
 */
void port_refuse(int error)
{
	struct remote_call *call;
	struct proc *client;

	lock_acquire(&sched_lock);
	client = port_empty_hand(proc_self());
	if (client != NULL) {
		call = &client->t.call.remote;
		call->error = (int8_t)error;
		assert(call->error == error);
		if (error == 0 && call->in_doubt)
			put_first(client);
		else
			sched_wake(client);
	}
	proc_self()->t.owes = false;
	lock_release(&sched_lock);
	port_keep_spare();
}

/*
 * What is copied to the server together with a request: paths, or the beginning
 * of what is lent.
 */
struct along {
	struct aspace *as; /* the caller's, claimed; NULL: nothing is copied */
	unsigned strings;  /* how many strings; 0: bytes of the lease */
	bool in_doubt;     /* the call may have been done already */
	vaddr_t string[STRINGS_MAX];
	struct lease lease;
	struct lease_use use;
};

/*
 * Copies bytes that are lent. Returns how many, or an error of the caller's.
 * *room is negative if the server's own buffer cannot take them.
 */
static long copy_lease(struct along *along, long *room)
{
	struct lease_use *use = &along->use;

	long n;

	*room = user_ready(proc_self()->as, use->own, use->len, ACCESS_WRITE);
	if (*room <= 0)
		return *room;
	n = copy(along->as, &along->lease, use);
	/* Whether missing bytes are an error is for the server to say. */
	return n == -EFAULT ? 0 : n;
}

/* One for each hart: it is used up before anything else runs on the hart. */
static char *path_buffer(void)
{
	static char buffers[MAX_HARTS][PATH_MAX];

	return buffers[hart_index()];
}

/*
 * Copies strings, as copy_lease() does bytes. Each is read once from the
 * caller's memory, which may change, into a buffer, where it has an end for
 * sure.
 */
static long copy_strings(const struct along *along, long *room)
{
	char *string = path_buffer();
	size_t done = 0;

	for (unsigned i = 0; i < along->strings; i++) {
		int err =
		    copyinstr(along->as, string, along->string[i], PATH_MAX);
		size_t len;

		if (err < 0)
			return err;
		len = strlen(string) + 1;
		if (len > along->use.len - done)
			return -ENAMETOOLONG;
		*room = copyout(proc_self()->as, along->use.own + done, string,
		    len);
		if (*room < 0)
			return *room;
		done += len;
	}
	return (long)done;
}

/*
 * Copies what comes along, and lets go of the caller's space. If the caller has
 * no such memory, its call fails. If the server has no room, or it took too
 * long, the request goes back to the queue.
 */
static long take_along(struct along *along, uint64_t *len)
{
	long room = 0;
	long n = along->strings > 0 ? copy_strings(along, &room)
				    : copy_lease(along, &room);

	space_leave(along->as);
	if (n >= 0) {
		*len = (uint64_t)n;
		return 0;
	}
	port_refuse(room < 0 || user_is_late() ? 0 : (int)n);
	return room < 0 ? room : call_go_on(SIGNAL_RESTARTS);
}

static void take_note(struct port *port, struct request *request)
    REQUIRES(sched_lock)
{
	struct remote *note = list_entry(port->notes.next, struct remote, link);

	list_unlink(&note->link);
	proc_self()->t.note = note;
	*request =
	    (struct request){.number = note->number, .token = note->token};
}

#define CALLERS_PART 16 /* how many callers are looked at in one part */

/*
 * The first caller whose file has no call in a server's hand; NULL if there is
 * none. Callers before it are moved to the list of those who wait behind the
 * call in the hand.
 */
static struct proc *next_caller(struct port *port) REQUIRES(sched_lock)
{
	for (int i = 0; i < CALLERS_PART; i++) {
		struct proc *client = waitq_first(&port->callers);

		if (client == NULL || !remote_of(client)->is_in_hand)
			return client;
		list_unlink(&client->t.link);
		list_push_back(&remote_of(client)->behind, &client->t.link);
	}
	return NULL;
}

/*
 * Takes the caller into the hand of the running process. If its space is in
 * use, nothing changes, and the server tries again.
 */
static long take_caller(struct port *port, struct proc *client,
    struct along *along) REQUIRES(sched_lock)
{
	along->lease = client->t.call.remote.lease;
	along->strings = remote_strings(client, along->string);
	if (along->strings == 0)
		along->use.len = min_u64(along->use.len, along->lease.len);
	if (along->strings > 0 ||
	    (along->lease.may == LEND_READ && along->use.len > 0)) {
		if (!space_borrow(client->as))
			return call_go_on(SIGNAL_RESTARTS);
		along->as = client->as;
	}
	along->in_doubt = client->t.call.remote.in_doubt;
	port_put_in_hand(proc_self(), client);
	list_unlink(&client->t.link);
	list_push_back(&port->served.procs, &client->t.link);
	client->t.call.on_signal = SIGNAL_HELD;
	return 0;
}

/*
 * The server has the request now, so it is no longer in doubt, and its old
 * spare is freed. The server's own spare takes over.
 */
static void end_doubt(void)
{
	struct proc *client;
	struct remote *doubt = NULL;

	lock_acquire(&sched_lock);
	client = proc_self()->t.client;
	if (client != NULL) {
		client->t.call.remote.in_doubt = false;
		doubt = client->t.call.remote.doubt;
		client->t.call.remote.events = 0;
	}
	lock_release(&sched_lock);
	if (doubt != NULL)
		remote_free(doubt);
}

static long wait_for_request(struct port *port, struct request *room)
    REQUIRES(sched_lock)
{
	struct thread *t = &proc_self()->t;

	if (t->heard) {
		t->heard = false;
		return -EINTR;
	}
	if (room != NULL)
		room_keep(&t->call, room);
	return call_wait_locked(&port->idle, SIGNAL_RESTARTS);
}

long port_take(struct file *f, struct request *request,
    const struct inbox *inbox)
{
	struct along along = {
	    .use = {LEND_READ, 0, inbox->in, min_u64(inbox->size, LEASE_PART)}};
	struct port *port = f->object;
	struct proc *client;
	long result = 0;

	lock_acquire(&sched_lock);
	client = next_caller(port);
	if (unlikely(proc_self()->t.spare == NULL))
		/* A child has adopted its request, and its spare with it. */
		result = call_go_on(SIGNAL_RESTARTS);
	else if (!list_is_empty(&port->notes))
		take_note(port, request);
	else if (client != NULL)
		result = take_caller(port, client, &along);
	else if (!list_is_empty(&port->callers.procs))
		result = call_go_on(SIGNAL_RESTARTS);
	else if (f->flags & O_NONBLOCK)
		result = -EAGAIN;
	else
		result = wait_for_request(port, inbox->room);
	if (result == 0 && proc_self()->t.client != NULL)
		remote_describe(client, request);
	lock_release(&sched_lock);
	if (along.as != NULL)
		result = take_along(&along, &request->in_len);
	if (result == 0 && along.in_doubt)
		end_doubt();
	return result;
}

/*
 * Gives the note that `p` had read back to the port, for another server, unless
 * too many servers have died with this note.
 */
static void pass_note(struct proc *p) REQUIRES(sched_lock)
{
	struct remote *note = p->t.note;
	struct port *port = note->port;

	if (!port->is_served || ++note->deaths == DEATHS_MAX)
		return;
	list_push_front(&port->notes, &note->link);
	waitq_wake_all_locked(&port->idle);
	p->t.note = NULL;
}

/*
 * The server of this caller has ended: the caller waits again, as the first. If
 * too many servers have died of its call, or none is left, it is woken, and its
 * call fails.
 */
static void pass_caller(struct proc *client) REQUIRES(sched_lock)
{
	TRACE(server_died, "client", client->pid);
	if (++client->t.call.remote.deaths == DEATHS_MAX ||
	    !remote_of(client)->port->is_served)
		sched_wake(client);
	else
		put_first(client);
}

void port_leave(struct proc *p)
{
	struct proc *client;
	struct remote *left;

	if (p->t.serves == 0)
		return;
	p->t.serves = 0;
	lock_acquire(&sched_lock);
	p->t.owes = false;
	left = port_use_spare(p);
	client = port_empty_hand(p);
	if (client != NULL)
		pass_caller(client);
	if (p->t.note != NULL)
		pass_note(p);
	lock_release(&sched_lock);
	if (left != NULL)
		remote_free(left);
	port_note_done(p);
}
