/* SPDX-License-Identifier: MIT */
/*
 * sys_wait.c - system calls that wait for something to happen.
 */
#include "abi/errno.h"
#include "abi/futex.h"
#include "abi/misc.h"
#include "abi/stat.h"
#include "arch/timer.h"
#include "proc/file.h"
#include "proc/futex.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "syscalls.h"

/*
 * When the wait of the running call is over: fixed at its first execution by a
 * timespec, if there is one, relative or a time of a clock.
 */
static int timeout_in(vaddr_t from, uint64_t now_ns, uint64_t *deadline)
{
	bool is_repeated = call_is_repeated();
	int err;

	*deadline = TIMER_NEVER;
	if (from == 0)
		return 0;
	if (!is_repeated) {
		err = deadline_in(from, now_ns, deadline);
		if (err < 0)
			return err;
		call_time()->deadline = *deadline;
	}
	*deadline = call_time()->deadline;
	return 0;
}

/* FUTEX_WAIT says how long, FUTEX_WAIT_BITSET until when. */
static int futex_timeout(const struct trapframe *tf, uint64_t *deadline)
{
	uint64_t op = tf_arg(tf, 1);
	uint64_t clock =
	    op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	bool absolute = (op & FUTEX_WAIT_BITSET) == FUTEX_WAIT_BITSET;

	return timeout_in(tf_arg(tf, 3),
	    absolute ? (uint64_t)clock_ns(clock) : 0, deadline);
}

long sys_futex(const struct trapframe *tf)
{
	vaddr_t at = tf_arg(tf, 0);
	uint32_t op = (uint32_t)tf_arg(tf, 1), value = (uint32_t)tf_arg(tf, 2);
	uint32_t command = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	uint32_t bits = FUTEX_BITSET_MATCH_ANY;
	bool wait = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
	uint64_t deadline;
	int err = wait ? futex_timeout(tf, &deadline) : 0;

	if (err < 0)
		return err;
	if (!wait && command != FUTEX_WAKE && command != FUTEX_WAKE_BITSET)
		return -ENOSYS;
	if ((op & FUTEX_CLOCK_REALTIME) && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	if (command >= FUTEX_WAIT_BITSET)
		bits = (uint32_t)tf_arg(tf, 5);
	if (bits == 0 || at % sizeof value != 0)
		return -EINVAL;
	return wait ? futex_wait(at, value, bits, deadline)
		    : futex_wake(at, (int)value, bits);
}

long sys_rt_sigtimedwait(const struct trapframe *tf)
{
	uint64_t deadline;
	int err;

	if (tf_arg(tf, 3) != sizeof(uint64_t))
		return -EINVAL;
	err = timeout_in(tf_arg(tf, 2), 0, &deadline);
	return err < 0 ? err
		       : signal_wait(tf_arg(tf, 0), tf_arg(tf, 1), deadline);
}

/* What ppoll and pselect6 have in common. */
struct poll {
	/*
	 * Looks at every descriptor: how many have something to tell, or an
	 * error. Tells the program, at the latest when it is the `last` time.
	 */
	long (*look)(const struct trapframe *tf, bool last);
	vaddr_t timeout;
	vaddr_t mask;
	uint64_t mask_size;
	bool has_files; /* or does it wait for time and signals alone? */
};

/* What has to be known before a look, to tell afterwards whether it is old. */
struct moment {
	uint64_t news;
	bool signal; /* one is due */
};

static struct moment moment_now(void)
{
	struct moment now;

	lock_acquire(&sched_lock);
	now = (struct moment){poll_news, signal_is_due(proc_self())};
	lock_release(&sched_lock);
	return now;
}

/* Waits, unless something has come since: then the look is repeated. */
static long wait_for_news(const struct moment *then, bool has_files,
    uint64_t deadline)
{
	long result;

	lock_acquire(&sched_lock);
	if (has_files && poll_news != then->news)
		result = call_go_on(SIGNAL_ENDS);
	else
		result = call_wait_until_locked(has_files ? &poll_event : NULL,
		    deadline, SIGNAL_ENDS);
	lock_release(&sched_lock);
	return result;
}

/* What is there counts first, then signals, then the time. */
static long poll_once(const struct trapframe *tf, const struct poll *poll,
    uint64_t deadline)
{
	struct moment now = moment_now();
	bool last = timer_now() >= deadline && !now.signal;
	long found = poll->look(tf, last);

	if (found != 0 || last)
		return found;
	return wait_for_news(&now, poll->has_files, deadline);
}

static long poll_wait(const struct trapframe *tf, const struct poll *poll)
{
	uint64_t deadline;
	long result = timeout_in(poll->timeout, 0, &deadline);

	if (result < 0)
		return result;
	if (poll->mask != 0 && poll->mask_size != sizeof(uint64_t))
		return -EINVAL;
	if (poll->timeout != 0)
		call_time()->remain = poll->timeout;
	if (poll->mask != 0)
		result = signal_lend_mask(poll->mask);
	if (result < 0)
		return result;
	result = poll_once(tf, poll, deadline);
	if (result == CALL_WAITS || result == CALL_GOES_ON)
		return result;
	signal_return_mask();
	IGNORE_RESULT(call_report_rest(proc_self()));
	return result;
}

static unsigned file_events(struct file *f)
{
	return f->ops->poll != NULL ? f->ops->poll(f) : POLLIN | POLLOUT;
}

static int16_t entry_events(const struct pollfd_abi *entry)
{
	struct file *f = fd_get(entry->fd);
	unsigned wanted = (uint16_t)entry->events | POLLERR | POLLHUP;

	if (entry->fd < 0)
		return 0;
	return (int16_t)(f != NULL ? file_events(f) & wanted : POLLNVAL);
}

static long look_poll(const struct trapframe *tf, bool last)
{
	struct aspace *as = proc_self()->as;
	vaddr_t at = tf_arg(tf, 0);
	uint64_t count = tf_arg(tf, 1);
	struct pollfd_abi entry;
	long found = 0;

	(void)last;
	if (count > proc_self()->fds.limit)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++, at += sizeof entry) {
		int err = copyin(as, &entry, at, sizeof entry);

		if (err < 0)
			return err;
		entry.revents = entry_events(&entry);
		found += entry.revents != 0;
		err = copyout(as, at, &entry, sizeof entry);
		if (err < 0)
			return err;
	}
	return found;
}

