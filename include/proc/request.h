/* SPDX-License-Identifier: MIT */
/*
 * request.h - writes a request for a server: inline functions, for the fast
 * paths.
 */
#ifndef PROC_REQUEST_H
#define PROC_REQUEST_H

#include "arch/timer.h"
#include "proc/port.h"

/*
 * Fills in the fields of a request that every call has. Only the first `args`
 * registers are shown. Each field is written, so that no old byte is left.
 */
INLINE void remote_tell(const struct proc *client, unsigned args,
    struct request *request) REQUIRES(sched_lock)
{
	const struct remote_call *call = &client->t.call.remote;
	const struct file *f = call->file;

	request->id = call->id;
	request->number = call->number;
	request->token = ((const struct remote *)f->object)->token;
	request->second = 0;
#pragma GCC unroll 6
	for (unsigned i = 0; i < 6; i++)
		request->arg[i] = i < args ? tf_arg(&client->t.tf, i) : 0;
	request->position = f->pos;
	request->flags = f->flags;
	request->pid = client->pid;
	request->pgid = client->group->id;
	request->sid = client->group->session->id;
	request->umask = client->umask;
	request->deaf = call->deaf;
	request->in_len = 0;
	request->time = timer_epoch_ns + timer_to_ns(timer_now());
}

/*
 * The kernel's address of memory of a process that runs here or nowhere, if all
 * of it is there, in one page and at the border of a word; or NULL.
 */
INLINE void *words_ready(const struct aspace *as, vaddr_t at, size_t size,
    enum access access)
{
	void *words;

	if (unlikely((at & PAGE_MASK) > PAGE_SIZE - size ||
		at % sizeof(uint64_t) != 0 ||
		!user_page_ready(as, at, access, &words)))
		return NULL;
	return words;
}

/*
 * The place for the next request of this process, which is in port_next() and
 * about to wait. NULL if that memory is not ready. While the process waits the
 * address stays valid, as only a process that shares its memory could change
 * that.
 */
INLINE struct request *room_of(const struct proc *server)
{
	if (unlikely(server->as->sharers > 1))
		return NULL;
	return words_ready(server->as, tf_arg(&server->t.tf, 2),
	    sizeof(struct request), ACCESS_WRITE);
}

/*
 * Keeps that address in the server's call, for the caller that makes a request.
 */
INLINE void room_keep(struct call *call, struct request *room)
{
	call->kept = KEPT_ROOM;
	call->room = room;
}

#endif
