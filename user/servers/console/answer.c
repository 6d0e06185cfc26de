/* SPDX-License-Identifier: MIT */
/*
 * answer.c - calls on the terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "abi/stat.h"
#include "console.h"

static void fails(struct console *c, int error)
{
	c->reply.result = -error;
}

static void later(struct console *c, uint64_t events)
{
	c->reply = (struct reply){.flags = REPLY_LATER, .events = events};
}

static struct caller caller_of(const struct console *c)
{
	const struct request *r = &c->request;

	return (struct caller){.pid = r->pid,
	    .pgid = r->pgid,
	    .sid = r->sid,
	    .ignores_ttou = r->deaf != 0};
}

/* kill() cannot name group 1, that of process 1: kill(-1) means everybody. */
void console_signal(const struct console *c, int32_t group, int signal)
{
	(void)ioctl(c->port, PORT_SIGNAL,
	    (long)((uint64_t)(unsigned)signal << 32 | (uint32_t)group));
}

/*
 * Replies with a result of terminal.c. If the result is a signal, the caller is
 * stopped by it, and the call has done nothing.
 */
static void set_result(struct console *c, int result)
{
	c->reply.result = result;
	if (result > 0)
		c->reply.flags = REPLY_STOP;
}

/*
 * Has the journal room for changes of the owner? One call may change it twice.
 */
static bool has_room_for_owner(const struct console *c)
{
	return journal_has_room(c, 2);
}

/*
 * If the leader of the terminal's session has ended, the terminal is the first
 * session's again.
 */
static void find_session(struct console *c)
{
	struct terminal *t = &c->terminal;

	if (t->session == c->home || t->session == c->request.sid ||
	    getsid(t->session) >= 0 || !has_room_for_owner(c))
		return;
	t->session = t->foreground = c->home;
	journal_owner(c);
}

/*
 * May the caller use the terminal like this? If not, the reply says why.
 * Process 1 always may.
 */
static bool may(struct console *c, enum use use)
{
	struct caller caller = caller_of(c);
	int result;

	find_session(c);
	if (caller.pid == 1)
		return true;
	result = terminal_may(&c->terminal, &caller, use);
	set_result(c, result);
	return result == 0;
}

/* ---- Bytes ---- */

static void give(struct console *c, const void *bytes, size_t len)
{
	c->reply.result = (int64_t)len;
	c->reply.out = bytes;
	c->reply.out_len = len;
}

/*
 * There is nothing to read yet: the read waits for an event. If VTIME limits
 * its time, an alarm interrupts the server then, and the read is asked again.
 */
