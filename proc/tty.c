/* SPDX-License-Identifier: MIT */
/*
 * tty.c - the line discipline of the console.
 *
 * In canonical mode a line is edited until Enter, and read as a whole; in raw
 * mode each byte is there at once. The boot hart takes input in, at an
 * interrupt.
 *
 * Locks: tty_lock guards the input, and is held to change the modes. Modes and
 * the size of the window are read without it: a program that sets them while
 * another uses them decides nothing but what the terminal looks like.
 * sched_lock guards the foreground, and may be taken under tty_lock.
 */
#include "proc/tty.h"

#include "abi/errno.h"
#include "abi/ioctl.h"
#include "abi/termios.h"
#include "arch/console.h"
#include "arch/hart.h"
#include "arch/plic.h"
#include "lib/string.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/walk.h"

#define INPUT_SIZE 1024
#define INPUT_PART 64 /* bytes that are taken in at an interrupt */
#define CTRL(c)    ((c)&0x1f)
#define DEL        0x7f

static struct lock tty_lock;

/* Bytes tail .. ready - 1 can be read, ready .. head - 1 are being edited. */
static uint16_t input[INPUT_SIZE];
static uint32_t tail, ready, head;
#define END 256 /* ctrl-D: a read stops here, and is over if it has nothing */
static struct waitq readers = {.procs = {&readers.procs, &readers.procs}};

/*
 * The group that may read, and that ctrl-C is for; its session is the one whose
 * terminal it is. NULL: init's.
 */
static struct group *foreground GUARDED_BY(sched_lock);

/* A signal on its way to the members of a group, a part at each interrupt. */
static struct {
	struct group *group; /* NULL: none */
	struct signal signal;
} sending;                                    /* of the boot hart alone */
static struct proc sender ALIGNED(PAGE_SIZE); /* whose mark is in the group */

static struct group *foreground_group(void) REQUIRES(sched_lock)
{
	return foreground != NULL ? foreground : proc_init_task->group;
}

/* Returns the group before, if it is dead now and has to be freed. */
static struct group *foreground_set(struct group *group) REQUIRES(sched_lock)
{
	struct group *before = foreground;

	group->refs++;
	foreground = group;
	return before != NULL ? group_put(before) : NULL;
}

static void send_part(void)
{
	struct group *dead = NULL;

	lock_acquire(&sched_lock);
	if (sending.group != NULL &&
	    signal_send_group(&sender, sending.group, sending.signal)) {
		dead = group_put(sending.group);
		sending.group = NULL;
	}
	lock_release(&sched_lock);
	if (dead != NULL)
		group_free(dead);
}
static struct termios_abi termios = {
    .iflag = ICRNL,
    .oflag = OPOST | ONLCR,
    .cflag = 0xbf,
    .lflag = ISIG | ICANON | ECHO | ECHOE,
    .cc = {CTRL('C'), CTRL('\\'), DEL, CTRL('U'), CTRL('D'), 0, 1, 0, CTRL('Q'),
	CTRL('S'), CTRL('Z')},
};
static struct winsize_abi winsize = {.rows = 24, .columns = 80};

static void echo(const char *s, size_t len)
{
	if (termios.lflag & ECHO)
		console_write(s, len);
}

/* ctrl-C and its like. */
static bool input_signal(char c)
{
	int sig = 0;

	if (!(termios.lflag & ISIG) || c == 0)
		return false;
	if (c == (char)termios.cc[VINTR])
		sig = SIGINT;
	else if (c == (char)termios.cc[VQUIT])
		sig = SIGQUIT;
	else if (c == (char)termios.cc[VSUSP])
		sig = SIGTSTP;
	if (sig == 0)
		return false;
	head = ready;
	echo((char[]){'^', (char)(c + '@'), '\r', '\n'}, 4);
	lock_acquire(&sched_lock);
	sending.group = foreground_group();
	sending.group->refs++;
	sending.signal = (struct signal){sig, {.code = SI_KERNEL}};
	lock_release(&sched_lock);
	send_part();
	return true;
}

/* What edits the line rather than going into it. */
static bool input_edit(char c)
{
	if (!(termios.lflag & ICANON))
		return false;
	if (c == DEL || c == '\b') {
		if (head != ready) {
			head--;
			echo("\b \b", 3);
		}
		return true;
	}
	if (c == (char)termios.cc[VKILL]) {
		for (; head != ready; head--)
			echo("\b \b", 3);
		return true;
	}
	if (c == (char)termios.cc[VEOF]) {
		if (head - tail < INPUT_SIZE)
			input[head++ % INPUT_SIZE] = END;
		ready = head;
		return true;
	}
	return false;
}

static void input_char(char c)
{
	if (c == '\r' && (termios.iflag & ICRNL))
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
	if (c == '\n' || !(termios.lflag & ICANON))
		ready = head;
}

static void take_in(void)
{
	uint32_t interrupt = plic_claim();
	int c;

	if (interrupt == 0 && !console_is_polled)
		return;
	lock_acquire(&tty_lock);
	for (int i = 0; i < INPUT_PART && sending.group == NULL; i++) {
		c = console_getc();
		if (c < 0)
			break;
		input_char((char)c);
	}
	if (ready != tail)
		waitq_wake_all(&readers);
	lock_release(&tty_lock);
	if (interrupt != 0)
		plic_complete(interrupt);
}

/*
 * What was typed after a ctrl-C waits until everybody has got the signal, for
 * which this hart interrupts itself.
 */
