/* SPDX-License-Identifier: MIT */
/*
 * uio.h - a piece of memory in a vector of them.
 */
#ifndef ABI_UIO_H
#define ABI_UIO_H

#include <stdint.h>

struct iovec_abi {
	uint64_t base;
	uint64_t len;
};

#endif
