/* SPDX-License-Identifier: MIT */
/*
 * serve.c - finds the function for a request, and keeps the log; see serve.h.
 */
#include "serve.h"

#include <stdlib.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "abi/syscall.h"
#include "made.h"
#include "memory.h"
#include "opened.h"

#define NS_PER_S 1000000000UL

/* the device number of the tree; the kernel's own files have 1 */
#define DEVICE 2

/*
 * The flags that the kernel is told. A file opened with both bits of O_ACCMODE
 * can be neither read nor written: open.c.
 */
uint32_t kernel_flags(uint32_t flags)
{
	if ((flags & O_ACCMODE) == O_ACCMODE)
		flags ^= O_ACCMODE ^ O_RDWR;
	return flags;
}

int64_t reply_file(struct server *s)
{
	s->reply.flags |= REPLY_FILE;
	s->reply.file_flags = kernel_flags(opened_place()->flags);
	s->reply.token = opened_take(s->request->id);
	s->open++;
	return 0;
}

int64_t open_folder(struct server *s, struct where where)
{
	struct file *file = opened_place();
	int err;

	if (file == NULL)
		return -ENFILE;
	err = file_open(&s->tree, where, O_PATH | O_DIRECTORY, 0, file);
	return err < 0 ? err : reply_file(s);
}

ssize_t lent_read(struct server *s, uint64_t offset, void *to, size_t len)
{
	return s->replays ? (ssize_t)len
			  : port_read(s->port, 0, offset, to, len);
}

ssize_t lent_write(struct server *s, uint64_t offset, const void *from,
    size_t len)
{
	return s->replays ? (ssize_t)len
			  : port_write(s->port, 0, offset, from, len);
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
	*st = (struct stat_abi){.dev = DEVICE,
	    .ino = a.ino,
	    .mode = a.mode,
	    .nlink = a.links,
	    .uid = a.uid,
	    .gid = a.gid,
	    .rdev = a.rdev,
	    .pad1 = 0,
	    .size = (int64_t)a.size,
	    .blksize = MEMORY_PAGE,
	    .pad2 = 0,
	    .blocks = (int64_t)a.blocks,
	    .atime = a.atime.sec,
	    .atime_ns = a.atime.nsec,
	    .mtime = a.mtime.sec,
	    .mtime_ns = a.mtime.nsec,
	    .ctime = a.ctime.sec,
	    .ctime_ns = a.ctime.nsec,
	    .unused = {0, 0}};
	return reply_bytes(s, st, sizeof *st, 0);
}

/* statfs() of made nodes, which take no room. */
static int64_t reply_statfs_made(struct server *s, struct statfs_abi *st)
{
	*st = (struct statfs_abi){.type = PROC_MAGIC,
	    .bsize = MEMORY_PAGE,
	    .namelen = NAME_MAX,
	    .frsize = MEMORY_PAGE};
	return reply_bytes(s, st, sizeof *st, 0);
}

int64_t reply_statfs(struct server *s, const struct node *node)
{
	struct statfs_abi *st = (struct statfs_abi *)s->out;
	uint64_t free = tree_pages_free(&s->tree);

	if (node->made != 0)
		return reply_statfs_made(s, st);
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
	s->tree.now = (struct moment){(int64_t)(s->request->time / NS_PER_S),
	    (int64_t)(s->request->time % NS_PER_S)};
}

/* Takes over the flags of the open file, which fcntl() may have changed. */
static void note_flags(const struct server *s)
{
	s->file->flags = (s->file->flags & ~(uint32_t)O_APPEND) |
	    (s->request->flags & O_APPEND);
}

/* The function for the request; NULL if there is none. */
static const struct call *call_of(const struct server *s)
{
	static const struct call *const tables[] = {file_calls, path_calls,
	    system_calls};
	uint64_t number = s->request->number;

	for (int i = 0; i < 3 && number < CALLS; i++)
		if (tables[i][number].fn != NULL)
			return &tables[i][number];
	return NULL;
}

