/* SPDX-License-Identifier: MIT */
/*
 * serve.c - finding out what is asked; see serve.h.
 */
#include "serve.h"

#include <string.h>
#include <time.h>

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "memory.h"

#define DEVICE 2 /* of the tree itself; the kernel's own files are of 1 */

struct file *serve_file(const struct server *s)
{
	return (struct file *)(uintptr_t)s->request.token;
}

int64_t reply_file(struct server *s, struct file *file)
{
	s->reply.flags |= REPLY_FILE;
	s->reply.file_flags = file->flags;
	s->reply.token = (uintptr_t)file;
	s->open++;
	return 0;
}

int64_t reply_bytes(struct server *s, const void *bytes, size_t len,
    int64_t result)
{
	s->reply.out = bytes;
	s->reply.out_len = len;
	return result;
}

int64_t reply_stat(struct server *s, const struct node *node)
{
	struct stat_abi *st = (struct stat_abi *)s->out;
	struct attributes a;

	node_stat(node, &a);
	memset(st, 0, sizeof *st);
	*st = (struct stat_abi){.dev = DEVICE,
	    .ino = a.ino,
	    .mode = a.mode,
	    .nlink = a.links,
	    .uid = a.uid,
	    .gid = a.gid,
	    .rdev = a.rdev,
	    .size = (int64_t)a.size,
	    .blksize = MEMORY_PAGE,
	    .blocks = (int64_t)a.blocks,
	    .atime = a.atime.sec,
	    .atime_ns = a.atime.nsec,
	    .mtime = a.mtime.sec,
	    .mtime_ns = a.mtime.nsec,
	    .ctime = a.ctime.sec,
	    .ctime_ns = a.ctime.nsec};
	return reply_bytes(s, st, sizeof *st, 0);
}

int64_t reply_statfs(struct server *s)
{
	struct statfs_abi *st = (struct statfs_abi *)s->out;
	uint64_t free = tree_pages_free(&s->tree);

	*st = (struct statfs_abi){.type = TMPFS_MAGIC,
	    .bsize = MEMORY_PAGE,
	    .blocks = memory_pages_total(),
	    .bfree = free,
	    .bavail = free,
	    .files = s->tree.nodes + free,
	    .ffree = free,
	    .namelen = NAME_MAX,
	    .frsize = MEMORY_PAGE};
	return reply_bytes(s, st, sizeof *st, 0);
}

static void set_time(struct server *s)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	s->tree.now = (struct moment){now.tv_sec, now.tv_nsec};
}

static const struct call *find_call(const struct call *calls, uint64_t number)
{
	while (calls->fn != NULL && calls->number != number)
		calls++;
	return calls->fn != NULL ? calls : NULL;
}

/* The kernel knows which flags an open file has by now. */
static void note_flags(const struct server *s)
{
	struct file *file = serve_file(s);

	file->flags =
	    (file->flags & ~(uint32_t)O_APPEND) | (s->request.flags & O_APPEND);
}

bool serve(struct server *s)
{
	const struct call *call = find_call(file_calls, s->request.number);

	s->reply = (struct reply){.result = -ENOSYS};
	if (s->request.number == REQUEST_CLOSED) {
		file_close(&s->tree, serve_file(s));
		s->open--;
		return true;
	}
	set_time(s);
	if (call != NULL)
		note_flags(s);
	else
		call = find_call(path_calls, s->request.number);
	if (call == NULL)
		return false;
	s->reply.result = call->fn(s);
	tree_tidy(&s->tree);
	return call->changes;
}
