/* SPDX-License-Identifier: MIT */
/*
 * tty.h - the console as a terminal: lines are edited here, and ctrl-C is a
 * signal to the group in the foreground.
 */
#ifndef PROC_TTY_H
#define PROC_TTY_H

#include "lib/types.h"

/* From here on, what is typed is taken in at the boot hart's ticks. */
void tty_init(void);

/* The ioctls of a terminal on the running process's behalf. */
long tty_ioctl(uint64_t request, vaddr_t arg);

#endif
