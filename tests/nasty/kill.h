/* SPDX-License-Identifier: MIT */
/*
 * kill.h - a process is killed before an instruction of its own: before a
 * given one, or before each, every time in a copy of the machine.
 *
 * Instructions are counted in all processes with the name -counting, or else
 * -kill, in user mode, from when a process with the name -during came to user
 * mode first. So the number N means one instruction in all runs of a seed,
 * wherever else a process is killed. The process that was to execute it is
 * killed; or, if it does not have the name -kill, the process of that name that
 * was last in user mode. With keeper=1 its parent is killed, if that has the
 * name as well.
 */
#ifndef NASTY_KILL_H
#define NASTY_KILL_H

#include "machine.h"

enum death {
	DEATH_KILLED,  /* SIGKILL: as if it was sent just then */
	DEATH_ILLEGAL, /* the instruction is illegal */
	DEATH_ACCESS,  /* the memory answers with an error */
	DEATHS
};

void kill_init(void);

/* A hart enters user mode, or has left it. */
void kill_to_user(struct core *c);
void kill_from_user(struct core *c);

/*
 * Called before this hart goes on: kills the process that it runs, if it is
 * time for that. Returns how many instructions it may execute until the next
 * call.
 */
uint64_t kill_if_due(struct core *c);

/* Counts the instructions that the hart has executed by now. */
void kill_count(struct core *c);

/* The count at which a process is killed, or was, in this copy. */
uint64_t kill_place(void);

/*
 * With every=, at the end of the machine itself: reports its end as its copies
 * have reported theirs. A line
 *
 *     killed at=N status=S steps=T count=C bytes=B
 *
 * on standard output, and the B bytes that the console has shown. The machine's
 * report of a failure stands before that line.
 */
void kill_report(void);

#endif
