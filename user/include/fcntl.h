/* SPDX-License-Identifier: MIT */
/*
 * fcntl.h - opening files, and the flags of a descriptor.
 */
#ifndef USER_FCNTL_H
#define USER_FCNTL_H

#include <sys/types.h>

#include "abi/fcntl.h"

int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);
int creat(const char *path, mode_t mode);
int fcntl(int fd, int command, ...);

#endif
