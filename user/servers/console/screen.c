/* SPDX-License-Identifier: MIT */
/*
 * screen.c - output: what programs write, and the echo of what is typed.
 *
 * An echo is recorded when a byte is typed, and turned into bytes for the
 * screen when the output goes on, as only then is the column known.
 */
#include "parts.h"

static size_t output_room(const struct line *line)
{
	return line->stopped
	    ? 0
	    : OUTPUT_SIZE - (line->output_head - line->output_tail);
}

static void show(struct line *line, uint8_t c)
{
	line->output[line->output_head++ % OUTPUT_SIZE] = c;
}

/* Shows a byte as OPOST says: at most eight bytes. */
static void show_processed(struct line *line, uint8_t c)
{
	unsigned spaces;

	switch (c) {
	case '\n':
		if (has_oflag(line, ONLRET | ONLCR))
			line->column = 0;
		if (has_oflag(line, ONLCR))
			show(line, '\r');
		line->first_column = line->column;
		break;
	case '\r':
		if (has_oflag(line, ONOCR) && line->column == 0)
			return;
		if (has_oflag(line, OCRNL))
			c = '\n';
		if (!has_oflag(line, OCRNL) || has_oflag(line, ONLRET))
			line->first_column = line->column = 0;
		break;
	case '\t':
		spaces = 8 - line->column % 8;
		line->column += spaces;
		if ((line->termios.oflag & TABDLY) != XTABS)
			break;
		while (spaces-- > 0)
			show(line, ' ');
		return;
	case '\b':
		if (line->column > 0)
			line->column--;
		break;
	default:
		if (!is_control(c) && !continues(line, c))
			line->column++;
		break;
	}
	show(line, c);
}

static void show_back_over_tab(struct line *line, unsigned columns)
{
	if (!(columns & AFTER_TAB))
		columns += line->first_column;
	for (unsigned n = 8 - columns % 8; n > 0; n--) {
		show(line, '\b');
		if (line->column > 0)
			line->column--;
	}
}

static void show_echo(struct line *line, uint16_t echo)
{
	uint8_t c = (uint8_t)echo;

	switch (echo & ~0xff) {
	case ECHO_CONTROL:
		show(line, '^');
		show(line, c ^ 0100);
		line->column += 2;
		break;
	case ECHO_TAB:
		show_back_over_tab(line, c);
		break;
	case ECHO_COLUMN:
		line->first_column = line->column;
		break;
	case ECHO_AS_IT_IS:
		show(line, c);
		line->column++;
		break;
	default:
		if (has_oflag(line, OPOST))
			show_processed(line, c);
		else
			show(line, c);
		break;
	}
}

#define SHOWN_AT_ONCE 8 /* bytes at most for one byte, or one echo */

void line_flush_echo(struct line *line)
{
	while (line->echo_tail != line->echo_head &&
	    output_room(line) >= SHOWN_AT_ONCE)
		show_echo(line, line->echo[line->echo_tail++ % ECHO_SIZE]);
}

void line_start(struct line *line)
{
	line->stopped = false;
	line_flush_echo(line);
}

size_t line_output(struct line *line, uint8_t *to, size_t size)
{
	size_t n = 0;

	line_flush_echo(line);
	while (!line->stopped && n < size &&
	    line->output_tail != line->output_head) {
		to[n++] = line->output[line->output_tail++ % OUTPUT_SIZE];
		line_flush_echo(line);
	}
	return n;
}

size_t line_output_count(const struct line *line)
{
	return line->output_head - line->output_tail;
}

void line_flush_output(struct line *line)
{
	line->output_tail = line->output_head;
}

bool line_is_shown(const struct line *line)
{
	return line_output_count(line) == 0 &&
	    line->echo_tail == line->echo_head;
}

void line_show_nothing(struct line *line)
{
	line->echo_tail = line->echo_head;
	line_flush_output(line);
}

/* Echoes of what was typed before the write are shown first. */
size_t line_write(struct line *line, const uint8_t *bytes, size_t len)
{
	size_t n = 0;

	line_flush_echo(line);
	for (; n < len && output_room(line) >= SHOWN_AT_ONCE; n++) {
		if (has_oflag(line, OPOST))
			show_processed(line, bytes[n]);
		else
			show(line, bytes[n]);
	}
	return n;
}

/* ---- Echo ---- */

/* If the output is stopped for long, the oldest echoes are forgotten. */
void line_add_echo(struct line *line, unsigned echo)
{
	if (line->echo_head - line->echo_tail == ECHO_SIZE)
		line_flush_echo(line);
	if (line->echo_head - line->echo_tail == ECHO_SIZE)
		line->echo_tail++;
	line->echo[line->echo_head++ % ECHO_SIZE] = (uint16_t)echo;
}

void line_echo_byte(struct line *line, uint8_t c)
{
	line_add_echo(line, c == 0xff ? ECHO_AS_IT_IS | 0xff : c);
}

void line_echo_key(struct line *line, uint8_t c)
{
	if (has_lflag(line, ECHOCTL) && is_control(c) && c != '\t')
		line_add_echo(line, ECHO_CONTROL | c);
	else
		line_echo_byte(line, c);
}

/* Echoes a byte that goes into the line. */
void line_echo_text(struct line *line, uint8_t c)
{
	if (!has_lflag(line, ECHO))
		return;
	if (line->whole == line->head)
		line_add_echo(line, ECHO_COLUMN);
	line_echo_key(line, c);
}