/* Is it a call that may change more than times of reading? */
static bool may_change(const struct server *s)
{
	return s->call != NULL && s->call->effect != EFFECT_NONE;
}

bool serve_find(struct server *s)
{
	s->call = call_of(s);
	return may_change(s);
}

/* Puts where links of a maker led to at the end of the entry. */
static void keep_leads(struct server *s)
{
	size_t size = s->tree.leads * sizeof s->tree.lead[0];

	if (size == 0)
		return;
	s->bytes = (s->bytes + 7) & ~7UL;
	memcpy(s->in + s->bytes, s->tree.lead, size);
	s->bytes += size;
}

static void recall_leads(struct server *s)
{
	size_t size = s->entry->leads * sizeof s->tree.lead[0];

	memcpy(s->tree.lead, s->in + s->entry->bytes - size, size);
}

/* Replies with a number. The other fields of the reply mean nothing then. */
static void reply_number(struct server *s, int64_t result)
{
	s->reply.flags = 0;
	s->reply.out_len = 0;
	s->reply.result = result;
}

static void execute(struct server *s)
{
	const struct call *call = s->call;

	reply_number(s, -ENOSYS);
	s->bytes = s->request->in_len;
	s->changes = call != NULL && call->effect > EFFECT_OPEN;
	s->more = false;
	s->tree.accessed = false;
	if (call == NULL)
		return;
	set_time(s);
	s->tree.caller = s->request->pid;
	s->tree.looks = 0;
	s->tree.missed = s->replays ? s->entry->missed : 0;
	s->tree.leads = 0;
	s->file = opened_file(s->request->token);
	if (call == &file_calls[s->request->number])
		note_flags(s);
	if (s->replays)
		recall_leads(s);
	s->reply.result = call->fn(s);
	made_leave(&s->tree);
	if (tree_has_scrap(&s->tree))
		tree_tidy(&s->tree);
}

/* --- the log -------------------------------------------------------------- */

/*
 * Bytes at the end of the log that only calls which may give memory back can
 * use. Calls that open a file can use one half of them.
 */
#define LOG_RESERVE 16384

void serve_use(struct server *s, struct log_entry *entry)
{
	s->entry = entry;
	s->request = &entry->request;
	s->in = entry->in;
}

/*
 * Has the log room for `size` bytes, besides an entry for each open file that
 * is still to be closed?
 */
static bool has_room(const struct server *s, size_t size)
{
	return log_room(&s->log) >= size + (s->open + 1) * LOG_CLOSED_SIZE;
}

bool serve_has_room(const struct server *s)
{
	return has_room(s, LOG_ENTRY_MAX + LOG_RESERVE);
}

/* Is there room for what this call may change? */
static bool has_room_for_call(const struct server *s)
{
	size_t size = sizeof *s->entry + s->request->in_len + LOG_BEHIND;

	if (s->call->effect == EFFECT_MORE)
		return serve_has_room(s);
	if (s->call->effect == EFFECT_OPEN)
		size += LOG_RESERVE / 2;
	return has_room(s, size);
}

static bool is_for_want_of_memory(int64_t result)
{
	return result == -ENOMEM || result == -ENOSPC;
}

/*
 * Is there a change for the log? Times of reading are recorded only if there is
 * room.
 */
static bool has_changed(const struct server *s)
{
	if (s->reply.flags & REPLY_FILE)
		return true;
	if (s->changes && s->reply.result >= 0)
		return true;
	return s->tree.accessed && !is_for_want_of_memory(s->reply.result) &&
	    serve_has_room(s);
}

/* The token of the file that the call has opened; 0: it has opened none. */
static uint64_t opened_token(const struct server *s)
{
	return s->reply.flags & REPLY_FILE ? s->reply.token : 0;
}

