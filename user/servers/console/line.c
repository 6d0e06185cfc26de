/* SPDX-License-Identifier: MIT */
/*
 * line.c - the line discipline: what is typed, what is read, and the modes.
 */
#include "line.h"

#include "abi/signal.h"
#include "parts.h"

void line_flush_input(struct line *line)
{
	line->head = line->whole = line->tail = 0;
	unmark_all(line);
}

/* ---- Input ---- */

static int signal_of(const struct line *line, uint8_t c)
{
	if (!has_lflag(line, ISIG))
		return 0;
	if (is_key(line, c, VINTR))
		return SIGINT;
	if (is_key(line, c, VQUIT))
		return SIGQUIT;
	return is_key(line, c, VSUSP) ? SIGTSTP : 0;
}

static void interrupt(struct line *line, uint8_t c)
{
	if (!has_lflag(line, NOFLSH)) {
		line_show_nothing(line);
		line_flush_input(line);
	}
	if (has_iflag(line, IXON))
		line_start(line);
	if (has_lflag(line, ECHO))
		line_echo_key(line, c);
}

/* Is it VSTART or VSTOP? Then starts or stops the output. */
static bool controls_flow(struct line *line, uint8_t c)
{
	if (!has_iflag(line, IXON))
		return false;
	if (is_key(line, c, VSTART)) {
		line_start(line);
		return true;
	}
	if (is_key(line, c, VSTOP)) {
		line->stopped = true;
		return true;
	}
	return false;
}

static void start_by_any(struct line *line)
{
	if (line->stopped && has_iflag(line, IXON) && has_iflag(line, IXANY))
		line_start(line);
}

/* Applies IGNCR, ICRNL and INLCR to a byte. False if it is to be ignored. */
static bool translate(const struct line *line, uint8_t *c)
{
	if (*c == '\r') {
		if (has_iflag(line, IGNCR))
			return false;
		if (has_iflag(line, ICRNL))
			*c = '\n';
	} else if (*c == '\n' && has_iflag(line, INLCR)) {
		*c = '\r';
	}
	return true;
}

static void take_text(struct line *line, uint8_t c, bool newline_is_plain)
{
	if (c == '\n' && newline_is_plain) {
		if (has_lflag(line, ECHO))
			line_echo_byte(line, '\n');
	} else {
		line_echo_text(line, c);
	}
	put(line, c);
}

/* Takes in one byte. Returns the signal that it asks for, or 0. */
static int take_byte(struct line *line, uint8_t c)
{
	uint8_t typed;
	int signal;

	if (has_iflag(line, ISTRIP))
		c &= 0x7f;
	if (line->literally) {
		line->literally = false;
		take_text(line, c, false);
		return 0;
	}
	if (controls_flow(line, c))
		return 0;
	signal = signal_of(line, c);
	if (signal != 0) {
		interrupt(line, c);
		return signal;
	}
	start_by_any(line);
	typed = c;
	if (!translate(line, &c))
		return 0;
	if (has_lflag(line, ICANON) &&
	    (line_edits(line, c) || line_ends(line, c)))
		return 0;
	take_text(line, c, c != typed);
	return 0;
}

/*
 * In canonical mode: is no line complete? Then a character that ends the line
 * is accepted even if there is no other room.
 */
static bool needs_end(const struct line *line)
{
	return has_lflag(line, ICANON) && line->whole == line->tail;
}

/* One place stays free for the character that ends a line. */
bool line_has_room(const struct line *line)
{
	return line->head - line->tail < LINE_SIZE - 1 || needs_end(line);
}

/* Frees that place again, if the character in it does not end the line. */
static void free_last_place(struct line *line)
{
	if (line->head - line->tail == LINE_SIZE && needs_end(line))
		line->head--;
}

size_t line_input(struct line *line, const uint8_t *bytes, size_t len,
    uint64_t now, int *signal)
{
	size_t n = 0;

	*signal = 0;
	while (n < len && *signal == 0 && line_has_room(line)) {
		*signal = take_byte(line, bytes[n++]);
		free_last_place(line);
		line->typed_at = now;
	}
	line_flush_echo(line);
	return n;
}

/* ---- Reading ---- */

/*
 * Reads up to the end of a line. An end of file right behind what is read is
 * taken off with it.
 */
