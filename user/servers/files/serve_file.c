/* SPDX-License-Identifier: MIT */
/*
 * serve_file.c - calls that have an open file.
 *
 * What is longer than a buffer is copied piece by piece, from or to the memory
 * that the caller lends. Nothing else is served meanwhile, so a call is one
 * step to everybody else.
 */
#include "serve.h"

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "calls.h"

#define MAX_TRANSFER 0x7ffff000UL /* as Linux has it */

static size_t transfer_len(const struct server *s)
{
	uint64_t len = s->request.arg[2];

	return len < MAX_TRANSFER ? len : MAX_TRANSFER;
}

/* Only files have positions that mean something. */
static void move_to(struct server *s, uint64_t position)
{
	if (node_is(serve_file(s)->node, S_IFCHR))
		return;
	s->reply.flags |= REPLY_POSITION;
	s->reply.position = position;
}

/* --- reading -------------------------------------------------------------- */

/* A part of a long read: how many bytes have arrived, or why none. */
static long read_part(struct server *s, uint64_t at, size_t done, size_t len)
{
	size_t part = len - done < SERVE_BUFFER ? len - done : SERVE_BUFFER;
	long n = file_read(&s->tree, serve_file(s), at + done, s->out, part);
	ssize_t copied;

	if (n <= 0)
		return n;
	copied = port_write(s->port, 0, done, s->out, (size_t)n);
	return copied < 0 ? -errno : copied;
}

static int64_t read_at(struct server *s, uint64_t at)
{
	size_t len = transfer_len(s), done = 0;
	long n;

	if (len <= SERVE_BUFFER) {
		n = file_read(&s->tree, serve_file(s), at, s->out, len);
		return n > 0 ? reply_bytes(s, s->out, (size_t)n, n) : n;
	}
	do {
		n = read_part(s, at, done, len);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0 && done < len);
	return done > 0 ? (int64_t)done : n;
}

static int64_t call_read(struct server *s)
{
	int64_t n = read_at(s, s->request.position);

	if (n > 0)
		move_to(s, s->request.position + (uint64_t)n);
	return n;
}

static int64_t call_pread(struct server *s)
{
	if ((int64_t)s->request.arg[3] < 0)
		return -EINVAL;
	return read_at(s, s->request.arg[3]);
}

/* --- writing -------------------------------------------------------------- */

/* A part of a write: the first came along with the request. */
static long write_part(struct server *s, uint64_t *at, size_t done, size_t len)
{
	const char *from = s->in + done;
	size_t part = s->request.in_len - done;

	if (done >= s->request.in_len) {
		ssize_t n;

		from = s->out;
		part = len - done < SERVE_BUFFER ? len - done : SERVE_BUFFER;
		n = part > 0 ? port_read(s->port, 0, done, s->out, part) : 0;
		if (n < 0)
			return -errno;
		part = (size_t)n;
	}
	if (part > len - done)
		part = len - done;
	return file_write(&s->tree, serve_file(s), at, from, part);
}

static int64_t write_at(struct server *s, uint64_t *at)
{
	size_t len = transfer_len(s), done = 0;
	long n;

	do {
		n = write_part(s, at, done, len);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0 && done < len);
	return done > 0 ? (int64_t)done : n;
}

static int64_t call_write(struct server *s)
{
	uint64_t at = s->request.position;
	int64_t n = write_at(s, &at);

	if (n > 0)
		move_to(s, at);
	return n;
}

static int64_t call_pwrite(struct server *s)
{
	uint64_t at = s->request.arg[3];

	return (int64_t)at < 0 ? -EINVAL : write_at(s, &at);
}

/* --- the rest ------------------------------------------------------------- */

static int64_t call_lseek(struct server *s)
{
	int64_t to = file_seek(serve_file(s), s->request.position,
	    (int64_t)s->request.arg[1], (int)s->request.arg[2]);

	if (to >= 0)
		move_to(s, (uint64_t)to);
	return to;
}

static int64_t call_getdents(struct server *s)
{
	uint64_t size = (uint32_t)s->request.arg[2];
	uint64_t position = s->request.position;
	long n = file_list(&s->tree, serve_file(s), &position, s->out,
	    size < SERVE_BUFFER ? size : SERVE_BUFFER);

	if (n <= 0)
		return n;
	move_to(s, position);
	return reply_bytes(s, s->out, (size_t)n, n);
}

static int64_t call_ftruncate(struct server *s)
{
	return file_truncate(&s->tree, serve_file(s),
	    (int64_t)s->request.arg[1]);
}

static int64_t call_fallocate(struct server *s)
{
	return file_allocate(&s->tree, serve_file(s), (int)s->request.arg[1],
	    (int64_t)s->request.arg[2], (int64_t)s->request.arg[3]);
}

static int64_t call_fstat(struct server *s)
{
	return reply_stat(s, serve_file(s)->node);
}

static int64_t call_fstatfs(struct server *s)
{
	return reply_statfs(s);
}

static int64_t call_fchmod(struct server *s)
{
	if (serve_file(s)->flags & O_PATH)
		return -EBADF;
	node_chmod(&s->tree, serve_file(s)->node, (uint32_t)s->request.arg[1]);
	return 0;
}

static int64_t call_fchown(struct server *s)
{
	if (serve_file(s)->flags & O_PATH)
		return -EBADF;
	node_chown(&s->tree, serve_file(s)->node, (uint32_t)s->request.arg[1],
	    (uint32_t)s->request.arg[2]);
	return 0;
}

/* All there is of it is in memory. */
static int64_t call_sync(struct server *s)
{
	return serve_file(s)->flags & O_PATH ? -EBADF : 0;
}

static int64_t call_fchdir(struct server *s)
{
	struct where where = {serve_file(s)->node, "."};
	struct file *file;
	int err = file_open(&s->tree, where, O_PATH | O_DIRECTORY, 0, &file);

	return err < 0 ? err : reply_file(s, file);
}

static int64_t call_ioctl(struct server *s)
{
	return serve_file(s)->flags & O_PATH ? -EBADF : -ENOTTY;
}

const struct call file_calls[] = {
    {SYS_read, call_read, false},
    {SYS_write, call_write, true},
    {SYS_pread64, call_pread, false},
    {SYS_pwrite64, call_pwrite, true},
    {SYS_lseek, call_lseek, false},
    {SYS_getdents64, call_getdents, false},
    {SYS_ftruncate, call_ftruncate, true},
    {SYS_fallocate, call_fallocate, true},
    {SYS_fstat, call_fstat, false},
    {SYS_fstatfs, call_fstatfs, false},
    {SYS_fchmod, call_fchmod, true},
    {SYS_fchown, call_fchown, true},
    {SYS_fsync, call_sync, false},
    {SYS_fdatasync, call_sync, false},
    {CALL_FADVISE64, call_sync, false},
    {SYS_fchdir, call_fchdir, true},
    {SYS_ioctl, call_ioctl, false},
    {0, NULL, false},
};
