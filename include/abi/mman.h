/* SPDX-License-Identifier: MIT */
/*
 * mman.h - arguments of mmap and its family.
 */
#ifndef ABI_MMAN_H
#define ABI_MMAN_H

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4
#define PROT_SEM   8 /* fit for atomic operations: all memory is */
#define PROT_ALL   (PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)

#define MAP_SHARED          0x01
#define MAP_PRIVATE         0x02
#define MAP_TYPE            0x0f
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_NORESERVE       0x4000
#define MAP_POPULATE        0x8000
#define MAP_STACK           0x20000
#define MAP_FIXED_NOREPLACE 0x100000

#define MADV_NORMAL     0
#define MADV_WILLNEED   3
#define MADV_DONTNEED   4
#define MADV_FREE       8
#define MADV_HUGEPAGE   14
#define MADV_NOHUGEPAGE 15

#define MREMAP_MAYMOVE 1

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4
#define MS_ALL        (MS_ASYNC | MS_INVALIDATE | MS_SYNC)

/*
 * Advice that may be left alone: NORMAL, RANDOM, SEQUENTIAL, WILLNEED, FREE,
 * DOFORK, MERGEABLE, UNMERGEABLE, HUGEPAGE, NOHUGEPAGE, DONTDUMP, DODUMP,
 * KEEPONFORK, COLD, PAGEOUT. The rest are promises.
 */
#define MADV_HINTS 0x3bf90fUL

#endif
