/* SPDX-License-Identifier: MIT */
/*
 * serve_file.c - calls about an open file.
 *
 * What is read goes from the pages of the file to the memory that the caller
 * lends. A write that is longer than a buffer is done in pieces, each an entry
 * of the log. Nothing else is served meanwhile, so the call is one step for
 * everybody else, unless the server dies between two pieces.
 */
#include "serve.h"

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/mman.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "memory.h"
#include "opened.h"
#include "program.h"

#define RANDOM_MAX   (256UL << 10)
#define MAX_TRANSFER 0x7ffff000UL /* as Linux has it */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static size_t transfer_len(const struct server *s)
{
	uint64_t len = s->request->arg[2];

	return len < MAX_TRANSFER ? len : MAX_TRANSFER;
}

/* Sets the position in the reply, if the node is a file. */
static void move_to(struct server *s, uint64_t position)
{
	if (node_is(s->file->node, S_IFCHR))
		return;
	s->reply.flags |= REPLY_POSITION;
	s->reply.position = position;
}

/* --- reading -------------------------------------------------------------- */

/*
 * Finds the next bytes in the pages of the file: at most those that lie in one
 * piece.
 */
static long next_bytes(struct server *s, uint64_t at, size_t len,
    const char **bytes)
{
	const struct node *node = s->file->node;

	if (node_is(node, S_IFREG))
		return (long)data_span(node, at, len, bytes);
	*bytes = s->out;
	return device_read(node, s->out,
	    len < SERVE_BUFFER ? len : SERVE_BUFFER);
}

/* Sends bytes that lie in several pieces, one after the other. */
static int64_t send_pieces(struct server *s, uint64_t at, size_t len)
{
	size_t done = 0;
	long n = 1;

	while (n > 0 && done < len) {
		const char *bytes;

		n = next_bytes(s, at + done, len - done, &bytes);
		if (n <= 0)
			break;
		n = lent_write(s, done, bytes, (size_t)n);
		if (n < 0)
			n = -errno;
		else
			done += (size_t)n;
	}
	return done > 0 ? (int64_t)done : n;
}

static int64_t read_made(struct server *s, uint64_t at, size_t len)
{
	long n = file_read(&s->tree, s->file, at, s->out,
	    len < SERVE_BUFFER ? len : SERVE_BUFFER);

	return n > 0 ? reply_bytes(s, s->out, (size_t)n, n) : n;
}

/* Bytes that lie in one piece are sent with the reply. */
static int64_t read_at(struct server *s, uint64_t at)
{
	size_t len = transfer_len(s);
	const char *bytes;
	int err = file_begin_read(&s->tree, s->file, at, &len);
	long n;

	/*
	 * Random bytes take long to make, and all other callers wait meanwhile.
	 */
	if (len > RANDOM_MAX && device_is_random(s->file->node))
		len = RANDOM_MAX;
	if (err < 0 || len == 0)
		return err;
	if (s->file->node->made != 0)
		return read_made(s, at, len);
	n = next_bytes(s, at, len, &bytes);
	if (n <= 0)
		return n;
	if ((size_t)n == len)
		return reply_bytes(s, bytes, len, n);
	return send_pieces(s, at, len);
}

static int64_t call_read(struct server *s)
{
	int64_t n = read_at(s, s->request->position);

	if (n > 0)
		move_to(s, s->request->position + (uint64_t)n);
	return n;
}

static int64_t call_pread(struct server *s)
{
	if ((int64_t)s->request->arg[3] < 0)
		return -EINVAL;
	return read_at(s, s->request->arg[3]);
}

/* --- writing -------------------------------------------------------------- */

/*
 * Brings the bytes of a part into the entry; the first have come along with the
 * request. Returns how many; fewer if the caller has no more memory there.
 */
static long fetch_part(struct server *s, size_t part)
{
	size_t have = s->done == 0 ? least(s->request->in_len, part) : 0;
	ssize_t n;

	if (s->replays)
		return (long)s->entry->bytes;
	if (have == part)
		return (long)part;
	n = lent_read(s, s->done + have, s->in + have, part - have);
	if (n < 0)
		return have > 0 ? (long)have : -errno;
	return (long)have + n;
}

/*
 * Writes a part. What was written is in the entry, even if it is less than was
 * asked.
 */
static long write_part(struct server *s, uint64_t *at, size_t part)
{
	long n = fetch_part(s, part);

	if (n >= 0)
		n = file_write(&s->tree, s->file, at, s->in, (size_t)n);
	s->bytes = n > 0 ? (size_t)n : 0;
	return n;
}

static int64_t write_at(struct server *s, uint64_t *at)
{
	size_t left = transfer_len(s) - s->done;
	size_t part = least(left, LOG_IN);
	long n;

	/* A device takes all, and does not look at the bytes. */
	if (node_is(s->file->node, S_IFCHR)) {
		s->changes = false;
		return file_write(&s->tree, s->file, at, NULL, left);
	}
	*at += s->done;
	n = write_part(s, at, part);
	s->changes = n > 0;
	if (n < 0)
		return n;
	s->more = (size_t)n == part && part < left;
	return (int64_t)s->done + n;
}

static int64_t call_write(struct server *s)
{
	uint64_t at = s->request->position;
	int64_t n = write_at(s, &at);

	if (n > 0)
		move_to(s, at);
	return n;
}

static int64_t call_pwrite(struct server *s)
{
	uint64_t at = s->request->arg[3];

	return (int64_t)at < 0 ? -EINVAL : write_at(s, &at);
}

/* --- mapping -------------------------------------------------------------- */

/* The part of a mapping that the kernel asks for now. */
struct wish {
	uint64_t position; /* in the file */
	uint64_t all;      /* pages */
	size_t count;      /* as many of them as a reply has room for */
	bool shared;
};

