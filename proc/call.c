/* SPDX-License-Identifier: MIT */
/*
 * call.c - how a system call waits, goes on in parts, and ends.
 */
#include "proc/call.h"

#include "abi/errno.h"
#include "abi/syscall.h"
#include "abi/time.h"
#include "arch/hart.h"
#include "lib/string.h"
#include "proc/exec.h"
#include "proc/port.h"
#include "proc/queue.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/vector.h"
#include "proc/walk.h"
#include "timers.h"

long call_wait_locked(struct waitq *wq, enum on_signal on_signal)
{
	return call_queue(proc_self(), wq, on_signal);
}

long call_wait(struct waitq *wq, enum on_signal on_signal)
{
	long result;

	lock_acquire(&sched_lock);
	result = call_queue(proc_self(), wq, on_signal);
	lock_release(&sched_lock);
	return result;
}

long call_wait_until_locked(struct waitq *wq, uint64_t deadline,
    enum on_signal on_signal)
{
	long result = call_queue(proc_self(), wq, on_signal);

	if (result == CALL_WAITS && deadline != TIMER_NEVER)
		timer_start(&proc_self()->t.wake, deadline);
	return result;
}

long call_go_on(enum on_signal on_signal)
{
	struct call *call = &proc_self()->t.call;

	call->state = CALL_PART;
	call->on_signal = (uint8_t)on_signal;
	return CALL_GOES_ON;
}

/*
 * Makes the call keep things of this kind, `size` bytes of zero at first. It
 * may keep things of one kind only.
 */
INLINE void *keep(enum call_kept kept, void *member, size_t size)
{
	struct call *call = &proc_self()->t.call;

	if (call->kept == KEPT_NOTHING) {
		call->kept = (uint8_t)kept;
		memset(member, 0, size);
	}
	assert(call->kept == kept);
	return member;
}

#define KEEP(kind, member)                      \
	keep(kind, &proc_self()->t.call.member, \
	    sizeof proc_self()->t.call.member)

struct transfer *call_transfer(void)
{
	return KEEP(KEPT_TRANSFER, transfer);
}

struct transfer *call_vector(void)
{
	return KEEP(KEPT_VECTOR, transfer);
}

struct wait_time *call_time(void)
{
	return KEEP(KEPT_TIME, time);
}

/* As KEEP(), for a member that the caller sets as a whole. */
static struct call *keep_whole(enum call_kept kept)
{
	struct call *call = &proc_self()->t.call;

	if (call->kept == KEPT_NOTHING)
		call->kept = (uint8_t)kept;
	assert(call->kept == kept);
	return call;
}

struct range_op *call_range(void)
{
	return &keep_whole(KEPT_RANGE)->range;
}

struct list_walk *call_walk(void)
{
	return KEEP(KEPT_WALK, walk);
}

struct remote_call *call_remote(void)
{
	return &keep_whole(KEPT_REMOTE)->remote;
}

struct exec **call_exec(void)
{
	return KEEP(KEPT_EXEC, exec);
}

/* Gives back frames, references and marks that the call keeps. */
static NOINLINE void give_back(struct proc *p)
{
	struct call *call = &p->t.call;

	enum call_kept kept = call->kept;

	call->kept = KEPT_NOTHING;
	if (kept == KEPT_WALK)
		walk_abandon(p);
	else if (kept == KEPT_TIME && call->time.copy != NULL)
		frame_put(frame_of_virt(call->time.copy));
	else if (kept == KEPT_EXEC && call->exec != NULL)
		exec_abandon(p, call->exec);
	else if (kept == KEPT_VECTOR && call->transfer.vector != NULL)
		vector_free(call->transfer.vector);
	else if (kept == KEPT_REMOTE)
		remote_abandon(p);
}

void call_forget(void)
{
	give_back(proc_self());
}

/* The call takes no signals any more: those that are pending are delivered. */
static void stop_awaiting(struct proc *p)
{
	p->t.awaited = 0;
	p->t.work = 1;
}

void call_finish(struct proc *p, long result)
{
	if (p->t.call.kept >= KEPT_TIME)
		give_back(p);
	p->t.call.word = 0;
	if (unlikely(p->t.awaited != 0))
		stop_awaiting(p);
	*tf_reg(&p->t.tf, REG_A0) = (uint64_t)result;
}

void call_abandon(struct proc *p)
{
	give_back(p);
	p->t.call.word = 0;
	p->t.awaited = 0;
}

/* Makes the process begin the call anew: pc is at the ecall again. */
static void call_restart(struct proc *p)
{
	call_abandon(p);
	p->t.tf.pc -= 4;
}

/* How many bytes the call has moved. If there are any, it is not begun anew. */
static size_t bytes_moved(const struct call *call)
{
	return call->kept == KEPT_TRANSFER || call->kept == KEPT_VECTOR
	    ? call->transfer.done
	    : 0;
}

int timespec_copyout(vaddr_t to, uint64_t ns)
{
	struct timespec_abi ts = {(int64_t)(ns / 1000000000),
	    (int64_t)(ns % 1000000000)};

	return copyout(proc_self()->as, to, &ts, sizeof ts);
}

/* Where the call stores the time that is left if it is interrupted, or 0. */
static vaddr_t rest_to(const struct proc *p)
{
	return p->t.call.kept == KEPT_TIME ? p->t.call.time.remain : 0;
}

int call_report_rest(const struct proc *p)
{
	const struct wait_time *time = &p->t.call.time;
	uint64_t now = timer_now();

	if (rest_to(p) == 0)
		return 0;
	return timespec_copyout(time->remain,
	    time->deadline > now ? timer_to_ns(time->deadline - now) : 0);
}

int call_prepare_interrupt(const struct proc *p)
{
	int err = 0;

	if (rest_to(p) != 0)
		err = user_prepare(p->as, rest_to(p),
		    sizeof(struct timespec_abi), ACCESS_WRITE);
	return err == -ENOMEM ? err : 0;
}

/*
 * Does the server learn from the result of its call, EINTR, that a handler has
 * run? If not, thread.heard makes its next port_next return EINTR: a handler
 * that runs before the server waits would otherwise not be noticed.
 */
static bool hears_by_result(const struct proc *p)
{
	return p->t.call.state != CALL_NONE &&
	    tf_number(&p->t.tf) == SYS_port_next;
}

/*
 * The result of a call that a handler has ended. A sleep says so if the time
 * that is left cannot be told; a poll does not, as on Linux.
 */
static long interrupted(const struct proc *p)
{
	bool told = call_report_rest(p) == 0;

	return told || p->t.call.time.copy != NULL ? -EINTR : -EFAULT;
}

void call_interrupt(struct proc *p, bool restart)
{
	struct call *call = &p->t.call;
	size_t bytes = bytes_moved(call);

	if (!restart)
		p->t.heard = !hears_by_result(p);
	if (call->state == CALL_NONE)
		return;
	if (bytes > 0)
		call_finish(p, (long)bytes);
	else if (call->on_signal == SIGNAL_REPEATS ||
	    (call->on_signal == SIGNAL_RESTARTS && restart))
		call_restart(p);
	else
		call_finish(p, interrupted(p));
}
