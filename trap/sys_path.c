/* SPDX-License-Identifier: MIT */
/*
 * sys_path.c - system calls that name files: those of the read-only initrd, or
 * of a server, if the path begins at a file of its.
 */
#include "abi/dirent.h"
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "abi/unistd.h"
#include "lib/string.h"
#include "proc/file.h"
#include "proc/pipe.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "syscalls.h"

_Static_assert(PATH_MAX <= PAGE_SIZE, "one frame");

/* The next part looks up the same path, whatever is in memory by then (C2). */
static int keep_path(const char *path)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);

	if (frame == NULL)
		return -ENOMEM;
	call_lookup()->path = frame_virt(frame);
	memcpy(call_lookup()->path, path, PATH_MAX);
	return 0;
}

/* Does a part; a path may have thousands of names. */
static int lookup(const struct node *from, const char *path, bool follow,
    const struct node **node)
{
	struct lookup_rest rest = {0};
	int err;

	if (call_is_repeated())
		rest = call_lookup()->rest;
	err = initrd_lookup(from, path, follow, &rest, node);
	if (err != LOOKUP_MORE)
		return err;
	if (!call_is_repeated() && keep_path(path) < 0)
		return -ENOMEM;
	call_lookup()->rest = rest;
	return (int)call_go_on(SIGNAL_HELD);
}

/* A call reads its path once; one that goes on has kept it. */
static int read_path(vaddr_t at, const char **path)
{
	char *buffer = path_buffer();

	if (call_is_repeated()) {
		*path = call_lookup()->path;
		return 0;
	}
	*path = buffer;
	return copyinstr(proc_self()->as, buffer, at, PATH_MAX);
}

/*
 * The node that `dirfd` and a path name. If it is a server's, the result is
 * that of the call.
 */
static int find_path(int dirfd, const char *path, bool follow,
    const struct node **node)
{
	const struct node *from = proc_self()->cwd;
	long result = call_is_repeated() ? -ENOSYS : remote_path_call();

	if (result != -ENOSYS)
		return (int)result;
	if (path[0] != '/' && dirfd != AT_FDCWD) {
		struct file *dir = fd_get(dirfd);

		if (dir == NULL)
			return -EBADF;
		if (dir->node == NULL || !node_is(dir->node, MODE_DIR))
			return -ENOTDIR;
		from = dir->node;
	}
	return lookup(from, path, follow, node);
}

/* The same with the path at `at`. */
static int find(int dirfd, vaddr_t at, bool follow, const struct node **node)
{
	const char *path;
	int err = read_path(at, &path);

	return err < 0 ? err : find_path(dirfd, path, follow, node);
}

long sys_openat(const struct trapframe *tf)
{
	uint32_t flags = (uint32_t)tf_arg(tf, 2);
	const struct node *node;
	struct file *f;
	int err, fd;

	err = find((int)tf_arg(tf, 0), tf_arg(tf, 1), true, &node);
	if (err == -ENOENT && (flags & O_CREAT))
		return -EROFS;
	if (err < 0)
		return err;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_CREAT) && node_is(node, MODE_DIR))
		return -EISDIR;
	if ((flags & O_DIRECTORY) && !node_is(node, MODE_DIR))
		return -ENOTDIR;
	err = file_open(node, flags, &f);
	if (err < 0)
		return err;
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long stat_out(vaddr_t to, const struct node *node, uint32_t mode)
{
	struct stat_abi st;

	memset(&st, 0, sizeof st);
	st.dev = 1;
	st.mode = mode;
	st.nlink = 1;
	st.blksize = PAGE_SIZE;
	if (node != NULL) {
		st.ino = node->ino;
		st.size = (int64_t)node->size;
		st.blocks = (int64_t)(node->size + 511) / 512;
		st.mtime = st.atime = st.ctime = node->mtime;
	}
	return copyout(proc_self()->as, to, &st, sizeof st);
}

