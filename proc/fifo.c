/* SPDX-License-Identifier: MIT */
/*
 * fifo.c - finds pipes by their names; see fifo.h.
 *
 * They are in a digital search tree: which way it goes on below a pipe is
 * decided by a bit of the name that is looked for, one further on at each step.
 * So it is never deeper than a name has bits, whatever names a server chooses.
 */
#include "fifo.h"

#define NAME_BITS 128

struct lock fifo_lock;
static struct pipe *root GUARDED_BY(fifo_lock);

static unsigned name_bit(struct pipe_name name, unsigned i)
{
	uint64_t word = i < 64 ? name.token : name.port;

	return word >> i % 64 & 1;
}

static bool is_called(const struct pipe *pipe, struct pipe_name name)
{
	return pipe->name.token == name.token && pipe->name.port == name.port;
}

struct pipe **fifo_find(struct pipe_name name)
{
	struct pipe **slot = &root;

	for (unsigned i = 0; *slot != NULL && !is_called(*slot, name); i++) {
		assert(i < NAME_BITS);
		slot = &(*slot)->below[name_bit(name, i)];
	}
	return slot;
}

/*
 * A pipe that has nothing below it takes its place: all that is below it has
 * the bits that lead there.
 */
void fifo_remove(struct pipe *pipe)
{
	struct pipe **slot = fifo_find(pipe->name), **last = slot, *moved;

	while ((*last)->below[0] != NULL || (*last)->below[1] != NULL)
		last = &(*last)->below[(*last)->below[0] == NULL];
	moved = *last;
	*last = NULL;
	if (moved == pipe)
		return;
	moved->below[0] = pipe->below[0];
	moved->below[1] = pipe->below[1];
	*slot = moved;
}
