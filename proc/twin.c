/* SPDX-License-Identifier: MIT */
/*
 * twin.c - no service loses both who keep it; see twin.h.
 */
#include "proc/twin.h"

#include "proc/signal.h"

void twin_end(struct proc *p)
{
	if (p->twin != NULL)
		p->twin->twin = NULL;
	p->twin = NULL;
}

void twin_begin(struct proc *keeper, struct proc *server)
{
	if (!server->is_system || !keeper->is_system)
		return;
	twin_end(keeper);
	twin_end(server);
	keeper->twin = server;
	server->twin = keeper;
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
	return p->is_system && sig != 0 && signal_ends(p, sig) &&
	    (p->twin == NULL || is_about_to_end(p->twin));
}
