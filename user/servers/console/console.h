/* SPDX-License-Identifier: MIT */
/*
 * console.h - the console server: a terminal on a serial port, for programs
 * that know it as their descriptors 0 to 2.
 *
 * It must go on from where it was when it is killed. A fork for each byte that
 * is typed would do (port_keep()), and be slow. So what changes the terminal
 * often, bytes that are typed, bytes that are read, and whose terminal it is,
 * is put down in a journal before anybody learns of it, in memory that outlives
 * the server; who goes on from an older state does that once more, and shows
 * nothing of it. Only what is rare, the modes, is followed by a fork.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include <server.h>

#include "terminal.h"
#include "uart.h"

/* Events of the port. */
#define READABLE 1UL
#define WRITABLE 2UL
#define SHOWN    4UL /* all output is on the line */
#define TIME_UP  8UL /* a read that VTIME ends is to be asked again */

/* Files of the port. */
#define TOKEN_TERMINAL 1
#define TOKEN_SERIAL   2 /* no file: interrupts */

#define JOURNAL_SIZE 256
#define TYPED_SIZE   128
#define SHOW_SIZE    16384 /* a power of two, as all these */
#define PIECE        64    /* of a write, that is shown twice at most */
#define PIECE_SHOWN  512   /* bytes at most, with all tabs as spaces */
#define IN_SIZE      8192
#define OUT_SIZE     4096

struct entry {
	uint32_t what;
	uint32_t value;
	uint64_t id; /* of the call, for a read; a session */
};

enum { ENTRY_TYPED, ENTRY_READ, ENTRY_OWNER };

/*
 * What outlives the server. Each field is written by one store, after what it
 * stands for; so it is true whenever the server is killed.
 */
struct lasting {
	uint64_t entries;    /* that were ever made in the journal */
	uint64_t signalled;  /* entries before this: their signals were sent */
	uint64_t shown;      /* the same: all that they put out is in `show` */
	uint64_t write_id;   /* the call whose bytes were shown last, */
	uint64_t written;    /* and how many of them */
	uint64_t killed_by;  /* the call that it was killed at last */
	uint64_t head, tail; /* tail .. head - 1 is to go to the line */
	struct entry journal[JOURNAL_SIZE];
	uint8_t typed[TYPED_SIZE]; /* as the kernel put it there */
	uint8_t show[SHOW_SIZE];
};

struct console {
	struct terminal terminal;
	struct uart uart;
	struct lasting *lasting;
	uint64_t applied; /* entries of the journal that are in `terminal` */
	uint64_t kept;    /* the same of who stays behind */
	uint64_t taken;   /* bytes typed that are in the journal */
	uint64_t come;    /* and those that are in `typed` as well */
	uint64_t events;  /* that are raised */
	int32_t home;     /* the session that has the terminal after others */
	uint64_t reader;  /* a read that VTIME may end, and when it began */
	uint64_t since;
	bool time_is_up; /* until a read is asked again */
	bool is_killed;  /* now and then, to try it */
	int port, device;
	unsigned shift;
	struct request request;
	struct reply reply;
	uint64_t owed;   /* the read that was done before the server died, */
	size_t owed_len; /* and what it read, in `owed_bytes` */
	uint8_t owed_bytes[OUT_SIZE];
	uint8_t in[IN_SIZE];
	uint8_t out[OUT_SIZE];
};

/* Serves for ever; an errno if it cannot. */
int console_serve(struct console *c);

/* ---- journal.c ---- */

/* Is there room for so many entries? If not, then after the next keep. */
bool journal_has_room(const struct console *c, uint64_t entries);

/* The next byte that has come is typed. */
void journal_type(struct console *c);

/* `len` bytes were read by the call in hand, which asked for `size`. */
void journal_read(struct console *c, size_t size, size_t len);

/* The terminal has another session or foreground. */
void journal_owner(struct console *c);

/* Does once more what the server that died has done. */
void journal_replay(struct console *c);

/* ---- answer.c ---- */

/* Answers the call in hand. True: what it changed has to be kept first. */
bool console_answer(struct console *c);

/* Sends a signal to a group. */
void console_signal(const struct console *c, int32_t group, int signal);

/* ---- loop.c ---- */

/* Time, as struct line_wait counts it: nanoseconds. */
uint64_t console_now(void);

/* Sends what can be sent, and tells who waits for what has changed. */
void console_update(struct console *c);

/* Moves what the line has put out to what is to be sent. */
void console_show(struct console *c);

/* Would all of a piece be moved there? */
bool console_has_room(const struct console *c);

#endif
