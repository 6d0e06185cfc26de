/* SPDX-License-Identifier: MIT */
/*
 * kill.h - a process is killed before an instruction of its own: before a
 * given one, or before each, every time in a copy of the machine.
 *
 * Those that are called -counting, or else -kill, are counted as one, in user
 * mode, from when one that is called -during came to user mode first. So the
 * instruction with the number N is the same in each run of a seed, wherever
 * else somebody is killed. Killed is the process that was to execute it; or, if
 * that is not called -kill, the one of those that was last in user mode. With
 * keeper=1 it is its parent, if that is called so as well.
 */
#ifndef NASTY_KILL_H
#define NASTY_KILL_H

#include "machine.h"

enum death {
	DEATH_KILLED,  /* SIGKILL: as if somebody had sent it just then */
	DEATH_ILLEGAL, /* the instruction is none */
	DEATH_ACCESS,  /* the memory answers with an error */
	DEATHS
};

void kill_init(void);

/* A hart came to user mode, or from there. */
void kill_to_user(struct core *c);
void kill_from_user(struct core *c);

/*
 * Before this hart goes on: kills what it runs, if it is time for that.
 * Returns how many instructions it may execute until somebody looks again.
 */
uint64_t kill_if_due(struct core *c);

/* Counts what it has executed by now. */
void kill_count(struct core *c);

/* Where somebody is killed, or was, in this copy. */
uint64_t kill_place(void);

/*
 * With every=, at the end of the machine itself: tells of it as its copies have
 * told of themselves. A line
 *
 *     killed at=N status=S steps=T count=C bytes=B
 *
 * on standard output, and the B bytes that the console has shown. What the
 * machine had to say of a failure stands before that line.
 */
void kill_report(void);

#endif
