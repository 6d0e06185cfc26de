/* SPDX-License-Identifier: MIT */
/*
 * tty.h - the console as a terminal: lines are edited here, and ctrl-C is a
 * signal to the group in the foreground.
 */
#ifndef PROC_TTY_H
#define PROC_TTY_H

#include "lib/types.h"

/* Takes in what was typed. The boot hart calls it at every tick. */
void tty_poll(void);

/* The ioctls of a terminal on the running process's behalf. */
long tty_ioctl(uint64_t request, vaddr_t arg);

#endif
