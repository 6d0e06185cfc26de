/* SPDX-License-Identifier: MIT */
/*
 * stdio.h - formatted output and simple input.
 *
 * Nothing is buffered from one call to the next: each call that prints makes
 * one write(), so that a fork never doubles pending output and lines of several
 * processes do not mix. Input is read byte by byte, so that what a program
 * leaves unread is still there for the next. What needs speed uses read() and
 * write().
 */
#ifndef USER_STDIO_H
#define USER_STDIO_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#include "abi/unistd.h"

#define EOF    (-1)
#define BUFSIZ 1024

#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

#define PRINTF_LIKE(string, first) \
	__attribute__((format(printf, string, first)))

typedef struct file FILE;

extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;

int printf(const char *format, ...) PRINTF_LIKE(1, 2);
int fprintf(FILE *f, const char *format, ...) PRINTF_LIKE(2, 3);
int dprintf(int fd, const char *format, ...) PRINTF_LIKE(2, 3);
int sprintf(char *buf, const char *format, ...) PRINTF_LIKE(2, 3);
int snprintf(char *buf, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
int vprintf(const char *format, va_list args) PRINTF_LIKE(1, 0);
int vfprintf(FILE *f, const char *format, va_list args) PRINTF_LIKE(2, 0);
int vdprintf(int fd, const char *format, va_list args) PRINTF_LIKE(2, 0);
int vsprintf(char *buf, const char *format, va_list args) PRINTF_LIKE(2, 0);
int vsnprintf(char *buf, size_t size, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

int puts(const char *s);
int fputs(const char *s, FILE *f);
int putchar(int c);
int putc(int c, FILE *f);
int fputc(int c, FILE *f);
size_t fwrite(const void *data, size_t size, size_t count, FILE *f);
void perror(const char *what);

int getchar(void);
int getc(FILE *f);
int fgetc(FILE *f);
char *fgets(char *buf, int size, FILE *f);
size_t fread(void *data, size_t size, size_t count, FILE *f);

int feof(FILE *f);
int ferror(FILE *f);
void clearerr(FILE *f);
int fileno(FILE *f);

/* These functions do nothing; portable programs call them. */
int fflush(FILE *f);
int setvbuf(FILE *f, char *buf, int mode, size_t size);
void setbuf(FILE *f, char *buf);

#endif
