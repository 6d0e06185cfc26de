/* SPDX-License-Identifier: MIT */
/*
 * serve_lock.c - locks of a file: fcntl and flock.
 *
 * A caller that has to wait is told to ask again when a lock has gone. That is
 * an event, raised before the change is in the log. If the server dies between
 * the two, a caller asks in vain; in the other order, nobody would ask.
 */
#include "serve.h"

#include <errno.h>
#include <signal.h>

#include "abi/fcntl.h"
#include "abi/unistd.h"
#include "locks.h"

#define LOCK_GONE 1UL /* an event: a lock has gone */

static void tell_who_waits(struct server *s)
{
	if (!s->replays)
		(void)port_events(s->port, LOCK_GONE, 0);
}

void serve_leave_locks(struct server *s, uint64_t token, struct node *node)
{
	if (locks_leave(node, token))
		tell_who_waits(s);
}

/*
 * Has the process that holds the lock ended? The open file may have another
 * user.
 */
static bool has_ended(const struct lock *lock)
{
	return !(lock->holder & LOCK_TOKEN) &&
	    kill((pid_t)lock->holder, 0) != 0 && errno == ESRCH;
}

/*
 * Has the holder ended? In a replay each lock that was in the way had such a
 * holder, or the call would not have been done.
 */
static bool is_gone(const struct server *s, const struct lock *lock)
{
	return s->replays || has_ended(lock);
}

/* Removes locks of processes that have ended. Were there any? */
static bool forget_gone(struct node *node)
{
	struct lock *lock = node->locks, *next;
	bool found = false;

	for (; lock != NULL; lock = next) {
		next = lock->next;
		if (!has_ended(lock))
			continue;
		lock_remove(node, lock);
		found = true;
	}
	return found;
}

static const struct lock *in_the_way(const struct server *s,
    const struct lock *wanted)
{
	const struct lock *lock = NULL;

	do
		lock = lock_conflict(s->file->node, wanted, lock);
	while (lock != NULL && is_gone(s, lock));
	return lock;
}

static int64_t later(struct server *s)
{
	s->changes = false;
	(void)port_events(s->port, 0, LOCK_GONE);
	s->reply.flags = REPLY_LATER;
	s->reply.events = LOCK_GONE;
	return 0;
}

static int64_t set(struct server *s, const struct lock *wanted, bool waits)
{
	struct node *node = s->file->node;
	struct lock *gone;
	int64_t err;

	if (in_the_way(s, wanted) != NULL)
		return waits ? later(s) : -EAGAIN;
	tell_who_waits(s);
	err = lock_set(&s->tree, node, wanted);
	if (err == -ENOLCK && forget_gone(node))
		err = lock_set(&s->tree, node, wanted);
	while (err == 0 && (gone = lock_conflict(node, wanted, NULL)) != NULL)
		lock_remove(node, gone);
	return err;
}

/* --- fcntl ---------------------------------------------------------------- */

/* Finds the range of bytes that the call means. */
static int64_t find_range(const struct server *s, const struct flock_abi *in,
    struct lock *wanted)
{
	int64_t from = 0, to = LOCK_END;

	if (in->whence == SEEK_CUR)
		from = (int64_t)s->request->position;
	else if (in->whence == SEEK_END)
		from = (int64_t)s->file->node->size;
	else if (in->whence != SEEK_SET)
		return -EINVAL;
	if (in->start > LOCK_END - from)
		return -EOVERFLOW;
	from += in->start;
	if (from < 0)
		return -EINVAL;
	if (in->len > 0 && in->len - 1 > LOCK_END - from)
		return -EOVERFLOW;
	if (in->len > 0)
		to = from + in->len - 1;
	if (in->len < 0) {
		if (from + in->len < 0)
			return -EINVAL;
		to = from - 1;
		from += in->len;
	}
	wanted->from = from;
	wanted->to = to;
	return 0;
}

static int64_t find_lock(const struct server *s, const struct flock_abi *in,
    bool of_file, struct lock *wanted)
{
	uint64_t token = s->request->token;

	*wanted = (struct lock){.type = in->type, .token = token};
	wanted->holder =
	    of_file ? LOCK_TOKEN | token : (uint64_t)s->request->pid;
	if (in->type < F_RDLCK || in->type > F_UNLCK ||
	    (of_file && in->pid != 0))
		return -EINVAL;
	return find_range(s, in, wanted);
}

/* May a file that is open like this have such a lock? */
static bool may_lock(const struct server *s, int type)
{
	uint32_t access = s->file->flags & O_ACCMODE;

	if (type == F_RDLCK)
		return access == O_RDONLY || access == O_RDWR;
	return type == F_UNLCK || access == O_WRONLY || access == O_RDWR;
}

static int64_t set_range(struct server *s, bool of_file, bool waits)
{
	const struct flock_abi *in =
	    (const struct flock_abi *)(const void *)s->in;
	struct lock wanted;
	int64_t err;

	if (s->request->in_len < sizeof *in)
		return -EFAULT;
	err = find_lock(s, in, of_file, &wanted);
	if (err < 0)
		return err;
	if (!may_lock(s, in->type))
		return -EBADF;
	return set(s, &wanted, waits);
}

static void describe(const struct lock *lock, struct flock_abi *out)
{
	int64_t len = lock->to == LOCK_END ? 0 : lock->to - lock->from + 1;

	*out = (struct flock_abi){.type = (int16_t)lock->type,
	    .whence = SEEK_SET,
	    .start = lock->from,
	    .len = len,
	    .pid = lock->holder & LOCK_TOKEN ? -1 : (int32_t)lock->holder};
}

static int64_t get_range(struct server *s, bool of_file)
{
	struct flock_abi *out = (struct flock_abi *)(void *)s->out;
	const struct lock *lock;
	struct lock wanted;
	int64_t err;

	s->changes = false;
	if (lent_read(s, 0, out, sizeof *out) != sizeof *out)
		return -EFAULT;
	err = find_lock(s, out, of_file, &wanted);
	if (err < 0 || out->type == F_UNLCK)
		return err < 0 ? err : -EINVAL;
	lock = in_the_way(s, &wanted);
	if (lock != NULL)
		describe(lock, out);
	else
		out->type = F_UNLCK;
	return reply_bytes(s, out, sizeof *out, 0);
}

int64_t call_fcntl(struct server *s)
{
	if (s->file->flags & O_PATH)
		return -EBADF;
	switch (s->request->arg[1]) {
	case F_GETLK:
	case F_OFD_GETLK:
		return get_range(s, s->request->arg[1] == F_OFD_GETLK);
	case F_SETLK:
	case F_SETLKW:
		return set_range(s, false, s->request->arg[1] == F_SETLKW);
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return set_range(s, true, s->request->arg[1] == F_OFD_SETLKW);
	default:
		return -EINVAL;
	}
}

/* --- flock ---------------------------------------------------------------- */

int64_t call_flock(struct server *s)
{
	static const int32_t types[] =
	    {[LOCK_SH] = F_RDLCK, [LOCK_EX] = F_WRLCK, [LOCK_UN] = F_UNLCK};
	uint64_t how = s->request->arg[1] & ~(uint64_t)LOCK_NB;
	struct lock wanted = {.whole = true,
	    .token = s->request->token,
	    .holder = LOCK_TOKEN | s->request->token,
	    .to = LOCK_END};

	if (s->file->flags & O_PATH)
		return -EBADF;
	if (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN)
		return -EINVAL;
	wanted.type = types[how];
	return set(s, &wanted, !(s->request->arg[1] & LOCK_NB));
}