static long stat_file(struct file *f, vaddr_t to)
{
	if (file_is_remote(f))
		return remote_call_as(f, SYS_fstat, to,
		    sizeof(struct stat_abi));
	if (f->node != NULL)
		return stat_out(to, f->node, f->node->mode);
	return stat_out(to, NULL,
	    file_is_pipe(f) ? MODE_PIPE | 0600 : MODE_CHAR | 0620);
}

long sys_fstat(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));

	return f == NULL ? -EBADF : stat_file(f, tf_arg(tf, 1));
}

/* What a descriptor itself names: AT_FDCWD is the working directory. */
static long stat_descriptor(int fd, vaddr_t to)
{
	const struct node *cwd = proc_self()->cwd;
	struct file *f = proc_self()->dir;

	if (fd == AT_FDCWD && f == NULL) {
		cwd = cwd != NULL ? cwd : initrd_root;
		return stat_out(to, cwd, cwd->mode);
	}
	if (fd != AT_FDCWD)
		f = fd_get(fd);
	return f == NULL ? -EBADF : stat_file(f, to);
}

#define STAT_FLAGS                                               \
	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | \
	    AT_STATX_SYNC_TYPE)

long sys_newfstatat(const struct trapframe *tf)
{
	int fd = (int)tf_arg(tf, 0), flags = (int)tf_arg(tf, 3), err;
	const struct node *node;
	const char *path;

	if (flags & ~STAT_FLAGS)
		return -EINVAL;
	err = read_path(tf_arg(tf, 1), &path);
	if (err < 0)
		return err;
	if (path[0] == '\0' && (flags & AT_EMPTY_PATH))
		return stat_descriptor(fd, tf_arg(tf, 2));
	err = find_path(fd, path, !(flags & AT_SYMLINK_NOFOLLOW), &node);
	return err < 0 ? err : stat_out(tf_arg(tf, 2), node, node->mode);
}

long sys_readlinkat(const struct trapframe *tf)
{
	const struct node *node;
	size_t len;
	int err;

	if ((int64_t)tf_arg(tf, 3) <= 0)
		return -EINVAL;
	err = find((int)tf_arg(tf, 0), tf_arg(tf, 1), false, &node);
	if (err < 0)
		return err;
	if (!node_is(node, MODE_LINK))
		return -EINVAL;
	len = min_u64(node->size, tf_arg(tf, 3));
	err = copyout(proc_self()->as, tf_arg(tf, 2), node->data, len);
	return err < 0 ? err : (long)len;
}

static long check_access(const struct trapframe *tf, bool follow)
{
	int mode = (int)tf_arg(tf, 2), err;
	const struct node *node;

	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	err = find((int)tf_arg(tf, 0), tf_arg(tf, 1), follow, &node);
	if (err < 0)
		return err;
	if ((mode & W_OK) && !node_is(node, MODE_CHAR))
		return -EROFS;
	if ((mode & X_OK) && !(node->mode & 0111))
		return -EACCES;
	return 0;
}

long sys_faccessat(const struct trapframe *tf)
{
	return check_access(tf, true);
}

/* There is one user: effective and real ids are the same. */
long sys_faccessat2(const struct trapframe *tf)
{
	int flags = (int)tf_arg(tf, 3);

	if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return check_access(tf, !(flags & AT_SYMLINK_NOFOLLOW));
}

static uint8_t dirent_type(const struct node *node)
{
	return (uint8_t)((node->mode & MODE_TYPE) >> 12);
}

