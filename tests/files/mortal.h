/* SPDX-License-Identifier: MIT */
/*
 * mortal.h - a file server that is killed again and again, and a stand-in for
 * the kernel, in memory that all processes share.
 *
 * The caller and the server take turns: one of them waits while the other runs,
 * and only the one whose turn it is may touch `machine` (mortal_turn() checks
 * that). So faults are chosen while the server waits for a request, and happen
 * at a moment that is counted: two runs with one seed are equal.
 */
#ifndef TESTS_FILES_MORTAL_H
#define TESTS_FILES_MORTAL_H

#include <semaphore.h>
#include <sys/types.h>

#include "served.h"

#define LENT_MAX 70000
#define DEATHS   3 /* of one call, at most */

enum turn { OF_WHO_ASKS = 1, OF_SERVER };

enum refusal {
	REFUSED_NOT,
	REFUSED_MEMORY, /* ENOMEM: the request is still in hand */
	REFUSED_SENSE,  /* EINVAL: the request is still in hand */
	REFUSED_ROOM,   /* ENOMEM for the next request; the reply has arrived */
};

/* The faults that are going to happen. A moment is a call of moment(). */
struct faults {
	unsigned
	    server[DEATHS];   /* moments up to each death; 0: there is none */
	unsigned keeper;      /* moments until the kept copy dies; 0: never */
	unsigned births;      /* children that die before they take over */
	bool parent;          /* the server dies before its child takes over */
	bool caller;          /* it is killed when the server dies */
	enum refusal refusal; /* of a reply */
};

struct machine {
	enum turn turn;
	sem_t changed[OF_SERVER + 1]; /* its turn has begun */
	struct faults faults;

	enum { NOTHING, ASKED, IN_HAND } state; /* of the request: */
	struct request request;
	char along[2 * COMES_ALONG];
	char in[LENT_MAX], out[LENT_MAX];
	size_t in_len, out_len;
	bool lends_in;
	struct reply reply;
	bool is_refused; /* the reply was, and an error has to follow it */
	bool is_gone;    /* the caller does not wait any more */

	pid_t server, keeper;
	bool is_unkept; /* the kept copy has been killed */
	bool heard;     /* a signal is pending: the server does not wait */

	bool has_ended;
	char end[200]; /* what is wrong */
	unsigned long kills;
};

extern struct machine *machine;
extern struct server server;

/* Fails the test unless `turn` says whose turn it is. */
void mortal_turn(enum turn turn);

/*
 * Gives the turn to the other side, and waits until it comes back. False: it
 * does not come back in time.
 */
bool mortal_pass(enum turn from, enum turn to);

/* Kills the server while it waits. False: no process goes on serving. */
bool mortal_kill_server(void);

/* Kills the process that stays behind, and tells the server. */
void mortal_kill_keeper(void);

/* The server, in a process of its own; it does not return. */
void mortal_serve(void);

#endif