static void tty_interrupt(void)
{
	if (sending.group != NULL)
		send_part();
	if (sending.group == NULL)
		take_in();
	if (sending.group != NULL)
		hart_kick(hart_self());
}

void tty_init(void)
{
	sched_at_interrupt = tty_interrupt;
	sched_idle_ticks = console_is_polled;
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
		if (c == '\n' && (termios.lflag & ICANON))
			break;
	}
	return n;
}

/*
 * Is it the terminal of the process's session? That of a session that is over
 * is init's again.
 */
static bool is_own(const struct proc *p) REQUIRES(sched_lock)
{
	const struct group *group = foreground_group();
	const struct proc *leader = proc_find(group->session->id);

	if (leader == NULL || leader->t.state == PROC_ZOMBIE)
		return p->group->session == proc_init_task->group->session;
	return p->group->session == group->session;
}

static bool is_foreground(const struct proc *p) REQUIRES(sched_lock)
{
	return p->group == foreground_group() || p->pid == INIT_PID;
}

/*
 * A reader in the background is stopped, as everywhere; one that does not let
 * itself be stopped, or whom nobody would continue, gets an error. 0 for a
 * reader in the foreground, or one of another session, whom this does not
 * concern.
 */
static long check_foreground(struct proc *p)
{
	bool background, deaf, known = true;

	lock_acquire(&sched_lock);
	background = is_own(p) && !is_foreground(p);
	deaf = background && signal_is_deaf(p, SIGTTIN);
	if (background && !deaf)
		known = group_search(p, p->group, &deaf);
	else
		walk_begin_anew(p, &p->t.searches); /* it was, a part ago */
	if (background && known && !deaf)
		signal_send(p, SIGTTIN,
		    (struct siginfo_small){.code = SI_KERNEL});
	lock_release(&sched_lock);
	if (!background)
		return 0;
	if (!known)
		return call_go_on(SIGNAL_RESTARTS);
	/* Not queued, as the signal is due; and then it is read anew. */
	return deaf ? -EIO : call_wait(NULL, SIGNAL_RESTARTS);
}

/*
 * What there is, up to a line, goes to a buffer that has been made ready: so
 * what is taken off also arrives.
 */
static long tty_read(struct file *f, vaddr_t to, size_t len, unsigned how)
{
	struct proc *p = proc_self();
	char line[128];
	long n;
	int err;

	(void)f;
	if (len == 0)
		return 0;
	n = check_foreground(p);
	if (n < 0)
		return n;
	len = min_u64(len, sizeof line);
	n = user_ready(p->as, to, len, ACCESS_WRITE);
	if (n < 0)
		return n;
	len = (size_t)n;
	lock_acquire(&tty_lock);
	if (ready != tail)
		n = (long)take_input(line, len);
	else if (how & IO_WAIT)
		n = call_wait(&readers, SIGNAL_RESTARTS);
	else
		n = -EAGAIN;
	lock_release(&tty_lock);
	if (n > 0) {
		err = copyout(p->as, to, line, (size_t)n);
		assert(err == 0);
	}
	return n;
}

/* Newline goes out as carriage return and newline. */
static void put_text(const char *s, size_t len)
{
	size_t start = 0;

	if ((termios.oflag & (OPOST | ONLCR)) != (OPOST | ONLCR)) {
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
static long tty_write(struct file *f, vaddr_t from, size_t len, unsigned how)
{
	size_t n = min_u64(len, TTY_CHUNK);
	void *kernel;
	int err;

	(void)f, (void)how;
	n = min_u64(n, PAGE_SIZE - (from & PAGE_MASK));
	if (n == 0)
		return 0;
	err = user_page(proc_self()->as, from, ACCESS_READ, &kernel);
	if (err < 0)
		return err;
	put_text(kernel, n);
	return (long)n;
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
    .write_goes_on = true,
    .part = TTY_CHUNK,
    .poll = tty_poll_events};

static long set_foreground(vaddr_t arg)
{
	struct proc *p = proc_self();
	struct group *group = NULL;
	pid_t pgid;
	struct group *dead = NULL;
	long err = copyin(p->as, &pgid, arg, sizeof pgid);

	if (err < 0)
		return err;
	if (pgid < 0)
		return -EINVAL;
	lock_acquire(&sched_lock);
	if (!is_own(p)) {
		err = -ENOTTY;
	} else {
		group = group_find(pgid);
		if (group == NULL && proc_find(pgid) == NULL)
			err = -ESRCH;
		else if (group == NULL || group->session != p->group->session)
			err = -EPERM;
		else
			dead = foreground_set(group);
	}
	lock_release(&sched_lock);
	if (dead != NULL)
		group_free(dead);
	return err;
}

static long get_foreground(vaddr_t arg)
{
	pid_t pgid;

	lock_acquire(&sched_lock);
	pgid = foreground_group()->id;
	lock_release(&sched_lock);
	return copyout(proc_self()->as, arg, &pgid, sizeof pgid);
}

/* The leader of a session makes it the terminal of that session. */
static long set_session(struct proc *p)
{
	struct group *dead = NULL;

	lock_acquire(&sched_lock);
	if (p->group->session->id != p->pid) {
		lock_release(&sched_lock);
		return -EPERM;
	}
	if (!is_own(p))
		dead = foreground_set(p->group);
	lock_release(&sched_lock);
	if (dead != NULL)
		group_free(dead);
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
		if (!(next.lflag & ICANON))
			ready = head;
		if (ready != tail)
			waitq_wake_all(&readers);
		lock_release(&tty_lock);
		return 0;
	case TIOCGPGRP:
		return get_foreground(arg);
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
