/* SPDX-License-Identifier: MIT */
/*
 * sys_wait.c - system calls that wait for something to happen.
 */
#include "abi/errno.h"
#include "abi/futex.h"
#include "abi/misc.h"
#include "arch/timer.h"
#include "proc/futex.h"
#include "proc/sched.h"
#include "syscalls.h"

/* A timespec, if there is one: relative, or a time of a clock. */
static int timeout_in(vaddr_t from, uint64_t now_ns, uint64_t *deadline)
{
	const struct progress *progress = &proc_self()->progress;

	*deadline = progress->active ? progress->deadline : TIMER_NEVER;
	if (from == 0 || progress->active)
		return 0;
	return deadline_in(from, now_ns, deadline);
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
