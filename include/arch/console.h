/* SPDX-License-Identifier: MIT */
/*
 * console.h - the machine's console: a UART, and before that is known, the
 * firmware.
 */
#ifndef ARCH_CONSOLE_H
#define ARCH_CONSOLE_H

#include "lib/types.h"

/* Before: characters go through the firmware. After: to the UART. */
void console_init(void);

/* Nothing tells when there is input: somebody has to ask now and then. */
extern bool console_is_polled; /* [c] after console_init() */

/*
 * A program that has driven the UART does so no more, or is not asked: it is
 * set as it was after console_init().
 */
void console_take_back(void);

/* The next character that was typed, or -1. */
int console_getc(void);

/* Puts `len` bytes out as they are, not mixed with those of other harts. */
void console_write(const char *buf, size_t len);

#endif
