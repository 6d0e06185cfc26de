/* SPDX-License-Identifier: MIT */
/*
 * sys_path.c - calls that tell the attributes and the names of files. A server
 * knows what a path leads to; the kernel answers for pipes, ports and the
 * serial port, which are no server's.
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

/* NULL is -EBADF. Pipes, ports and the serial port have no size, no times. */
static long stat_file(struct file *f, vaddr_t to)
{
	struct stat_abi st;

	if (f == NULL)
		return -EBADF;
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
	return stat_file(fd_get(tf_int(tf, 0)), tf_arg(tf, 1));
}

#define STAT_FLAGS                                               \
	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | \
	    AT_STATX_SYNC_TYPE)

long sys_newfstatat(const struct trapframe *tf)
{
	int fd = tf_int(tf, 0), flags = tf_int(tf, 3), err;
	char first;

	if (flags & ~STAT_FLAGS)
		return -EINVAL;
	if (!(flags & AT_EMPTY_PATH))
		return remote_path_call();
	err = copyin(proc_self()->as, &first, tf_arg(tf, 1), 1);
	if (err < 0)
		return err;
	if (first != '\0')
		return remote_path_call();
	return stat_file(fd == AT_FDCWD ? proc_self()->dir : fd_get(fd),
	    tf_arg(tf, 2));
}

long sys_getcwd(const struct trapframe *tf)
{
	struct file *dir = proc_self()->dir;

	(void)tf;
	return dir != NULL ? remote_call(dir) : -ENOENT;
}
