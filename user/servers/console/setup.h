/* SPDX-License-Identifier: MIT */
/*
 * setup.h - making a console server, before it serves.
 */
#ifndef CONSOLE_SETUP_H
#define CONSOLE_SETUP_H

#include "console.h"

/*
 * A terminal on the serial port that the descriptor `device` stands for. False:
 * no memory, or somebody else has the port; errno.
 */
bool console_make(struct console *c, int device);

/* The terminal as a descriptor, or -1 and errno. */
int console_open(struct console *c);

#endif
