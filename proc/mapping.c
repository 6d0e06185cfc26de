/* SPDX-License-Identifier: MIT */
/*
 * mapping.c - mmap of remote files: pages of the server become the caller's as
 * well, and are copied on the first write, as after a fork. With MAP_SHARED
 * they are not copied: the server, too, has mapped them with MAP_SHARED.
 *
 * The caller makes a bag (mm/aspace.h) for its mapping, and asks the server for
 * pages. Each reply fills a part of the bag with pages from the server's own
 * memory. The caller asks until the bag is full or the server has no more, and
 * then maps the bag.
 *
 * The position of a request is how many bytes of the bag are filled. A reply
 * repeats the position, so that a reply of which only a part could be carried
 * out can be made again.
 *
 * If anything fails before the bag is mapped, the caller drops the bag, and
 * nothing has changed.
 */
#include "abi/errno.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "proc/space.h"

/* Makes the call go on by mapping its bag, or, if `err` < 0, by dropping it. */
static void leave_remote(struct call *call, struct aspace *as, int err)
{
	call->kept = KEPT_RANGE;
	call->range = bag_range(as, err);
}

long mapping_end(long result)
{
	struct proc *self = proc_self();

	if (result <= CALL_WAITS)
		return result;
	call_forget();
	leave_remote(&self->t.call, self->as, (int)result);
	return call_go_on(SIGNAL_HELD);
}

void mapping_answer(struct proc *client, const struct reply *reply)
{
	struct call *call = &client->t.call;
	bool has_pages = reply_maps(reply);
	long err = has_pages ? 0 : reply->result;

	if (has_pages && reply->out_len > 0 &&
	    bag_filled(client->as) < bag_size(client->as)) {
		/* The caller's next request asks for what is missing. */
		call->remote.id = 0;
		call->remote.deaths = 0;
		return;
	}
	if (reply->flags & REPLY_LATER)
		err = -EAGAIN;
	else if (!has_pages && (err >= 0 || err < -ERRNO_LAST))
		err = -EIO;
	leave_remote(call, client->as, (int)err);
}

/* The pages that a reply names, and what is left of them. */
struct batch {
	/* where the next page's address is stored; of a run, the page itself */
	vaddr_t at;
	uint64_t count;
	bool is_run;
};

static bool mapping_find(const struct aspace *as, const struct reply *reply,
    struct batch *left)
{
	uint64_t room = bag_size(as), filled = bag_filled(as), done;
	bool is_run = reply->flags == REPLY_RUN;
	uint64_t unit = is_run ? PAGE_SIZE : sizeof(uint64_t);
	uint64_t count = reply->out_len / unit;
	vaddr_t at = (vaddr_t)reply->out;

	if (reply->position > filled || (reply->position & PAGE_MASK) != 0 ||
	    count > (room - reply->position) >> PAGE_SHIFT ||
	    ((reply->out_len | at) & (unit - 1)) != 0)
		return false;
	done = min_u64((filled - reply->position) >> PAGE_SHIFT, count);
	*left = (struct batch){at + done * unit, count - done, is_run};
	return true;
}

/*
 * Puts a part of the pages into the bag: of a list of addresses, as much as is
 * in one page. Returns how many pages, or an error.
 */
static long fill_part(struct aspace *as, struct batch left)
{
	struct aspace *own = proc_self()->as;
	uint64_t room = (PAGE_SIZE - (left.at & PAGE_MASK)) / sizeof(uint64_t);
	void *pages = NULL;
	int err =
	    left.is_run ? 0 : user_page(own, left.at, ACCESS_READ, &pages);
	long n;

	if (err < 0)
		return err;
	n = left.is_run ? bag_fill_run(as, own, left.at, left.count)
			: bag_fill(as, own, pages, min_u64(left.count, room));
	/*
	 * ENOMEM: it is the caller who lacks memory, as the bag is the
	 * caller's. ENODEV: the caller wants to share what this server, which
	 * need not know of sharing, does not share.
	 */
	if (n == -ENOMEM || n == -ENODEV) {
		port_refuse((int)n);
		return 0;
	}
	return n;
}

/*
 * Claims the space of the caller whose bag is to be filled. 0 with *as NULL:
 * there is no such caller any more, or all pages are in its bag.
 */
static long claim_bag(const struct reply *reply, struct batch *left,
    struct aspace **as) REQUIRES(sched_lock)
{
	const struct proc *client = proc_self()->t.client;

	if (client == NULL || client->t.state != PROC_BLOCKED)
		return 0;
	if (!call_maps(&client->t.call.remote) ||
	    !mapping_find(client->as, reply, left))
		return -EINVAL;
	if (left->count == 0)
		return 0;
	if (!space_borrow(client->as))
		return call_go_on(SIGNAL_HELD);
	*as = client->as;
	return 0;
}

long mapping_send(const struct reply *reply)
{
	struct aspace *as = NULL;
	struct batch left;
	long result;

	lock_acquire(&sched_lock);
	result = claim_bag(reply, &left, &as);
	lock_release(&sched_lock);
	if (as == NULL)
		return result;
	result = fill_part(as, left);
	space_leave(as);
	return result < 0 ? result : call_go_on(SIGNAL_HELD);
}
