/* SPDX-License-Identifier: MIT */
/*
 * parts.h - what the parts of the line discipline share: line.c takes in and
 * hands out, edit.c has the keys that edit a line, screen.c what is shown.
 */
#ifndef CONSOLE_PARTS_H
#define CONSOLE_PARTS_H

#include "line.h"

#define CTRL(c) ((c)&0x1f)
#define DEL     0x7f
/* of a control character: not set; of a byte of the input: an end of file */
#define NONE 0

/* An echo is a byte, or a byte with one of these marks. */
enum {
	ECHO_CONTROL = 0x100, /* a control character, shown as two: ^C */
	ECHO_TAB = 0x200,     /* erase a tab */
	ECHO_COLUMN = 0x300,  /* the edited line begins here */
	ECHO_AS_IT_IS = 0x400 /* not changed by OPOST */
};

/*
 * With ECHO_TAB: the columns are counted from an earlier tab, and not from the
 * begin of the line.
 */
#define AFTER_TAB 0x80

static inline bool has_iflag(const struct line *line, uint32_t flag)
{
	return (line->termios.iflag & flag) != 0;
}

static inline bool has_oflag(const struct line *line, uint32_t flag)
{
	return (line->termios.oflag & flag) != 0;
}

static inline bool has_lflag(const struct line *line, uint32_t flag)
{
	return (line->termios.lflag & flag) != 0;
}

static inline bool is_key(const struct line *line, uint8_t c, int key)
{
	return c != NONE && c == line->termios.cc[key];
}

static inline bool is_control(uint8_t c)
{
	return c < ' ' || c == DEL;
}

/* Is the byte a further byte of a UTF-8 character? */
static inline bool continues(const struct line *line, uint8_t c)
{
	return has_iflag(line, IUTF8) && (c & 0xc0) == 0x80;
}

/* ---- The ring of what was typed ---- */

static inline uint8_t byte_at(const struct line *line, unsigned at)
{
	return line->input[at % LINE_SIZE];
}

static inline bool is_marked(const struct line *line, unsigned at)
{
	return line->marks[at % LINE_SIZE / 8] >> at % 8 & 1;
}

static inline void mark(struct line *line, unsigned at)
{
	line->marks[at % LINE_SIZE / 8] |= (uint8_t)(1 << at % 8);
}

static inline void unmark(struct line *line, unsigned at)
{
	line->marks[at % LINE_SIZE / 8] &= (uint8_t) ~(1 << at % 8);
}

static inline void unmark_all(struct line *line)
{
	for (unsigned i = 0; i < sizeof line->marks; i++)
		line->marks[i] = 0;
}

static inline bool is_end_of_file(const struct line *line, unsigned at)
{
	return is_marked(line, at) && byte_at(line, at) == NONE;
}

static inline void put(struct line *line, uint8_t c)
{
	line->input[line->head++ % LINE_SIZE] = c;
}

/* Ends the line that is being edited: it can be read from now on. */
static inline void end_line(struct line *line, uint8_t c)
{
	mark(line, line->head);
	put(line, c);
	line->whole = line->head;
}

/* ---- screen.c ---- */

/* Turns echoes into output, unless the output is stopped or full. */
void line_flush_echo(struct line *line);

/* Starts the output again. */
void line_start(struct line *line);

/* Adds an echo, of a byte or with one of the marks above. */
void line_add_echo(struct line *line, unsigned echo);
void line_echo_byte(struct line *line, uint8_t c);
void line_echo_key(struct line *line, uint8_t c);

/* Echoes a byte that goes into the line. */
void line_echo_text(struct line *line, uint8_t c);

/* ---- edit.c ---- */

/* If the key edits or ends the line, does that, and returns true. */
bool line_edits(struct line *line, uint8_t c);
bool line_ends(struct line *line, uint8_t c);

#endif
