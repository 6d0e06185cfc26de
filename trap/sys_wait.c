/* SPDX-License-Identifier: MIT */
/*
 * sys_wait.c - system calls that wait for something to happen.
 */
#include "abi/errno.h"
#include "abi/futex.h"
#include "abi/poll.h"
#include "abi/time.h"
#include "arch/timer.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/futex.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "syscalls.h"

/*
 * FUTEX_WAIT says how long, FUTEX_WAIT_BITSET until when. It is read at the
 * first execution.
 */
static int futex_timeout(const struct trapframe *tf, uint64_t *deadline)
{
	uint64_t op = tf_arg(tf, 1);
	uint64_t clock =
	    op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	bool absolute = (op & FUTEX_WAIT_BITSET) == FUTEX_WAIT_BITSET;
	int err;

	*deadline = TIMER_NEVER;
	if (tf_arg(tf, 3) == 0)
		return 0;
	if (!call_is_repeated()) {
		err = deadline_in(tf_arg(tf, 3),
		    absolute ? (uint64_t)clock_ns(clock) : 0, deadline);
		if (err < 0)
			return err;
		call_time()->deadline = *deadline;
	}
	*deadline = call_time()->deadline;
	return 0;
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
	uint64_t set, deadline = TIMER_NEVER;
	int err = 0;

	if (tf_arg(tf, 3) != sizeof set)
		return -EINVAL;
	if (call_is_repeated()) {
		set = proc_self()->t.awaited;
		deadline = call_time()->deadline;
	} else {
		err = copyin(proc_self()->as, &set, tf_arg(tf, 0), sizeof set);
		if (err == 0 && tf_arg(tf, 2) != 0)
			err = deadline_in(tf_arg(tf, 2), 0, &deadline);
	}
	return err < 0 ? err : signal_wait(set, tf_arg(tf, 1), deadline);
}

/* What ppoll and pselect6 have in common. */
struct poll {
	/* Copies what is asked for into a page, once. 0 or an error. */
	int (*read)(const struct trapframe *tf, void *copy);
	/*
	 * Looks at every descriptor: how many have something to tell, or an
	 * error. Tells the program, at the latest when it is the `last` time.
	 */
	long (*look)(const struct trapframe *tf, const void *copy, bool last);
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
    const struct wait_time *time)
{
	struct moment now = moment_now();
	bool last = timer_now() >= time->deadline && !now.signal;
	long found = poll->look(tf, time->copy, last);

	if (found != 0 || last)
		return found;
	return wait_for_news(&now, poll->has_files, time->deadline);
}

/* The mask for the time of the call, if there is one, and until when it is. */
static int read_time_and_mask(const struct poll *poll, struct wait_time *time,
    uint64_t *mask)
{
	int err = 0;

	*time = (struct wait_time){TIMER_NEVER, poll->timeout, NULL};
	if (poll->timeout != 0)
		err = deadline_in(poll->timeout, 0, &time->deadline);
	if (err < 0 || poll->mask == 0)
		return err;
	if (poll->mask_size != sizeof *mask)
		return -EINVAL;
	return copyin(proc_self()->as, mask, poll->mask, sizeof *mask);
}

/*
 * The first execution reads all that is in the program's memory; later ones
 * look at what the call keeps of it (C2).
 */
static int poll_begin(const struct trapframe *tf, const struct poll *poll)
{
	struct wait_time time;
	struct frame *frame;
	uint64_t mask;
	int err = read_time_and_mask(poll, &time, &mask);

	if (err < 0)
		return err;
	frame = frame_alloc(FRAME_KERNEL);
	if (frame == NULL)
		return -ENOMEM;
	time.copy = frame_virt(frame);
	err = poll->read(tf, time.copy);
	if (err < 0) {
		frame_put(frame);
		return err;
	}
	*call_time() = time;
	if (poll->mask != 0)
		signal_lend_mask(mask);
	return 0;
}

