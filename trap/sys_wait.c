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
 * The timeout of FUTEX_WAIT is a time from now, and that of FUTEX_WAIT_BITSET a
 * time of a clock. The first execution of the call reads it.
 */
static int futex_timeout(const struct trapframe *tf, uint64_t *deadline)
{
	uint64_t op = tf_arg(tf, 1);
	int clock =
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

/*
 * What ppoll and pselect6 have in common. Either looks at entries like those of
 * poll, which the call keeps.
 */
struct poll {
	uint64_t count;
	/* Reads what is asked for into the entries, once. 0 or an error. */
	int (*read)(const struct trapframe *tf, struct pollfd_abi *entries);
	/*
	 * Tells the program of the events that are in the entries. If there are
	 * none, it may put that off until it is the `last` time. Returns how
	 * many there are, or an error.
	 */
	long (*tell)(const struct trapframe *tf,
	    const struct pollfd_abi *entries, bool last);
	vaddr_t timeout;
	vaddr_t mask;
	uint64_t mask_size;
};

/*
 * Waits, unless something has happened since poll_news was `news`: then the
 * call looks again.
 */
static long wait_for_news(uint64_t news, bool has_files, uint64_t deadline)
{
	long result;

	lock_acquire(&sched_lock);
	if (has_files && poll_news != news)
		result = call_go_on(SIGNAL_ENDS);
	else
		result = call_wait_until_locked(has_files ? &poll_event : NULL,
		    deadline, SIGNAL_ENDS);
	lock_release(&sched_lock);
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

/* Events end the call first, then signals, then the deadline. */
static long poll_once(const struct trapframe *tf, const struct poll *poll,
    const struct wait_time *time)
{
	struct pollfd_abi *entries = time->copy;
	uint64_t news;
	bool last;
	long found;

	lock_acquire(&sched_lock);
	news = poll_news;
	last = timer_now() >= time->deadline && !signal_is_due(proc_self());
	lock_release(&sched_lock);
	for (uint64_t i = 0; i < poll->count; i++)
		entries[i].revents = entry_events(&entries[i]);
	found = poll->tell(tf, entries, last);
	if (found != 0 || last)
		return found;
	return wait_for_news(news, poll->count != 0, time->deadline);
}

/*
 * The first execution reads all arguments that are in the program's memory;
 * later ones look at the copy that the call keeps (C2).
 */
static int poll_begin(const struct trapframe *tf, const struct poll *poll)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);
	struct wait_time *time = call_time();
	uint64_t mask;
	int err = 0;

	if (frame == NULL)
		return -ENOMEM;
	*time = (struct wait_time){TIMER_NEVER, 0, frame_virt(frame)};
	if (poll->timeout != 0)
		err = deadline_in(poll->timeout, 0, &time->deadline);
	if (err < 0)
		return err;
	time->remain = poll->timeout;
	if (poll->mask != 0 && poll->mask_size != sizeof mask)
		return -EINVAL;
	if (poll->mask != 0)
		err = copyin(proc_self()->as, &mask, poll->mask, sizeof mask);
	if (err == 0)
		err = poll->read(tf, time->copy);
	if (err == 0 && poll->mask != 0)
		signal_lend_mask(mask);
	return err;
}

static long poll_wait(const struct trapframe *tf, const struct poll *poll)
{
	long result = call_is_repeated() ? 0 : poll_begin(tf, poll);

	if (result == 0 && user_took_long())
		return call_go_on(SIGNAL_HELD);
	if (result == 0)
		result = poll_once(tf, poll, call_time());
	if (result == CALL_WAITS || result == CALL_GOES_ON)
		return result;
	signal_return_mask();
	IGNORE_RESULT(call_report_rest(proc_self()));
	call_forget();
	return result;
}

_Static_assert(FD_MAX * sizeof(struct pollfd_abi) <= PAGE_SIZE, "one frame");

static int read_poll(const struct trapframe *tf, struct pollfd_abi *entries)
{
	uint32_t count = (uint32_t)tf_arg(tf, 1);

	if (count > proc_self()->fds.limit)
		return -EINVAL;
	return copyin(proc_self()->as, entries, tf_arg(tf, 0),
	    count * sizeof *entries);
}

