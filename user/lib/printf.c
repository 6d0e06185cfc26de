/* SPDX-License-Identifier: MIT */
/*
 * printf.c - formatted output.
 *
 * One core, print(), feeds characters to a sink. A sink is either memory, in
 * which what does not fit is counted and dropped, or a descriptor with a small
 * buffer in front of it. What a call prints is written at its end, or earlier
 * when the buffer is full, so one printf of ordinary length is one write().
 *
 * Conversions: d i u x X o p c s %, with the flags - 0 + space #, width and
 * precision (or * for either), and hh h l ll z t j. No floating point.
 */
#include <stdio.h>

#include "internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 22 /* 64 bits in octal */

struct sink {
	char *buf;
	size_t size;
	size_t used;  /* of buf; never more than size */
	size_t total; /* characters so far, wherever they went */
	int fd;       /* where a full buffer is written; -1: memory only */
	bool failed;
};

struct spec {
	bool left, zero, plus, space, alternate;
	int width;
	int precision; /* -1: none given */
	int size_bytes;
	char conversion;
};

static void sink_flush(struct sink *sink)
{
	if (sink->fd < 0)
		return;
	if (write_all(sink->fd, sink->buf, sink->used) < 0)
		sink->failed = true;
	sink->used = 0;
}

static void put(struct sink *sink, char c)
{
	if (sink->used == sink->size)
		sink_flush(sink);
	if (sink->used < sink->size)
		sink->buf[sink->used++] = c;
	sink->total++;
}

static void put_repeated(struct sink *sink, char c, int count)
{
	for (; count > 0; count--)
		put(sink, c);
}

static void put_bytes(struct sink *sink, const char *s, int len)
{
	for (int i = 0; i < len; i++)
		put(sink, s[i]);
}

static void print_string(struct sink *sink, const struct spec *spec,
    const char *s)
{
	size_t max = spec->precision < 0 ? INT_MAX : (size_t)spec->precision;
	int len, padding;

	if (s == NULL)
		s = "(null)";
	len = (int)strnlen(s, max);
	padding = spec->width - len;
	if (!spec->left)
		put_repeated(sink, ' ', padding);
	put_bytes(sink, s, len);
	if (spec->left)
		put_repeated(sink, ' ', padding);
}

/* Fills `digits` from its end and returns where the number begins. */
static char *digits_of(char *end, uint64_t value, unsigned int base, bool upper)
{
	const char *names = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (; value != 0; value /= base)
		*--end = names[value % base];
	return end;
}

/* Space or zeros, then the sign or 0x, then at least `precision` digits. */
static void print_number(struct sink *sink, const struct spec *spec,
    uint64_t value, const char *prefix)
{
	char digits[DIGITS_MAX];
	char *end = digits + sizeof digits;
	unsigned int base = 10;
	char *start;
	int len, zeros, padding;

	if (strchr("xXp", spec->conversion) != NULL)
		base = 16;
	if (spec->conversion == 'o')
		base = 8;
	start = digits_of(end, value, base, spec->conversion == 'X');
	len = (int)(end - start);
	zeros = (spec->precision < 0 ? 1 : spec->precision) - len;
	zeros = zeros > 0 ? zeros : 0;
	padding = spec->width - (int)strlen(prefix) - zeros - len;
	if (spec->zero && !spec->left && spec->precision < 0 && padding > 0) {
		zeros += padding;
		padding = 0;
	}
	if (!spec->left)
		put_repeated(sink, ' ', padding);
	put_bytes(sink, prefix, (int)strlen(prefix));
	put_repeated(sink, '0', zeros);
	put_bytes(sink, start, len);
	if (spec->left)
		put_repeated(sink, ' ', padding);
}

static void print_signed(struct sink *sink, const struct spec *spec, int64_t n)
{
	const char *sign = spec->plus ? "+" : spec->space ? " " : "";

	if (n < 0)
		print_number(sink, spec, -(uint64_t)n, "-");
	else
		print_number(sink, spec, (uint64_t)n, sign);
}

static void print_unsigned(struct sink *sink, const struct spec *spec,
    uint64_t n)
{
	const char *prefix = "";

	if (spec->conversion == 'p' ||
	    (spec->conversion == 'x' && spec->alternate && n != 0))
		prefix = "0x";
	if (spec->conversion == 'X' && spec->alternate && n != 0)
		prefix = "0X";
	if (spec->conversion == 'o' && spec->alternate && n != 0)
		prefix = "0";
	print_number(sink, spec, n, prefix);
}

static bool read_flag(struct spec *spec, char c)
{
	switch (c) {
	case '-':
		return spec->left = true;
	case '0':
		return spec->zero = true;
	case '+':
		return spec->plus = true;
	case ' ':
		return spec->space = true;
	case '#':
		return spec->alternate = true;
	default:
		return false;
	}
}

