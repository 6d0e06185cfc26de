/* SPDX-License-Identifier: MIT */
/*
 * sys/mman.h - mapping memory.
 */
#ifndef USER_SYS_MMAN_H
#define USER_SYS_MMAN_H

#include <sys/types.h>

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED          0x01
#define MAP_PRIVATE         0x02
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_ANON            MAP_ANONYMOUS
#define MAP_NORESERVE       0x4000
#define MAP_POPULATE        0x8000
#define MAP_STACK           0x20000
#define MAP_FIXED_NOREPLACE 0x100000

#define MAP_FAILED ((void *)-1)

#define MADV_NORMAL     0
#define MADV_WILLNEED   3
#define MADV_DONTNEED   4
#define MADV_FREE       8
#define MADV_HUGEPAGE   14
#define MADV_NOHUGEPAGE 15

#define MREMAP_MAYMOVE 1

void *mmap(void *hint, size_t len, int prot, int flags, int fd, off_t offset);
int munmap(void *start, size_t len);
int mprotect(void *start, size_t len, int prot);
int madvise(void *start, size_t len, int advice);
void *mremap(void *start, size_t old_len, size_t new_len, int flags, ...);

#endif
