/* SPDX-License-Identifier: MIT */
/* futex.h - sleeping until a process says that a word of memory has changed. */
#ifndef PROC_FUTEX_H
#define PROC_FUTEX_H

#include "proc/proc.h"

/*
 * Sleeps while the word at `at` holds `value`, until woken for one of `bits`
 * or until `deadline`. -EAGAIN: it holds another value. -ETIMEDOUT; -EFAULT or
 * -ENOMEM; or CALL_WAITS: the process sleeps. To be woken ends its call
 * with 0; so if the call is executed again, it was not woken.
 */
long futex_wait(vaddr_t at, uint32_t value, uint32_t bits, uint64_t deadline)
    EXCLUDES(sched_lock);

/*
 * Wakes processes that sleep on the word at `at` for one of `bits`: `count` of
 * them, but always one. Returns how many, or -EFAULT or -ENOMEM.
 */
long futex_wake(vaddr_t at, int count, uint32_t bits) EXCLUDES(sched_lock);

#endif
