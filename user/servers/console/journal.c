/* SPDX-License-Identifier: MIT */
/*
 * journal.c - records what happened since the server was last kept, so that its
 * successor can do it again.
 *
 * What the line discipline does with bytes does not depend on the time. So for
 * a byte that was typed the record is the byte, and for a read it is how many
 * bytes were read.
 */
#include <signal.h>
#include <string.h>

#include "console.h"

bool journal_has_room(const struct console *c, uint64_t entries)
{
	return c->applied - c->kept + entries <= JOURNAL_SIZE;
}

/* Adds an entry. It is valid from the store of the new count on. */
static void append(struct console *c, struct entry entry)
{
	struct lasting *lasting = c->lasting;

	lasting->journal[lasting->entries % JOURNAL_SIZE] = entry;
	__atomic_store_n(&lasting->entries, lasting->entries + 1,
	    __ATOMIC_RELEASE);
}

/*
 * Sends a signal, and records that. If the server dies between the two, the
 * signal is sent twice.
 */
static void send_signal(struct console *c, int signal)
{
	if (signal == 0 || c->applied < c->lasting->signalled)
		return;
	if (c->terminal.foreground > 0)
		console_signal(c, c->terminal.foreground, signal);
	__atomic_store_n(&c->lasting->signalled, c->applied + 1,
	    __ATOMIC_RELEASE);
}

static void apply_typed(struct console *c, uint8_t byte)
{
	uint64_t now =
	    c->terminal.line.termios.cc[VTIME] != 0 ? console_now() : 0;
	int signal;

	(void)line_input(&c->terminal.line, &byte, 1, now, &signal);
	send_signal(c, signal);
	c->applied++;
	c->taken++;
}

void journal_type(struct console *c)
{
	uint8_t byte = c->lasting->typed[c->taken % TYPED_SIZE];

	append(c, (struct entry){ENTRY_TYPED, byte, 0});
	apply_typed(c, byte);
}

/*
 * For a read of a line, the size that was asked for is recorded: with it the
 * read ends at the same place again. In the other mode the length is recorded,
 * as it depended on the time.
 */
void journal_read(struct console *c, size_t size, size_t len)
{
	bool by_line = c->terminal.line.termios.lflag & ICANON;

	append(c,
	    (struct entry){ENTRY_READ, (uint32_t)(by_line ? size : len),
		c->request.id});
	c->applied++;
}

static void apply_read(struct console *c, const struct entry *entry)
{
	struct line_wait wait = {.nonblocking = true};
	long n =
	    line_read(&c->terminal.line, c->owed_bytes, entry->value, &wait);

	c->owed = entry->id;
	c->owed_len = n > 0 ? (size_t)n : 0;
	c->applied++;
}

/*
 * Remembers the first session, which gets the terminal back after all others.
 */
static void find_home(struct console *c)
{
	if (c->home == 0)
		c->home = c->terminal.session;
}

void journal_owner(struct console *c)
{
	const struct terminal *t = &c->terminal;

	append(c,
	    (struct entry){ENTRY_OWNER, (uint32_t)t->foreground,
		(uint32_t)t->session});
	c->applied++;
	find_home(c);
}

static void apply_owner(struct console *c, const struct entry *entry)
{
	c->terminal.foreground = (int32_t)entry->value;
	c->terminal.session = (int32_t)entry->id;
	c->applied++;
	find_home(c);
}

static void apply(struct console *c, const struct entry *entry)
{
	switch (entry->what) {
	case ENTRY_TYPED:
		apply_typed(c, (uint8_t)entry->value);
		break;
	case ENTRY_READ:
		apply_read(c, entry);
		break;
	default:
		apply_owner(c, entry);
	}
}

/* Output that was shown before the server died is not shown again. */
void journal_replay(struct console *c)
{
	const struct lasting *lasting = c->lasting;

	for (;;) {
		if (c->applied <= lasting->shown)
			line_show_nothing(&c->terminal.line);
		if (c->applied == lasting->entries)
			return;
		apply(c, &lasting->journal[c->applied % JOURNAL_SIZE]);
	}
}
