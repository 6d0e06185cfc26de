/* SPDX-License-Identifier: MIT */
/*
 * sys_path.c - system calls that name files: what a path leads to, a server
 * knows; and what is known of files that are none of a server's.
 */
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "lib/string.h"
#include "proc/file.h"
#include "proc/pipe.h"
#include "proc/port.h"
#include "syscalls.h"

/* Pipes, ports and the serial port have neither size nor time. */
static long stat_file(struct file *f, vaddr_t to)
{
	struct stat_abi st;

	if (file_is_remote(f))
		return remote_call_as(f, SYS_fstat, to, sizeof st);
	memset(&st, 0, sizeof st);
	st.dev = 1;
	st.ino = file_is_pipe(f) ? pipe_number(f) : 0;
	st.mode = file_is_pipe(f) ? S_IFIFO | 0600 : S_IFCHR | 0620;
	st.nlink = 1;
	st.blksize = PAGE_SIZE;
	return copyout(proc_self()->as, to, &st, sizeof st);
}

long sys_fstat(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));

	return f == NULL ? -EBADF : stat_file(f, tf_arg(tf, 1));
}

/* What a descriptor itself names: AT_FDCWD is the working directory. */
static long stat_descriptor(int fd, vaddr_t to)
{
	struct file *f = fd == AT_FDCWD ? proc_self()->dir : fd_get(fd);

	return f == NULL ? -EBADF : stat_file(f, to);
}

#define STAT_FLAGS                                               \
	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | \
	    AT_STATX_SYNC_TYPE)

long sys_newfstatat(const struct trapframe *tf)
{
	int fd = (int)tf_arg(tf, 0), flags = (int)tf_arg(tf, 3), err;
	char first;

	if (flags & ~STAT_FLAGS)
		return -EINVAL;
	if (!(flags & AT_EMPTY_PATH))
		return remote_path_call();
	err = copyin(proc_self()->as, &first, tf_arg(tf, 1), 1);
	if (err < 0)
		return err;
	if (first == '\0')
		return stat_descriptor(fd, tf_arg(tf, 2));
	return remote_path_call();
}

long sys_getcwd(const struct trapframe *tf)
{
	struct file *dir = proc_self()->dir;

	(void)tf;
	return dir != NULL ? remote_call(dir) : -ENOENT;
}
