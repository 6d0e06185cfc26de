/* SPDX-License-Identifier: MIT */
/*
 * image.h - programs as address spaces, for exec.c alone.
 *
 * The first exec of a program builds an address space with its segments, a
 * stack and a place for the heap, which never runs. This and every later exec
 * forks it. A plan (abi/port.h) says at which addresses its segments are.
 */
#ifndef PROC_IMAGE_H
#define PROC_IMAGE_H

#include "abi/port.h"
#include "mm/aspace.h"

/* Names a program: the contents that a server's file has at present. */
struct image_key {
	uint64_t port;  /* serial number of the server's port */
	uint64_t token; /* the server's number for the contents */
};

struct image_info {
	vaddr_t entry;
	vaddr_t phdr; /* 0 if no segment holds the program headers */
	uint16_t phnum;
	vaddr_t start; /* of the lowest segment, page-aligned */
	vaddr_t end;   /* of the highest one */
	vaddr_t stack_top;
	uint64_t stack_perms;
};

struct image;

#define IMAGE_MORE 1

/*
 * Forks the image with that key. 0, or IMAGE_MORE: it is not in the cache;
 * -ENOMEM.
 */
MUST_USE int image_fork(const struct image_key *key, struct image_info *info,
    struct aspace **as);

/*
 * Begins to build an image. The plan, which is in a frame of its own, belongs
 * to the image from then on. -ENOEXEC: it makes no sense; -ENOMEM.
 */
MUST_USE int image_begin(const struct image_key *key, struct program_plan *plan,
    struct image **image);

/*
 * Reserves a part of the image's memory: segments, stack and heap. 0 when all
 * of it is reserved, before that IMAGE_MORE; -ENOMEM.
 */
MUST_USE int image_lay_out(struct image *image);

/* Bytes of the program's file. */
struct image_piece {
	uint64_t offset;
	size_t len;
};

/*
 * Says which bytes of the file are to be filled in next; they go into one page.
 * False: none, the image is complete.
 */
MUST_USE bool image_wants(struct image *image, struct image_piece *piece);

/* Fills in the bytes of that piece. -ENOMEM: it may be tried again. */
MUST_USE int image_fill(struct image *image, const struct image_piece *piece,
    const void *bytes);

/* Puts an image that is complete into the cache. */
void image_add(struct image *image);

/*
 * Reserves the stack of a program that is in place, and says where its heap
 * begins. -ENOMEM.
 */
MUST_USE int image_add_stack(struct aspace *as, struct image_info *info);

/* Gives back an image that is not in the cache. */
void image_abandon(struct proc *p, struct image *image);

#endif
