/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ports.c - scenes of a witness with servers: one replies with anything,
 * and those of the system are killed.
 */
#include "fuzz.h"

#include <fcntl.h>

#include "abi/ioctl.h"
#include "abi/port.h"

/* ---- A server that answers anything ---- */

#define REQUESTS 60

/* After this time a signal interrupts a call that would wait for ever. */
#define WAIT_MICROS 3000

static void on_wait(int sig)
{
	(void)sig;
}

static void limit_waits(void)
{
	const int64_t alarm[4] = {0, WAIT_MICROS, 0, WAIT_MICROS};
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	act.sa_handler = on_wait;
	(void)plain(SYS_rt_sigaction, SIGALRM, (long)&act, 0, 8);
	(void)plain(SYS_setitimer, 0, (long)alarm, 0);
}

static uint32_t some_flags(void)
{
	static const uint32_t flags[] = {0, REPLY_POSITION, REPLY_LATER,
	    REPLY_FILE, REPLY_STOP, REPLY_PAGES, REPLY_RUN, REPLY_IMAGE,
	    REPLY_PASS, REPLY_DUP, REPLY_PIPE};
	uint32_t some = flags[below(COUNT(flags))];

	return once_in(8) ? some | flags[below(COUNT(flags))] : some;
}

/* A list of pages, as for REPLY_PAGES, or any address. */
static const void *some_bytes(void)
{
	static uint64_t pages[4];

	for (int i = 0; i < COUNT(pages); i++)
		pages[i] = once_in(3) ? 0 : any_page() & ~(PAGE - 1);
	return once_in(3) ? (const void *)any_address() : (const void *)pages;
}

static void make_reply(struct reply *reply, const struct request *request)
{
	memset(reply, 0, sizeof(*reply));
	reply->flags = some_flags();
	if (request->number == SYS_openat && once_in(2))
		reply->flags = once_in(2) ? REPLY_PIPE : REPLY_DUP;
	reply->result = once_in(2) ? (int64_t)below(200) : -(int64_t)below(140);
	reply->file_flags = (uint32_t)below(4);
	if (once_in(4))
		reply->file_flags |= O_NONBLOCK | O_CLOEXEC;
	reply->token = once_in(8) ? roll() : below(12);
	reply->position = once_in(4) ? roll() : below(3 * PAGE);
	reply->events = 1UL << below(3);
	reply->readable = below(3);
	if (once_in(2))
		reply->out = some_bytes();
	if (reply->out != NULL)
		reply->out_len = once_in(4) ? roll() : below(40);
}

/*
 * Asks for a descriptor of any process. It is not known which answer is right;
 * but the kind of descriptor has to be one of those that exist.
 */
static void ask_about(int port, const struct request *request)
{
	struct port_descriptor d = {0};

	d.pid = once_in(3) ? (int32_t)below(30) : request->pid;
	d.fd = once_in(8) ? (int32_t)roll() : (int32_t)below(16) - 3;
	if (plain(SYS_ioctl, port, PORT_DESCRIPTOR, (long)&d) == 0 &&
	    d.kind > DESCRIPTOR_SERIAL)
		fail("a descriptor is of the kind %u", d.kind);
}

/* Serves until the client has closed the last file, or REQUESTS times. */
static void serve_garbage(int port)
{
	static unsigned char in[256];
	struct request request = {0};
	struct reply reply;
	bool owes = false;

	for (int i = 0; i < REQUESTS; i++) {
		long result;

		make_reply(&reply, &request);
		result = plain(SYS_port_next, port, owes ? (long)&reply : 0,
		    (long)&request, (long)in, sizeof(in));
		if (result == -EINVAL || result == -EFAULT)
			continue; /* the request is still in hand */
		owes = result == 0;
		if (owes && request.number == REQUEST_CLOSED &&
		    request.token == 1)
			return;
		if (once_in(4))
			ask_about(port, &request);
		if (once_in(3))
			(void)plain(SYS_port_events, port, (long)below(8),
			    (long)below(8));
		if (owes && once_in(4))
			(void)plain(once_in(2) ? SYS_port_read : SYS_port_write,
			    port, (long)below(3), (long)below(PAGE), (long)in,
			    (long)below(sizeof(in)));
	}
}

