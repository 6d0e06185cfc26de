/* SPDX-License-Identifier: MIT */
/*
 * power.h - the end of the machine, and its console.
 */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H

#include "lib/compiler.h"
#include "lib/types.h"

/*
 * Stops the machine. Under QEMU its exit status is `status` (0 to 255), by
 * way of the test device; elsewhere only success and failure can be told.
 */
NORETURN void power_off(unsigned status);
NORETURN void power_reboot(void);

/* Before: characters go through the firmware. After: to the UART. */
void console_init(void);

/* The next character that was typed, or -1. */
int console_getc(void);

/* Puts `len` bytes out as they are, not mixed with those of other harts. */
void console_write(const char *buf, size_t len);

#endif
