/* SPDX-License-Identifier: MIT */
/*
 * fifo.h - pipes that have a name, found by it as long as they are open.
 */
#ifndef PROC_FIFO_H
#define PROC_FIFO_H

#include "proc/pipe.h"

extern struct lock fifo_lock; /* taken before pipe.lock */

/* The pipe of that name; or where it is to be put, which has NULL. */
struct pipe **fifo_find(struct pipe_name name) REQUIRES(fifo_lock);

/* The pipe has a name, and is not found by it any more. */
void fifo_remove(struct pipe *pipe) REQUIRES(fifo_lock);

#endif
