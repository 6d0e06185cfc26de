/* SPDX-License-Identifier: MIT */
/*
 * tty.c - the line discipline of the console.
 *
 * In canonical mode a line is edited until Enter, and read as a whole; in raw
 * mode each byte is there at once. Input is polled on the boot hart's tick.
 *
 * Locks: tty_lock guards everything here; sched_lock may be taken under it.
 */
#include "proc/tty.h"

#include "abi/errno.h"
#include "abi/termios.h"
#include "arch/power.h"
#include "lib/string.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"

#define INPUT_SIZE 1024
#define CTRL(c)    ((c)&0x1f)
#define DEL        0x7f

static struct lock tty_lock;

/* Bytes tail .. ready - 1 can be read, ready .. head - 1 are being edited. */
static uint16_t input[INPUT_SIZE];
static uint32_t tail, ready, head;
#define END 256 /* ctrl-D: a read stops here, and is over if it has nothing */
static struct waitq readers = {.procs = {&readers.procs, &readers.procs}};
static pid_t foreground = INIT_PID;
static pid_t session = INIT_PID; /* [s] whose terminal it is */
static struct termios_abi termios = {
    .iflag = TTY_ICRNL,
    .oflag = TTY_OPOST | TTY_ONLCR,
    .cflag = 0xbf,
    .lflag = TTY_ISIG | TTY_ICANON | TTY_ECHO | TTY_ECHOE,
    .cc = {CTRL('C'), CTRL('\\'), DEL, CTRL('U'), CTRL('D'), 0, 1, 0, CTRL('Q'),
	CTRL('S'), CTRL('Z')},
};
static struct winsize_abi winsize = {.rows = 24, .columns = 80};

static void echo(const char *s, size_t len)
{
	if (termios.lflag & TTY_ECHO)
		console_write(s, len);
}

/* ctrl-C and its like. */
static bool input_signal(char c)
{
	int sig = 0;

	if (!(termios.lflag & TTY_ISIG) || c == 0)
		return false;
	if (c == (char)termios.cc[TTY_VINTR])
		sig = SIGINT;
	else if (c == (char)termios.cc[TTY_VQUIT])
		sig = SIGQUIT;
	else if (c == (char)termios.cc[TTY_VSUSP])
		sig = SIGTSTP;
	if (sig == 0)
		return false;
	head = ready;
	echo((char[]){'^', (char)(c + '@'), '\r', '\n'}, 4);
	lock_acquire(&sched_lock);
	(void)signal_send_group(foreground, sig,
	    (struct siginfo_small){.code = SI_KERNEL});
	lock_release(&sched_lock);
	return true;
}

/* What edits the line rather than going into it. */
static bool input_edit(char c)
{
	if (!(termios.lflag & TTY_ICANON))
		return false;
	if (c == DEL || c == '\b') {
		if (head != ready) {
			head--;
			echo("\b \b", 3);
		}
		return true;
	}
	if (c == (char)termios.cc[TTY_VKILL]) {
		for (; head != ready; head--)
			echo("\b \b", 3);
		return true;
	}
	if (c == (char)termios.cc[TTY_VEOF]) {
		if (head - tail < INPUT_SIZE)
			input[head++ % INPUT_SIZE] = END;
		ready = head;
		return true;
	}
	return false;
}

static void input_char(char c)
{
	if (c == '\r' && (termios.iflag & TTY_ICRNL))
		c = '\n';
	if (input_signal(c) || input_edit(c))
		return;
	/* Keep a place for the end of the line. */
	if (head - tail >= INPUT_SIZE - (c != '\n'))
		return;
	input[head++ % INPUT_SIZE] = (uint8_t)c;
	if (c == '\n')
		echo("\r\n", 2);
	else
		echo(&c, 1);
	if (c == '\n' || !(termios.lflag & TTY_ICANON))
		ready = head;
}

void tty_poll(void)
{
	int c = console_getc();

	if (c < 0)
		return;
	lock_acquire(&tty_lock);
	for (; c >= 0; c = console_getc())
		input_char((char)c);
	if (ready != tail)
		waitq_wake_all(&readers);
	lock_release(&tty_lock);
}

/* At most a line in canonical mode, up to an END and with it. */
static size_t take_input(char *to, size_t len)
{
	size_t n = 0;

	while (tail != ready) {
		uint16_t c = input[tail % INPUT_SIZE];

		if (n == len && c != END)
			break;
		tail++;
		if (c == END)
			break;
		to[n++] = (char)c;
		if (c == '\n' && (termios.lflag & TTY_ICANON))
			break;
	}
	return n;
}

/* The terminal of a session that is over is init's again. */
static bool is_own(const struct proc *p) REQUIRES(sched_lock)
{
	const struct proc *leader = proc_find(session);

	if (leader == NULL || leader->state == PROC_ZOMBIE)
		session = INIT_PID;
	return p->sid == session;
}

/*
 * A reader in the background is stopped, as everywhere; one that does not let
 * itself be stopped gets an error. 0 for a reader in the foreground, or one of
 * another session, whom this does not concern.
 */