static void read_later(struct console *c, const struct line_wait *wait)
{
	/* in microseconds, rounded up */
	uint64_t left = wait->until - wait->now + 1000;
	struct itimerval timer = {.it_value = {(time_t)(left / 1000000000),
				      (suseconds_t)(left % 1000000000 / 1000)}};

	later(c, READABLE | TIME_UP);
	if (wait->until == 0)
		return;
	c->reader = c->request.id;
	c->since = wait->since;
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

static void answer_read(struct console *c)
{
	uint64_t size = c->request.arg[2];
	struct line_wait wait = {.tenth = 100000000,
	    .nonblocking = c->request.flags & O_NONBLOCK};
	long n;

	c->time_is_up = false;
	if (c->request.id == c->owed) {
		give(c, c->owed_bytes, c->owed_len);
		return;
	}
	if (!may(c, USE_READ))
		return;
	if (!journal_has_room(c, 1)) {
		fails(c, ENOMEM);
		return;
	}
	if (size > sizeof c->out)
		size = sizeof c->out;
	if (!(c->terminal.line.termios.lflag & ICANON) &&
	    c->terminal.line.termios.cc[VTIME] != 0) {
		wait.now = console_now();
		wait.since = c->request.id == c->reader ? c->since : wait.now;
	}
	n = line_read(&c->terminal.line, c->out, size, &wait);
	if (n == LINE_LATER) {
		read_later(c, &wait);
		return;
	}
	journal_read(c, size, (size_t)n);
	give(c, c->out, (size_t)n);
}

/*
 * How many of the bytes to be written are in c->in: as many as fit. Of a vector
 * of many pieces, only the first few have come along.
 */
static size_t fetch_written(struct console *c)
{
	size_t len = c->request.in_len, all = c->request.arg[2];
	ssize_t n = 0;

	if (all > sizeof c->in)
		all = sizeof c->in;
	if (len > 0 && len < all)
		n = port_read(c->port, 0, len, c->in + len, all - len);
	return n > 0 ? len + (size_t)n : len;
}

/*
 * Writes a piece at a time. A piece is recorded as written at the moment it is
 * put out to be shown, so that if the server dies at most one piece is shown
 * twice, and none is lost.
 */
static void answer_write(struct console *c)
{
	struct lasting *lasting = c->lasting;
	size_t len, n, piece;

	if (!may(c, USE_WRITE))
		return;
	len = fetch_written(c);
	if (len == 0 && c->request.arg[2] > 0) {
		fails(c, EFAULT);
		return;
	}
	if (lasting->write_id != c->request.id) {
		lasting->written = 0;
		lasting->write_id = c->request.id;
	}
	while (lasting->written < len && console_has_room(c)) {
		piece = len - lasting->written;
		n = line_write(&c->terminal.line, c->in + lasting->written,
		    piece < PIECE ? piece : PIECE);
		console_show(c);
		lasting->written += n;
		if (n == 0)
			break;
	}
	if (lasting->written == 0 && len > 0)
		later(c, WRITABLE);
	else
		c->reply.result = (int64_t)lasting->written;
}

/* ---- Modes ---- */

static bool fetch(struct console *c, void *to, size_t len)
{
	if (port_read(c->port, 0, 0, to, len) == (ssize_t)len)
		return true;
	fails(c, EFAULT);
	return false;
}

static void tell(struct console *c, const void *what, size_t len)
{
	memcpy(c->out, what, len);
	give(c, c->out, len);
	c->reply.result = 0;
}

static void tell_number(struct console *c, int number)
{
	if (number < 0)
		c->reply.result = number;
	else
		tell(c, &number, sizeof number);
}

static bool is_shown(const struct console *c)
{
	return c->lasting->head == c->lasting->tail &&
	    line_output_count(&c->terminal.line) == 0;
}

static bool set_modes(struct console *c, uint64_t command)
{
	struct termios_abi modes;

	if (!may(c, USE_CHANGE) || !fetch(c, &modes, sizeof modes))
		return false;
	if (command != TCSETS && !is_shown(c)) {
		later(c, SHOWN);
		return false;
	}
	if (command == TCSETSF)
		line_flush_input(&c->terminal.line);
	line_set_termios(&c->terminal.line, &modes);
	return true;
}

static bool flush(struct console *c, uint64_t which)
{
	if (!may(c, USE_CHANGE))
		return false;
	if (which > 2) {
		fails(c, EINVAL);
		return false;
	}
	if (which != 1)
		line_flush_input(&c->terminal.line);
	if (which != 0) {
		line_flush_output(&c->terminal.line);
		c->lasting->tail = c->lasting->head;
	}
	return true;
}

static bool resize(struct console *c)
{
	struct winsize_abi window;

	if (!fetch(c, &window, sizeof window))
		return false;
	if (terminal_resize(&c->terminal, &window) &&
	    c->terminal.foreground > 0)
		console_signal(c, c->terminal.foreground, SIGWINCH);
	return true;
}

/* ---- Whose it is ---- */

/*
 * The session of a group: 0 if there is no such group, -1 if it has no session.
 */
static int32_t session_of(const struct console *c, int32_t pgid)
{
	int session = pgid > 0 ? ioctl(c->port, PORT_SESSION, (long)pgid) : -1;

	if (session == 0)
		return -1;
	return session < 0 ? 0 : session;
}

static void set_foreground(struct console *c)
{
	struct caller caller = caller_of(c);
	int32_t pgid;

	if (!fetch(c, &pgid, sizeof pgid))
		return;
	set_result(c,
	    terminal_set_foreground(&c->terminal, &caller, pgid,
		session_of(c, pgid)));
	if (c->reply.result == 0)
		journal_owner(c);
}

/*
 * TIOCSCTTY. With force, the leader of a session may take the terminal from
 * another session.
 */
static void take(struct console *c)
{
	struct caller caller = caller_of(c);

	c->reply.result = terminal_take(&c->terminal, &caller, true);
	if (c->reply.result == 0)
		journal_owner(c);
}

/*
 * TIOCNOTTY. If the server dies after it has sent the signals, and before it
 * has recorded that, they are sent twice.
 */
static void give_up(struct console *c)
{
	struct caller caller = caller_of(c);
	int group = terminal_give_up(&c->terminal, &caller);

	c->reply.result = group < 0 ? group : 0;
	if (group <= 0)
		return;
	console_signal(c, group, SIGHUP);
	console_signal(c, group, SIGCONT);
	journal_owner(c);
}

static void answer_owner(struct console *c, uint32_t command)
{
	struct caller caller = caller_of(c);

	if (!has_room_for_owner(c)) {
		fails(c, ENOMEM);
		return;
	}
	find_session(c);
	switch (command) {
	case TIOCSCTTY:
		take(c);
		return;
	case TIOCNOTTY:
		give_up(c);
		return;
	case TIOCGPGRP:
		tell_number(c, terminal_foreground(&c->terminal, &caller));
		return;
	case TIOCSPGRP:
		set_foreground(c);
		return;
	default:
		tell_number(c, terminal_session(&c->terminal, &caller));
		return;
	}
}

/* ---- All calls ---- */

static bool answer_ioctl(struct console *c)
{
	const struct terminal *t = &c->terminal;

	switch ((uint32_t)c->request.arg[1]) {
	case TCGETS:
		tell(c, &t->line.termios, sizeof t->line.termios);
		return false;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_modes(c, c->request.arg[1]);
	case TCSBRK: /* with argument 1: tcdrain() */
		if (!is_shown(c))
			later(c, SHOWN);
		return false;
	case TCFLSH:
		return flush(c, c->request.arg[2]);
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
		answer_owner(c, (uint32_t)c->request.arg[1]);
		return false;
	case TIOCGWINSZ:
		tell(c, &t->window, sizeof t->window);
		return false;
	case TIOCSWINSZ:
		return resize(c);
	case FIONREAD:
		tell_number(c, (int)line_input_count(&t->line));
		return false;
	case TIOCOUTQ:
		tell_number(c,
		    (int)(c->lasting->head - c->lasting->tail +
			line_output_count(&t->line)));
		return false;
	default:
		fails(c, ENOTTY);
		return false;
	}
}

static void answer_fstat(struct console *c)
{
	struct stat_abi st = {.ino = 1,
	    .mode = S_IFCHR | 0620,
	    .nlink = 1,
	    .rdev = 5 << 8 | 1, /* that of /dev/console */
	    .blksize = 4096};

	tell(c, &st, sizeof st);
}

bool console_answer(struct console *c)
{
	c->reply = (struct reply){0};
	switch (c->request.number) {
	case SYS_read:
		answer_read(c);
		return false;
	case SYS_write:
		answer_write(c);
		return false;
	case SYS_ioctl:
		return answer_ioctl(c);
	case SYS_fstat:
		answer_fstat(c);
		return false;
	case SYS_lseek:
	case SYS_pread64:
	case SYS_pwrite64:
		fails(c, ESPIPE);
		return false;
	case SYS_getdents64:
	case SYS_fchdir:
	case SYS_faccessat:
	case SYS_faccessat2:
	case SYS_fchmodat:
	case SYS_fchownat:
	case SYS_linkat:
	case SYS_mkdirat:
	case SYS_mknodat:
	case SYS_newfstatat:
	case SYS_openat:
	case SYS_readlinkat:
	case SYS_renameat2:
	case SYS_statx:
	case SYS_symlinkat:
	case SYS_unlinkat:
		fails(c, ENOTDIR);
		return false;
	case SYS_mmap:
		fails(c, ENODEV);
		return false;
	default:
		fails(c, EINVAL);
		return false;
	}
}