/* Of the program's entries, only the events that came are written. */
static long tell_poll(const struct trapframe *tf,
    const struct pollfd_abi *entries, bool last)
{
	vaddr_t to = tf_arg(tf, 0) + offsetof(struct pollfd_abi, revents);
	uint32_t count = (uint32_t)tf_arg(tf, 1);
	long found = 0;

	(void)last;
	for (uint32_t i = 0; i < count; i++, to += sizeof *entries) {
		int err = copyout(proc_self()->as, to, &entries[i].revents,
		    sizeof entries[i].revents);

		if (err < 0)
			return err;
		found += entries[i].revents != 0;
	}
	return found;
}

long sys_ppoll(const struct trapframe *tf)
{
	return poll_wait(tf,
	    &(struct poll){.count = (uint32_t)tf_arg(tf, 1),
		.read = read_poll,
		.tell = tell_poll,
		.timeout = tf_arg(tf, 2),
		.mask = tf_arg(tf, 3),
		.mask_size = tf_arg(tf, 4)});
}

/*
 * The sets of pselect6: descriptors to read from, to write to, and with an
 * exception, which no file has. The events that the entry of a descriptor asks
 * for tell in which sets the descriptor is.
 */
#define SETS 3
static const struct {
	int16_t asked;
	int16_t ready;
} set_events[SETS] = {{POLLIN, POLLIN | POLLHUP | POLLERR},
    {POLLOUT, POLLOUT | POLLERR}, {POLLPRI, 0}};

struct sets {
	uint64_t words[SETS][FD_MAX / 64];
};

/* How many descriptors there are to look at, and their bits in bytes. */
static uint64_t select_count(const struct trapframe *tf)
{
	return min_u64(tf_arg(tf, 0), FD_MAX);
}

static size_t set_size(const struct trapframe *tf)
{
	return (select_count(tf) + 63) / 64 * sizeof(uint64_t);
}

static int read_select(const struct trapframe *tf, struct pollfd_abi *entries)
{
	struct sets sets = {0};
	int err = 0;

	if (tf_int(tf, 0) < 0)
		return -EINVAL;
	for (int s = 0; s < SETS && err == 0; s++)
		if (tf_arg(tf, s + 1) != 0)
			err = copyin(proc_self()->as, sets.words[s],
			    tf_arg(tf, s + 1), set_size(tf));
	for (unsigned i = 0; i < select_count(tf); i++) {
		entries[i] = (struct pollfd_abi){.fd = -1};
		for (int s = 0; s < SETS; s++) {
			if (!(sets.words[s][i / 64] >> i % 64 & 1))
				continue;
			entries[i].fd = (int32_t)i;
			entries[i].events |= set_events[s].asked;
		}
	}
	return err;
}

static long tell_select(const struct trapframe *tf,
    const struct pollfd_abi *entries, bool last)
{
	struct sets sets = {0};
	long found = 0;
	int err = 0;

	for (unsigned i = 0; i < select_count(tf); i++) {
		if (entries[i].revents & POLLNVAL)
			return -EBADF;
		for (int s = 0; s < SETS; s++) {
			if (!(entries[i].events & set_events[s].asked) ||
			    !(entries[i].revents & set_events[s].ready))
				continue;
			sets.words[s][i / 64] |= 1UL << i % 64;
			found++;
		}
	}
	if (found == 0 && !last)
		return 0;
	for (int s = 0; s < SETS && err == 0; s++)
		if (tf_arg(tf, s + 1) != 0)
			err = copyout(proc_self()->as, tf_arg(tf, s + 1),
			    sets.words[s], set_size(tf));
	return err < 0 ? err : found;
}

/* The last argument points to a mask and its size. */
long sys_pselect6(const struct trapframe *tf)
{
	struct poll poll = {.count = select_count(tf),
	    .read = read_select,
	    .tell = tell_select,
	    .timeout = tf_arg(tf, 4)};
	uint64_t mask[2] = {0};
	int err = 0;

	if (tf_arg(tf, 5) != 0 && !call_is_repeated())
		err = copyin(proc_self()->as, mask, tf_arg(tf, 5), sizeof mask);
	poll.mask = mask[0];
	poll.mask_size = mask[1];
	return err < 0 ? err : poll_wait(tf, &poll);
}
