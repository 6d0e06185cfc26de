/* SPDX-License-Identifier: MIT */
/*
 * errno.h - the error of the last system call that failed.
 */
#ifndef USER_ERRNO_H
#define USER_ERRNO_H

#include "abi/errno.h"

#define EWOULDBLOCK EAGAIN

/* There are no threads, so a plain variable is enough. */
extern int errno;

#endif
