/* SPDX-License-Identifier: MIT */
/*
 * string.h - the memory and string functions that the kernel uses, with their
 * standard meanings; the compiler may call the first three by itself.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);

/*
 * What memcpy calls where source and destination are aligned differently, with
 * an aligned destination: copies words of `len` bytes, which are 14 or more,
 * and returns how many bytes that were. At most 14 are left for memcpy.
 *
 * words_shift() loads aligned words only, as machines leave misaligned loads to
 * their firmware, at some hundred instructions each, or trap. The kernel puts a
 * faster function here if this machine does them by itself
 * (arch/hart.h:hart_allow_misaligned).
 */
extern size_t (*words_copy)(void *dst, const void *src, size_t len);
size_t words_shift(void *dst, const void *src, size_t len);

/* Copies at most size - 1 bytes and always terminates; size must not be 0. */
void str_copy(char *dst, const char *src, size_t size);

#endif