static void write_down(struct server *s)
{
	struct log_entry *entry = s->entry, *next;

	keep_leads(s);
	entry->token = opened_token(s);
	entry->done = s->done;
	entry->bytes = s->bytes;
	entry->missed = s->tree.missed;
	entry->leads = s->tree.leads;
	log_commit(&s->log, s->more ? LOG_PART : LOG_CALL,
	    sizeof *entry + s->bytes);
	if (!s->more)
		return;
	next = log_tail(&s->log);
	next->request = entry->request;
	serve_use(s, next);
}

/*
 * A file was closed everywhere. The server is told again if it dies before it
 * asks for the next request.
 */
static void close_file(struct server *s, uint64_t token)
{
	if (!opened_is(token))
		return;
	serve_leave_locks(s, token, opened_file(token)->node);
	file_close(&s->tree, opened_file(token));
	opened_give(token);
	s->open--;
	if (s->replays)
		return;
	s->entry->token = token;
	log_commit(&s->log, LOG_CLOSED, LOG_CLOSED_SIZE);
}

static void refuse(struct server *s)
{
	s->more = false;
	reply_number(s, s->call->effect == EFFECT_OPEN ? -ENOMEM : -ENOSPC);
}

void serve_close(struct server *s)
{
	uint64_t token = s->request->token;

	/*
	 * A server opened the file for this call and died, and the caller has
	 * ended.
	 */
	if (s->request->number == REQUEST_GONE)
		token = opened_by(token);
	reply_number(s, 0);
	if (token != 0)
		close_file(s, token);
}

void serve(struct server *s)
{
	if (may_change(s)) {
		if (!has_room_for_call(s)) {
			refuse(s);
			return;
		}
		s->entry->next_ino = s->tree.next_ino;
		s->entry->last_contents = s->tree.last_contents;
	}
	execute(s);
	if (has_changed(s))
		write_down(s);
}

/* --- doing it once more --------------------------------------------------- */

/*
 * Replies that may be owed. There is more than one only if servers die one
 * after the other, as a caller that was killed never asks again.
 */
#define OWED 64

static uint64_t owed_id[OWED]; /* the ids of the calls */
static struct owed {
	bool is_part; /* the reply is that of a part of the call */
	struct reply reply;
} owed[OWED];

void serve_owe(struct server *s, uint64_t id)
{
	uint64_t i = id % OWED;

	if (id == 0 || s->reply.out_len != 0 || (s->reply.flags & REPLY_LATER))
		return;
	owed_id[i] = id;
	owed[i] = (struct owed){s->more, s->reply};
}

bool serve_owed(struct server *s)
{
	uint64_t i = s->request->id % OWED;

	s->done = 0;
	s->more = false;
	if (owed_id[i] != s->request->id)
		return false;
	s->reply = owed[i].reply;
	if (owed[i].is_part)
		s->done = (uint64_t)s->reply.result;
	return true;
}

/*
 * Does an entry of the log again. If the call does not open the file that it
 * opened before, tokens would stand for other files, so the server ends. The
 * number of a program may be another: a server that could not be kept may have
 * known of a mapper that has had no page yet.
 */
static void serve_again(struct server *s)
{
	bool is_owed = serve_find(s);

	/*
	 * The server that did the call may have made nodes that it did not use.
	 */
	if (is_owed) {
		s->tree.next_ino = s->entry->next_ino;
		s->tree.last_contents = s->entry->last_contents;
	}
	s->done = s->entry->done;
	execute(s);
	if (opened_token(s) != s->entry->token)
		exit(EXIT_FAILURE);
	s->more = s->entry->kind == LOG_PART;
	if (is_owed)
		serve_owe(s, s->request->id);
}

void serve_replay(struct server *s)
{
	struct log_entry *entry;

	s->replays = s->tree.replays = true;
	memory_insist(true);
	while ((entry = log_next(&s->log)) != NULL) {
		serve_use(s, entry);
		if (entry->kind == LOG_CLOSED)
			close_file(s, entry->token);
		else
			serve_again(s);
		log_pass(&s->log, entry);
	}
	memory_insist(false);
	s->replays = s->tree.replays = false;
}
