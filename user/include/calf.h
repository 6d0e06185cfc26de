/* SPDX-License-Identifier: MIT */
/*
 * calf.h - the calls that only Calf has: what the kernel shows of itself.
 *
 * abi/calf.h says what each does. Like all calls they return -1 and set errno;
 * on another kernel errno is then ENOSYS.
 */
#ifndef USER_CALF_H
#define USER_CALF_H

#include <stddef.h>
#include <stdint.h>

#include "abi/calf.h"

#define CALF_PAGE_SIZE 4096UL

long calf_stat(struct calf_stat *st, size_t size);
int calf_ps(int after, struct calf_ps *ps);
int calf_walk(int pid, uint64_t va, struct calf_walk *w);
int calf_next(int pid, uint64_t va, struct calf_run *run);
long calf_check(void);
long calf_fail(uint64_t n, int mode);

/* Ends the program with a sentence unless the kernel is Calf. */
void calf_require(void);

#endif
