/* SPDX-License-Identifier: MIT */
/*
 * archive.c - reading archives; see archive.h.
 *
 * An archive is a sequence of headers of 110 characters, each with thirteen
 * numbers of eight hexadecimal digits, a name, and the bytes of the file, both
 * padded to four bytes. The last name is TRAILER!!!; zeros may be anywhere in
 * between.
 */
#include "archive.h"

#include <string.h>

#define HEADER_LEN 110
#define MAGIC_LEN  6
#define FIELDS     13

/* The first bytes of compressed files, by which they are recognized. */
static const struct {
	const char *magic;
	unsigned len;
	const char *what;
} formats[] = {
    {"\x1f\x8b", 2, "it is compressed (gzip); unpack it first"},
    {"\xfd"
     "7zXZ",
	5, "it is compressed (xz); unpack it first"},
    {"\x28\xb5\x2f\xfd", 4, "it is compressed (zstd); unpack it first"},
    {"BZh", 3, "it is compressed (bzip2); unpack it first"},
    {"\x5d\0\0", 3, "it is compressed (lzma); unpack it first"},
    {"\x89LZO", 4, "it is compressed (lzo); unpack it first"},
    {"\x02\x21\x4c\x18", 4, "it is compressed (lz4); unpack it first"},
    {"070707", MAGIC_LEN, "it is a cpio archive of the old kind, not newc"},
};

static size_t align4(size_t n)
{
	return (n + 3) & ~3UL;
}

/* Reads eight hexadecimal digits; false if they are none. */
static bool parse_hex(const char *s, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		char c = s[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static bool parse_header(const char *text, struct header *h)
{
	uint32_t *const fields[FIELDS] = {&h->ino, &h->mode, &h->uid, &h->gid,
	    &h->links, &h->mtime, &h->size, &h->major, &h->minor, &h->rmajor,
	    &h->rminor, &h->name_size, &(uint32_t){0}};

	for (int i = 0; i < FIELDS; i++)
		if (!parse_hex(text + MAGIC_LEN + 8 * i, fields[i]))
			return false;
	return true;
}

/* There is no header where one should be: names what is there instead. */
static const char *guess(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (len >= formats[i].len &&
		    memcmp(text, formats[i].magic, formats[i].len) == 0)
			return formats[i].what;
	return "no newc header where one is due";
}

static const char *read_member(const struct archive *ar, struct member *m,
    size_t *end)
{
	const char *text = ar->base + ar->at;
	size_t left = ar->size - ar->at, data;

	if (ar->at % 4 != 0)
		return "the next header is not at a multiple of four bytes";
	if (left < MAGIC_LEN ||
	    (memcmp(text, "070701", MAGIC_LEN) != 0 &&
		memcmp(text, "070702", MAGIC_LEN) != 0))
		return guess(text, left);
	if (left < HEADER_LEN)
		return "it ends within a header";
	if (!parse_header(text, &m->header))
		return "a header with a bad number";
	m->at = ar->at;
	m->name = text + HEADER_LEN;
	data = align4(ar->at + HEADER_LEN + m->header.name_size);
	m->data = ar->base + data;
	*end = data + m->header.size;
	return *end > ar->size ? "a file that reaches beyond the end" : NULL;
}

bool archive_next(struct archive *ar, struct member *m, const char **damage)
{
	size_t end = 0;

	*damage = NULL;
	while (ar->at < ar->size && ar->base[ar->at] == '\0')
		ar->at++;
	if (ar->at == ar->size)
		return false;
	*damage = read_member(ar, m, &end);
	if (*damage != NULL)
		return false;
	ar->at = align4(end) < ar->size ? align4(end) : ar->size;
	return true;
}
