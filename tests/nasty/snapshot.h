/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - going back in time: processes that stand still.
 *
 * A snapshot is the machine itself, forked and asleep. To go back, the one
 * that runs wakes a snapshot and ends; what wakes is a copy of the snapshot,
 * so that it can be gone back to again.
 */
#ifndef NASTY_SNAPSHOT_H
#define NASTY_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

enum travel { TRAVEL_NOT, TRAVEL_STEP, TRAVEL_CONTINUE };

#define BREAKPOINTS 32
#define SNAPSHOTS   16

/* The task of the snapshot that wakes: to find the last stop before a step. */
struct request {
	uint64_t breakpoints[BREAKPOINTS];
	unsigned breakpoint_count;
	uint64_t watch;
	uint64_t watched_va; /* what the debugger calls it */
	uint64_t said;       /* at the console */
	enum travel travel;
	uint64_t before;
	unsigned hart; /* whose step */
	/* steps of the snapshots that are alive, up to the one that wakes */
	uint64_t alive[SNAPSHOTS];
	unsigned alive_count;
	bool end; /* no travel: exit, with this status */
	int status;
};

/*
 * Makes a snapshot if it is time for one. Returns at once with TRAVEL_NOT, and
 * again, in another process and in the past, with a request.
 */
struct request snapshot_maybe(void);

/* Wakes the last snapshot before `request.before`; false: there is none. */
bool snapshot_travel(struct request request);

/* Waits until there is something to read; ends if the first one is killed. */
void snapshot_wait(int fd);

/* Ends all of them, and this process. */
_Noreturn void snapshot_end(int status);

#endif
