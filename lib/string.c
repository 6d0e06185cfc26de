/* SPDX-License-Identifier: MIT */
/*
 * string.c - memory and string functions.
 *
 * Whole pages are copied and cleared by arch/page.S; what comes here is
 * short or unaligned, so these go by words where both sides allow it.
 */
#include "lib/string.h"

#include "lib/compiler.h"

#define WORD sizeof(uint64_t)

typedef uint64_t __attribute__((may_alias)) word_t;

#define BLOCK (8 * WORD)
#define LARGE (4 * BLOCK)

/* Shorter ones go by bytes, if their ends are aligned differently. */
#define SKEWED_MIN (4 * WORD)

static bool is_word_aligned(uintptr_t at)
{
	return (at & (WORD - 1)) == 0;
}

/*
 * Copies a block at the start of what is left, in two halves: for all of it at
 * once memcpy would have to save registers.
 */
INLINE void block_copy(word_t *d, const word_t *s)
{
#pragma GCC unroll 2
	for (unsigned i = 0; i < BLOCK / WORD; i += 4) {
		word_t a = s[i], b = s[i + 1], c = s[i + 2], e = s[i + 3];

		d[i] = a, d[i + 1] = b, d[i + 2] = c, d[i + 3] = e;
	}
}

INLINE void bytes_copy(char *d, const char *s, size_t len)
{
	for (const char *end = s + len; s != end;)
		*d++ = *s++;
}

/*
 * Puts each word together from two aligned ones, of which the last may reach
 * seven bytes beyond the word.
 */
size_t words_shift(void *dst, const void *src, size_t len)
{
	const unsigned down = 8 * ((uintptr_t)src & (WORD - 1));
	const unsigned up = 64 - down;
	const size_t copied = (len - (WORD - 1)) & ~(WORD - 1);
	const word_t *from = (const word_t *)((uintptr_t)src & ~(WORD - 1));
	word_t *to = dst, low = *from++;
	size_t left = copied;

	for (; left >= BLOCK; left -= BLOCK) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < BLOCK / WORD; i++) {
			word_t high = *from++;

			*to++ = low >> down | high << up;
			low = high;
		}
	}
#pragma GCC unroll 1
	for (; left > 0; left -= WORD) {
		word_t high = *from++;

		*to++ = low >> down | high << up;
		low = high;
	}
	return copied;
}

size_t (*words_copy)(void *dst, const void *src, size_t len) = words_shift;

/* Between places that are aligned differently. */
static NOINLINE void *skewed_copy(void *dst, const char *s, size_t len)
{
	char *d = dst;
	size_t head = -(uintptr_t)d & (WORD - 1), copied;

	bytes_copy(d, s, head);
	d += head, s += head, len -= head;
	copied = words_copy(d, s, len);
	bytes_copy(d + copied, s + copied, len - copied);
	return dst;
}

/* Between places that are aligned alike, of which there are many words. */
static NOINLINE void *large_copy(void *dst, const char *s, size_t len)
{
	char *d = dst;
	size_t head = -(uintptr_t)d & (WORD - 1);

	bytes_copy(d, s, head);
	d += head, s += head, len -= head;
	for (; len >= LARGE; len -= LARGE, d += LARGE, s += LARGE)
#pragma GCC unroll 4
		for (size_t at = 0; at < LARGE; at += BLOCK)
			block_copy((word_t *)(void *)(d + at),
			    (const word_t *)(const void *)(s + at));
	(void)memcpy(d, s, len);
	return dst;
}

void *memcpy(void *dst, const void *src, size_t len)
{
	char *d = dst;
	const char *s = src;

	if (len >= WORD && is_word_aligned((uintptr_t)d ^ (uintptr_t)s)) {
		if (unlikely(len >= 4 * LARGE))
			return large_copy(d, s, len);
		for (; !is_word_aligned((uintptr_t)d); len--)
			*d++ = *s++;
		for (; len >= BLOCK; len -= BLOCK, d += BLOCK, s += BLOCK)
			block_copy((word_t *)(void *)d,
			    (const word_t *)(const void *)s);
#pragma GCC unroll 1
		for (const char *end = s + (len & ~(WORD - 1)); s != end;
		     d += WORD, s += WORD)
			*(word_t *)(void *)d = *(const word_t *)(const void *)s;
		len &= WORD - 1;
	}
	if (unlikely(len >= SKEWED_MIN))
		return skewed_copy(d, s, len);
	bytes_copy(d, s, len);
	return dst;
}

void *memset(void *dst, int byte, size_t len)
{
	char *d = dst;
	uint64_t word = (uint8_t)byte * 0x0101010101010101UL;

	for (; len > 0 && !is_word_aligned((uintptr_t)d); len--)
		*d++ = (char)byte;
	for (; len >= BLOCK; len -= BLOCK, d += BLOCK) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < BLOCK / WORD; i++)
			((word_t *)(void *)d)[i] = word;
	}
#pragma GCC unroll 1
	for (; len >= WORD; len -= WORD, d += WORD)
		*(word_t *)(void *)d = word;
	while (len-- > 0)
		*d++ = (char)byte;
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (; len > 0; len--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len] != '\0')
		len++;
	return len;
}

int strcmp(const char *a, const char *b)
{
	for (; *a != '\0' && *a == *b; a++, b++)
		;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t len)
{
	for (; len > 0 && *a != '\0' && *a == *b; len--, a++, b++)
		;
	return len == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

void str_copy(char *dst, const char *src, size_t size)
{
	for (; size > 1 && *src != '\0'; size--)
		*dst++ = *src++;
	*dst = '\0';
}
