/* SPDX-License-Identifier: MIT */
/*
 * reply.c - what a server replies, and what that does to the call of its
 * caller.
 *
 * The bytes of a reply are copied to the memory that the caller lends. A step
 * of execve lends none: its bytes come in a frame, which is handed over with
 * the rest of the reply.
 */
#include "abi/errno.h"
#include "mm/frame.h"
#include "proc/exec.h"
#include "proc/port.h"
#include "proc/queue.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/vector.h"

/* Sends a part of the bytes of a reply. 0 when all have been sent. */
static long send_part(const struct reply *reply)
{
	struct transfer *t = call_transfer();
	struct lease_use use = {.may = LEND_WRITE,
	    .offset = t->done,
	    .own = (vaddr_t)reply->out + t->done,
	    .len = min_u64(reply->out_len - t->done, LEASE_PART)};
	long n = user_ready(proc_self()->as, use.own, use.len, ACCESS_READ);

	if (n < 0)
		return n;
	n = call_or_later(port_copy_part(&use), SIGNAL_HELD);
	if (n == -EFAULT || n == -ENOMEM)
		port_refuse((int)n);
	if (n == -EFAULT || n == -ENOMEM || n == -ESRCH)
		return 0;
	if (n <= 0)
		return n < 0 ? n : -EINVAL;
	t->done += (size_t)n;
	return t->done < reply->out_len ? call_go_on(SIGNAL_HELD) : 0;
}

/* Is the caller at a call or at a step of execve? It may have been killed. */
enum waiter { WAITS_NOBODY, WAITS_CALL, WAITS_STEP };

static enum waiter waiter(void)
{
	enum waiter who = WAITS_NOBODY;
	struct proc *client;

	lock_acquire(&sched_lock);
	client = proc_self()->t.client;
	if (client != NULL && client->t.state == PROC_BLOCKED)
		who = client->t.call.remote.exec != NULL ? WAITS_STEP
							 : WAITS_CALL;
	lock_release(&sched_lock);
	return who;
}

/* What is handed over with a reply; and the pieces that the caller had lent. */
struct gift {
	struct file *opened;
	char *bytes;
	struct vector *vector;
};

static void give_back(const struct gift *gift)
{
	if (gift->opened != NULL)
		file_put(gift->opened);
	if (gift->bytes != NULL)
		frame_put(frame_of_virt(gift->bytes));
	if (gift->vector != NULL)
		vector_free(gift->vector);
}

static long copy_to_frame(const struct reply *reply, struct gift *gift)
{
	struct frame *frame;

	if (reply->out_len > PAGE_SIZE)
		return -EINVAL;
	frame = frame_alloc(FRAME_KERNEL);
	if (frame == NULL)
		return -ENOMEM;
	gift->bytes = frame_virt(frame);
	return copyin(proc_self()->as, gift->bytes, (vaddr_t)reply->out,
	    reply->out_len);
}

static long send_bytes(const struct reply *reply, struct gift *gift)
{
	long result = reply->out_len > 0 ? send_part(reply) : 0;

	if (result != -EINVAL)
		return result;
	switch (waiter()) {
	case WAITS_STEP:
		return copy_to_frame(reply, gift);
	case WAITS_CALL:
		return -EINVAL;
	default:
		return 0; /* the caller was killed */
	}
}

/*
 * The server passes on the file of one of its own descriptors, of any port. The
 * caller gets a struct file of its own, so that flags which it sets do not
 * change the server's; they allow no more than the server may do itself.
 */
static long pass_to_caller(const struct reply *reply, struct gift *gift)
{
	const struct file *f = fd_get((int)reply->token);

	if (f == NULL)
		return -EBADF;
	if (!file_is_remote(f) ||
	    ((f->flags & O_ACCMODE) != O_RDWR &&
		(f->flags & O_ACCMODE) != (reply->file_flags & O_ACCMODE)))
		return -EINVAL;
	return remote_again(f, reply->file_flags, &gift->opened);
}

static long open_for_caller(struct port *port, const struct reply *reply,
    struct gift *gift)
{
	if (reply->flags & REPLY_PASS)
		return pass_to_caller(reply, gift);
	if (!(reply->flags & REPLY_FILE))
		return 0;
	return remote_create(port,
	    &(struct remote_wish){reply->token, reply->readable,
		reply->writable, reply->file_flags},
	    &gift->opened);
}

static long step_result(const struct step *step, const struct reply *reply)
{
	if (reply->flags == 0 && reply->result < 0)
		return reply->result >= -ERRNO_LAST ? reply->result : -EIO;
	if (reply->flags & REPLY_LATER)
		return -EAGAIN;
	return reply->flags == step->wants ? 0 : -EIO;
}

/* Hands over the answer to a step, and makes the execve go on. */
static void answer_step(struct call *call, const struct reply *reply,
    struct gift *gift)
{
	struct exec *exec = call->remote.exec;
	struct step *step = exec_step(exec);

