/* SPDX-License-Identifier: MIT */
/*
 * straight.h - of t_straight.c alone: its server, and how it counts the ways
 * that are straight.
 */
#ifndef TESTS_USER_STRAIGHT_H
#define TESTS_USER_STRAIGHT_H

#include "service.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Cells. */
enum { HELD, RELEASE, NOTED, ERRORS, READY, SAME, DONE };

#define ODD   7 /* the reply to a write of so many bytes has bytes */
#define FATAL 9 /* a reader of so many is killed before the reply */

#define OPENED 77 /* the token of what is opened */

#define WRONG 'w' /* the reply for this path makes no sense */

/* Lengths of an ftruncate() that tell the server to do more than reply. */
enum {
	BE_QUICK = 1000,
	USE_FLOATS,
	HOLD,         /* until RELEASE is set */
	FORK,         /* a child looks later if its memory has changed */
	OVERFILL,     /* the reply has a byte more than is lent */
	BE_IMPATIENT, /* wants no wait for the next request */
	BE_LOST,      /* has no memory for it */
	CALL_EQUAL    /* calls a server of its own level */
};

static unsigned char box[3 * PAGE] __attribute__((aligned(PAGE)));
static unsigned char in[2 * PAGE] __attribute__((aligned(PAGE)));

/*
 * What is replied: letters from the end of one page on. Each page has a letter
 * of its own, and the frame behind its frame is not that of the next page.
 */
#define LETTER_PAGES 18
static unsigned char letters[LETTER_PAGES * PAGE]
    __attribute__((aligned(PAGE)));
#define REPLIED (letters + PAGE - 8)

/* The offsets in the box of the server's request and reply. */
static size_t request_at, reply_at = PAGE / 2;

static size_t in_size = sizeof(in);

/*
 * If there is one, requests are taken from both in turn: from the other one
 * after each call, and perhaps after each note.
 */
static int second_port = -1;
static bool turns_after_notes;

/* A file of a port of the same level. */
static int equal = -1;

/*
 * The value of a register that no other code here uses, and no call keeps. To
 * read it writes no other register.
 */
static long float_kept(void)
{
	long bits;

	__asm__ volatile("fmv.x.d %0, ft11" : "=r"(bits));
	return bits;
}

static void float_keep(long bits)
{
	__asm__ volatile("fmv.d.x ft11, %0" : : "r"(bits) : "ft11");
}

static bool has_product;

static long multiply(void)
{
	float_keep(has_product ? float_kept() * 2 : 2);
	has_product = true;
	return float_kept();
}

static void watch_memory(void)
{
	static unsigned char before[sizeof(box)];

	memcpy(before, box, sizeof(box));
	cell_set(READY, 1);
	cell_await(RELEASE, 1);
	cell_set(SAME, memcmp(before, box, sizeof(box)) == 0 ? 1 : 2);
	_exit(0);
}

static long obey(long order)
{
	switch (order) {
	case USE_FLOATS:
		return multiply();
	case HOLD:
		cell_set(HELD, 1);
		while (!cell_get(RELEASE))
			sleep_ms(1);
		break;
	case FORK:
		if (must_fork() == 0)
			watch_memory();
		cell_await(READY, 1);
		break;
	case CALL_EQUAL:
		return raw(SYS_ftruncate, equal, BE_QUICK);
	case BE_LOST:
		request_at = 1UL << 37;
		break;
	case BE_IMPATIENT:
		(void)raw(SYS_fcntl, port, F_SETFL, O_NONBLOCK);
		break;
	}
	return order + 1;
}

static struct reply answer_open(const struct request *request)
{
	uint32_t flags = (uint32_t)request->arg[2];

	return (struct reply){.flags = REPLY_FILE,
	    .token = OPENED,
	    .file_flags = in[1] == WRONG ? O_ACCMODE : flags};
}

#define BEHIND 'x' /* what is behind the end of a path */

static bool is_path(size_t len)
{
	return strlen((const char *)in) + 1 == len &&
	    memchr(in, BEHIND, len + sizeof(uint64_t)) == NULL;
}

static struct reply answer_straight(const struct request *request)
{
	uint64_t len = request->arg[2];

	switch (request->number) {
	case SYS_write:
		if (len == ODD)
			return (struct reply){.out = REPLIED, .out_len = len};
		return result(all_bytes(in, request->in_len, 'w')
			? (long)request->in_len
			: -EIO);
	case SYS_read:
		if (len == FATAL)
			kill(request->pid, SIGKILL);
		return (struct reply){.flags = REPLY_POSITION,
		    .result = (long)len,
		    .position = request->position + len,
		    .out = REPLIED,
		    .out_len = len == OVERFILL ? len + 1 : len};
	case SYS_newfstatat:
		return (struct reply){.out = REPLIED,
		    .out_len = sizeof(struct stat),
		    .result = (long)request->in_len};
	case SYS_ioctl:
		return (struct reply){.out = REPLIED, .out_len = 8};
	case SYS_openat:
	case SYS_chdir:
		return answer_open(request);
	case SYS_fsync:
		return result((long)request->position);
	case SYS_faccessat:
		return result(
		    is_path(request->in_len) ? (long)request->in_len : -EIO);
	default:
		return result(obey((long)request->arg[1]));
	}
}

