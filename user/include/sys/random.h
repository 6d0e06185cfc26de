/* SPDX-License-Identifier: MIT */
/*
 * sys/random.h - random bytes.
 */
#ifndef USER_SYS_RANDOM_H
#define USER_SYS_RANDOM_H

#include <sys/types.h>

#define GRND_NONBLOCK 1
#define GRND_RANDOM   2

ssize_t getrandom(void *buf, size_t len, unsigned int flags);

#endif