	step->result = step_result(step, reply);
	if (step->result == 0) {
		step->token = reply->token;
		step->bytes = gift->bytes;
		step->bytes_len = gift->bytes != NULL ? reply->out_len : 0;
		step->opened = gift->opened;
		*gift = (struct gift){0};
	}
	call->kept = KEPT_EXEC;
	call->exec = exec;
}

/* Ends the call of the caller, or tells it how to go on. */
static void answer(struct proc *client, const struct reply *reply,
    struct gift *gift) REQUIRES(sched_lock)
{
	struct call *call = &client->t.call;
	struct file *f = call->remote.file;
	bool later = reply->flags & REPLY_LATER;

	TRACE(request_answered, "client request", client->pid, call->remote.id);
	if (later && !(f->flags & O_NONBLOCK)) {
		call->remote.events = reply->events;
		call->remote.raises = remote_port(f)->raises;
		call->remote.deaths = 0; /* no server died of it */
	} else if (call->remote.exec != NULL) {
		answer_step(call, reply, gift);
	} else if (call_maps(&call->remote)) {
		mapping_answer(client, reply);
	} else if (gift->opened != NULL) {
		call->remote.opened = gift->opened;
		call->remote.cloexec = reply->file_flags & O_CLOEXEC;
		gift->opened = NULL;
	} else if (reply->flags & (REPLY_DUP | REPLY_PIPE)) {
		call->remote.opens = true;
		call->remote.opening = (struct opening){reply->token,
		    reply->flags, reply->file_flags};
		call->remote.cloexec = reply->file_flags & O_CLOEXEC;
	} else if (reply->flags & REPLY_STOP) {
		call->remote.stop = (uint8_t)reply->result;
		call->remote.deaths = 0;
	} else {
		if (reply->flags & REPLY_POSITION)
			f->pos = reply->position;
		gift->vector = lease_pieces(&call->remote);
		call->kept = KEPT_NOTHING;
		call_finish(client, later ? -EAGAIN : reply->result);
	}
	sched_wake_first(client);
}

#define REPLY_FLAGS                                                \
	(REPLY_POSITION | REPLY_LATER | REPLY_FILE | REPLY_IMAGE | \
	    REPLY_STOP | REPLY_PASS)

static bool makes_sense(const struct reply *reply)
{
	if (reply_maps(reply))
		return true;
	if (reply->flags == REPLY_DUP || reply->flags == REPLY_PIPE)
		return reply->out_len == 0 &&
		    (reply->file_flags & O_ACCMODE) != O_ACCMODE;
	if (reply->flags & ~REPLY_FLAGS)
		return false;
	if (reply->flags & (REPLY_FILE | REPLY_PASS))
		return (reply->flags == REPLY_FILE ||
			   reply->flags == REPLY_PASS) &&
		    (reply->file_flags & O_ACCMODE) != O_ACCMODE;
	if (reply->flags & REPLY_LATER)
		return reply->flags == REPLY_LATER && reply->events != 0 &&
		    reply->out_len == 0;
	if (reply->flags & REPLY_STOP)
		return reply->flags == REPLY_STOP && reply->out_len == 0 &&
		    (reply->result == SIGTTIN || reply->result == SIGTTOU);
	return true;
}

/*
 * Does the reply fit the call? REPLY_IMAGE is for a step of execve only, and
 * REPLY_DUP and REPLY_PIPE are for openat only.
 */
static bool answers(const struct reply *reply, const struct remote_call *call)
{
	if (reply->flags & REPLY_IMAGE)
		return call->exec != NULL;
	if (reply->flags & (REPLY_DUP | REPLY_PIPE))
		return call->exec == NULL && call->number == SYS_openat;
	return true;
}

/*
 * Hands the reply over and empties the hand. -EINVAL: it is no answer to the
 * call, and the request stays in the server's hand.
 */
static long deliver(const struct reply *reply, struct gift *gift)
    REQUIRES(sched_lock)
{
	struct proc *self = proc_self(), *client = self->t.client;

	if (client != NULL && client->t.state == PROC_BLOCKED &&
	    !answers(reply, &client->t.call.remote))
		return -EINVAL;
	client = port_empty_hand(self);
	if (client != NULL)
		answer(client, reply, gift);
	self->t.owes = false;
	return 0;
}

long port_reply(struct port *port, const struct reply *reply)
{
	struct gift gift = {0};
	long result = -EINVAL;

	if (makes_sense(reply))
		result = reply_maps(reply) ? mapping_send(reply)
					   : send_bytes(reply, &gift);
	if (result == 0)
		result = open_for_caller(port, reply, &gift);
	if (result == 0) {
		lock_acquire(&sched_lock);
		result = deliver(reply, &gift);
		lock_release(&sched_lock);
	}
	if (result == 0)
		port_keep_spare();
	give_back(&gift);
	return result;
}
