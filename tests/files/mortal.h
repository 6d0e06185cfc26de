/* SPDX-License-Identifier: MIT */
/*
 * mortal.h - a file server that is killed again and again, and what stands for
 * the kernel, in memory that all processes share.
 *
 * Who asks and the server take turns: one of them waits while the other runs,
 * and only whose turn it is may touch `machine` (mortal_turn() looks). So what
 * is going to happen is chosen while the server waits for a request, and comes
 * about at a moment that is counted: a run is the same each time.
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
	REFUSED_MEMORY, /* ENOMEM: it is still in hand */
	REFUSED_SENSE,  /* EINVAL: the same */
	REFUSED_ROOM,   /* ENOMEM, of what comes next: it has arrived */
};

/* What is going to happen. A moment is a call of moment(). */
struct faults {
	unsigned
	    server[DEATHS]; /* moments up to each death; 0: there is none */
	unsigned keeper; /* moments up to that of who stays behind; 0: none */
	unsigned births; /* children that die before they take over */
	bool parent;     /* it dies before its child has taken over */
	bool caller;     /* it is killed when the server dies */
	enum refusal refusal; /* of a reply */
};

struct machine {
	enum turn turn;
	sem_t changed[OF_SERVER + 1]; /* it is somebody's turn */
	struct faults faults;

	enum { NOTHING, ASKED, IN_HAND } state; /* of the request: */
	struct request request;
	char along[2 * COMES_ALONG];
	char in[LENT_MAX], out[LENT_MAX];
	size_t in_len, out_len;
	bool lends_in;
	struct reply reply;
	bool is_refused; /* the reply is, and what says so is awaited */
	bool is_gone;    /* nobody waits for it any more */

	pid_t server, keeper;
	bool is_unkept; /* who stayed behind has been killed */
	bool heard;     /* a signal: the server does not wait */

	bool has_ended;
	char end[200]; /* what is wrong */
	unsigned long kills;
};

extern struct machine *machine;
extern struct server server;

/* Stops the test unless it is that one's turn. */
void mortal_turn(enum turn turn);

/* It is the other's turn, and then ours again. False: it does not come back. */
bool mortal_pass(enum turn from, enum turn to);

/* Kills the server, which waits. False: no other goes on. */
bool mortal_kill_server(void);

/* Kills who stays behind, and tells the server. */
void mortal_kill_keeper(void);

/* The server, in a process of its own; it does not return. */
void mortal_serve(void);

#endif
