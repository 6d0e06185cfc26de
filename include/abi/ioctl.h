/* SPDX-License-Identifier: MIT */
/*
 * ioctl.h - requests to a terminal.
 */
#ifndef ABI_IOCTL_H
#define ABI_IOCTL_H

#include <stdint.h>

#define TCGETS     0x5401
#define TCSETS     0x5402
#define TCSETSW    0x5403
#define TCSETSF    0x5404
#define TIOCSCTTY  0x540e
#define TIOCGPGRP  0x540f
#define TIOCSPGRP  0x5410
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define FIONREAD   0x541b

struct winsize_abi {
	uint16_t rows, columns, x_pixels, y_pixels;
};

#endif