/*
 * Uses a result of openat. It may be no descriptor, as a server can reply with
 * any number; and if it is the console, that is left alone for the report.
 */
static void use_opened(long fd)
{
	static unsigned char bytes[64];

	if (fd < 0 || plain(SYS_ioctl, fd, TCGETS, (long)bytes) == 0)
		return;
	(void)plain(SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
	(void)plain(once_in(2) ? SYS_read : SYS_write, fd, (long)bytes,
	    (long)below(sizeof(bytes)));
	if (once_in(2))
		(void)plain(SYS_close, fd);
}

_Noreturn static void ask_garbage(int fd)
{
	static unsigned char bytes[2 * PAGE];
	long at;

	limit_waits();
	for (int i = 0; i < REQUESTS / 2; i++) {
		if (once_in(6))
			make_scarce();
		switch (below(8)) {
		case 0:
			(void)plain(SYS_write, fd, (long)bytes,
			    (long)below(sizeof(bytes)));
			break;
		case 1:
			(void)plain(SYS_fstat, fd, (long)bytes);
			break;
		case 2:
			(void)plain(SYS_lseek, fd, (long)below(99), 0);
			break;
		case 3:
			at =
			    plain(SYS_mmap, 0, 3 * PAGE, PROT_READ | PROT_WRITE,
				once_in(2) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
			if (at > 0)
				(void)plain(SYS_munmap, at, 3 * PAGE);
			break;
		case 4:
			(void)plain(SYS_read, fd, (long)bytes,
			    (long)below(sizeof(bytes)));
			break;
		default:
			use_opened(plain(SYS_openat, fd, (long)"x",
			    (long)below(3) | (once_in(2) ? O_NONBLOCK : 0), 0));
		}
		make_plenty();
	}
	leave(0);
}

void see_garbage(void)
{
	long port = plain(SYS_port_create, (long)below(4)), fd, pid;

	if (port < 0)
		return;
	fd = plain(SYS_port_open, port, 1, O_RDWR, 0, 0);
	pid = fd < 0 ? -1 : plain(SYS_clone, SIGCHLD);
	if (pid == 0) {
		(void)plain(SYS_close, port);
		ask_garbage((int)fd);
	}
	if (fd >= 0)
		(void)plain(SYS_close, fd);
	if (pid < 0)
		return;
	limit_waits();
	serve_garbage((int)port);
	(void)plain(SYS_close, port);
	if (once_in(2))
		(void)plain(SYS_kill, pid, SIGKILL);
	while (plain(SYS_wait4, pid, 0, 0) == -EINTR)
		continue;
}

/* ---- Servers of the system are killed, and go on ---- */

static bool is_named(const struct calf_ps *ps, const char *name)
{
	return strcmp(ps->name, name) == 0 && ps->state != 'Z';
}

/* Kills all processes of that name, in any order; the kernel spares one. */
static void kill_servers(const char *name)
{
	pid_t found[4];
	struct calf_ps ps;
	int count = 0;

	memset(&ps, 0, sizeof(ps));
	while (
	    count < COUNT(found) && plain(SYS_calf_ps, ps.pid, (long)&ps) == 1)
		if (is_named(&ps, name))
			found[count++] = ps.pid;
	for (int i = 0, first = (int)below(4); i < count; i++)
		(void)plain(SYS_kill, found[(first + i) % count],
		    once_in(3) ? SIGTERM : SIGKILL);
}

/*
 * A call fails with EIO if two servers have died during it. Other witnesses
 * kill servers as well, so the call is made again.
 */
void see_twins(void)
{
	bool console = once_in(2);
	long fd = -EIO;

	if (!once_in(4))
		return;
	kill_servers(console ? "console" : "files");
	for (int i = 0; i < 100 && fd == -EIO; i++)
		fd = plain(SYS_openat, AT_FDCWD,
		    (long)(console ? "/dev/console" : "/dev/null"), O_RDWR, 0);
	if (fd == -EIO)
		fail("there is no server any more that is named %s",
		    console ? "console" : "files");
	else if (fd >= 0)
		(void)plain(SYS_close, fd);
}
