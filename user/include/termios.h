/* SPDX-License-Identifier: MIT */
/*
 * termios.h - the modes of a terminal, in the kernel's own layout.
 */
#ifndef USER_TERMIOS_H
#define USER_TERMIOS_H

#include <sys/types.h>

#include "abi/termios.h"

#define TCSANOW   0
#define TCSADRAIN 1
#define TCSAFLUSH 2

typedef unsigned int tcflag_t;
typedef unsigned char cc_t;

struct termios {
	tcflag_t c_iflag;
	tcflag_t c_oflag;
	tcflag_t c_cflag;
	tcflag_t c_lflag;
	cc_t c_line;
	cc_t c_cc[NCCS];
};

int tcgetattr(int fd, struct termios *modes);
int tcsetattr(int fd, int when, const struct termios *modes);

#endif
