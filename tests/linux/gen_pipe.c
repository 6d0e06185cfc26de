/* SPDX-License-Identifier: MIT */
/*
 * gen_pipe.c - pipes and descriptors.
 *
 * All pipes are O_NONBLOCK. Not compared: when a pipe is full. Linux has 16
 * buffers, of which short writes fill one each; Calf has 64 KiB. So a pipe is
 * emptied before either can be full.
 */
#include "genprog.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_BYTES  9000
#define MOST_SLOTS  11 /* and four more for a write that comes on top */
#define FIRST_FD    40 /* an emulator may hold some lower ones */
#define NOT_OPEN_FD 90

/* Both ends of pipe i, as this process holds them; 0 if it does not. */
static int ends[MAX_PIPES][2];

static unsigned char buffer[MOST_BYTES];

void pipes_start(void)
{
	memset(ends, 0, sizeof(ends));
}

static uint64_t sum_bytes(const unsigned char *at, long len)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (long i = 0; i < len; i++)
		sum = (sum ^ at[i]) * 0x100000001b3u;
	return sum;
}

/* Moves an end to a descriptor that has one number on all systems. */
static int place(int fd, int number)
{
	long got = SYS(SYS_dup3, fd, number, 0);

	(void)SYS(SYS_close, fd);
	return (int)got;
}

/* Not compared: flags that do not exist, which qemu-user drops. */
void op_pipe(void)
{
	int i = (int)pick(MAX_PIPES), fds[2];
	long got;

	if (chance(4)) {
		say("pipe2 nowhere = %ld", SYS(SYS_pipe2, 8, 0));
		return;
	}
	if (ends[i][0] != 0 || ends[i][1] != 0 || world->pipes[i].slots != 0)
		return;
	got = SYS(SYS_pipe2, fds, O_NONBLOCK);
	say("pipe2 = %ld", got);
	if (got < 0)
		return;
	ends[i][0] = place(fds[0], FIRST_FD + 2 * i);
	ends[i][1] = place(fds[1], FIRST_FD + 2 * i + 1);
	say("ends %d %d", ends[i][0], ends[i][1]);
	world->pipes[i] = (struct pipe_state){0, 1};
}

void op_pipe_close(void)
{
	int i = (int)pick(MAX_PIPES), side = (int)pick(2);
	int fd = ends[i][side];

	say("close %d = %ld", fd == 0 ? NOT_OPEN_FD : fd,
	    SYS(SYS_close, fd == 0 ? NOT_OPEN_FD : fd));
	ends[i][side] = 0;
}

/* Reads all there is, and forgets what is known to be there. */
static void drain(int i)
{
	long got, all = 0;

	do {
		got = SYS(SYS_read, ends[i][0], buffer, sizeof(buffer));
		if (got > 0)
			all += got;
	} while (got > 0);
	say("drained %ld, then %ld", all, got);
	world->pipes[i] = (struct pipe_state){0, 1};
}

/* A buffer for a read or write: in the arena, or in plain memory. */
static unsigned long pick_buffer(size_t len)
{
	int stretch;

	if (self.alone || chance(3))
		return (unsigned long)buffer +
		    pick((unsigned)(sizeof(buffer) - len + 1));
	return pick_address(&stretch);
}

static size_t pick_length(void)
{
	static const unsigned lengths[] = {0, 1, 5, 8, 100, 4095, 4096};

	return chance(4) ? pick(MOST_BYTES) : lengths[pick(COUNT(lengths))];
}

static bool is_plain(unsigned long at)
{
	return at >= (unsigned long)buffer &&
	    at < (unsigned long)buffer + sizeof(buffer);
}

static enum reach reach(unsigned long at, size_t len, int prot)
{
	if (is_plain(at) || len == 0)
		return REACH_ALL;
	return model_reach(at, len, prot);
}

/*
 * Not compared: bad buffers after the first, where qemu-user stops short and
 * Linux fails. So if there is a bad one, the first is.
 */
static long write_in_pieces(int fd, unsigned long at, size_t len)
{
	size_t first = (len + 2) / 3;
	struct iovec iov[4] = {
	    {(void *)at, first},
	    {(void *)8, 0},
	    {(void *)(at + first), len - first},
	};

	return SYS(SYS_writev, fd, iov, 3);
}

static void vector_badly(int fd)
{
	struct iovec iov[2] = {{buffer, 1}, {buffer, -1UL}};

	say("writev too many = %ld", SYS(SYS_writev, fd, iov, 1025));
	say("writev -1 = %ld", SYS(SYS_writev, fd, iov, -1));
	say("writev nothing = %ld", SYS(SYS_writev, fd, iov, 0));
	say("writev longer than anything = %ld", SYS(SYS_writev, fd, iov, 2));
	say("writev nowhere = %ld", SYS(SYS_writev, fd, 16, 1));
}

