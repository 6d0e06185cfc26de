/* SPDX-License-Identifier: MIT */
/*
 * futex.c - processes that wait for a word of memory to change.
 *
 * A word is known by its place in physical memory. That is found by resolving
 * its address for a write. So a word of MAP_SHARED memory is the same for all
 * processes that map it, at whatever addresses; a private page that fork still
 * shares is copied, and parent and child have different words; a page that may
 * only be read is used as it is found. The word keeps its place as long as a
 * process sleeps on it: only the sleeper could give up the page.
 *
 * The word is compared under sched_lock, which a waker takes after it has
 * changed the word. Either the sleeper sees the change, or the waker sees the
 * sleeper.
 */
#include "proc/futex.h"

#include "abi/errno.h"
#include "arch/timer.h"
#include "proc/sched.h"
#include "proc/walk.h"

#define BUCKETS 64

static struct waitq buckets[BUCKETS] GUARDED_BY(sched_lock);

static struct waitq *bucket_of(const uint32_t *word) REQUIRES(sched_lock)
{
	uintptr_t at = (uintptr_t)word;
	struct waitq *wq = &buckets[(at / sizeof *word ^ at >> 12) % BUCKETS];

	if (wq->procs.next == NULL)
		waitq_init(wq);
	return wq;
}

static int word_find(vaddr_t at, uint32_t **word)
{
	struct aspace *as = proc_self()->as;
	void *kernel;
	int err = user_page(as, at, ACCESS_WRITE, &kernel);

	if (err == -EFAULT)
		err = user_page(as, at, ACCESS_READ, &kernel);
	if (err == 0)
		*word = kernel;
	return err;
}

/* Puts the process to sleep, or returns an error. */
static long sleep_on(uint32_t *word, uint32_t value, uint32_t bits,
    uint64_t deadline) REQUIRES(sched_lock)
{
	struct proc *p = proc_self();
	bool late = timer_now() >= deadline;

	if (late && p->t.call.state == CALL_WAIT)
		return -ETIMEDOUT;
	if (__atomic_load_n(word, __ATOMIC_RELAXED) != value)
		return -EAGAIN;
	if (late)
		return -ETIMEDOUT;
	p->t.futex = word;
	p->t.futex_bits = bits;
	return call_wait_until_locked(bucket_of(word), deadline,
	    deadline == TIMER_NEVER ? SIGNAL_RESTARTS : SIGNAL_ENDS);
}

long futex_wait(vaddr_t at, uint32_t value, uint32_t bits, uint64_t deadline)
{
	uint32_t *word;
	long result = word_find(at, &word);

	if (result < 0)
		return result;
	lock_acquire(&sched_lock);
	result = sleep_on(word, value, bits, deadline);
	lock_release(&sched_lock);
	return result;
}

/* The processes that futex_wake() wakes: up to `count` that fit. */
struct wake {
	const uint32_t *word;
	uint32_t bits;
	int count;
};

/*
 * Visits a process that sleeps in the bucket. If it is woken, its call has
 * ended with 0, even if the word changes again before the process runs.
 */
static bool wake_sleeper(struct proc *p, void *arg) NO_LOCK_CHECK
{
	const struct wake *wake = arg;
	struct list_walk *walk = call_walk();

	if (p->t.futex != wake->word || !(p->t.futex_bits & wake->bits))
		return true;
	call_finish(p, 0);
	sched_wake(p);
	walk->value++;
	return (int64_t)walk->value < wake->count;
}

long futex_wake(vaddr_t at, int count, uint32_t bits)
{
	struct wake wake = {.bits = bits, .count = count};
	struct list_walk *walk;
	uint32_t *word;
	bool done;
	int err = word_find(at, &word);

	if (err < 0)
		return err;
	wake.word = word;
	walk = call_walk();
	lock_acquire(&sched_lock);
	done = walk_part(proc_self(), &walk->marked, &bucket_of(word)->procs,
	    offsetof(struct proc, t.link), wake_sleeper, &wake);
	lock_release(&sched_lock);
	return done ? (long)walk->value : call_go_on(SIGNAL_HELD);
}
