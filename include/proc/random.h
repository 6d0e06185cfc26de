/* SPDX-License-Identifier: MIT */
/*
 * random.h - random bytes for programs, from the firmware's seed.
 */
#ifndef PROC_RANDOM_H
#define PROC_RANDOM_H

#include "lib/types.h"

/* Makes the first key from the seed in the device tree. Once, at boot. */
void random_init(void);

void random_bytes(void *to, size_t len);

#endif
