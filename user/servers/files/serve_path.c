/* SPDX-License-Identifier: MIT */
/*
 * serve_path.c - calls that have a path.
 *
 * The request goes to the folder in which the path begins: the one that a
 * descriptor says, the caller's own, or the root. The path came along, and the
 * second one behind it; times are asked for.
 */
#include "serve.h"

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "calls.h"
#include "memory.h"

static struct where first(const struct server *s)
{
	return (struct where){serve_file(s)->node, s->in};
}

/* The second path, which begins in the folder of `token`. */
static struct where second(const struct server *s, uint64_t token)
{
	const struct file *file = (const struct file *)(uintptr_t)token;

	return (struct where){file->node, s->in + strlen(s->in) + 1};
}

static enum path_how how_of(uint64_t flags)
{
	enum path_how how = flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW;

	return flags & AT_EMPTY_PATH ? how | PATH_EMPTY : how;
}

static uint32_t masked(const struct server *s, uint64_t mode)
{
	return (uint32_t)mode & ~s->request.umask;
}

/* --- names ---------------------------------------------------------------- */

static int64_t call_openat(struct server *s)
{
	struct file *file;
	int err = file_open(&s->tree, first(s), (uint32_t)s->request.arg[2],
	    masked(s, s->request.arg[3]), &file);

	return err < 0 ? err : reply_file(s, file);
}

static int64_t call_chdir(struct server *s)
{
	struct file *file;
	int err = file_open(&s->tree, first(s), O_PATH | O_DIRECTORY, 0, &file);

	return err < 0 ? err : reply_file(s, file);
}

static int64_t call_mkdirat(struct server *s)
{
	return tree_mkdir(&s->tree, first(s), masked(s, s->request.arg[2]));
}

static int64_t call_mknodat(struct server *s)
{
	return tree_mknod(&s->tree, first(s), masked(s, s->request.arg[2]),
	    (uint32_t)s->request.arg[3]);
}

static int64_t call_unlinkat(struct server *s)
{
	uint64_t flags = (uint32_t)s->request.arg[2];

	if (flags & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return flags & AT_REMOVEDIR ? tree_rmdir(&s->tree, first(s))
				    : tree_unlink(&s->tree, first(s));
}

static int64_t call_symlinkat(struct server *s)
{
	return tree_symlink(&s->tree, s->in, second(s, s->request.token));
}

static int64_t call_linkat(struct server *s)
{
	uint64_t flags = (uint32_t)s->request.arg[4];
	enum path_how how = flags & AT_SYMLINK_FOLLOW ? PATH_FOLLOW : 0;

	if (flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		how |= PATH_EMPTY;
	return tree_link(&s->tree, first(s), how, second(s, s->request.second));
}

static int64_t call_renameat2(struct server *s)
{
	return tree_rename(&s->tree, first(s), second(s, s->request.second),
	    (unsigned)s->request.arg[4]);
}

static int64_t call_readlinkat(struct server *s)
{
	uint64_t size = s->request.arg[3];
	struct node *node;
	long n;
	int err;

	if ((int32_t)size <= 0)
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
	uint64_t size = s->request.arg[1];
	long n = node_path(&s->tree, serve_file(s)->node, s->out,
	    size < PATH_MAX ? size : PATH_MAX);

	return n < 0 ? n : reply_bytes(s, s->out, (size_t)n, n);
}

/* --- attributes ----------------------------------------------------------- */

#define STAT_FLAGS                                               \
	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | \
	    AT_STATX_SYNC_TYPE)

static int64_t call_fstatat(struct server *s)
{
	uint32_t flags = (uint32_t)s->request.arg[3];
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
	uint32_t flags = (uint32_t)s->request.arg[2];
	struct attributes a;
	struct node *node;
	int err;

	if (flags & ~(uint32_t)STAT_FLAGS)
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

	return err < 0 ? err : reply_statfs(s);
}

static int64_t call_faccessat(struct server *s)
{
	return tree_access(&s->tree, first(s), PATH_FOLLOW,
	    (int)s->request.arg[2]);
}

/* There is one user: effective and real ids are the same. */
static int64_t call_faccessat2(struct server *s)
{
	uint32_t flags = (uint32_t)s->request.arg[3];

	if (flags &
	    ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return tree_access(&s->tree, first(s), how_of(flags),
	    (int)s->request.arg[2]);
}

static int64_t chmod_as(struct server *s, uint32_t flags)
{
	struct node *node;
	int err;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_find(&s->tree, first(s), how_of(flags), &node);
	if (err < 0)
		return err;
	if (node_is(node, S_IFLNK))
		return -EOPNOTSUPP;
	node_chmod(&s->tree, node, (uint32_t)s->request.arg[2]);
	return 0;
}

static int64_t call_fchmodat(struct server *s)
{
	return chmod_as(s, 0);
}

static int64_t call_fchmodat2(struct server *s)
{
	return chmod_as(s, (uint32_t)s->request.arg[3]);
}

static int64_t call_fchownat(struct server *s)
{
	uint32_t flags = (uint32_t)s->request.arg[4];
	struct node *node;
	int err;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_find(&s->tree, first(s), how_of(flags), &node);
	if (err < 0)
		return err;
	node_chown(&s->tree, node, (uint32_t)s->request.arg[2],
	    (uint32_t)s->request.arg[3]);
	return 0;
}

/* Both times are lent, or they are now. */
static int read_times(struct server *s, struct moment times[2])
{
	ssize_t n;

	times[0] = times[1] = (struct moment){0, UTIME_NOW};
	if (s->request.arg[2] == 0)
		return 0;
	n = port_read(s->port, 0, 0, times, 2 * sizeof *times);
	if (n < 0)
		return -errno;
	return n == 2 * sizeof *times ? 0 : -EFAULT;
}

static int64_t call_utimensat(struct server *s)
{
	uint32_t flags = (uint32_t)s->request.arg[3];
	struct node *node = serve_file(s)->node;
	struct moment times[2];
	int err = read_times(s, times);

	if (err < 0)
		return err;
	if (times[0].nsec == UTIME_OMIT && times[1].nsec == UTIME_OMIT)
		return 0;
	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (s->request.arg[1] != 0)
		err = path_find(&s->tree, first(s), how_of(flags), &node);
	return err < 0 ? err : node_utimes(&s->tree, node, times);
}

static int64_t call_truncate(struct server *s)
{
	return tree_truncate(&s->tree, first(s), (int64_t)s->request.arg[1]);
}

const struct call path_calls[] = {
    {SYS_openat, call_openat, true},
    {SYS_chdir, call_chdir, true},
    {SYS_getcwd, call_getcwd, false},
    {SYS_mkdirat, call_mkdirat, true},
    {SYS_mknodat, call_mknodat, true},
    {SYS_unlinkat, call_unlinkat, true},
    {SYS_symlinkat, call_symlinkat, true},
    {SYS_linkat, call_linkat, true},
    {SYS_renameat2, call_renameat2, true},
    {SYS_readlinkat, call_readlinkat, false},
    {SYS_newfstatat, call_fstatat, false},
    {SYS_statx, call_statx, false},
    {SYS_statfs, call_statfs, false},
    {SYS_faccessat, call_faccessat, false},
    {SYS_faccessat2, call_faccessat2, false},
    {SYS_fchmodat, call_fchmodat, true},
    {CALL_FCHMODAT2, call_fchmodat2, true},
    {SYS_fchownat, call_fchownat, true},
    {SYS_utimensat, call_utimensat, true},
    {SYS_truncate, call_truncate, true},
    {0, NULL, false},
};
