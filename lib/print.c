/* SPDX-License-Identifier: MIT */
/*
 * print.c - formatted output, to the console or into a buffer.
 *
 * There is one formatter, which hands each character to a sink.
 */
#include "lib/print.h"

#include "lib/string.h"

struct sink {
	char *buf; /* NULL: the console */
	size_t size;
	size_t len;
};

struct spec {
	bool zero;
	bool left;
	bool is_long;
	size_t width;
};

static void sink_put(struct sink *out, char c)
{
	if (out->buf == NULL)
		console_putc(c);
	else if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void sink_pad(struct sink *out, char c, size_t have, size_t width)
{
	for (; have < width; have++)
		sink_put(out, c);
}

static void format_str(struct sink *out, const struct spec *spec, const char *s)
{
	size_t len;

	if (s == NULL)
		s = "(null)";
	len = strlen(s);
	if (!spec->left)
		sink_pad(out, ' ', len, spec->width);
	for (size_t i = 0; i < len; i++)
		sink_put(out, s[i]);
	if (spec->left)
		sink_pad(out, ' ', len, spec->width);
}

static void format_int(struct sink *out, const struct spec *spec,
    uint64_t value, unsigned base, bool negative)
{
	char digits[24];
	size_t n = sizeof digits;
	struct spec rest = *spec;

	digits[--n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (spec->zero)
		while (sizeof digits - 1 - n + negative < spec->width && n > 1)
			digits[--n] = '0';
	if (negative)
		digits[--n] = '-';
	format_str(out, &rest, &digits[n]);
}

static const char *parse_spec(const char *fmt, struct spec *spec)
{
	*spec = (struct spec){0};
	for (; *fmt == '0' || *fmt == '-'; fmt++) {
		if (*fmt == '0')
			spec->zero = true;
		else
			spec->left = true;
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		spec->width = spec->width * 10 + (size_t)(*fmt - '0');
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		spec->is_long = true;
	return fmt;
}

static uint64_t arg_unsigned(const struct spec *spec, va_list *args)
{
	return spec->is_long ? va_arg(*args, uint64_t)
			     : va_arg(*args, unsigned);
}

static void format_signed(struct sink *out, const struct spec *spec,
    va_list *args)
{
	int64_t value =
	    spec->is_long ? va_arg(*args, int64_t) : va_arg(*args, int);
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

	format_int(out, spec, magnitude, 10, value < 0);
}

static void format(struct sink *out, const char *fmt, va_list *args)
{
	struct spec spec;

	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			sink_put(out, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &spec);
		switch (*fmt) {
		case 'd':
			format_signed(out, &spec, args);
			break;
		case 'u':
			format_int(out, &spec, arg_unsigned(&spec, args), 10,
			    false);
			break;
		case 'p':
			spec.is_long = true;
			sink_put(out, '0');
			sink_put(out, 'x');
			FALLTHROUGH;
		case 'x':
			format_int(out, &spec, arg_unsigned(&spec, args), 16,
			    false);
			break;
		case 's':
			format_str(out, &spec, va_arg(*args, const char *));
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

void kvprintf_unlocked(const char *fmt, va_list args)
{
	struct sink out = {0};
	va_list copy;

	va_copy(copy, args);
	format(&out, fmt, &copy);
	va_end(copy);
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
