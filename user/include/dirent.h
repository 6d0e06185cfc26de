/* SPDX-License-Identifier: MIT */
/*
 * dirent.h - reading directories.
 */
#ifndef USER_DIRENT_H
#define USER_DIRENT_H

#include <sys/types.h>

#include "abi/dirent.h"

/* The kernel's own layout: getdents64 fills in a row of these. */
struct dirent {
	ino_t d_ino;
	off_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[256];
};

typedef struct dir DIR;

DIR *opendir(const char *path);
struct dirent *readdir(DIR *dir);
int closedir(DIR *dir);

#endif
