/* SPDX-License-Identifier: MIT */
/*
 * print.h - formatted output.
 *
 * Understands %d %u %x %c %s %p %%, with l for 64 bits. The formats are checked
 * by the compiler.
 */
#ifndef LIB_PRINT_H
#define LIB_PRINT_H

#include <stdarg.h>

#include "lib/compiler.h"
#include "lib/types.h"

/*
 * Prints one message of at most 200 characters; messages of several harts do
 * not mix. Defined by arch/, or by the host tests.
 */
void kprintf(const char *fmt, ...) PRINTF(1, 2);

/*
 * Prints a message without waiting for other harts, with whose messages it may
 * mix: a panic cannot wait. Defined by arch/.
 */
void kvprintf_unlocked(const char *fmt, va_list args);

/* Format into `buf`, always terminated; return the length without limit. */
size_t str_format(char *buf, size_t size, const char *fmt, ...) PRINTF(3, 4);
size_t str_vformat(char *buf, size_t size, const char *fmt, va_list args);

#endif
