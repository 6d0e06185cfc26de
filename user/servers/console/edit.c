/* SPDX-License-Identifier: MIT */
/*
 * edit.c - the keys that edit a line, and those that end it.
 */
#include "parts.h"

/*
 * Is the character part of a word, for VWERASE? Beyond ASCII it is taken for
 * Latin-1, as in Linux.
 */
static bool is_of_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || c == '_' ||
	    (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

static void echo_back(struct line *line)
{
	line_echo_byte(line, '\b');
	line_echo_byte(line, ' ');
	line_echo_byte(line, '\b');
}

/*
 * How many columns there are before the tab at the end of the line, back to the
 * tab before it or to the line's begin.
 */
static unsigned columns_before_tab(const struct line *line)
{
	unsigned columns = 0;

	for (unsigned at = line->head; at != line->whole;) {
		uint8_t c = byte_at(line, --at);

		if (c == '\t')
			return columns % 8 | AFTER_TAB;
		if (is_control(c))
			columns += has_lflag(line, ECHOCTL) ? 2 : 0;
		else if (!continues(line, c))
			columns++;
	}
	return columns % 8;
}

/*
 * The character that begins with `c` was erased from the line: erases it from
 * the screen.
 */
static void echo_erased(struct line *line, uint8_t c)
{
	if (c == '\t') {
		line_add_echo(line, ECHO_TAB | columns_before_tab(line));
		return;
	}
	if (is_control(c) && !has_lflag(line, ECHOCTL))
		return;
	if (is_control(c))
		echo_back(line);
	echo_back(line);
}

/* Where the line's last character begins; `head` if the line is empty. */
static unsigned last_character(const struct line *line)
{
	unsigned at = line->head;

	do
		at--;
	while (continues(line, byte_at(line, at)) && at != line->whole);
	return continues(line, byte_at(line, at)) ? line->head : at;
}

static void erase_character(struct line *line)
{
	unsigned at = last_character(line);

	if (at == line->head)
		return;
	line->head = at;
	if (!has_lflag(line, ECHO))
		return;
	if (has_lflag(line, ECHOE))
		echo_erased(line, byte_at(line, at));
	else
		line_echo_key(line, line->termios.cc[VERASE]);
}

static void erase_word(struct line *line)
{
	bool in_word = false;

	while (line->head != line->whole) {
		unsigned at = last_character(line);
		uint8_t c = byte_at(line, at);

		if (at == line->head || (in_word && !is_of_word(c)))
			return;
		in_word = in_word || is_of_word(c);
		line->head = at;
		if (has_lflag(line, ECHO))
			echo_erased(line, c);
	}
}

static void erase_line(struct line *line)
{
	uint32_t visibly = ECHOK | ECHOKE | ECHOE;
	unsigned at;

	if (!has_lflag(line, ECHO)) {
		line->head = line->whole;
	} else if ((line->termios.lflag & visibly) != visibly) {
		line->head = line->whole;
		line_echo_key(line, line->termios.cc[VKILL]);
		if (has_lflag(line, ECHOK))
			line_echo_byte(line, '\n');
	}
	while (line->head != line->whole &&
	    (at = last_character(line)) != line->head) {
		line->head = at;
		echo_erased(line, byte_at(line, at));
	}
}

static void reprint(struct line *line)
{
	line_echo_key(line, line->termios.cc[VREPRINT]);
	line_echo_byte(line, '\n');
	for (unsigned at = line->whole; at != line->head; at++)
		line_echo_key(line, byte_at(line, at));
}

/* Is it a key that edits only if IEXTEN is set? */
static bool is_extended_key(const struct line *line, uint8_t c, int key)
{
	return has_lflag(line, IEXTEN) && is_key(line, c, key);
}

/* In canonical mode: does what the key does, if it edits or ends the line. */
bool line_edits(struct line *line, uint8_t c)
{
	bool erases_word = is_extended_key(line, c, VWERASE);

	if (is_key(line, c, VERASE) || is_key(line, c, VKILL) || erases_word) {
		if (line->head == line->whole)
			return true;
		if (is_key(line, c, VERASE))
			erase_character(line);
		else if (erases_word)
			erase_word(line);
		else
			erase_line(line);
		return true;
	}
	if (is_extended_key(line, c, VLNEXT)) {
		line->literally = true;
		if (has_lflag(line, ECHO) && has_lflag(line, ECHOCTL)) {
			line_echo_byte(line, '^');
			line_echo_byte(line, '\b');
		}
		return true;
	}
	if (is_extended_key(line, c, VREPRINT) && has_lflag(line, ECHO)) {
		reprint(line);
		return true;
	}
	return false;
}

bool line_ends(struct line *line, uint8_t c)
{
	if (c == '\n') {
		if (has_lflag(line, ECHO | ECHONL))
			line_echo_byte(line, '\n');
	} else if (is_key(line, c, VEOF)) {
		c = NONE;
	} else if (is_key(line, c, VEOL) || is_extended_key(line, c, VEOL2)) {
		line_echo_text(line, c);
	} else {
		return false;
	}
	end_line(line, c);
	return true;
}
