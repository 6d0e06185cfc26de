/* SPDX-License-Identifier: MIT */
/*
 * sys/ioctl.h - requests to a terminal.
 */
#ifndef USER_SYS_IOCTL_H
#define USER_SYS_IOCTL_H

#define TCGETS     0x5401
#define TCSETS     0x5402
#define TIOCSCTTY  0x540e
#define TIOCGPGRP  0x540f
#define TIOCSPGRP  0x5410
#define TIOCGWINSZ 0x5413
#define FIONREAD   0x541b

struct winsize {
	unsigned short ws_row;
	unsigned short ws_col;
	unsigned short ws_xpixel;
	unsigned short ws_ypixel;
};

int ioctl(int fd, unsigned long request, ...);

#endif