static const char *read_decimal(const char *format, int *value)
{
	for (*value = 0; isdigit(*format); format++)
		*value = *value * 10 + (*format - '0');
	return format;
}

static const char *read_size(const char *format, int *size_bytes)
{
	*size_bytes = sizeof(int);
	switch (*format) {
	case 'h':
		*size_bytes = format[1] == 'h' ? 1 : 2;
		return format + (format[1] == 'h' ? 2 : 1);
	case 'l':
		*size_bytes = 8;
		return format + (format[1] == 'l' ? 2 : 1);
	case 'z':
	case 't':
	case 'j':
		*size_bytes = 8;
		return format + 1;
	default:
		return format;
	}
}

/* An argument list, in a struct so that a pointer to it can be passed on. */
struct arguments {
	va_list list;
};

/* `format` follows a percent sign; returns what follows the conversion. */
static const char *read_spec(struct spec *spec, const char *format,
    struct arguments *args)
{
	*spec = (struct spec){.precision = -1};
	while (read_flag(spec, *format))
		format++;
	if (*format == '*') {
		spec->width = va_arg(args->list, int);
		format++;
	} else {
		format = read_decimal(format, &spec->width);
	}
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (format[0] == '.' && format[1] == '*') {
		spec->precision = va_arg(args->list, int);
		format += 2;
	} else if (format[0] == '.') {
		format = read_decimal(format + 1, &spec->precision);
	}
	format = read_size(format, &spec->size_bytes);
	spec->conversion = *format;
	return *format == '\0' ? format : format + 1;
}

static int64_t next_signed(struct arguments *args, int size_bytes)
{
	if (size_bytes == 8)
		return va_arg(args->list, long);
	if (size_bytes == 1)
		return (signed char)va_arg(args->list, int);
	if (size_bytes == 2)
		return (short)va_arg(args->list, int);
	return va_arg(args->list, int);
}

static uint64_t next_unsigned(struct arguments *args, int size_bytes)
{
	if (size_bytes == 8)
		return va_arg(args->list, unsigned long);
	if (size_bytes == 1)
		return (unsigned char)va_arg(args->list, unsigned int);
	if (size_bytes == 2)
		return (unsigned short)va_arg(args->list, unsigned int);
	return va_arg(args->list, unsigned int);
}

static void print_one(struct sink *sink, struct spec *spec,
    struct arguments *args)
{
	char c[2] = {spec->conversion, '\0'};

	switch (spec->conversion) {
	case 'd':
	case 'i':
		print_signed(sink, spec, next_signed(args, spec->size_bytes));
		break;
	case 'p':
		spec->size_bytes = 8;
		__attribute__((fallthrough));
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		print_unsigned(sink, spec,
		    next_unsigned(args, spec->size_bytes));
		break;
	case 's':
		print_string(sink, spec, va_arg(args->list, const char *));
		break;
	case 'c':
		/* Not as a string: the character may be a NUL. */
		put_repeated(sink, ' ', spec->left ? 0 : spec->width - 1);
		put(sink, (char)va_arg(args->list, int));
		put_repeated(sink, ' ', spec->left ? spec->width - 1 : 0);
		break;
	default:
		print_string(sink, spec, c);
	}
}

static void print(struct sink *sink, const char *format, va_list list)
{
	struct arguments args;
	struct spec spec;

	va_copy(args.list, list);
	while (*format != '\0') {
		if (*format != '%') {
			put(sink, *format++);
			continue;
		}
		format = read_spec(&spec, format + 1, &args);
		print_one(sink, &spec, &args);
	}
	va_end(args.list);
}

int vdprintf(int fd, const char *format, va_list args)
{
	char buf[BUFSIZ];
	struct sink sink = {.buf = buf, .size = sizeof buf, .fd = fd};

	print(&sink, format, args);
	sink_flush(&sink);
	return sink.failed ? -1 : (int)sink.total;
}

int vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
	struct sink sink = {.buf = buf,
	    .size = size > 0 ? size - 1 : 0,
	    .fd = -1};

	print(&sink, format, args);
	if (size > 0)
		buf[sink.used] = '\0';
	return (int)sink.total;
}

int vsprintf(char *buf, const char *format, va_list args)
{
	return vsnprintf(buf, INT_MAX, format, args);
}

int vfprintf(FILE *f, const char *format, va_list args)
{
	return vdprintf(fileno(f), format, args);
}

int vprintf(const char *format, va_list args)
{
	return vdprintf(1, format, args);
}

int printf(const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vdprintf(1, format, args);
	va_end(args);
	return len;
}

int fprintf(FILE *f, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vdprintf(fileno(f), format, args);
	va_end(args);
	return len;
}

int dprintf(int fd, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vdprintf(fd, format, args);
	va_end(args);
	return len;
}

int snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(buf, size, format, args);
	va_end(args);
	return len;
}

int sprintf(char *buf, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsprintf(buf, format, args);
	va_end(args);
	return len;
}
