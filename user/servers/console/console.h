/* SPDX-License-Identifier: MIT */
/*
 * console.h - the console server: it makes a terminal of a serial port.
 * Programs have the terminal as their descriptors 0 to 2.
 *
 * If it is killed it has to go on from where it was. It could fork a copy of
 * itself (port_keep()) at each byte that is typed, but that would be slow. So
 * what changes often is written to a journal first, in memory that outlives the
 * server: bytes that were typed, bytes that were read, and to which session the
 * terminal belongs. A successor is an older copy: it does again what the
 * journal says, and shows nothing twice. What changes rarely, the modes, is
 * kept by a fork.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include <server.h>

#include "terminal.h"
#include "uart.h"

/* Events of the port. */
#define READABLE 1UL
#define WRITABLE 2UL
#define SHOWN    4UL /* all output has been sent */
#define TIME_UP  8UL /* the time of a read, by VTIME, is over: ask again */

/* Files of the port. */
#define TOKEN_TERMINAL 1
#define TOKEN_SERIAL   2 /* not a file: the token of notes of interrupts */

#define JOURNAL_SIZE 256
#define TYPED_SIZE   128
#define SHOW_SIZE    16384 /* a power of two, as all these */
#define PIECE        64    /* bytes of a write that may be shown twice */
#define PIECE_SHOWN  512   /* bytes at most, with all tabs as spaces */
#define IN_SIZE      8192
#define OUT_SIZE     4096

struct entry {
	uint32_t what;
	uint32_t value;
	uint64_t id; /* a read: the number of the call; an owner: the session */
};

enum { ENTRY_TYPED, ENTRY_READ, ENTRY_OWNER };

/*
 * What outlives the server. A field says that something has been done, and is
 * written by one store after that was done, so that it is true whenever the
 * server is killed.
 */
struct lasting {
	uint64_t entries; /* how many entries the journal ever had */
	/* of these, how many have sent their signals */
	uint64_t signalled;
	/* of these, how many have put their output into `show` */
	uint64_t shown;
	uint64_t write_id;  /* the call whose bytes were shown last, */
	uint64_t written;   /* and how many of them */
	uint64_t killed_by; /* the last call at which the server was killed */
	/* bytes tail .. head - 1 of `show` are to be sent */
	uint64_t head, tail;
	struct entry journal[JOURNAL_SIZE];
	uint8_t typed[TYPED_SIZE]; /* input, as the kernel stored it */
	uint8_t show[SHOW_SIZE];
};

struct console {
	struct terminal terminal;
	struct uart uart;
	struct lasting *lasting;
	uint64_t applied; /* entries of the journal that `terminal` has seen */
	uint64_t kept;    /* entries that the kept copy has seen */
	uint64_t taken;   /* bytes typed that are in the journal */
	uint64_t come;    /* bytes in `typed`, those above included */
	uint64_t events;  /* events that are raised */
	int32_t home;     /* the session that has the terminal after others */
	uint64_t reader;  /* a read that VTIME may end, and when it began */
	uint64_t since;
	bool time_is_up; /* until a read is asked again */
	bool is_killed;  /* the server kills itself now and then, as a test */
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

/*
 * Has the journal room for so many entries? If not, there is after the next
 * keep.
 */
bool journal_has_room(const struct console *c, uint64_t entries);

/* Writes that the next byte of input was typed, and does it. */
void journal_type(struct console *c);

/*
 * Writes that the call in hand, which asked for `size` bytes, has read `len`.
 */
void journal_read(struct console *c, size_t size, size_t len);

/* Writes that the session or the foreground group has changed. */
void journal_owner(struct console *c);

/* Does again what the journal says, as far as this copy has not seen it. */
void journal_replay(struct console *c);

/* ---- answer.c ---- */

/*
 * Answers the call in hand. True if its change has to be kept before the reply.
 */
bool console_answer(struct console *c);

/* Sends a signal to a group. */
void console_signal(const struct console *c, int32_t group, int signal);

/* ---- loop.c ---- */

/* Time, as struct line_wait counts it: nanoseconds. */
uint64_t console_now(void);

/* Sends output as far as the port takes it, and raises or lowers events. */
void console_update(struct console *c);

/* Moves what the line has put out to what is to be sent. */
void console_show(struct console *c);

/* Has `show` room for a whole piece? */
bool console_has_room(const struct console *c);

#endif
