/* SPDX-License-Identifier: MIT */
/*
 * twin.c - a server takes the place of its parent, which stays behind, and the
 * last of two twins is spared from signals; see twin.h.
 */
#include "proc/twin.h"

#include "abi/errno.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "proc/signal.h"

void twin_end(struct proc *p)
{
	if (p->twin != NULL)
		p->twin->twin = NULL;
	p->twin = NULL;
}

/* Makes two system processes twins. An older twin of either has none then. */
static void twin_begin(struct proc *keeper, struct proc *server)
    REQUIRES(sched_lock)
{
	if (!server->is_system || !keeper->is_system)
		return;
	twin_end(keeper);
	twin_end(server);
	keeper->twin = server;
	server->twin = keeper;
}

/*
 * Moves the request or note of this port that `from` has in hand into the hand
 * of `to`. True if it was a request.
 */
static bool hand_over(const struct port *port, struct proc *from,
    struct proc *to) REQUIRES(sched_lock)
{
	struct proc *client = from->t.client;
	struct remote *spare = from->t.spare;

	if (from->t.note != NULL && from->t.note->port == port) {
		to->t.note = from->t.note;
		from->t.note = NULL;
	}
	/* A request in doubt stays: end_doubt() has not been reached. */
	if (!from->t.owes ||
	    (client != NULL &&
		(remote_port(client->t.call.remote.file) != port ||
		    client->t.call.remote.in_doubt)))
		return false;
	to->t.owes = from->t.owes;
	from->t.owes = false;
	from->t.spare = to->t.spare;
	to->t.spare = spare;
	if (client != NULL) {
		port_let_go(from);
		port_put_in_hand(to, client);
	}
	return to->t.owes;
}

long port_adopt(struct port *port, pid_t parent, pid_t older)
{
	struct proc *self = proc_self(), *from, *left;
	long result = -ESRCH;

	lock_acquire(&sched_lock);
	from = self->parent;
	if (self->t.owes || self->t.note != NULL) {
		result = -EINVAL;
	} else if (from != &proc_keeper && from->pid == parent &&
	    from->exiting == EXIT_NOT) {
		left = from->parent;
		if (left->pid == older)
			signal_send(left, SIGKILL,
			    (struct siginfo_small){SI_USER, self->pid, 0});
		twin_begin(from, self);
		result = hand_over(port, from, self);
	}
	lock_release(&sched_lock);
	return result;
}

static bool is_about_to_end(const struct proc *p) REQUIRES(sched_lock)
{
	uint64_t due = p->sig.pending & ~p->t.blocked;

	for (int sig = 1; sig <= SIGNAL_LAST && due >> (sig - 1) != 0; sig++)
		if ((due & SIGNAL_BIT(sig)) && signal_ends(p, sig))
			return true;
	return p->exiting != EXIT_NOT;
}

bool twin_is_spared(const struct proc *p, int sig)
{
	return p->is_system && p != proc_self() && sig != 0 &&
	    signal_ends(p, sig) &&
	    (p->twin == NULL || is_about_to_end(p->twin));
}
