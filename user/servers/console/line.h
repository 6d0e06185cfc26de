/* SPDX-License-Identifier: MIT */
/*
 * line.h - a line discipline: what a terminal does between its keyboard, its
 * screen and the programs that use it, as Linux's does.
 *
 * Plain C without a system below it. Bytes of the keyboard go in by
 * line_input(), bytes for the screen come out of line_output(); programs read,
 * write and change the modes. Nothing here waits: what cannot be done yet says
 * so, and may be tried again.
 *
 * Left out: parity and breaks, which a console has not; case mapping, ECHOPRT,
 * EXTPROC. Their bits are kept and mean nothing.
 */
#ifndef CONSOLE_LINE_H
#define CONSOLE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/termios.h"

#define LINE_SIZE   4096 /* bytes that were typed and not read yet */
#define ECHO_SIZE   1024 /* bytes that were typed and not echoed yet */
#define OUTPUT_SIZE 4096 /* bytes that are to be shown */

struct line {
	struct termios_abi termios;

	/*
	 * Bytes tail .. head - 1, modulo LINE_SIZE. In canonical mode those
	 * from `whole` on are being edited, and the last of each line that can
	 * be read is marked. A marked 0 is an end of file.
	 */
	uint8_t input[LINE_SIZE];
	uint8_t marks[LINE_SIZE / 8];
	unsigned head, whole, tail;
	/* the next byte is an ordinary one: VLNEXT was typed */
	bool literally;
	/* when the last byte was typed, by the caller's clock */
	uint64_t typed_at;

	/*
	 * Where the next byte is shown, as far as can be known, and where the
	 * line that is being edited began.
	 */
	unsigned column, first_column;
	uint16_t echo[ECHO_SIZE];
	unsigned echo_head, echo_tail;
	uint8_t output[OUTPUT_SIZE];
	unsigned output_head, output_tail;
	bool stopped; /* the output was stopped by VSTOP */
};

/* Sets the modes that a terminal of Linux has at first. */
void line_init(struct line *line);

/*
 * Takes in bytes that were typed at the time `now`. Returns how many: fewer if
 * there is no room, or if the last of them asks for a signal to the foreground
 * group, which is then put into `signal` (0: none).
 */
size_t line_input(struct line *line, const uint8_t *bytes, size_t len,
    uint64_t now, int *signal);

/* Would line_input() take another byte? */
bool line_has_room(const struct line *line);

/*
 * Moves bytes that are to be shown to `to`; returns how many, at most `size`.
 */
size_t line_output(struct line *line, uint8_t *to, size_t size);

/* Bytes that are still to be shown: TIOCOUTQ. */
size_t line_output_count(const struct line *line);

/* Has line_output() moved all bytes, echoes too? */
bool line_is_shown(const struct line *line);

/* A write by a program. Returns how many of the bytes were taken, perhaps 0. */
size_t line_write(struct line *line, const uint8_t *bytes, size_t len);

/* The result of line_read() if there is nothing to read yet. */
#define LINE_LATER (-1)

struct line_wait {
	bool nonblocking;
	uint64_t now;
	uint64_t since; /* when the read began to wait */
	uint64_t tenth; /* a tenth of a second, in the unit of `since` */
	uint64_t until; /* set with LINE_LATER: try again by then; 0: never */
};

/*
 * A read by a program: at most a line in canonical mode, and as much as VMIN
 * and VTIME ask for in the other mode. Returns the number of bytes, 0 at an end
 * of file or when the time of VTIME is over, or LINE_LATER if nothing was
 * taken.
 */
long line_read(struct line *line, uint8_t *to, size_t size,
    struct line_wait *wait);

/* Would poll() say that there is something to read? */
bool line_is_readable(const struct line *line);

/* Bytes that can be read: FIONREAD. */
size_t line_input_count(const struct line *line);

void line_set_termios(struct line *line, const struct termios_abi *termios);
void line_flush_input(struct line *line);
void line_flush_output(struct line *line);

/* Forgets all that is to be shown, echoes too. */
void line_show_nothing(struct line *line);

#endif
