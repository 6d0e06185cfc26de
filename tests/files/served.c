/* SPDX-License-Identifier: MIT */
/*
 * served.c - operations on a tree of the file server by way of requests, as
 * the kernel makes them: instead of ours.c.
 *
 * What the kernel keeps is kept here: positions, flags, the umask, and the
 * folder that the process is in. The server is that of direct.c or mortal.c.
 */
#include "served.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../user/servers/files/serve.h"
#include "abi/fcntl.h"
#include "abi/mman.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "abi/unistd.h"
#include "differ.h"
#include "memory.h"
#include "sim.h"
#include "tap.h"

/* Calls that are about no file are not tested here. */
const struct call system_calls[CALLS];

static struct request request;
static struct reply reply;
static struct lent lent;
static uint64_t slots[SLOTS]; /* tokens */
static uint64_t positions[SLOTS];
static uint32_t flags[SLOTS];
static uint64_t root, cwd;
static uint32_t mask;
static unsigned char *mappings[SLOTS][MAP_PAGES];

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Makes the call, and does what the reply says. */
static long ask(uint64_t number, uint64_t token, uint64_t *position,
    const uint64_t args[6])
{
	static uint64_t id;

	request = (struct request){.id = ++id,
	    .number = number,
	    .token = token,
	    .second = request.second,
	    .umask = mask,
	    .time = now_ns(),
	    .position = position != NULL && number != SYS_mmap ? *position : 0,
	    .flags = position != NULL ? flags[position - positions] : 0};
	memcpy(request.arg, args, sizeof request.arg);
	reply = served_ask(&request, &lent);
	if (position != NULL && (reply.flags & REPLY_POSITION))
		*position = reply.position;
	return reply.result;
}

static void close_token(uint64_t token)
{
	struct lent none = {0};

	request = (struct request){.number = REQUEST_CLOSED, .token = token};
	(void)served_ask(&request, &none);
}

/* The reply was a new file, which takes the place of an old one. */
static long take_file(long result, uint64_t *token)
{
	uint64_t fresh = reply.token;

	if (result < 0)
		return result;
	if (!(reply.flags & REPLY_FILE))
		sim_fail("no file in the reply");
	if (*token != 0 && *token != root)
		close_token(*token);
	*token = fresh;
	return 0;
}

void ours_begin(void)
{
	memory_pool_clear();
	root = cwd = served_begin();
	mask = 022;
	op_maps = true;
}

const char *ours_end(void)
{
	for (int i = 0; i < SLOTS; i++) {
		if (slots[i] != 0)
			close_token(slots[i]);
		slots[i] = 0;
	}
	if (cwd != root)
		close_token(cwd);
	close_token(root);
	return served_end();
}

static uint64_t base_token(int base, const char *path)
{
	if (path[0] == '/')
		return root;
	return base == CWD || slots[base] == 0 ? cwd : slots[base];
}

void ours_look(const struct op *op)
{
	static struct stat_abi st;
	int base = op->kind == OP_TRUNCATE ? CWD : op->base;

	if (op->kind != OP_TRUNCATE && (op->flags & O_PATH))
		return;
	lent =
	    (struct lent){.path = {op->path}, .out = &st, .out_len = sizeof st};
	(void)ask(SYS_newfstatat, base_token(base, op->path), NULL,
	    (uint64_t[6]){0});
}

static struct time time_of(int64_t sec, int64_t nsec)
{
	return (struct time){sec, nsec};
}

static void tell(struct outcome *o, const struct stat_abi *st)
{
	struct seen seen = {.ino = st->ino,
	    .mode = st->mode,
	    .links = st->nlink,
	    .uid = st->uid,
	    .gid = st->gid,
	    .rdev = st->rdev,
	    .size = (uint64_t)st->size,
	    .blocks = (uint64_t)st->blocks,
	    .atime = time_of(st->atime, st->atime_ns),
	    .mtime = time_of(st->mtime, st->mtime_ns),
	    .ctime = time_of(st->ctime, st->ctime_ns)};

	memcpy(o->out, &seen, sizeof seen);
	o->len = sizeof seen;
}

static long ask_file(const struct op *op, uint64_t number, uint64_t a,
    uint64_t b, uint64_t c)
{
	return ask(number, slots[op->slot], &positions[op->slot],
	    (uint64_t[6]){0, a, b, c, 0, 0});
}

