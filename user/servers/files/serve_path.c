/* SPDX-License-Identifier: MIT */
/*
 * serve_path.c - calls about a path.
 *
 * The request goes to the folder in which the path begins: that of a
 * descriptor, the caller's own, or the root. The path comes along with the
 * request, a second path behind it.
 */
#include "serve.h"

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "made.h"
#include "memory.h"
#include "opened.h"
#include "proc.h"
#include "program.h"

static struct where first(const struct server *s)
{
	return (struct where){s->file->node, s->in};
}

/* The second path; it begins in the folder of `token`. */
static struct where second(const struct server *s, uint64_t token)
{
	return (
	    struct where){opened_file(token)->node, s->in + strlen(s->in) + 1};
}

static enum path_how how_of(uint64_t flags)
{
	enum path_how how = flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW;

	return flags & AT_EMPTY_PATH ? how | PATH_EMPTY : how;
}

static uint32_t masked(const struct server *s, uint64_t mode)
{
	return (uint32_t)mode & ~s->request->umask;
}

/* --- names ---------------------------------------------------------------- */

/* Opening a terminal passes on the file of another server. */
static int64_t pass_terminal(struct server *s)
{
	if (s->terminal < 0)
		return -ENXIO;
	s->reply.flags = REPLY_PASS;
	s->reply.token = (uint64_t)s->terminal;
	s->reply.file_flags = kernel_flags((uint32_t)s->request->arg[2]);
	return 0;
}

/* Gives the caller once more what it has open already. */
static int64_t pass_own(struct server *s, uint64_t fd)
{
	s->reply.flags = REPLY_DUP;
	s->reply.token = fd;
	s->reply.file_flags = (uint32_t)s->request->arg[2] & O_CLOEXEC;
	return 0;
}

/* Opens a named pipe, which the kernel has as long as it is open. */
static int64_t pass_pipe(struct server *s, uint64_t ino)
{
	s->reply.flags = REPLY_PIPE;
	s->reply.token = ino;
	s->reply.file_flags = kernel_flags((uint32_t)s->request->arg[2]);
	return 0;
}

/*
 * Passes on what was opened, if it is not a file of this server. 1: it is one.
 */
static int64_t pass_on(struct server *s, const struct file *file)
{
	const struct node *node = file->node;

	if (file->flags & O_PATH)
		return 1;
	if (device_is_terminal(node))
		return pass_terminal(s);
	if (made_is_elsewhere(node))
		return PROC_PID(node->made) == s->request->pid
		    ? pass_own(s, PROC_FD(node->made))
		    : -EACCES;
	return node_is(node, S_IFIFO) ? pass_pipe(s, node->ino) : 1;
}

static int64_t call_openat(struct server *s)
{
	struct file *file = opened_place();
	int64_t result;

	if (file == NULL)
		return -ENFILE;
	result = file_open(&s->tree, first(s), (uint32_t)s->request->arg[2],
	    masked(s, s->request->arg[3]), file);
	if (result < 0)
		return result;
	result = pass_on(s, file);
	if (result == 1)
		return reply_file(s);
	file_close(&s->tree, file);
	return result;
}

static int64_t call_chdir(struct server *s)
{
	return open_folder(s, first(s));
}

static int64_t call_mkdirat(struct server *s)
{
	return tree_mkdir(&s->tree, first(s), masked(s, s->request->arg[2]));
}

static int64_t call_mknodat(struct server *s)
{
	return tree_mknod(&s->tree, first(s), masked(s, s->request->arg[2]),
	    (uint32_t)s->request->arg[3]);
}

