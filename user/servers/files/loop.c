/* SPDX-License-Identifier: MIT */
/*
 * loop.c - taking requests, and keeping what they change.
 *
 * A change is kept before anybody learns of it. If the server dies then, its
 * caller has not had the reply: the call is asked again, with the same id, and
 * must not be done again. Others may be asked first. So replies to changes are
 * remembered until they have been delivered. No call that changes something has
 * more to say than is in the reply itself.
 */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/*
 * Replies that may have to be given once more: more than one only if servers
 * die one after the other. A caller that was killed never asks again.
 */
#define MAX_OWED 64

static struct {
	uint64_t id; /* of the call */
	struct reply reply;
} owed[MAX_OWED];

static unsigned owed_count;

/* The place of the reply to that call, or how many there are. */
static unsigned find_owed(uint64_t id)
{
	unsigned i = 0;

	while (i < owed_count && owed[i].id != id)
		i++;
	return i;
}

static void forget_owed(unsigned i)
{
	owed_count--;
	memmove(&owed[i], &owed[i + 1], (owed_count - i) * sizeof *owed);
}

static void owe(const struct server *s)
{
	if (owed_count == MAX_OWED)
		forget_owed(0);
	owed[owed_count].id = s->request.id;
	owed[owed_count].reply = s->reply;
	owed_count++;
}

/* Does what is asked, or knows that it was done. True if it may be replied. */
static bool answer(struct server *s, bool dies)
{
	bool is_call = s->request.number != REQUEST_CLOSED;
	unsigned i = find_owed(s->request.id);
	int in_hand;

	if (is_call && i < owed_count) {
		s->reply = owed[i].reply;
		return true;
	}
	if (!serve(s))
		return is_call;
	if (is_call)
		owe(s);
	/* Without memory for that, only a death would lose the change. */
	in_hand = port_keep(s->port);
	if (in_hand == 1 && dies)
		(void)raise(SIGKILL);
	return is_call && in_hand != 0;
}

/* The reply has been taken; after an error that is not known yet. */
static void note_delivered(uint64_t id)
{
	unsigned i = find_owed(id);

	if (i < owed_count)
		forget_owed(i);
}

int serve_loop(struct server *s, bool dies)
{
	bool in_hand = false;

	if (port_keep(s->port) < 0)
		return errno;
	while (s->open > 0) {
		uint64_t id = s->request.id;
		int result = port_next(s->port, &s->reply, &s->request, s->in,
		    sizeof s->in);

		if (result < 0 && errno == ENOMEM)
			continue;
		if (result < 0 && errno != EINTR)
			return errno;
		if (in_hand)
			note_delivered(id);
		in_hand = result == 0 && answer(s, dies);
	}
	return 0;
}
