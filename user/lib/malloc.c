/* SPDX-License-Identifier: MIT */
/*
 * malloc.c - memory for programs, from the break.
 *
 * Every block has a header of 16 bytes in front of it. Free blocks form a list
 * in the order of their addresses; malloc takes the first that is large enough,
 * cutting off its end, and free puts a block back and joins it to neighbours it
 * touches. What is large comes straight from mmap and goes straight back, so
 * that it does not keep the break from being reused.
 */
#include <stdlib.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE_BYTES (256 * 1024UL)
#define GROW_BYTES  (64 * 1024UL) /* the break moves by at least this */

/* The value of `next` in a block that came from mmap. */
#define MAPPED ((struct block *)1)

struct block {
	struct block *next; /* while the block is free */
	size_t size;        /* of the block, in bytes, with this header */
};

_Static_assert(sizeof(struct block) == 16, "keeps memory aligned to 16");

static struct block *free_list;

static void *end_of(struct block *b)
{
	return (char *)b + b->size;
}

/* `first` touches `second`: make one of the two. */
static void join(struct block *first, struct block *second)
{
	if (first == NULL || second == NULL || end_of(first) != second)
		return;
	first->size += second->size;
	first->next = second->next;
}

static void give_back(struct block *b)
{
	struct block *before = NULL;
	struct block *after = free_list;

	while (after != NULL && after < b) {
		before = after;
		after = after->next;
	}
	b->next = after;
	if (before == NULL)
		free_list = b;
	else
		before->next = b;
	join(b, after);
	join(before, b);
}

static int grow(size_t size)
{
	struct block *b;

	if (size < GROW_BYTES)
		size = GROW_BYTES;
	b = sbrk((intptr_t)size);
	if (b == (void *)-1)
		return -1;
	b->size = size;
	give_back(b);
	return 0;
}

/* Takes the end of the first free block of at least `size` bytes, or NULL. */
static struct block *take(size_t size)
{
	struct block **link = &free_list;
	struct block *b;

	while (*link != NULL && (*link)->size < size)
		link = &(*link)->next;
	b = *link;
	if (b == NULL)
		return NULL;
	if (b->size == size) {
		*link = b->next;
		return b;
	}
	b->size -= size;
	b = end_of(b);
	b->size = size;
	return b;
}

static void *map_large(size_t size)
{
	struct block *b = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return NULL;
	b->next = MAPPED;
	b->size = size;
	return b + 1;
}

void *malloc(size_t size)
{
	struct block *b;

	if (size > PTRDIFF_MAX - 2 * sizeof *b) {
		errno = ENOMEM;
		return NULL;
	}
	size = (size + 2 * sizeof *b - 1) & ~(sizeof *b - 1);
	if (size >= LARGE_BYTES)
		return map_large(size);
	b = take(size);
	if (b == NULL && grow(size) == 0)
		b = take(size);
	if (b == NULL)
		return NULL;
	b->next = NULL;
	return b + 1;
}

void free(void *mem)
{
	struct block *b = mem;

	if (mem == NULL)
		return;
	b--;
	if (b->next == MAPPED)
		munmap(b, b->size);
	else
		give_back(b);
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *mem;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	mem = malloc(bytes);
	if (mem != NULL)
		memset(mem, 0, bytes);
	return mem;
}

void *realloc(void *mem, size_t size)
{
	struct block *b = mem;
	size_t room;
	void *copy;

	if (mem == NULL)
		return malloc(size);
	room = b[-1].size - sizeof *b;
	if (size <= room)
		return mem;
	copy = malloc(size);
	if (copy == NULL)
		return NULL;
	memcpy(copy, mem, room);
	free(mem);
	return copy;
}
