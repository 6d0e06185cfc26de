/* SPDX-License-Identifier: MIT */
/*
 * loop.c - the loop of the server: serves calls, and moves bytes from and to
 * the serial port.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "console.h"

uint64_t console_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- Output ---- */

static size_t room_to_show(const struct console *c)
{
	return SHOW_SIZE - (c->lasting->head - c->lasting->tail);
}

/*
 * The bytes are valid when `head` says so. If the server dies before `shown` is
 * written, its successor puts the same bytes there again.
 */
void console_show(struct console *c)
{
	struct lasting *lasting = c->lasting;
	uint8_t bytes[PIECE];
	size_t n;

	do {
		size_t room = room_to_show(c);

		n = line_output(&c->terminal.line, bytes,
		    room < sizeof bytes ? room : sizeof bytes);
		for (size_t i = 0; i < n; i++)
			lasting->show[(lasting->head + i) % SHOW_SIZE] =
			    bytes[i];
		__atomic_store_n(&lasting->head, lasting->head + n,
		    __ATOMIC_RELEASE);
	} while (n == sizeof bytes);
	if (line_is_shown(&c->terminal.line))
		__atomic_store_n(&lasting->shown, c->applied, __ATOMIC_RELEASE);
}

bool console_has_room(const struct console *c)
{
	return line_output_count(&c->terminal.line) == 0 &&
	    room_to_show(c) >= PIECE_SHOWN;
}

static void send(struct console *c)
{
	struct lasting *lasting = c->lasting;
	size_t len, n, at;

	do {
		console_show(c);
		at = lasting->tail % SHOW_SIZE;
		len = lasting->head - lasting->tail;
		if (len > SHOW_SIZE - at)
			len = SHOW_SIZE - at;
		n = len > 0 ? uart_send(&c->uart, lasting->show + at, len) : 0;
		__atomic_store_n(&lasting->tail, lasting->tail + n,
		    __ATOMIC_RELEASE);
	} while (n > 0);
}

static uint64_t events_now(const struct console *c)
{
	const struct line *line = &c->terminal.line;
	size_t unsent = c->lasting->head - c->lasting->tail;

	return (line_is_readable(line) ? READABLE : 0) |
	    (!line->stopped && unsent < SHOW_SIZE / 2 ? WRITABLE : 0) |
	    (unsent == 0 && line_output_count(line) == 0 ? SHOWN : 0) |
	    (c->time_is_up ? TIME_UP : 0);
}

static void type_what_has_come(struct console *c)
{
	while (c->taken < c->come && journal_has_room(c, 1) &&
	    line_has_room(&c->terminal.line))
		journal_type(c);
}

/* Input for which there is no room stays in the port. */
void console_update(struct console *c)
{
	uint64_t events;

	type_what_has_come(c);
	send(c);
	uart_want(&c->uart, c->come - c->taken < TYPED_SIZE,
	    c->lasting->head != c->lasting->tail);
	events = events_now(c);
	if (events != c->events)
		(void)port_events(c->port, events & ~c->events,
		    c->events & ~events);
	c->events = events;
}

/* ---- Input ---- */

/*
 * The kernel stores input in memory that outlives the server, and counts it, in
 * one step. So a successor finds the bytes that its predecessor had taken and
 * not yet typed.
 */
static void take_input(struct console *c)
{
	size_t at = c->come % TYPED_SIZE;
	size_t room = TYPED_SIZE - (c->come - c->taken);
	ssize_t n;

	uart_acknowledge(&c->uart);
	if (room > TYPED_SIZE - at)
		room = TYPED_SIZE - at;
	n = room > 0 ? read(c->device, c->lasting->typed + at, room) : 0;
	if (n > 0)
		c->come += (size_t)n;
}

/* ---- Going on ---- */

/*
 * Touches all memory that the server will write to, so that it needs no more
 * while it serves. Both the server and its kept copy then have their own.
 */
#define STACK_SIZE 8192

static void warm_up(struct console *c)
{
	volatile uint8_t *state = (uint8_t *)c,
			 *lasting = (uint8_t *)c->lasting;
	volatile uint8_t stack[STACK_SIZE];

	for (size_t i = 0; i < sizeof stack; i += 2048)
		stack[i] = 0;
	for (size_t i = 0; i < sizeof *c; i += 4096)
		state[i] = state[i];
	state[sizeof *c - 1] = state[sizeof *c - 1];
	(void)*lasting;
}

/*
 * Runs first in a successor: it maps the registers, and does what the journal
 * says.
 */
static void go_on(struct console *c)
{
	warm_up(c);
	uart_init(&c->uart, c->device, c->shift);
	journal_replay(c);
	c->come = (uint64_t)ioctl(c->device, DEVICE_TAKEN);
	(void)port_events(c->port, 0, ~0UL);
	c->events = 0;
	c->time_is_up = true; /* its predecessor's alarm is lost */
	console_update(c);
}

/*
 * Keeps the server. False if the request is not in hand afterwards. If there is
 * no memory, no copy was made, and this server goes on.
 */
static bool keep(struct console *c)
{
	pid_t self = getpid();
	uint64_t kept = c->kept;
	int in_hand;

	c->kept = c->applied;
	in_hand = port_keep(c->port);
	if (getpid() == self) {
		c->kept = kept;
		return true;
	}
	go_on(c);
	return in_hand == 1;
}

static void on_alarm(int signal)
{
	(void)signal;
}

/*
 * Keeps the server if half of the journal is used, or if its kept copy has
 * ended. This is done before the call, so that the new copy has all entries.
 */
static bool make_room(struct console *c)
{
	return (journal_has_room(c, JOURNAL_SIZE / 2) && !port_is_unkept()) ||
	    keep(c);
}

/*
 * As a test, the server kills itself at some calls, once at each of them; the
 * call is then asked again.
 */
static void die_now_and_then(struct console *c)
{
	if (!c->is_killed || c->request.id % 3 != 0 ||
	    c->lasting->killed_by == c->request.id)
		return;
	c->lasting->killed_by = c->request.id;
	(void)raise(SIGKILL);
}

static void handle(struct console *c)
{
	bool in_hand = make_room(c), changed;

	switch (c->request.number) {
	case REQUEST_INTERRUPT:
		take_input(c);
		console_update(c);
		return;
	case REQUEST_CLOSED:
	case REQUEST_GONE:
		return;
	default:
		break;
	}
	if (!in_hand)
		return;
	changed = console_answer(c);
	console_update(c);
	die_now_and_then(c);
	if (changed)
		(void)keep(c);
}

/* Does the reply contain more than a result? */
static bool is_reply(const struct reply *reply)
{
	return reply->flags != 0 || reply->out_len != 0;
}

int console_serve(struct console *c)
{
	struct sigaction action = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &action, NULL);
	warm_up(c);
	port_watch_keeper();
	if (port_keep(c->port) < 0)
		return errno;
	go_on(c);
	for (;;) {
		if (port_next(c->port, &c->reply, &c->request, c->in,
			sizeof c->in) == 0) {
			handle(c);
		} else if (errno == EINTR) {
			c->time_is_up = true;
			console_update(c);
			if (port_is_unkept())
				(void)keep(c);
		} else if (errno == EINVAL && is_reply(&c->reply)) {
			/*
			 * The kernel has refused the reply: the call gets an
			 * error.
			 */
			c->reply = (struct reply){.result = -EIO};
		} else if (errno != ENOMEM) {
			return errno;
		}
	}
}
