/* SPDX-License-Identifier: MIT */
/*
 * sort.c - qsort and bsearch.
 *
 * qsort is a heapsort: no recursion, no memory, and no bad case.
 */
#include <stdlib.h>

#include <stddef.h>

struct array {
	char *base;
	size_t count; /* elements that still belong to the heap */
	size_t size;
	compare_fn *compare;
};

static char *element(const struct array *a, size_t i)
{
	return a->base + i * a->size;
}

static void swap(const struct array *a, size_t i, size_t j)
{
	char *p = element(a, i), *q = element(a, j);
	char byte;

	for (size_t n = 0; n < a->size; n++) {
		byte = p[n];
		p[n] = q[n];
		q[n] = byte;
	}
}

/* Lets element `i` sink until it is no smaller than those under it. */
static void sift_down(const struct array *a, size_t i)
{
	size_t larger;

	while (2 * i + 1 < a->count) {
		larger = 2 * i + 1;
		if (larger + 1 < a->count &&
		    a->compare(element(a, larger), element(a, larger + 1)) < 0)
			larger++;
		if (a->compare(element(a, i), element(a, larger)) >= 0)
			return;
		swap(a, i, larger);
		i = larger;
	}
}

void qsort(void *base, size_t count, size_t size, compare_fn *compare)
{
	struct array a = {base, count, size, compare};

	for (size_t i = count / 2; i > 0; i--)
		sift_down(&a, i - 1);
	while (a.count > 1) {
		a.count--;
		swap(&a, 0, a.count);
		sift_down(&a, 0);
	}
}

void *bsearch(const void *key, const void *base, size_t count, size_t size,
    compare_fn *compare)
{
	const char *low = base;
	const char *middle;
	int order;

	while (count > 0) {
		middle = low + count / 2 * size;
		order = compare(key, middle);
		if (order == 0)
			return (void *)(size_t)middle;
		if (order > 0) {
			low = middle + size;
			count--;
		}
		count /= 2;
	}
	return NULL;
}