/* After an error the server tries again, in another way. */
static void note_error(struct reply *reply)
{
	cell_add(ERRORS, 1);
	if (errno == EINVAL)
		*reply = result(-EIO);
	if (errno == EAGAIN)
		(void)raw(SYS_fcntl, port, F_SETFL, 0);
	if (errno == EFAULT)
		request_at = 0;
}

static _Noreturn void serve_straight(void)
{
	struct request request = {0};
	struct reply reply = {0};
	int from = port;

	signal(SIGCHLD, SIG_IGN);
	close(file);
	close(sibling);
	for (;;) {
		memcpy(box + reply_at, &reply, sizeof(reply));
		if (port_next(from, (void *)(box + reply_at),
			(void *)(box + request_at), in, in_size) != 0) {
			note_error(&reply);
			continue;
		}
		memcpy(&request, box + request_at, sizeof(request));
		if (request.number == REQUEST_CLOSED)
			cell_add(NOTED, 1);
		if (request.number == REQUEST_CLOSED && request.token == TOKEN)
			_exit(0);
		reply = answer_straight(&request);
		if (second_port >= 0 &&
		    (turns_after_notes || request.number != REQUEST_CLOSED))
			from = from == port ? second_port : port;
	}
}

#define PATH_AT 256

static unsigned char *ours;

/* Bytes that it sends may go to where its reply is. */
static _Noreturn void serve_from_ours(void)
{
	static const unsigned char zeros[sizeof(struct reply)];
	static struct request request;
	struct reply *reply = (void *)ours;

	close(file);
	while (request.number != REQUEST_CLOSED) {
		if (port_next(port, reply, &request, ours + PATH_AT + 3, 200))
			give_up("port_next fails");
		*reply = result((long)request.in_len);
		if (request.number == SYS_pread64)
			*reply = (struct reply){.result = 77,
			    .out = zeros,
			    .out_len = sizeof(zeros)};
	}
	_exit(0);
}

static uint64_t handovers(void)
{
	return counters().handovers;
}

static pid_t straight_server(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		serve_straight();
	return pid;
}

static long order(long what)
{
	return CALL(SYS_ftruncate, what);
}

static void letters_make(void)
{
	(void)mmap(letters, sizeof(letters), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (size_t i = 0; i < LETTER_PAGES; i++) {
		size_t page = i * 5 % LETTER_PAGES;

		memset(letters + page * PAGE, 'a' + (int)page, PAGE);
	}
}

static bool is_replied(const unsigned char *bytes, size_t len)
{
	return memcmp(bytes, REPLIED, len) == 0;
}

/* Makes a port that has no server yet. NULL, or why it cannot. */
static const char *prepare(void)
{
	TRY(port_make(1));
	if (handovers() == UINT64_MAX)
		return SKIP("this kernel has no fast paths");
	if (harts() > 1)
		return SKIP("who waits where is up to chance on several harts");
	memset(box, 'b', sizeof(box));
	letters_make();
	sibling = port_open(port, BESIDE, O_RDWR, 0, 0);
	return NULL;
}

/* After a few calls everything is in place. */
static const char *warm(void)
{
	for (int i = 0; i < 3; i++)
		MUST(order(BE_QUICK) == BE_QUICK + 1, "the result is another");
	return NULL;
}

static const char *start(void)
{
	TRY(prepare());
	port_leave_to(straight_server());
	return warm();
}

static const char *end(void)
{
	close(sibling);
	return service_end();
}

/*
 * Fails unless the call has this result, and so many of its two ways, there and
 * back, are straight; at least once if it is made so many times.
 */
#define WAYS_OF(times, count, call, value)                                 \
	for (int left = (times), ways = -1; ways != (count);) {            \
		uint64_t before = handovers();                             \
		long got = (call);                                         \
                                                                           \
		ways = (int)(handovers() - before);                        \
		MUST(got == (value), found("%s is %ld", #call, got));      \
		MUST(ways == (count) || --left > 0,                        \
		    found("%s: %d of its ways instead of %d are straight", \
			#call, ways, (count)));                            \
	}

#define WAYS(count, call, value) WAYS_OF(1, count, call, value)

/* Tried again, as the copy of long bytes stops for an interrupt. */
#define TRIED(count, call, value) WAYS_OF(10, count, call, value)

#endif
