/* SPDX-License-Identifier: MIT */
/*
 * stdlib.h - memory, numbers, sorting, and the end of the program.
 */
#ifndef USER_STDLIB_H
#define USER_STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX     0x7fffffff

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *mem, size_t size);
void free(void *mem);

_Noreturn void exit(int status);
_Noreturn void _Exit(int status);
_Noreturn void abort(void);
int atexit(void (*fn)(void));

char *getenv(const char *name);

int atoi(const char *s);
long atol(const char *s);
long strtol(const char *restrict s, char **restrict end, int base);
unsigned long strtoul(const char *restrict s, char **restrict end, int base);
long long strtoll(const char *restrict s, char **restrict end, int base);
unsigned long long strtoull(const char *restrict s, char **restrict end,
    int base);

int abs(int n);
long labs(long n);
int rand(void);
void srand(unsigned int seed);

typedef int compare_fn(const void *a, const void *b);
void qsort(void *base, size_t count, size_t size, compare_fn *compare);
void *bsearch(const void *key, const void *base, size_t count, size_t size,
    compare_fn *compare);

#endif