static long transfer(const struct op *op, struct outcome *o)
{
	bool at_position = op->offset == NO_POSITION;
	uint64_t len = (uint64_t)op->len;
	long n;

	if (op->kind == OP_READ) {
		lent.out = o->out;
		lent.out_len = OUT_SIZE;
		n = ask_file(op, at_position ? SYS_read : SYS_pread64, 0, len,
		    (uint64_t)op->offset);
		o->len = n > 0 ? (size_t)n : 0;
		return n;
	}
	memset(o->out, op->byte, len);
	lent.in = o->out;
	lent.in_len = len;
	return ask_file(op, at_position ? SYS_write : SYS_pwrite64, 0, len,
	    (uint64_t)op->offset);
}

static long list(const struct op *op, struct outcome *o)
{
	static char buf[4096];
	long n = ask_file(op, SYS_lseek, 0, SEEK_SET, 0);

	lent.out = buf;
	lent.out_len = (size_t)op->len;
	while (n >= 0) {
		n = ask_file(op, SYS_getdents64, 0, (uint64_t)op->len, 0);
		if (n <= 0)
			break;
		outcome_add_entries(o, buf, n);
	}
	return n;
}

/* Maps the pages that the kernel would map. */
static long map(int slot)
{
	unsigned char **pages = mappings[slot];
	uint64_t args[6] = {0, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED};
	long n;

	lent.out = pages;
	lent.out_len = sizeof mappings[slot];
	n = ask(SYS_mmap, slots[slot], &positions[slot], args);
	if (n == 0 && reply.flags != REPLY_PAGES)
		sim_fail("no pages in the reply");
	return n;
}

static long access_mapping(const struct op *op, struct outcome *o)
{
	for (int64_t i = 0; i < op->len; i++) {
		uint64_t at = (uint64_t)(op->offset + i);
		unsigned char *page = mappings[op->slot][at / 4096];

		if (op->kind == OP_POKE)
			page[at % 4096] = op->byte;
		else
			o->out[o->len++] = page[at % 4096];
	}
	return 0;
}

static long file_call(const struct op *op, struct outcome *o)
{
	uint64_t none[6] = {0};
	long n;

	switch (op->kind) {
	case OP_CLOSE:
		close_token(slots[op->slot]);
		slots[op->slot] = 0;
		return 0;
	case OP_READ:
	case OP_WRITE:
		return transfer(op, o);
	case OP_SEEK:
		return ask_file(op, SYS_lseek, (uint64_t)op->offset,
		    (uint64_t)op->whence, 0);
	case OP_FTRUNCATE:
		return ask_file(op, SYS_ftruncate, (uint64_t)op->len, 0, 0);
	case OP_ALLOCATE:
		return ask_file(op, SYS_fallocate, op->flags,
		    (uint64_t)op->offset, (uint64_t)op->len);
	case OP_FSTAT:
		n = ask_file(op, SYS_fstat, 0, 0, 0);
		tell(o, lent.out);
		return n;
	case OP_FCHMOD:
		return ask_file(op, SYS_fchmod, op->mode, 0, 0);
	case OP_LIST:
		return list(op, o);
	case OP_MAP:
		return map(op->slot);
	default:
		return take_file(ask(SYS_fchdir, slots[op->slot], NULL, none),
		    &cwd);
	}
}

/* A call of which the first argument is a descriptor, and the second a path. */
static long ask_path(const struct op *op, uint64_t number, uint64_t a,
    uint64_t b, uint64_t c)
{
	lent.path[0] = op->path;
	return ask(number, base_token(op->base, op->path), NULL,
	    (uint64_t[6]){0, (uintptr_t)op->path, a, b, c, 0});
}

static long rename_or_link(const struct op *op)
{
	request.second = base_token(op->base2, op->path2);
	lent.path[0] = op->path;
	lent.path[1] = op->path2;
	return ask(op->kind == OP_LINK ? SYS_linkat : SYS_renameat2,
	    base_token(op->base, op->path), NULL,
	    (uint64_t[6]){0, 0, 0, 0, op->flags, 0});
}

static long set_times(const struct op *op)
{
	lent.in = op->times;
	lent.in_len = sizeof op->times;
	return ask_path(op, SYS_utimensat, 1, op->flags, 0);
}

static long of_cwd(const struct op *op, uint64_t number, uint64_t b)
{
	lent.path[0] = op->path;
	return ask(number, base_token(CWD, op->path), NULL,
	    (uint64_t[6]){0, b, 0, 0, 0, 0});
}

