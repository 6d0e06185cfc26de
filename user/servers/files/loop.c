/* SPDX-License-Identifier: MIT */
/*
 * loop.c - takes requests, and goes on when a server has died.
 *
 * What a request changes is in the log before anybody learns of it. If the
 * server dies then, its caller has had no reply: the call is asked again with
 * the same id, and must not be done again. The successor has done what is in
 * the log, and so knows the replies. The reply of a call that changes something
 * is a number only.
 */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "memory.h"

/*
 * A successor has to do so many entries of the log at most; then the server is
 * kept anew.
 */
#define REPLAYED_MAX 64

/*
 * The server gives back at most so many pages that the kept copy still has;
 * then it is kept anew.
 */
#define GIVEN_MAX 512

static uint64_t given; /* pages given back until it was kept last */

/*
 * Keeps the server. Returns as port_keep() does, in the one that goes on, which
 * has done by then what is in the log. Without memory nothing has changed.
 */
static int keep(struct server *s)
{
	struct log log = s->log;
	bool unkept = s->tree.unkept;
	int in_hand;

	log_turn(&s->log);
	s->tree.unkept = false;
	in_hand = port_keep(s->port);
	if (in_hand < 0) {
		s->log = log;
		s->tree.unkept = unkept;
		return in_hand;
	}
	given = memory_pages_given();
	serve_replay(s);
	serve_use(s, log_tail(&s->log));
	return in_hand;
}

static bool must_be_kept(const struct server *s)
{
	return !serve_has_room(s) || s->log.replayed > REPLAYED_MAX ||
	    memory_pages_given() - given > GIVEN_MAX;
}

/*
 * Keeps the server if it must be. False if the call is not in hand afterwards.
 * The log may have another tail then, to which the request is moved. If the
 * server cannot be kept, the call is done as far as there is room.
 */
static bool keep_first(struct server *s)
{
	struct log_entry *entry = s->entry;
	int in_hand = keep(s);

	if (in_hand == 1)
		memmove(s->entry, entry, sizeof *entry + entry->request.in_len);
	return in_hand != 0;
}

/* Keeps the server if it must be. False: the call is not in hand any more. */
static bool make_room(struct server *s)
{
	return !must_be_kept(s) || keep_first(s);
}

/*
 * Does the call. True if it may be replied to. With `dies` the server kills
 * itself once at each call, as a test.
 */
static bool answer(struct server *s, bool dies)
{
	bool was_asked;
	size_t end;

	if (serve_shares(s) && !keep_first(s))
		return false;
	if (!serve_find(s)) {
		serve(s);
		return true;
	}
	was_asked = serve_owed(s);
	if (was_asked && s->done == 0)
		return true;
	do {
		if (!make_room(s))
			return false;
		end = s->log.end;
		serve(s);
		if (dies && !was_asked && s->log.end != end)
			(void)raise(SIGKILL);
		/*
		 * If earlier parts were done, an error of a later part is not
		 * reported.
		 */
		if (s->done > 0 && s->reply.result < 0)
			return serve_owed(s);
		if (s->more)
			serve_owe(s, s->request->id);
		s->done = (uint64_t)s->reply.result;
	} while (s->more);
	return true;
}

static void close_file(struct server *s, bool dies)
{
	size_t end = s->log.end;

	serve_close(s);
	if (dies && s->log.end != end)
		(void)raise(SIGKILL);
}

/* Does the reply contain more than a number? */
static bool is_reply(const struct reply *reply)
{
	return reply->flags != 0 || reply->out_len != 0;
}

/*
 * Handles the request. Returns the id of the call that is in hand with its
 * reply; 0: none is.
 */
static uint64_t handle(struct server *s, bool dies)
{
	uint64_t id = s->request->id;

	/* A call that is not in hand any more is asked again. */
	if (s->request->number < REQUEST_CLOSED)
		return answer(s, dies) ? id : 0;
	close_file(s, dies);
	return 0;
}

/*
 * Takes the next request, if possible. False, and errno, if the server has to
 * end.
 */
static bool next(struct server *s, bool dies, uint64_t *in_hand)
{
	serve_use(s, log_tail(&s->log));
	if (port_next(s->port, &s->reply, s->request, s->in, LOG_IN) == 0)
		*in_hand = handle(s, dies);
	else if (errno == EINTR)
		*in_hand = 0;
	else if (errno == EINVAL && is_reply(&s->reply))
		/* The kernel has refused the reply: the call gets an error. */
		s->reply = (struct reply){.result = -EIO};
	else if (errno != ENOMEM)
		return false;
	return true;
}

/*
 * Keeps the server after a call. The kept copy has done that call, so it owes
 * the reply if this server dies before it has replied. Returns the id of the
 * call in hand. In a successor that is 0, as the calls that it did again have
 * left other replies.
 */
static uint64_t keep_done(struct server *s, uint64_t in_hand)
{
	serve_owe(s, in_hand);
	return keep(s) == 0 ? 0 : in_hand;
}

int serve_loop(struct server *s, bool dies)
{
	uint64_t in_hand = 0;

	port_watch_keeper();
	serve_use(s, log_tail(&s->log));
	if (keep(s) < 0)
		return errno;
	while (s->open > 0) {
		if (!next(s, dies, &in_hand))
			return errno;
		if (port_is_unkept())
			in_hand = keep_done(s, in_hand);
	}
	return 0;
}
