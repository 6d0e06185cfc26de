/* SPDX-License-Identifier: MIT */
/*
 * dirent.h - an entry of a directory.
 */
#ifndef ABI_DIRENT_H
#define ABI_DIRENT_H

#include <stdint.h>

#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10

/* Followed by the name and its terminator, padded to eight bytes. */
struct dirent_abi {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[5];
};

#define DIRENT_NAME_OFFSET 19

#endif
