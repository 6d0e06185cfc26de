/* SPDX-License-Identifier: MIT */
/*
 * string.c - bytes and strings.
 */
#include <string.h>

#include <stdint.h>
#include <stdlib.h>

/* Without this, GCC replaces the loop in memcpy() by a call of memcpy(). */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

/* A word that may stand for bytes of any type. */
typedef uint64_t __attribute__((may_alias)) word_t;

#define WORD  sizeof(word_t)
#define BLOCK (8 * WORD)

static int is_aligned(const void *mem)
{
	return (uintptr_t)mem % WORD == 0;
}

static void block_copy(word_t *to, const word_t *from)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < BLOCK / WORD; i++)
		to[i] = from[i];
}

void *memcpy(void *restrict dst, const void *restrict src, size_t len)
{
	unsigned char *to = dst;
	const unsigned char *from = src;

	if (is_aligned(to) && is_aligned(from)) {
		for (; len >= 4 * BLOCK; len -= 4 * BLOCK)
#pragma GCC unroll 4
			for (int i = 0; i < 4; i++, to += BLOCK, from += BLOCK)
				block_copy((word_t *)(void *)to,
				    (const word_t *)(const void *)from);
#pragma GCC unroll 1
		for (; len >= BLOCK; len -= BLOCK, to += BLOCK, from += BLOCK)
			block_copy((word_t *)(void *)to,
			    (const word_t *)(const void *)from);
		for (; len >= WORD; len -= WORD, to += WORD, from += WORD)
			*(word_t *)(void *)to =
			    *(const word_t *)(const void *)from;
	}
	for (; len > 0; len--)
		*to++ = *from++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t len)
{
	unsigned char *to = dst;
	const unsigned char *from = src;

	if (to <= from || to >= from + len) {
		for (size_t i = 0; i < len; i++)
			to[i] = from[i];
	} else {
		while (len-- > 0)
			to[len] = from[len];
	}
	return dst;
}

void *memset(void *dst, int byte, size_t len)
{
	unsigned char *to = dst;
	word_t word = 0x0101010101010101UL * (unsigned char)byte;

	for (; len > 0 && !is_aligned(to); len--)
		*to++ = (unsigned char)byte;
	for (; len >= BLOCK; len -= BLOCK, to += BLOCK) {
#pragma GCC unroll 8
		for (size_t i = 0; i < BLOCK / WORD; i++)
			((word_t *)(void *)to)[i] = word;
	}
	for (; len >= WORD; len -= WORD, to += WORD)
		*(word_t *)(void *)to = word;
	for (; len > 0; len--)
		*to++ = (unsigned char)byte;
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *p = a, *q = b;

	for (; len > 0; len--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *mem, int byte, size_t len)
{
	const unsigned char *p = mem;

	for (; len > 0; len--, p++)
		if (*p == (unsigned char)byte)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len] != '\0')
		len++;
	return len;
}

size_t strnlen(const char *s, size_t max)
{
	size_t len = 0;

	while (len < max && s[len] != '\0')
		len++;
	return len;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; max--, a++, b++)
		if (*a != *b || *a == '\0')
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strcpy(char *restrict dst, const char *restrict src)
{
	memcpy(dst, src, strlen(src) + 1);
	return dst;
}

char *strncpy(char *restrict dst, const char *restrict src, size_t size)
{
	size_t len = strnlen(src, size);

	memcpy(dst, src, len);
	memset(dst + len, '\0', size - len);
	return dst;
}

char *strcat(char *restrict dst, const char *restrict src)
{
	strcpy(dst + strlen(dst), src);
	return dst;
}

char *strncat(char *restrict dst, const char *restrict src, size_t max)
{
	size_t len = strlen(dst), more = strnlen(src, max);

	memcpy(dst + len, src, more);
	dst[len + more] = '\0';
	return dst;
}

char *strchr(const char *s, int c)
{
	return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
	for (const char *p = s + strlen(s); p >= s; p--)
		if (*p == (char)c)
			return (char *)(uintptr_t)p;
	return NULL;
}

char *strstr(const char *s, const char *part)
{
	size_t len = strlen(part);

	for (;; s++) {
		if (strncmp(s, part, len) == 0)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

size_t strspn(const char *s, const char *accept)
{
	size_t len = 0;

	while (s[len] != '\0' && strchr(accept, s[len]) != NULL)
		len++;
	return len;
}

size_t strcspn(const char *s, const char *reject)
{
	size_t len = 0;

	while (s[len] != '\0' && strchr(reject, s[len]) == NULL)
		len++;
	return len;
}

char *strtok_r(char *restrict s, const char *restrict delims, char **next)
{
	char *end;

	if (s == NULL)
		s = *next;
	s += strspn(s, delims);
	end = s + strcspn(s, delims);
	*next = end;
	if (*s == '\0')
		return NULL;
	if (*end != '\0')
		*next = end + 1;
	*end = '\0';
	return s;
}

char *strtok(char *restrict s, const char *restrict delims)
{
	static char *next;

	return strtok_r(s, delims, &next);
}

char *strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *strdup(const char *s)
{
	return strndup(s, SIZE_MAX - 1);
}
