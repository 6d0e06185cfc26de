/* SPDX-License-Identifier: MIT */
/*
 * sys/mman.h - mapping memory.
 */
#ifndef USER_SYS_MMAN_H
#define USER_SYS_MMAN_H

#include <sys/types.h>

#include "abi/mman.h"

#define MAP_ANON MAP_ANONYMOUS

#define MAP_FAILED ((void *)-1)

void *mmap(void *hint, size_t len, int prot, int flags, int fd, off_t offset);
int munmap(void *start, size_t len);
int mprotect(void *start, size_t len, int prot);
int madvise(void *start, size_t len, int advice);
int msync(void *start, size_t len, int flags);
void *mremap(void *start, size_t old_len, size_t new_len, int flags, ...);

#endif
