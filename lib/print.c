/* SPDX-License-Identifier: MIT */
/*
 * print.c - formatted output into a buffer.
 */
#include "lib/print.h"

#include "lib/string.h"

struct sink {
	char *buf;
	size_t size;
	size_t len;
};

static void sink_put(struct sink *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void format_str(struct sink *out, const char *s)
{
	if (s == NULL)
		s = "(null)";
	while (*s != '\0')
		sink_put(out, *s++);
}

static void format_unsigned(struct sink *out, uint64_t value, unsigned base)
{
	char digits[24];
	size_t n = sizeof digits;

	digits[--n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	format_str(out, &digits[n]);
}

static void format_signed(struct sink *out, int64_t value)
{
	if (value < 0)
		sink_put(out, '-');
	format_unsigned(out, value < 0 ? -(uint64_t)value : (uint64_t)value,
	    10);
}

static uint64_t arg_unsigned(bool is_long, va_list *args)
{
	return is_long ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
}

static void format(struct sink *out, const char *fmt, va_list *args)
{
	for (; *fmt != '\0'; fmt++) {
		bool is_long;

		if (*fmt != '%') {
			sink_put(out, *fmt);
			continue;
		}
		is_long = *++fmt == 'l';
		if (is_long)
			fmt++;
		switch (*fmt) {
		case 'd':
			format_signed(out,
			    is_long ? va_arg(*args, int64_t)
				    : va_arg(*args, int));
			break;
		case 'u':
			format_unsigned(out, arg_unsigned(is_long, args), 10);
			break;
		case 'p':
			is_long = true;
			format_str(out, "0x");
			FALLTHROUGH;
		case 'x':
			format_unsigned(out, arg_unsigned(is_long, args), 16);
			break;
		case 's':
			format_str(out, va_arg(*args, const char *));
			break;
		case 'c':
			sink_put(out, (char)va_arg(*args, int));
			break;
		default:
			sink_put(out, *fmt);
			break;
		}
	}
}

size_t str_vformat(char *buf, size_t size, const char *fmt, va_list args)
{
	struct sink out = {.buf = buf, .size = size};
	va_list copy;

	va_copy(copy, args);
	format(&out, fmt, &copy);
	va_end(copy);
	buf[out.len < size ? out.len : size - 1] = '\0';
	return out.len;
}

size_t str_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = str_vformat(buf, size, fmt, args);
	va_end(args);
	return len;
}
