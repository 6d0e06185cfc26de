/* SPDX-License-Identifier: MIT */
/*
 * termios.h - the modes of a terminal, as Linux has them.
 */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H

#include <stdint.h>

/* Of iflag. */
#define ISTRIP 040
#define INLCR  0100
#define IGNCR  0200
#define ICRNL  0400
#define IXON   02000
#define IXANY  04000
#define IUTF8  040000

/* Of oflag. */
#define OPOST  01
#define ONLCR  04
#define OCRNL  010
#define ONOCR  020
#define ONLRET 040
#define TABDLY 014000
#define XTABS  014000

/* Of lflag. */
#define ISIG    01
#define ICANON  02
#define ECHO    010
#define ECHOE   020
#define ECHOK   040
#define ECHONL  0100
#define NOFLSH  0200
#define TOSTOP  0400
#define ECHOCTL 01000
#define ECHOKE  04000
#define IEXTEN  0100000

/* Indices of the control characters. */
#define VINTR    0
#define VQUIT    1
#define VERASE   2
#define VKILL    3
#define VEOF     4
#define VTIME    5
#define VMIN     6
#define VSTART   8
#define VSTOP    9
#define VSUSP    10
#define VEOL     11
#define VREPRINT 12
#define VWERASE  14
#define VLNEXT   15
#define VEOL2    16

#define NCCS 19

struct termios_abi {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[NCCS];
};

#endif
