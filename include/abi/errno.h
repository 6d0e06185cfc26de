/* SPDX-License-Identifier: MIT */
/*
 * errno.h - error codes, with Linux's numbers and meanings.
 *
 * A system call returns one of these negated; the kernel uses the same codes
 * inside, so that nothing has to be translated on the way out.
 */
#ifndef ABI_ERRNO_H
#define ABI_ERRNO_H

#define EPERM        1   /* operation not permitted */
#define ENOENT       2   /* no such file or directory */
#define ESRCH        3   /* no such process */
#define EINTR        4   /* interrupted by a signal handler */
#define EIO          5   /* caller may not read the terminal, or no server */
#define ENXIO        6   /* there is no such device */
#define E2BIG        7   /* arguments and environment too large */
#define ENOEXEC      8   /* not a program this kernel can run */
#define EBADF        9   /* not an open descriptor, or not for this use */
#define ECHILD       10  /* no child to wait for */
#define EAGAIN       11  /* a limit is reached, or the call would block */
#define ENOMEM       12  /* no free frame, or no room in the address space */
#define EACCES       13  /* permission denied */
#define EFAULT       14  /* address not mapped, or without that permission */
#define EBUSY        16  /* in use */
#define EEXIST       17  /* exists already */
#define EXDEV        18  /* in another file system */
#define ENODEV       19  /* this file cannot be mapped */
#define ENOTDIR      20  /* not a directory */
#define EISDIR       21  /* is a directory */
#define EINVAL       22  /* an argument no state could make valid */
#define ENFILE       23  /* no more files may be open in the system */
#define EMFILE       24  /* descriptor table full */
#define ENOTTY       25  /* not a terminal, or no such ioctl */
#define EFBIG        27  /* beyond what a file can have */
#define ENOSPC       28  /* no room for it */
#define ESPIPE       29  /* not seekable */
#define EROFS        30  /* the file system is read-only */
#define EMLINK       31  /* too many names */
#define EPIPE        32  /* nobody reads the pipe */
#define ERANGE       34  /* the buffer is too small */
#define EDEADLK      35  /* a server may not call this port */
#define ENAMETOOLONG 36  /* path longer than PATH_MAX */
#define ENOLCK       37  /* no room for a lock */
#define ENOSYS       38  /* no such system call */
#define ENOTEMPTY    39  /* a folder with something in it */
#define ELOOP        40  /* too many symbolic links */
#define EOVERFLOW    75  /* value too large */
#define EOPNOTSUPP   95  /* not what this clock can do */
#define ETIMEDOUT    110 /* the time to wait is over */

#endif
