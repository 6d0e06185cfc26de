/* SPDX-License-Identifier: MIT */
/*
 * fifo.c - finds pipes by their names; see fifo.h.
 *
 * They are in a tree over the bits of their names, which is no deeper than a
 * name has bits, whatever names a server chooses (C5).
 */
#include "fifo.h"

#define NAME_BITS 128

struct lock fifo_lock;
static struct tree *root GUARDED_BY(fifo_lock);

static unsigned name_bit(struct pipe_name name, unsigned i)
{
	uint64_t word = i < 64 ? name.token : name.port;

	return word >> i % 64 & 1;
}

static bool is_called(const struct pipe *pipe, struct pipe_name name)
{
	return pipe->name.token == name.token && pipe->name.port == name.port;
}

static struct tree **slot_of(struct pipe_name name) REQUIRES(fifo_lock)
{
	struct tree **slot = &root;

	for (unsigned i = 0; *slot != NULL &&
	     !is_called(container_of(*slot, struct pipe, named), name);
	     i++) {
		assert(i < NAME_BITS);
		slot = &(*slot)->below[name_bit(name, i)];
	}
	return slot;
}

struct pipe *fifo_find(struct pipe_name name)
{
	struct tree *found = *slot_of(name);

	return found != NULL ? container_of(found, struct pipe, named) : NULL;
}

void fifo_add(struct pipe *pipe)
{
	pipe->named = (struct tree){0};
	*slot_of(pipe->name) = &pipe->named;
}

void fifo_remove(struct pipe *pipe)
{
	tree_remove(slot_of(pipe->name));
}