static long make_symlink(const struct op *op)
{
	lent.path[0] = op->path2;
	lent.path[1] = op->path;
	return ask(SYS_symlinkat, base_token(op->base, op->path), NULL,
	    (uint64_t[6]){0});
}

static long read_bytes(const struct op *op, struct outcome *o)
{
	long n;

	lent.out = o->out;
	lent.out_len = OUT_SIZE;
	if (op->kind == OP_GETCWD)
		n = ask(SYS_getcwd, cwd, NULL,
		    (uint64_t[6]){0, (uint64_t)op->len});
	else
		n = ask_path(op, SYS_readlinkat, 0, (uint64_t)op->len, 0);
	o->len = n > 0 ? (size_t)n : 0;
	return n;
}

static long open_file(const struct op *op)
{
	long n = take_file(ask_path(op, SYS_openat, op->flags, op->mode, 0),
	    &slots[op->slot]);

	if (n == 0) {
		positions[op->slot] = 0;
		flags[op->slot] = reply.file_flags;
	}
	return n;
}

/* statx() has to say what fstatat() has said. */
static void check_statx(const struct op *op, const struct stat_abi *st)
{
	static struct statx_abi stx;
	long n;

	lent.out = &stx;
	lent.out_len = sizeof stx;
	n = ask_path(op, SYS_statx, op->flags, STATX_ALL, 0);
	if (n != 0 || stx.ino != st->ino || stx.mode != st->mode ||
	    stx.nlink != st->nlink || stx.uid != st->uid ||
	    stx.gid != st->gid || stx.size != (uint64_t)st->size ||
	    stx.blocks != (uint64_t)st->blocks ||
	    (stx.rdev_major << 8 | (stx.rdev_minor & 0xff) |
		(stx.rdev_minor >> 8) << 20) != st->rdev ||
	    stx.mtime.sec != st->mtime || stx.ctime.sec != st->ctime ||
	    stx.atime.nsec != (uint32_t)st->atime_ns)
		sim_fail("statx: %ld, or it says something else", n);
}

static long path_call(const struct op *op, struct outcome *o)
{
	static struct stat_abi st;
	long n;

	switch (op->kind) {
	case OP_OPEN:
		return open_file(op);
	case OP_TRUNCATE:
		return of_cwd(op, SYS_truncate, (uint64_t)op->len);
	case OP_MKDIR:
		return ask_path(op, SYS_mkdirat, op->mode, 0, 0);
	case OP_RMDIR:
		return ask_path(op, SYS_unlinkat, AT_REMOVEDIR, 0, 0);
	case OP_UNLINK:
		return ask_path(op, SYS_unlinkat, 0, 0, 0);
	case OP_RENAME:
	case OP_LINK:
		return rename_or_link(op);
	case OP_SYMLINK:
		return make_symlink(op);
	case OP_READLINK:
	case OP_GETCWD:
		return read_bytes(op, o);
	case OP_MKNOD:
		return ask_path(op, SYS_mknodat, op->mode, op->device, 0);
	case OP_STAT:
		lent.out = &st;
		lent.out_len = sizeof st;
		n = ask_path(op, SYS_newfstatat, 0, op->flags, 0);
		if (n == 0) {
			tell(o, &st);
			check_statx(op, &st);
		}
		return n;
	case OP_CHMOD:
		return ask_path(op, SYS_fchmodat, op->mode, 0, 0);
	case OP_CHOWN:
		return ask_path(op, SYS_fchownat, op->uid, op->gid, op->flags);
	case OP_UTIMES:
		return set_times(op);
	case OP_ACCESS:
		return ask_path(op, SYS_faccessat, op->mode, 0, 0);
	case OP_CHDIR:
		return take_file(of_cwd(op, SYS_chdir, 0), &cwd);
	case OP_POKE:
	case OP_PEEK:
		return access_mapping(op, o);
	default:
		mask = op->mode & 0777;
		return 0;
	}
}

void ours_do(const struct op *op, struct outcome *o)
{
	lent = (struct lent){0};
	if (op->kind == OP_FSTAT) {
		static struct stat_abi st;

		lent.out = &st;
		lent.out_len = sizeof st;
	}
	o->len = 0;
	o->result = op_is_of_file(op) ? file_call(op, o) : path_call(op, o);
	if (o->result < 0)
		o->len = 0;
}