static int64_t call_unlinkat(struct server *s)
{
	uint64_t flags = (uint32_t)s->request->arg[2];

	if (flags & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return flags & AT_REMOVEDIR ? tree_rmdir(&s->tree, first(s))
				    : tree_unlink(&s->tree, first(s));
}

static int64_t call_symlinkat(struct server *s)
{
	return tree_symlink(&s->tree, s->in, second(s, s->request->token));
}

static int64_t call_linkat(struct server *s)
{
	uint64_t flags = (uint32_t)s->request->arg[4];
	enum path_how how = flags & AT_SYMLINK_FOLLOW ? PATH_FOLLOW : 0;

	if (flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		how |= PATH_EMPTY;
	return tree_link(&s->tree, first(s), how,
	    second(s, s->request->second));
}

static int64_t call_renameat2(struct server *s)
{
	return tree_rename(&s->tree, first(s), second(s, s->request->second),
	    (unsigned)s->request->arg[4]);
}

static int64_t call_readlinkat(struct server *s)
{
	int32_t size = (int32_t)s->request->arg[3];
	struct node *node;
	long n;
	int err;

	if (size <= 0)
		return -EINVAL;
	err = path_find(&s->tree, first(s), PATH_EMPTY, &node);
	if (err < 0)
		return err;
	if (!node_is(node, S_IFLNK) && s->in[0] == '\0')
		return -ENOENT;
	n = node_readlink(&s->tree, node, s->out,
	    size < PATH_MAX ? size : PATH_MAX);
	return n < 0 ? n : reply_bytes(s, s->out, (size_t)n, n);
}

static int64_t call_getcwd(struct server *s)
{
	const struct node *dir = s->file->node;
	uint64_t size = s->request->arg[1];
	long n;

	/* A file of any kind can be made a root by port_root(). */
	if (!node_is(dir, S_IFDIR))
		return -ENOTDIR;
	n = node_path(&s->tree, dir, s->out, size < PATH_MAX ? size : PATH_MAX);
	return n < 0 ? n : reply_bytes(s, s->out, (size_t)n, n);
}

/* --- programs ------------------------------------------------------------- */

static int64_t open_program(struct server *s, struct node *node)
{
	struct file *file = opened_place();

	if (file == NULL)
		return -ENFILE;
	file_open_node(node, file);
	return reply_file(s);
}

/* request->second is the caller's folder, if that is in this tree. */
static int64_t call_execve(struct server *s)
{
	uint64_t dir = s->request->second;
	struct program program = {.words = s->out};
	bool loads;
	int err = program_find(&s->tree, first(s),
	    dir != 0 ? opened_file(dir)->node : s->file->node, &program);

	if (err < 0)
		return err;
	loads = (s->request->flags & REQUEST_LOAD) != 0;
	s->changes = !loads && node_perhaps_changed(&s->tree, program.node);
	node_executed(&s->tree, program.node);
	if (loads)
		return open_program(s, program.node);
	s->reply.flags |= REPLY_IMAGE;
	s->reply.token = program.node->contents;
	return reply_bytes(s, program.words, program.words_len, 0);
}

/* --- attributes ----------------------------------------------------------- */

#define STAT_FLAGS                                               \
	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | \
	    AT_STATX_SYNC_TYPE)

static int64_t call_fstatat(struct server *s)
{
	uint32_t flags = (uint32_t)s->request->arg[3];
	struct node *node;
	int err;

	if (flags & ~(uint32_t)STAT_FLAGS)
		return -EINVAL;
	err = path_find(&s->tree, first(s), how_of(flags), &node);
	return err < 0 ? err : reply_stat(s, node);
}

static struct statx_time_abi statx_time(struct moment m)
{
	return (struct statx_time_abi){m.sec, (uint32_t)m.nsec, 0};
}

static int64_t call_statx(struct server *s)
{
	struct statx_abi *st = (struct statx_abi *)s->out;
	uint32_t flags = (uint32_t)s->request->arg[2];
	struct attributes a;
	struct node *node;
	int err;

	if ((flags & ~(uint32_t)STAT_FLAGS) ||
	    (s->request->arg[3] & STATX_RESERVED))
		return -EINVAL;
	err = path_find(&s->tree, first(s), how_of(flags), &node);
	if (err < 0)
		return err;
	node_stat(node, &a);
	*st = (struct statx_abi){.mask = STATX_ALL,
	    .blksize = MEMORY_PAGE,
	    .nlink = a.links,
	    .uid = a.uid,
	    .gid = a.gid,
	    .mode = (uint16_t)a.mode,
	    .ino = a.ino,
	    .size = a.size,
	    .blocks = a.blocks,
	    .atime = statx_time(a.atime),
	    .btime = statx_time(a.btime),
	    .ctime = statx_time(a.ctime),
	    .mtime = statx_time(a.mtime),
	    .rdev_major = (uint32_t)(a.rdev >> 8 & 0xfff),
	    .rdev_minor =
		(uint32_t)((a.rdev & 0xff) | (a.rdev >> 12 & 0xfff00)),
	    .dev_minor = 2};
	return reply_bytes(s, st, sizeof *st, 0);
}

static int64_t call_statfs(struct server *s)
{
	struct node *node;
	int err = path_find(&s->tree, first(s), PATH_FOLLOW, &node);

	return err < 0 ? err : reply_statfs(s, node);
}

static int64_t call_faccessat(struct server *s)
{
	return tree_access(&s->tree, first(s), PATH_FOLLOW,
	    (int)s->request->arg[2]);
}

/* There is one user: effective and real ids are the same. */
static int64_t call_faccessat2(struct server *s)
{
	uint32_t flags = (uint32_t)s->request->arg[3];

	if (flags &
	    ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return tree_access(&s->tree, first(s), how_of(flags),
	    (int)s->request->arg[2]);
}

static int64_t call_fchmodat(struct server *s)
{
	struct node *node;
	int err = path_find(&s->tree, first(s), PATH_FOLLOW, &node);

	if (err == 0)
		node_chmod(&s->tree, node, (uint32_t)s->request->arg[2]);
	return err;
}

static int64_t call_fchownat(struct server *s)
{
	uint32_t flags = (uint32_t)s->request->arg[4];
	struct node *node;
	int err;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_find(&s->tree, first(s), how_of(flags), &node);
	if (err < 0)
		return err;
	node_chown(&s->tree, node, (uint32_t)s->request->arg[2],
	    (uint32_t)s->request->arg[3]);
	return 0;
}

/*
 * Reads the two times that the caller lends, or takes the present time. They
 * are kept in the entry behind the path.
 */
static int read_times(struct server *s, struct moment times[2])
{
	size_t at = (s->request->in_len + 7) & ~7UL, len = 2 * sizeof *times;
	ssize_t n;

	times[0] = times[1] = (struct moment){0, UTIME_NOW};
	if (s->request->arg[2] == 0)
		return 0;
	n = lent_read(s, 0, s->in + at, len);
	if (n < 0)
		return -errno;
	if ((size_t)n < len)
		return -EFAULT;
	memcpy(times, s->in + at, len);
	s->bytes = at + len;
	return 0;
}

static int64_t call_utimensat(struct server *s)
{
	uint32_t flags = (uint32_t)s->request->arg[3];
	struct node *node = s->file->node;
	struct moment times[2];
	int err = read_times(s, times);

	if (err < 0)
		return err;
	if (times[0].nsec == UTIME_OMIT && times[1].nsec == UTIME_OMIT)
		return 0;
	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (s->request->arg[1] != 0)
		err = path_find(&s->tree, first(s), how_of(flags), &node);
	return err < 0 ? err : node_utimes(&s->tree, node, times);
}

static int64_t call_truncate(struct server *s)
{
	return tree_truncate(&s->tree, first(s), (int64_t)s->request->arg[1]);
}

const struct call path_calls[CALLS] = {
    [SYS_openat] = {call_openat, EFFECT_OPEN},
    [SYS_chdir] = {call_chdir, EFFECT_OPEN},
    [SYS_getcwd] = {call_getcwd, EFFECT_NONE},
    [SYS_execve] = {call_execve, EFFECT_OPEN},
    [SYS_mkdirat] = {call_mkdirat, EFFECT_MORE},
    [SYS_mknodat] = {call_mknodat, EFFECT_MORE},
    [SYS_unlinkat] = {call_unlinkat, EFFECT_LESS},
    [SYS_symlinkat] = {call_symlinkat, EFFECT_MORE},
    [SYS_linkat] = {call_linkat, EFFECT_MORE},
    [SYS_renameat2] = {call_renameat2, EFFECT_MORE},
    [SYS_readlinkat] = {call_readlinkat, EFFECT_NONE},
    [SYS_newfstatat] = {call_fstatat, EFFECT_NONE},
    [SYS_statx] = {call_statx, EFFECT_NONE},
    [SYS_statfs] = {call_statfs, EFFECT_NONE},
    [SYS_faccessat] = {call_faccessat, EFFECT_NONE},
    [SYS_faccessat2] = {call_faccessat2, EFFECT_NONE},
    [SYS_fchmodat] = {call_fchmodat, EFFECT_MORE},
    [SYS_fchownat] = {call_fchownat, EFFECT_MORE},
    [SYS_utimensat] = {call_utimensat, EFFECT_MORE},
    [SYS_truncate] = {call_truncate, EFFECT_LESS},
};
