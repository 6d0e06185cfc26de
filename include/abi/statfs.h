/* SPDX-License-Identifier: MIT */
/*
 * statfs.h - what is known of a file system.
 */
#ifndef ABI_STATFS_H
#define ABI_STATFS_H

#include <stdint.h>

#define TMPFS_MAGIC 0x01021994
#define PROC_MAGIC  0x9fa0

struct statfs_abi {
	int64_t type;
	int64_t bsize;
	uint64_t blocks, bfree, bavail;
	uint64_t files, ffree;
	int32_t fsid[2];
	int64_t namelen;
	int64_t frsize;
	int64_t flags;
	int64_t spare[4];
};

#endif
