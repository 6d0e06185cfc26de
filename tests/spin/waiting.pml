/* SPDX-License-Identifier: MIT */
/*
 * waiting.pml - a part of call.pml: how a call waits, is executed again, and
 * ends.
 */

/* --- the call -------------------------------------------------------------- */

/* call_finish: its result is written, once. */
inline call_finish(p, result)
{
	a0[p] = result;
#ifndef FINISH_KEEPS_STATE
	call[p] = NONE;
#endif
#ifndef FINISH_KEEPS_PROGRESS
	keeps[p] = 0;
#endif
	results[p]++;
	CHECK(two_results, results[p] == 1)
}

inline wake(p)
{
	CHECK(queued_twice, state[p] == BLOCKED || state[p] == STOPPED);
	queued[p] = false;
	state[p] = READY
}

/* call_wait, under sched_lock; a signal that is due comes before the wait. */
inline call_wait(p, how, on_queue)
{
	CHECK(not_delivered, !refused[p]);
	call[p] = WAIT;
	on_signal[p] = how;
	if
#ifndef BLOCK_IGNORES_SIGNAL
	:: IS_DUE(p) ->
#ifndef DUE_WITHOUT_WORK
		work[p] = true;
#endif
		refused[p] = true
#endif
	:: else ->
		CHECK(killed_waits, (pending[p] & KILL) == 0);
		state[p] = BLOCKED;
		queued[p] = on_queue;
		leaving[p] = true
	fi
}

/* A handler is about to run: call_interrupt. */
inline call_interrupt(p)
{
	if
#ifdef RESTART_WITHOUT_CALL
	:: made[p] != 0 && on_signal[p] == RESTARTS && keeps[p] == 0 ->
		pc[p] = false; call[p] = NONE
#endif
	:: call[p] == NONE
	:: call[p] != NONE && keeps[p] == 0 &&
	    (on_signal[p] == RESTARTS || on_signal[p] == REPEATS) ->
		/*
		 * SA_RESTART, for example; the program makes that call again.
		 */
		pc[p] = false;
#ifndef RESTART_KEEPS_STATE
		call[p] = NONE
#endif
	:: call[p] != NONE && keeps[p] == 0 && on_signal[p] != REPEATS ->
		call_finish(p, EINTR)
	:: call[p] != NONE && keeps[p] != 0 && made[p] == IS_TRANSFER ->
#ifdef INTERRUPT_LOSES_BYTES
		call_finish(p, EINTR)
#else
		call_finish(p, keeps[p])
#endif
	:: call[p] != NONE && keeps[p] != 0 && made[p] != IS_TRANSFER ->
		call_finish(p, EINTR)
	fi
}

/* signal_deliver: a frame for the handler, which has registers of its own. */
inline handler_enter(p)
{
	printf("%d: enters the handler\n", p);
	pending[p] = pending[p] & ~HANDLED;
	owed[p] = owed[p] & ~HANDLED;
	refused[p] = false;
	call_interrupt(p);
	frame_number[p] = number[p];
	frame_a0[p] = a0[p];
	frame_pc[p] = pc[p];
	/* rt_sigsuspend's own mask ends with it. */
	frame_masked[p] = suspended[p];
#ifndef HANDLER_KEEPS_SUSPENDED
	suspended[p] = false;
#endif
	masked[p] = true;
	number[p] = NO_NUMBER;
	a0[p] = 0;
	pc[p] = false;
	in_handler[p] = true
}

/* signal_set_blocked */
inline look_for_due(p)
{
#ifndef UNBLOCK_WITHOUT_WORK
	if
	:: IS_DUE(p) -> work[p] = true
	:: else
	fi
#else
	skip
#endif
}

inline sigreturn(p)
{
	number[p] = frame_number[p];
	a0[p] = frame_a0[p];
	pc[p] = frame_pc[p];
	frame_number[p] = 0;
	frame_a0[p] = 0;
	masked[p] = frame_masked[p];
	frame_pc[p] = false;
	frame_masked[p] = false;
	in_handler[p] = false;
	look_for_due(p)
}

/* The program checks the result when its call has come back. */
inline program_looks(p)
{
	printf("%d: result %d, %d taken\n", p, a0[p], taken[p]);
	CHECK(two_results, results[p] == 1);
	CHECK(lost_units, a0[p] == EINTR || a0[p] == ENOMEM ||
	    taken[p] == (made[p] == IS_RANGE -> 2 : a0[p]) ||
	    made[p] == IS_SLEEP || made[p] == IS_LEND);
	CHECK(lost_units, !(a0[p] == EINTR || a0[p] == ENOMEM) || taken[p] == 0);
	if
	:: made[p] == IS_SUSPEND ->
		CHECK(wrong_mask, masked[p] && a0[p] == EINTR);
		/* rt_sigprocmask */
		masked[p] = false;
		look_for_due(p)
	:: else
	fi;
	made[p] = 0;
	results[p] = 0;
	taken[p] = 0;
	armed[p] = 0;
	elapsed[p] = false;
	number[p] = NO_NUMBER;
	a0[p] = 0;
	pc[p] = false
}
