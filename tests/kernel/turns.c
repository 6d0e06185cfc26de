/* SPDX-License-Identifier: MIT */
/*
 * turns.c - what the scheduler does where many processes are ready whose space
 * another hart runs.
 */
#include "ktest.h"
#include "proc/sched.h"

#define MANY 100

/* A space that another hart runs, and that many processes share. */
static struct aspace busy;
static struct proc *sharers[MANY];

static void make_ready(void)
{
	busy.runner = hart_self() + 1;
	busy.sharers = MANY;
	list_init(&busy.turn);
	lock_acquire(&sched_lock);
	for (unsigned i = 0; i < MANY; i++) {
		sharers[i] = proc_create();
		assert(sharers[i] != NULL);
		sharers[i]->as = &busy;
		list_push_back(&sched_queues.ready, &sharers[i]->t.link);
	}
	lock_release(&sched_lock);
}

static unsigned length(const struct list *head)
{
	unsigned n = 0;

	list_for_each(link, head)
		n++;
	return n;
}

/* C5: they are not ready, but it takes a while to find out. */
TEST(a_few_are_sent_to_wait_for_their_turn_at_a_time)
{
	unsigned first, rest, looks = 0;

	make_ready();
	lock_acquire(&sched_lock);
	assert(sched_ready_first() == NULL);
	first = length(&busy.turn);
	rest = length(&sched_queues.ready);
	for (; looks < MANY && !list_is_empty(&sched_queues.ready); looks++)
		assert(sched_ready_first() == NULL);
	lock_release(&sched_lock);
	for (unsigned i = 0; i < MANY; i++)
		proc_discard(sharers[i]);
	MUST(first > 0 && first <= 32, found("%u at a time", first));
	MUST(first + rest == MANY, found("%u and %u", first, rest));
	MUST(length(&sched_queues.ready) == 0, "some never got their turn");
	return NULL;
}

static const struct test list[] = {
    T(a_few_are_sent_to_wait_for_their_turn_at_a_time),
};
SUITE(turns, list);