static long check_foreground(struct proc *p)
{
	bool background, deaf;

	lock_acquire(&sched_lock);
	background = is_own(p) && p->pgid != foreground && p->pid != INIT_PID;
	deaf = signal_is_deaf(p, SIGTTIN);
	if (background && !deaf)
		signal_send(p, SIGTTIN,
		    (struct siginfo_small){.code = SI_KERNEL});
	lock_release(&sched_lock);
	if (!background)
		return 0;
	if (deaf)
		return -EIO;
	p->call = CALL_RESTARTABLE;
	return -ERESTART;
}

static long tty_read(struct file *f, vaddr_t to, size_t len)
{
	struct proc *p = proc_self();
	char line[128];
	long n;
	uint32_t before;
	int err;

	if (len == 0)
		return 0;
	n = check_foreground(p);
	if (n < 0)
		return n;
	lock_acquire(&tty_lock);
	if (ready == tail) {
		n = -EAGAIN;
		if (!(f->flags & O_NONBLOCK)) {
			sched_block(&readers, CALL_RESTARTABLE);
			n = -ERESTART;
		}
		lock_release(&tty_lock);
		return n;
	}
	before = tail;
	n = (long)take_input(line, min_u64(len, sizeof line));
	lock_release(&tty_lock);
	err = copyout(p->as, to, line, (size_t)n);
	if (err < 0) {
		lock_acquire(&tty_lock);
		tail = before;
		lock_release(&tty_lock);
		return err;
	}
	return n;
}

/* Newline goes out as carriage return and newline. */
static void put_text(const char *s, size_t len)
{
	size_t start = 0;

	if ((termios.oflag & (TTY_OPOST | TTY_ONLCR)) !=
	    (TTY_OPOST | TTY_ONLCR)) {
		console_write(s, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] != '\n')
			continue;
		console_write(s + start, i - start);
		console_write("\r\n", 2);
		start = i + 1;
	}
	console_write(s + start, len - start);
}

#define TTY_CHUNK 512UL

/* A slow device: a chunk at a time, so that the hart is not away for long. */
static long tty_write(struct file *f, vaddr_t from, size_t len)
{
	struct progress *progress = &proc_self()->progress;
	size_t done = progress->active ? progress->bytes : 0;
	size_t n = min_u64(min_u64(len - done, TTY_CHUNK),
	    PAGE_SIZE - ((from + done) & PAGE_MASK));
	void *kernel;
	int err;

	(void)f;
	if (len == 0)
		return 0;
	err = user_page(proc_self()->as, from + done, ACCESS_READ, &kernel);
	if (err < 0)
		return done > 0 ? (long)done : err;
	put_text(kernel, n);
	done += n;
	if (done == len)
		return (long)done;
	if (!progress->active)
		*progress = (struct progress){.active = true};
	progress->bytes = done;
	proc_self()->call = CALL_RESTARTABLE;
	return -ERESTART;
}

static unsigned tty_poll_events(struct file *f)
{
	unsigned events = POLLOUT;

	(void)f;
	lock_acquire(&tty_lock);
	readers.polled = true;
	if (ready != tail)
		events |= POLLIN;
	lock_release(&tty_lock);
	return events;
}

const struct file_ops tty_ops = {.read = tty_read,
    .write = tty_write,
    .poll = tty_poll_events};

void tty_set_foreground(pid_t pgid)
{
	__atomic_store_n(&foreground, pgid, __ATOMIC_RELAXED);
}

static long set_foreground(vaddr_t arg)
{
	pid_t pgid;
	int err = copyin(proc_self()->as, &pgid, arg, sizeof pgid);

	if (err < 0)
		return err;
	if (pgid <= 0)
		return -EINVAL;
	lock_acquire(&sched_lock);
	if (!is_own(proc_self()))
		err = -ENOTTY;
	else if (signal_send_group(pgid, 0, (struct siginfo_small){0}) == 0)
		err = -EPERM;
	lock_release(&sched_lock);
	if (err == 0)
		tty_set_foreground(pgid);
	return err;
}

/* The leader of a session makes it the terminal of that session. */
static long set_session(struct proc *p)
{
	if (p->sid != p->pid)
		return -EPERM;
	lock_acquire(&sched_lock);
	if (!is_own(p)) {
		session = p->sid;
		tty_set_foreground(p->pgid);
	}
	lock_release(&sched_lock);
	return 0;
}

long tty_ioctl(uint64_t request, vaddr_t arg)
{
	struct aspace *as = proc_self()->as;
	struct termios_abi next;
	int err;

	switch (request) {
	case TCGETS:
		return copyout(as, arg, &termios, sizeof termios);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		err = copyin(as, &next, arg, sizeof next);
		if (err < 0)
			return err;
		lock_acquire(&tty_lock);
		termios = next;
		if (!(next.lflag & TTY_ICANON))
			ready = head;
		if (ready != tail)
			waitq_wake_all(&readers);
		lock_release(&tty_lock);
		return 0;
	case TIOCGPGRP:
		return copyout(as, arg, &foreground, sizeof foreground);
	case TIOCSPGRP:
		return set_foreground(arg);
	case TIOCGWINSZ:
		return copyout(as, arg, &winsize, sizeof winsize);
	case TIOCSWINSZ:
		return copyin(as, &winsize, arg, sizeof winsize);
	case TIOCSCTTY:
		return set_session(proc_self());
	default:
		return -ENOTTY;
	}
}
