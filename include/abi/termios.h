/* SPDX-License-Identifier: MIT */
/*
 * termios.h - the modes of a terminal, as Linux has them.
 */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H

#include <stdint.h>

#define ICRNL  0400
#define OPOST  01
#define ONLCR  04
#define ISIG   01
#define ICANON 02
#define ECHO   010
#define ECHOE  020
#define ECHOK  040

/* Indices of the control characters. */
#define VINTR  0
#define VQUIT  1
#define VERASE 2
#define VKILL  3
#define VEOF   4
#define VTIME  5
#define VMIN   6
#define VSUSP  10

#define NCCS 19

struct termios_abi {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[NCCS];
};

#endif
