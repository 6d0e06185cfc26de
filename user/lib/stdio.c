/* SPDX-License-Identifier: MIT */
/*
 * stdio.c - the three streams a program starts with, without buffers.
 */
#include <stdio.h>

#include "internal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

struct file {
	int fd;
	bool ended;
	bool failed;
};

static struct file files[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};

FILE *const stdin = &files[0];
FILE *const stdout = &files[1];
FILE *const stderr = &files[2];

int write_all(int fd, const void *data, size_t len)
{
	const char *next = data;
	ssize_t done;

	while (len > 0) {
		done = write(fd, next, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		next += done;
		len -= (size_t)done;
	}
	return 0;
}

static int put(FILE *f, const void *data, size_t len)
{
	if (write_all(f->fd, data, len) == 0)
		return 0;
	f->failed = true;
	return EOF;
}

int fputs(const char *s, FILE *f)
{
	return put(f, s, strlen(s));
}

int puts(const char *s)
{
	return printf("%s\n", s) < 0 ? EOF : 0;
}

int fputc(int c, FILE *f)
{
	unsigned char byte = (unsigned char)c;

	return put(f, &byte, 1) < 0 ? EOF : byte;
}

int putc(int c, FILE *f)
{
	return fputc(c, f);
}

int putchar(int c)
{
	return fputc(c, stdout);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *f)
{
	return put(f, data, size * count) < 0 ? 0 : count;
}

void perror(const char *what)
{
	dprintf(2, "%s: %s\n", what, strerror(errno));
}

int fgetc(FILE *f)
{
	unsigned char byte;
	ssize_t len = read(f->fd, &byte, 1);

	if (len == 1)
		return byte;
	if (len == 0)
		f->ended = true;
	else
		f->failed = true;
	return EOF;
}

int getc(FILE *f)
{
	return fgetc(f);
}

int getchar(void)
{
	return fgetc(stdin);
}

char *fgets(char *buf, int size, FILE *f)
{
	int len = 0;
	int c = 0;

	while (len < size - 1 && c != '\n') {
		c = fgetc(f);
		if (c == EOF)
			break;
		buf[len++] = (char)c;
	}
	if (len == 0)
		return NULL;
	buf[len] = '\0';
	return buf;
}

size_t fread(void *data, size_t size, size_t count, FILE *f)
{
	size_t wanted = size * count;
	size_t have = 0;
	ssize_t len = 1;

	while (have < wanted && len > 0) {
		len = read(f->fd, (char *)data + have, wanted - have);
		if (len > 0)
			have += (size_t)len;
	}
	if (len == 0)
		f->ended = true;
	if (len < 0)
		f->failed = true;
	return size == 0 ? 0 : have / size;
}

int feof(FILE *f)
{
	return f->ended;
}

int ferror(FILE *f)
{
	return f->failed;
}

void clearerr(FILE *f)
{
	f->ended = false;
	f->failed = false;
}

int fileno(FILE *f)
{
	return f->fd;
}

int fflush(FILE *f)
{
	(void)f;
	return 0;
}

int setvbuf(FILE *f, char *buf, int mode, size_t size)
{
	(void)f;
	(void)buf;
	(void)mode;
	(void)size;
	return 0;
}

void setbuf(FILE *f, char *buf)
{
	(void)f;
	(void)buf;
}