static struct wish wish_of(const struct request *request)
{
	uint64_t done = request->position;
	uint64_t left =
	    (request->arg[1] - done + MEMORY_PAGE - 1) / MEMORY_PAGE;

	return (struct wish){.position = request->arg[5] + done,
	    .all = left,
	    .count = least(left, SERVE_BUFFER / sizeof(void *)),
	    .shared = (request->arg[3] & MAP_TYPE) == MAP_SHARED};
}

bool serve_shares(struct server *s)
{
	struct wish wish;

	if (s->request->number != SYS_mmap)
		return false;
	wish = wish_of(s->request);
	if (!wish.shared)
		return false;
	file_share(&s->tree, opened_file(s->request->token), wish.position,
	    wish.count, wish.all);
	return s->tree.unkept;
}

/*
 * Replies with as many pages as a reply can name; the kernel asks for the rest.
 */
static int64_t call_mmap(struct server *s)
{
	struct wish wish = wish_of(s->request);
	uint64_t done = s->request->position;
	void **pages = (void **)(void *)s->out;
	long n = wish.shared
	    ? file_shared_pages(&s->tree, s->file, wish.position, pages,
		  wish.count)
	    : file_pages(&s->tree, s->file, wish.position, pages, wish.count);

	if (n < 0)
		return n;
	s->reply.flags = REPLY_PAGES;
	s->reply.position = done;
	s->reply.out = pages;
	s->reply.out_len = (uint64_t)n * sizeof *pages;
	return 0;
}

/* --- the rest ------------------------------------------------------------- */

static int64_t call_lseek(struct server *s)
{
	int64_t to = file_seek(s->file, s->request->position,
	    (int64_t)s->request->arg[1], (int)s->request->arg[2]);

	if (to >= 0)
		move_to(s, (uint64_t)to);
	return to;
}

static int64_t call_getdents(struct server *s)
{
	uint64_t size = (uint32_t)s->request->arg[2];
	uint64_t position = s->request->position;
	long n = file_list(&s->tree, s->file, &position, s->out,
	    size < SERVE_BUFFER ? size : SERVE_BUFFER);

	if (n <= 0)
		return n;
	move_to(s, position);
	return reply_bytes(s, s->out, (size_t)n, n);
}

static int64_t call_ftruncate(struct server *s)
{
	return file_truncate(&s->tree, s->file, (int64_t)s->request->arg[1]);
}

static int64_t call_fallocate(struct server *s)
{
	return file_allocate(&s->tree, s->file, (int)s->request->arg[1],
	    (int64_t)s->request->arg[2], (int64_t)s->request->arg[3]);
}

static int64_t call_fstat(struct server *s)
{
	return reply_stat(s, s->file->node);
}

static int64_t call_fstatfs(struct server *s)
{
	return reply_statfs(s, s->file->node);
}

static int64_t call_fchmod(struct server *s)
{
	if (s->file->flags & O_PATH)
		return -EBADF;
	node_chmod(&s->tree, s->file->node, (uint32_t)s->request->arg[1]);
	return 0;
}

static int64_t call_fchown(struct server *s)
{
	if (s->file->flags & O_PATH)
		return -EBADF;
	node_chown(&s->tree, s->file->node, (uint32_t)s->request->arg[1],
	    (uint32_t)s->request->arg[2]);
	return 0;
}

/* Does nothing, as files are in memory only. */
static int64_t call_sync(struct server *s)
{
	if (s->file->flags & O_PATH)
		return -EBADF;
	return node_is(s->file->node, S_IFCHR) ? -EINVAL : 0;
}

static int64_t call_fchdir(struct server *s)
{
	return open_folder(s, (struct where){s->file->node, "."});
}

static int64_t call_ioctl(struct server *s)
{
	return s->file->flags & O_PATH ? -EBADF : -ENOTTY;
}

/* The kernel is about to load the program: replies with its plan. */
static int64_t call_describe(struct server *s)
{
	struct program_plan *plan = (struct program_plan *)s->out;
	int err = program_describe(s->file->node, plan);

	return err < 0 ? err : reply_bytes(s, plan, sizeof *plan, 0);
}

const struct call file_calls[CALLS] = {
    [SYS_read] = {call_read, EFFECT_NONE},
    [SYS_write] = {call_write, EFFECT_MORE},
    [SYS_pread64] = {call_pread, EFFECT_NONE},
    [SYS_pwrite64] = {call_pwrite, EFFECT_MORE},
    [SYS_mmap] = {call_mmap, EFFECT_NONE},
    [SYS_lseek] = {call_lseek, EFFECT_NONE},
    [SYS_getdents64] = {call_getdents, EFFECT_NONE},
    [SYS_ftruncate] = {call_ftruncate, EFFECT_LESS},
    [SYS_fallocate] = {call_fallocate, EFFECT_MORE},
    [SYS_fstat] = {call_fstat, EFFECT_NONE},
    [SYS_fstatfs] = {call_fstatfs, EFFECT_NONE},
    [SYS_fchmod] = {call_fchmod, EFFECT_MORE},
    [SYS_fchown] = {call_fchown, EFFECT_MORE},
    [SYS_fsync] = {call_sync, EFFECT_NONE},
    [SYS_fdatasync] = {call_sync, EFFECT_NONE},
    [SYS_fchdir] = {call_fchdir, EFFECT_OPEN},
    [SYS_execveat] = {call_describe, EFFECT_NONE},
    [SYS_ioctl] = {call_ioctl, EFFECT_NONE},
    [SYS_fcntl] = {call_fcntl, EFFECT_LESS},
    [SYS_flock] = {call_flock, EFFECT_LESS},
};