static size_t read_line(struct line *line, uint8_t *to, size_t size)
{
	size_t n = 0;

	while (line->tail != line->whole) {
		unsigned at = line->tail;
		bool last = is_marked(line, at), end = is_end_of_file(line, at);

		if (n == size && !end)
			break;
		line->tail++;
		unmark(line, at);
		if (!end)
			to[n++] = byte_at(line, at);
		if (last)
			break;
	}
	return n;
}

static size_t read_bytes(struct line *line, uint8_t *to, size_t size)
{
	size_t n = 0;

	while (n < size && line->tail != line->head)
		to[n++] = byte_at(line, line->tail++);
	return n;
}

static bool has_line(const struct line *line)
{
	return line->tail != line->whole;
}

/*
 * In non-canonical mode: is there enough to read, by VMIN and VTIME? If not,
 * `until` says when to look again.
 */
static bool is_enough(const struct line *line, size_t size,
    struct line_wait *wait)
{
	size_t count = line->head - line->tail;
	size_t least = line->termios.cc[VMIN];
	uint64_t time = line->termios.cc[VTIME] * wait->tenth;
	bool waits_for_first = least == 0;

	if (count > 0 && count >= (least < size ? least : size))
		return true;
	wait->until = 0;
	if (waits_for_first)
		wait->until = wait->since + time;
	else if (time != 0 && count > 0)
		wait->until = line->typed_at + time;
	else
		return false;
	return wait->now >= wait->until;
}

long line_read(struct line *line, uint8_t *to, size_t size,
    struct line_wait *wait)
{
	size_t n;

	wait->until = 0;
	if (size == 0)
		return 0;
	if (has_lflag(line, ICANON)) {
		if (!has_line(line))
			return LINE_LATER;
		return (long)read_line(line, to, size);
	}
	if (is_enough(line, size, wait))
		return (long)read_bytes(line, to, size);
	n = wait->nonblocking ? read_bytes(line, to, size) : 0;
	return n > 0 ? (long)n : LINE_LATER;
}

bool line_is_readable(const struct line *line)
{
	size_t least = line->termios.cc[VMIN];

	if (has_lflag(line, ICANON))
		return has_line(line);
	if (line->termios.cc[VTIME] != 0 || least == 0)
		least = 1;
	return line->head - line->tail >= least;
}

size_t line_input_count(const struct line *line)
{
	size_t n = 0;

	if (!has_lflag(line, ICANON))
		return line->head - line->tail;
	for (unsigned at = line->tail; at != line->whole; at++)
		n += !is_end_of_file(line, at);
	return n;
}

/* ---- Modes ---- */

/*
 * After a change of ICANON. When it is cleared, all input can be read, also
 * what was being edited, and ends of lines are ordinary characters. When it is
 * set, the input becomes a line.
 */
static void change_mode(struct line *line)
{
	unmark_all(line);
	line->literally = false;
	if (has_lflag(line, ICANON) && line->head != line->tail) {
		mark(line, line->head - 1);
		line->whole = line->head;
	} else {
		line->whole = line->tail;
	}
}

void line_set_termios(struct line *line, const struct termios_abi *termios)
{
	struct termios_abi before = line->termios;

	line->termios = *termios;
	if ((before.lflag ^ termios->lflag) & ICANON)
		change_mode(line);
	if ((before.iflag & IXON) && !has_iflag(line, IXON))
		line_start(line);
}

void line_init(struct line *line)
{
	static const struct termios_abi modes = {
	    .iflag = ICRNL | IXON,
	    .oflag = OPOST | ONLCR,
	    .cflag = 0xbf,
	    .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
		IEXTEN,
	    .cc =
		{
		    [VINTR] = CTRL('C'),
		    [VQUIT] = CTRL('\\'),
		    [VERASE] = DEL,
		    [VKILL] = CTRL('U'),
		    [VEOF] = CTRL('D'),
		    [VMIN] = 1,
		    [VSTART] = CTRL('Q'),
		    [VSTOP] = CTRL('S'),
		    [VSUSP] = CTRL('Z'),
		    [VREPRINT] = CTRL('R'),
		    [VWERASE] = CTRL('W'),
		    [VLNEXT] = CTRL('V'),
		},
	};

	*line = (struct line){.termios = modes};
}