/*
 * Not compared: a buffer of which the kernel can read a part. qemu-user says
 * EFAULT in advance, Linux goes by its own buffers, Calf by pages. It is not
 * compared either whether a bad buffer or a pipe without a reader is found
 * first.
 */
void op_pipe_write(void)
{
	int i = (int)pick(MAX_PIPES), fd = ends[i][1];
	size_t len = pick_length();
	unsigned long at = pick_buffer(len);
	enum reach can = reach(at, len, PROT_READ);
	bool pieces = chance(3);
	long got;

	if (fd == 0 || can == REACH_PART ||
	    (can == REACH_NONE && ends[i][0] == 0))
		return;
	if (chance(10)) {
		vector_badly(fd);
		return;
	}
	if (world->pipes[i].slots > MOST_SLOTS) {
		if (ends[i][0] == 0)
			return;
		drain(i);
	}
	if (is_plain(at))
		memset((void *)at, (int)(self.rng & 0xff), len);
	got =
	    pieces ? write_in_pieces(fd, at, len) : SYS(SYS_write, fd, at, len);
	say("write%s %lx of %lx = %ld", pieces ? "v" : "", len,
	    is_plain(at) ? 0 : relative(at), got);
	if (got > 0) {
		world->pipes[i].queued += (int)got;
		world->pipes[i].slots += (int)(got / (long)PAGE) + 2;
	}
}

/*
 * Not compared: a buffer of which the kernel can write a part, and whether a
 * bad buffer or an empty pipe is found first.
 */
void op_pipe_read(void)
{
	int i = (int)pick(MAX_PIPES), fd = ends[i][0];
	size_t len = pick_length();
	unsigned long at = pick_buffer(len);
	enum reach can = reach(at, len, PROT_WRITE);
	bool readable;
	long got;

	if (fd == 0 || can == REACH_PART ||
	    (can == REACH_NONE && world->pipes[i].queued == 0))
		return;
	if (chance(8)) {
		drain(i);
		return;
	}
	got = SYS(SYS_read, fd, at, len);
	readable = got > 0 && reach(at, (size_t)got, PROT_READ) == REACH_ALL;
	say("read %lx to %lx = %ld: %lx", len, is_plain(at) ? 0 : relative(at),
	    got,
	    readable ? (unsigned long)sum_bytes((unsigned char *)at, got) : 0);
	if (got > 0)
		world->pipes[i].queued -= (int)got;
	if (world->pipes[i].queued == 0)
		world->pipes[i].slots = 1;
}

static void descriptor_badly(int fd)
{
	unsigned char byte = 0;

	say("write none = %ld", SYS(SYS_write, NOT_OPEN_FD, &byte, 1));
	say("read none = %ld", SYS(SYS_read, -1, &byte, 1));
	say("close none = %ld", SYS(SYS_close, NOT_OPEN_FD));
	say("dup none = %ld", SYS(SYS_dup, NOT_OPEN_FD));
	say("dup3 of the same = %ld", SYS(SYS_dup3, fd, fd, 0));
	say("dup3 flags = %ld", SYS(SYS_dup3, fd, NOT_OPEN_FD, 1));
	say("dup3 beyond = %ld", SYS(SYS_dup3, fd, 1 << 30, 0));
	say("dup3 below = %ld", SYS(SYS_dup3, fd, -1, 0));
	say("fcntl none = %ld", SYS(SYS_fcntl, NOT_OPEN_FD, F_GETFL, 0));
	say("fcntl dup beyond = %ld", SYS(SYS_fcntl, fd, F_DUPFD, 1 << 30));
	say("fcntl unknown = %ld", SYS(SYS_fcntl, fd, 999, 0));
}

void op_descriptor(void)
{
	int i = (int)pick(MAX_PIPES), side = (int)pick(2), fd = ends[i][side];
	unsigned char byte = 0;

	if (fd == 0)
		return;
	if (chance(8)) {
		descriptor_badly(fd);
		return;
	}
	switch (pick(4)) {
	case 0:
		/* The emulator of QEMU 10 adds O_LARGEFILE to every answer. */
		say("fcntl getfl = %lx",
		    SYS(SYS_fcntl, fd, F_GETFL, 0) & ~0100000L);
		break;
	case 1:
		say("fcntl setfd = %ld", SYS(SYS_fcntl, fd, F_SETFD, pick(2)));
		say("fcntl getfd = %ld", SYS(SYS_fcntl, fd, F_GETFD, 0));
		break;
	case 2:
		say("wrong end = %ld",
		    side == 0 ? SYS(SYS_write, fd, &byte, 1)
			      : SYS(SYS_read, fd, &byte, 1));
		break;
	default:
		say("fcntl dup = %ld",
		    SYS(SYS_fcntl, fd, F_DUPFD, NOT_OPEN_FD - 10));
		say("close = %ld", SYS(SYS_close, NOT_OPEN_FD - 10));
		break;
	}
}
