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
#include "proc/vector.h"

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
 * the same file, are the first of the queue again. If no process serves the
 * port any more, callers are woken to learn that.
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

/* What a caller lends, whose space is claimed. */
struct lent {
	struct aspace *as; /* the caller's */
	struct lease lease;
	const struct vector *vector; /* its pieces; NULL: it is one */
};

static struct lent lent_by(const struct proc *client) REQUIRES(sched_lock)
{
	const struct remote_call *call = &client->t.call.remote;

	return (struct lent){client->as, call->lease, lease_pieces(call)};
}

/* Where a byte of the lease is. *len is cut where its piece ends. */
static vaddr_t lent_at(const struct lent *lent, uint64_t offset, size_t *len)
{
	const struct piece *piece;

	if (lent->vector == NULL)
		return lent->lease.at + offset;
	piece = vector_find(lent->vector, offset);
	*len = min_u64(*len, piece->end - offset);
	return piece->at + offset;
}

#define LEASE_PIECES 16 /* of a vector that are copied without a pause */

/*
 * Copies one part between the memory of the running process, a server, and what
 * was lent to it (M3). Returns how many bytes. If memory is late (user_is_late)
 * after some of them, it is fewer.
 */
static long copy(const struct lent *lent, const struct lease_use *use)
{
	struct aspace *own = proc_self()->as;
	bool out = use->may == LEND_WRITE;
	enum access ours = out ? ACCESS_READ : ACCESS_WRITE;
	enum access theirs = out ? ACCESS_WRITE : ACCESS_READ;
	size_t done = 0, len = min_u64(use->len, LEASE_PART);

	assert(aspace_is_ours(lent->as) && (lent->lease.may & use->may) != 0);
	if (use->offset >= lent->lease.len)
		return 0;
	len = min_u64(len, lent->lease.len - use->offset);
	for (int i = 0; done < len && i < LEASE_PIECES; i++) {
		size_t n = len - done;
		vaddr_t here = use->own + done;
		vaddr_t there = lent_at(lent, use->offset + done, &n);
		void *mine, *callers;
		int err = user_page(own, here, ours, &mine);

		if (err == 0)
			err = user_page(lent->as, there, theirs, &callers);
		if (err < 0)
			return done > 0 ? (long)done : err;
		n = min_u64(n,
		    PAGE_SIZE - max_u64(here & PAGE_MASK, there & PAGE_MASK));
		if (out)
			memcpy(callers, mine, n);
		else
			memcpy(mine, callers, n);
		done += n;
	}
	TRACE(lease_copied, "lent bytes written", lent->lease.at, done, out);
	return (long)done;
}

/*
 * Finds what the caller in hand lends. If the result is 0 its space is claimed.
 */
static long claim_lease(const struct lease_use *use, struct lent *lent)
    REQUIRES(sched_lock)
{
	struct proc *client = proc_self()->t.client;

	if (client == NULL || client->t.state != PROC_BLOCKED)
		return -ESRCH;
	assert(client->t.call.kept == KEPT_REMOTE);
	*lent = lent_by(client);
	if (!(lent->lease.may & use->may))
		return -EINVAL;
	return space_borrow(client->as) ? 0 : call_go_on(SIGNAL_HELD);
}

long port_copy_part(const struct lease_use *use)
{
	struct lent lent;
	long result;

	lock_acquire(&sched_lock);
	result = claim_lease(use, &lent);
	lock_release(&sched_lock);
	if (result != 0)
		return result;
	result = copy(&lent, use);
	space_leave(lent.as);
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
	bool is_claimed;  /* the caller's space; if not, nothing is copied */
	unsigned strings; /* how many strings; 0: bytes of the lease */
	bool in_doubt;    /* the call may have been done already */
	vaddr_t string[STRINGS_MAX];
	struct lent lent;
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
	n = copy(&along->lent, use);
	/* Whether missing bytes are an error is for the server to say. */
	return n == -EFAULT ? 0 : n;
}

/* A buffer for each hart: its user is done before the hart does other work. */
static char *path_buffer(void)
{
	static char buffers[MAX_HARTS][PATH_MAX];

	return buffers[hart_index()];
}

/*
 * Copies strings, and returns as copy_lease(). Each is read once from the
 * caller's memory, which may change, into a buffer, where it certainly has an
 * end.
 */
static long copy_strings(const struct along *along, long *room)
{
	char *string = path_buffer();
	size_t done = 0;

	for (unsigned i = 0; i < along->strings; i++) {
		int err = copyinstr(along->lent.as, string, along->string[i],
		    PATH_MAX);
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

	space_leave(along->lent.as);
	if (n >= 0 && !user_is_late()) {
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
 * none. Callers before it are moved to the list of those that wait behind the
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
	along->lent = lent_by(client);
	along->strings = remote_strings(client, along->string);
	if (along->strings == 0)
		along->use.len = min_u64(along->use.len, along->lent.lease.len);
	if (along->strings > 0 ||
	    (along->lent.lease.may == LEND_READ && along->use.len > 0)) {
		if (!space_borrow(client->as))
			return call_go_on(SIGNAL_RESTARTS);
		along->is_claimed = true;
	}
	along->in_doubt = client->t.call.remote.in_doubt;
	port_put_in_hand(proc_self(), client);
	list_unlink(&client->t.link);
	list_push_back(&port->served.procs, &client->t.link);
	client->t.call.on_signal = SIGNAL_HELD;
	return 0;
}

/*
 * The server has the request now, so it is no longer in doubt, and the note
 * that its last server left is freed. If this server dies, its own note
 * thread.spare does the same for the request.
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
		/* A child took it over (port_adopt()): a new one is made. */
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
	if (along.is_claimed)
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
