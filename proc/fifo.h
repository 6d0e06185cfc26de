/* SPDX-License-Identifier: MIT */
/*
 * fifo.h - pipes that have a name, found by it as long as they are open.
 */
#ifndef PROC_FIFO_H
#define PROC_FIFO_H

#include "proc/pipe.h"

extern struct lock fifo_lock; /* taken before pipe.lock */

/* The open pipe of that name, or NULL. */
struct pipe *fifo_find(struct pipe_name name) REQUIRES(fifo_lock);

/* Adds a pipe by its name, which no other pipe has. */
void fifo_add(struct pipe *pipe) REQUIRES(fifo_lock);

/* Takes a pipe that has a name out of the tree: it is not found any more. */
void fifo_remove(struct pipe *pipe) REQUIRES(fifo_lock);

#endif
