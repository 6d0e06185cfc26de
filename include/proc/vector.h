/* SPDX-License-Identifier: MIT */
/*
 * vector.h - the pieces of memory that readv and writev are given.
 *
 * The bytes of all pieces are counted as one row. A piece says where the row
 * would begin if all of it were in that piece, and where in the row the piece
 * ends: so the place of any byte is found by halving, and no other state is
 * needed to go on in the middle.
 */
#ifndef PROC_VECTOR_H
#define PROC_VECTOR_H

#include "abi/limits.h"
#include "abi/uio.h"
#include "mm/aspace.h"

struct piece {
	vaddr_t at;   /* byte `i` of the row is at `at + i`, if it is in here */
	uint64_t end; /* the number of the first byte behind the piece */
};

_Static_assert(sizeof(struct piece) == sizeof(struct iovec_abi), "in place");

#define VECTOR_PAGE 256U /* pieces that a frame has room for */
#define VECTOR_HEAD 6U   /* of them where struct vector is */

/*
 * It is at the beginning of its first frame; the pieces follow, in further
 * frames where they have to.
 */
struct vector {
	uint32_t count;
	uint32_t index; /* of the next piece to be dealt with */
	size_t len;     /* bytes of all pieces */
	char *gathered; /* a frame: the bytes of the pieces so far; NULL */
	struct piece *pages[(VECTOR_HEAD + IOV_MAX) / VECTOR_PAGE + 1];
};

_Static_assert(VECTOR_PAGE * sizeof(struct piece) == PAGE_SIZE &&
	VECTOR_HEAD * sizeof(struct piece) >= sizeof(struct vector),
    "room");

static inline struct piece *vector_piece(const struct vector *v, uint32_t index)
{
	index += VECTOR_HEAD;
	return &v->pages[index / VECTOR_PAGE][index % VECTOR_PAGE];
}

/* An empty vector, or NULL: memory is out. */
MUST_USE struct vector *vector_alloc(void);

void vector_free(struct vector *v);

/* The piece that has byte `i`, which is less than the end of the last one. */
const struct piece *vector_find(const struct vector *v, uint64_t i);

#endif