static long poll_wait(const struct trapframe *tf, const struct poll *poll)
{
	long result = call_is_repeated() ? 0 : poll_begin(tf, poll);

	if (result < 0)
		return result;
	result = poll_once(tf, poll, call_time());
	if (result == CALL_WAITS || result == CALL_GOES_ON)
		return result;
	signal_return_mask();
	IGNORE_RESULT(call_report_rest(proc_self()));
	call_forget();
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

_Static_assert(FD_MAX * sizeof(struct pollfd_abi) <= PAGE_SIZE, "one frame");

static int read_poll(const struct trapframe *tf, void *copy)
{
	uint64_t count = tf_arg(tf, 1);

	if (count > proc_self()->fds.limit)
		return -EINVAL;
	return copyin(proc_self()->as, copy, tf_arg(tf, 0),
	    count * sizeof(struct pollfd_abi));
}

/* Of the program's entries, only the events that came are written. */
static long look_poll(const struct trapframe *tf, const void *copy, bool last)
{
	const struct pollfd_abi *entries = copy;
	vaddr_t to = tf_arg(tf, 0) + offsetof(struct pollfd_abi, revents);
	uint64_t count = tf_arg(tf, 1);
	long found = 0;

	(void)last;
	for (uint64_t i = 0; i < count; i++, to += sizeof entries[0]) {
		int16_t events = entry_events(&entries[i]);
		int err = copyout(proc_self()->as, to, &events, sizeof events);

		if (err < 0)
			return err;
		found += events != 0;
	}
	return found;
}

long sys_ppoll(const struct trapframe *tf)
{
	return poll_wait(tf,
	    &(struct poll){.read = read_poll,
		.look = look_poll,
		.timeout = tf_arg(tf, 2),
		.mask = tf_arg(tf, 3),
		.mask_size = tf_arg(tf, 4),
		.has_files = tf_arg(tf, 1) != 0});
}

/* The sets of pselect6: to read, to write, and the exceptions there are not. */
#define SETS 3
static const unsigned set_events[SETS] = {POLLIN | POLLHUP | POLLERR,
    POLLOUT | POLLERR, 0};

struct sets {
	uint64_t words[SETS][FD_MAX / 64];
};

/* How many descriptors there are to look at, and their bits in bytes. */
static int select_count(const struct trapframe *tf)
{
	return (int)min_u64(tf_arg(tf, 0), FD_MAX);
}

static size_t set_size(int count)
{
	return (size_t)(count + 63) / 64 * sizeof(uint64_t);
}

static int read_select(const struct trapframe *tf, void *copy)
{
	struct sets *sets = copy;
	int count = select_count(tf), err = 0;

	if ((int)tf_arg(tf, 0) < 0)
		return -EINVAL;
	*sets = (struct sets){0};
	for (int s = 0; s < SETS && err == 0; s++) {
		if (tf_arg(tf, s + 1) != 0)
			err = copyin(proc_self()->as, sets->words[s],
			    tf_arg(tf, s + 1), set_size(count));
		if (count % 64 != 0)
			sets->words[s][count / 64] &= (1UL << count % 64) - 1;
	}
	return err;
}

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

static long look_select(const struct trapframe *tf, const void *copy, bool last)
{
	struct sets sets = *(const struct sets *)copy;
	int count = select_count(tf), err = 0;
	long found = 0;

	for (int i = 0; i * 64 < count && err == 0; i++) {
		uint64_t *group[SETS] = {&sets.words[0][i], &sets.words[1][i],
		    &sets.words[2][i]};
		long n = select_group(group, i * 64);

		err = n < 0 ? (int)n : 0;
		found += n;
	}
	if (err == 0 && found == 0 && !last)
		return 0;
	for (int s = 0; s < SETS && err == 0; s++)
		if (tf_arg(tf, s + 1) != 0)
			err = copyout(proc_self()->as, tf_arg(tf, s + 1),
			    sets.words[s], set_size(count));
	return err < 0 ? err : found;
}

/* The last argument points to a mask and its size. */
long sys_pselect6(const struct trapframe *tf)
{
	struct poll poll = {.read = read_select,
	    .look = look_select,
	    .timeout = tf_arg(tf, 4),
	    .has_files = (tf_arg(tf, 1) | tf_arg(tf, 2) | tf_arg(tf, 3)) != 0};
	uint64_t mask[2] = {0};
	int err = 0;

	if (tf_arg(tf, 5) != 0 && !call_is_repeated())
		err = copyin(proc_self()->as, mask, tf_arg(tf, 5), sizeof mask);
	poll.mask = mask[0];
	poll.mask_size = mask[1];
	return err < 0 ? err : poll_wait(tf, &poll);
}
