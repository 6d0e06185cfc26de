/* SPDX-License-Identifier: MIT */
/*
 * sys/ioctl.h - requests to a terminal.
 */
#ifndef USER_SYS_IOCTL_H
#define USER_SYS_IOCTL_H

#include "abi/ioctl.h"

struct winsize {
	unsigned short ws_row;
	unsigned short ws_col;
	unsigned short ws_xpixel;
	unsigned short ws_ypixel;
};

int ioctl(int fd, unsigned long request, ...);

#endif
