/* SPDX-License-Identifier: MIT */
/*
 * others.pml - a part of port.pml: the processes that kill and raise events,
 * and the one that checks the state at the end.
 */

#ifdef KEEP
/* A process has stayed behind, and no other is dying: the service goes on. */
#define IS_DYING(s) (LIVES(s) && killed[s])
#define HAS_OLDER(s) (parent[s] != NOBODY && \
    !IS_DYING(0) && !IS_DYING(1) && !IS_DYING(NS - 1))
#else
#define HAS_OLDER(s) true
#endif
#define CAN_DIE(s) (kills > 0 && LIVES(s) && !killed[s] && HAS_OLDER(s))
#define CAN_GET(c, sig) \
    (c < NC && state[c] != DEAD && (pending[c] & sig) == 0)

/* Sends SIGKILL and other signals, and stops at any time. */
proctype World()
{
	byte i;

	do
	:: atomic { CAN_DIE(0) -> kills--; kill_server(0) }
	:: atomic { CAN_DIE(1) -> kills--; kill_server(1) }
#if NS > 2
	:: atomic { CAN_DIE(2) -> kills--; kill_server(2) }
#endif
#if NS > 3
	:: atomic { CAN_DIE(3) -> kills--; kill_server(3) }
#endif
	:: atomic { caller_kills > 0 && CAN_GET(0, KILL) ->
		caller_kills--;
		send(0, KILL) }
	:: atomic { caller_kills > 0 && NC > 1 && CAN_GET(NC - 1, KILL) ->
		caller_kills--;
		send(NC - 1, KILL) }
	:: atomic { signals > 0 && CAN_GET(0, HANDLED) ->
		signals--;
		send(0, HANDLED) }
	:: break
	od
}

#ifdef LATER
/* port_events: what the event stands for has come. */
proctype Arrival()
{
	byte i;

end_arrival:
	do
	:: atomic { !data ->
		data = true;
		raised = true;
		for (i : 0 .. NC - 1) {
			if
			:: place[i] == WAITERS -> wake(i)
			:: else
			fi
		}
		i = 0 }
	od
}
#endif

/* Checks the state when nothing happens any more. */
proctype Judge()
{
	byte f;

end_judge:
	timeout;
	atomic {
		for (f : 0 .. FILES - 1) {
			CHECK(leaked, descriptors[f] == 0);
			CHECK(leaked, was_freed[f] || (f == OPENED && !was_opened));
			CHECK(not_told, was_told[f] || was_dropped[f] || !is_served ||
			    !was_freed[f])
		}
		CHECK(leaked, port_refs == (holders > 0 -> 1 : 0));
		CHECK(no_service, !KEEPS || is_served)
	}
}
