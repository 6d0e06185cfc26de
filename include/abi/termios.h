/* SPDX-License-Identifier: MIT */
/*
 * termios.h - the terminal's modes and ioctls, as Linux has them.
 */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H

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

#define TTY_ICRNL  0400
#define TTY_OPOST  01
#define TTY_ONLCR  04
#define TTY_ISIG   01
#define TTY_ICANON 02
#define TTY_ECHO   010
#define TTY_ECHOE  020

#define TTY_VINTR 0
#define TTY_VQUIT 1
#define TTY_VKILL 3
#define TTY_VEOF  4
#define TTY_VSUSP 10

struct termios_abi {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[19];
};

struct winsize_abi {
	uint16_t rows, columns, x_pixels, y_pixels;
};

#endif
