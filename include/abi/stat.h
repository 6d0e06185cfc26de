/* SPDX-License-Identifier: MIT */
/*
 * stat.h - structures and constants of the file system calls.
 */
#ifndef ABI_STAT_H
#define ABI_STAT_H

#include <stdint.h>

struct stat_abi {
	uint64_t dev;
	uint64_t ino;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint64_t rdev;
	uint64_t pad1;
	int64_t size;
	int32_t blksize;
	int32_t pad2;
	int64_t blocks;
	int64_t atime, atime_ns;
	int64_t mtime, mtime_ns;
	int64_t ctime, ctime_ns;
	uint32_t unused[2];
};

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS          0x200 /* of faccessat2 */
#define AT_REMOVEDIR        0x200 /* of unlinkat */
#define AT_NO_AUTOMOUNT     0x800
#define AT_EMPTY_PATH       0x1000
#define AT_STATX_SYNC_TYPE  0x6000

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC      1

#define DT_CHR 2
#define DT_DIR 4
#define DT_REG 8
#define DT_LNK 10

/* Followed by the name and its terminator, padded to eight bytes. */
struct dirent_abi {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[5];
};

#define DIRENT_NAME_OFFSET 19

struct iovec_abi {
	uint64_t base;
	uint64_t len;
};

struct pollfd_abi {
	int32_t fd;
	int16_t events;
	int16_t revents;
};

#endif
