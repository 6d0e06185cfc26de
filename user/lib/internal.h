/* SPDX-License-Identifier: MIT */
/*
 * internal.h - what the files of the library show to each other only.
 */
#ifndef USER_LIB_INTERNAL_H
#define USER_LIB_INTERNAL_H

#include <stddef.h>

/* The kernel's signal sets are this long; its calls want to be told. */
#define SIGSET_SIZE sizeof(unsigned long)

/* Called by start.S, with sp as it was at entry. */
_Noreturn void program_start(long *stack);

/* Writes all of `data`; 0, or -1 and errno. */
int write_all(int fd, const void *data, size_t len);

#endif