long sys_ppoll(const struct trapframe *tf)
{
	return poll_wait(tf,
	    &(struct poll){.look = look_poll,
		.timeout = tf_arg(tf, 2),
		.mask = tf_arg(tf, 3),
		.mask_size = tf_arg(tf, 4),
		.has_files = tf_arg(tf, 1) != 0});
}

/* The sets of pselect6: to read, to write, and the exceptions there are not. */
#define SETS 3
static const unsigned set_events[SETS] = {POLLIN | POLLHUP | POLLERR,
    POLLOUT | POLLERR, 0};

/* Leaves in the three words of a group what is ready; returns how many. */
static long select_group(uint64_t *sets[SETS], int first)
{
	long found = 0;

	for (int i = 0; i < 64; i++) {
		uint64_t bit = 1UL << i;
		struct file *f;

		if (!((*sets[0] | *sets[1] | *sets[2]) & bit))
			continue;
		f = fd_get(first + i);
		if (f == NULL)
			return -EBADF;
		for (int s = 0; s < SETS; s++) {
			if (!(*sets[s] & bit))
				continue;
			if (file_events(f) & set_events[s])
				found++;
			else
				*sets[s] &= ~bit;
		}
	}
	return found;
}

static long look_select(const struct trapframe *tf, bool last)
{
	uint64_t words[SETS][FD_MAX / 64] = {{0}};
	int count = (int)min_u64(tf_arg(tf, 0), FD_MAX), err = 0;
	size_t size = (size_t)(count + 63) / 64 * sizeof words[0][0];
	struct aspace *as = proc_self()->as;
	long found = 0;

	if ((int)tf_arg(tf, 0) < 0)
		return -EINVAL;
	for (int s = 0; s < SETS && err == 0; s++) {
		if (tf_arg(tf, s + 1) != 0)
			err = copyin(as, words[s], tf_arg(tf, s + 1), size);
		if (count % 64 != 0)
			words[s][count / 64] &= (1UL << count % 64) - 1;
	}
	for (int i = 0; i * 64 < count && err == 0; i++) {
		uint64_t *group[SETS] = {&words[0][i], &words[1][i],
		    &words[2][i]};
		long n = select_group(group, i * 64);

		err = n < 0 ? (int)n : 0;
		found += n;
	}
	if (err == 0 && found == 0 && !last)
		return 0;
	for (int s = 0; s < SETS && err == 0; s++)
		if (tf_arg(tf, s + 1) != 0)
			err = copyout(as, tf_arg(tf, s + 1), words[s], size);
	return err < 0 ? err : found;
}

/* The last argument points to a mask and its size. */
long sys_pselect6(const struct trapframe *tf)
{
	struct poll poll = {.look = look_select,
	    .timeout = tf_arg(tf, 4),
	    .has_files = (tf_arg(tf, 1) | tf_arg(tf, 2) | tf_arg(tf, 3)) != 0};
	uint64_t mask[2] = {0};
	int err = 0;

	if (tf_arg(tf, 5) != 0)
		err = copyin(proc_self()->as, mask, tf_arg(tf, 5), sizeof mask);
	poll.mask = mask[0];
	poll.mask_size = mask[1];
	return err < 0 ? err : poll_wait(tf, &poll);
}
