/* SPDX-License-Identifier: MIT */
/*
 * sys_path.c - system calls that name files, all of the read-only initrd.
 */
#include "abi/errno.h"
#include "abi/stat.h"
#include "lib/string.h"
#include "proc/file.h"
#include "proc/pipe.h"
#include "proc/sched.h"
#include "syscalls.h"

/*
 * The node that `dirfd` and the path at `at` name. The path is left in the
 * hart's path buffer.
 */
static int find(int dirfd, vaddr_t at, bool follow, const struct node **node)
{
	struct proc *p = proc_self();
	const struct node *from = p->cwd;
	char *path = path_buffer();
	int err = copyinstr(p->as, path, at, PATH_MAX);

	if (err < 0)
		return err;
	if (path[0] != '/' && dirfd != AT_FDCWD) {
		struct file *dir = fd_get(dirfd);

		if (dir == NULL)
			return -EBADF;
		if (dir->node == NULL || !node_is(dir->node, MODE_DIR))
			return -ENOTDIR;
		from = dir->node;
	}
	return initrd_lookup(from, path, follow, node);
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

static long stat_file(const struct file *f, vaddr_t to)
{
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

long sys_newfstatat(const struct trapframe *tf)
{
	uint64_t flags = tf_arg(tf, 3);
	const struct node *node;
	struct file *f;
	char first;
	int err;

	if (flags & AT_EMPTY_PATH) {
		err = copyin(proc_self()->as, &first, tf_arg(tf, 1), 1);
		f = fd_get((int)tf_arg(tf, 0));
		if (err == 0 && first == '\0')
			return f == NULL ? -EBADF : stat_file(f, tf_arg(tf, 2));
	}
	err = find((int)tf_arg(tf, 0), tf_arg(tf, 1),
	    !(flags & AT_SYMLINK_NOFOLLOW), &node);
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

#define W_OK 2
#define X_OK 1

long sys_faccessat(const struct trapframe *tf)
{
	const struct node *node;
	int err = find((int)tf_arg(tf, 0), tf_arg(tf, 1), true, &node);

	if (err < 0)
		return err;
	if (tf_arg(tf, 2) & ~7UL)
		return -EINVAL;
	if ((tf_arg(tf, 2) & W_OK) && !node_is(node, MODE_CHAR))
		return -EROFS;
	if ((tf_arg(tf, 2) & X_OK) && !(node->mode & 0111))
		return -EACCES;
	return 0;
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

/* The file's position is the number of entries read. */
long sys_getdents64(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));
	const struct node *node = NULL;
	size_t done = 0, room = tf_arg(tf, 2);
	uint64_t index = 0;
	long n = 0;

	if (f == NULL)
		return -EBADF;
	if (f->node == NULL || !node_is(f->node, MODE_DIR))
		return -ENOTDIR;
	while ((node = initrd_child(f->node, node)) != NULL) {
		if (index++ < f->pos)
			continue;
		n = put_dirent(tf_arg(tf, 1) + done, room - done, node,
		    (int64_t)index);
		if (n <= 0)
			break;
		done += (size_t)n;
		f->pos = index;
	}
	if (done == 0 && node != NULL)
		return n < 0 ? n : -EINVAL;
	return (long)done;
}

long sys_getcwd(const struct trapframe *tf)
{
	const struct node *cwd = proc_self()->cwd;
	char *path = path_buffer();
	size_t size = initrd_path(cwd != NULL ? cwd : initrd_root, path) + 1;
	int err;

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
	int err = find((int)tf_arg(tf, 0), tf_arg(tf, 1), false, &node);

	return err < 0 ? err : -EROFS;
}