/* One entry; 0 if it does not fit any more. */
static long put_dirent(vaddr_t to, size_t room, const struct node *node,
    int64_t off)
{
	size_t len = node->name_len;
	size_t size = (DIRENT_NAME_OFFSET + len + 1 + 7) & ~7UL;
	struct dirent_abi entry = {.ino = node->file->ino,
	    .off = off,
	    .reclen = (uint16_t)size,
	    .type = dirent_type(node)};
	struct aspace *as = proc_self()->as;
	int err;

	if (size > room)
		return 0;
	err = copyout(as, to, &entry, DIRENT_NAME_OFFSET);
	if (err == 0)
		err = copyout(as, to + DIRENT_NAME_OFFSET, node->name, len);
	if (err == 0)
		err = copyout(as, to + DIRENT_NAME_OFFSET + len, "", 1);
	return err < 0 ? err : (long)size;
}

#define SKIP_PART   1024 /* entries that are passed without a pause */
#define DIRENT_PART 128  /* and that are told of: a call may return less */

/* The entry at the file's position; *found is false where that is far off. */
static const struct node *entry_at_position(struct file *f, bool *found)
{
	const struct node *next;

	if (f->entries > f->pos) {
		f->entries = 0;
		f->entry = NULL;
	}
	for (int i = 0; i < SKIP_PART; i++) {
		next = initrd_child(f->node, f->entry);
		*found = next == NULL || f->entries == f->pos;
		if (*found)
			return next;
		f->entry = next;
		f->entries++;
	}
	return NULL;
}

/* The file's position is the number of entries read. */
static long put_dirents(struct file *f, vaddr_t to, size_t room)
{
	size_t done = 0;

	for (int i = 0; i < DIRENT_PART; i++) {
		bool found;
		const struct node *node = entry_at_position(f, &found);
		long n;

		if (!found)
			return done > 0 ? (long)done : call_go_on(SIGNAL_HELD);
		if (node == NULL)
			break;
		n = put_dirent(to + done, room - done, node,
		    (int64_t)f->pos + 1);
		if (n <= 0 && done == 0)
			return n < 0 ? n : -EINVAL;
		if (n <= 0)
			break;
		done += (size_t)n;
		f->pos++;
	}
	return (long)done;
}

long sys_getdents64(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));
	long result;

	if (f == NULL)
		return -EBADF;
	if (file_is_remote(f))
		return remote_call(f);
	if (f->node == NULL || !node_is(f->node, MODE_DIR))
		return -ENOTDIR;
	lock_acquire(&f->lock);
	result = put_dirents(f, tf_arg(tf, 1), tf_arg(tf, 2));
	lock_release(&f->lock);
	return result;
}

long sys_getcwd(const struct trapframe *tf)
{
	const struct node *cwd = proc_self()->cwd;
	char *path = path_buffer();
	size_t size;
	int err;

	if (proc_self()->dir != NULL)
		return remote_call(proc_self()->dir);
	size = initrd_path(cwd != NULL ? cwd : initrd_root, path) + 1;
	if (size == 1)
		return -ENAMETOOLONG;
	if (tf_arg(tf, 1) < size)
		return -ERANGE;
	err = copyout(proc_self()->as, tf_arg(tf, 0), path, size);
	return err < 0 ? err : (long)size;
}

long sys_chdir(const struct trapframe *tf)
{
	const struct node *node;
	int err = find(AT_FDCWD, tf_arg(tf, 0), true, &node);

	if (err < 0)
		return err;
	if (!node_is(node, MODE_DIR))
		return -ENOTDIR;
	proc_self()->cwd = node;
	return 0;
}

long sys_unlinkat(const struct trapframe *tf)
{
	const struct node *node;
	int err;

	if ((int)tf_arg(tf, 2) & ~AT_REMOVEDIR)
		return -EINVAL;
	err = find((int)tf_arg(tf, 0), tf_arg(tf, 1), false, &node);
	return err < 0 ? err : -EROFS;
}

long sys_fchdir(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));

	if (proc_self()->root == NULL)
		return -ENOSYS;
	if (f == NULL)
		return -EBADF;
	return file_is_remote(f) ? remote_call(f) : -ENOTDIR;
}

/* Only servers know these calls. */
long sys_remote_path(const struct trapframe *tf)
{
	(void)tf;
	return remote_path_call();
}
