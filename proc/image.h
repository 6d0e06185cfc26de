/* SPDX-License-Identifier: MIT */
/*
 * image.h - programs as address spaces, for exec.c alone.
 *
 * The first exec of a program builds an address space with its segments, a
 * stack and a place for the heap, which never runs. This and every later exec
 * forks it. What is where in it, a plan says (abi/port.h).
 */
#ifndef PROC_IMAGE_H
#define PROC_IMAGE_H

#include "abi/port.h"
#include "mm/aspace.h"

/* Which program: what is in a server's file for now. */
struct image_key {
	uint64_t port; /* its serial number */
	uint64_t token;
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
 * A fork of that image, if it is in the cache: 0. IMAGE_MORE: it is not.
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

/* Does a part of the rest but for the bytes; 0: all. IMAGE_MORE, -ENOMEM. */
MUST_USE int image_lay_out(struct image *image);

/* Bytes of the program's file. */
struct image_piece {
	uint64_t offset;
	size_t len;
};

/* Which bytes come next, all in one page. False: none, and it is complete. */
MUST_USE bool image_wants(struct image *image, struct image_piece *piece);

/* Writes them. -ENOMEM: it may be tried again. */
MUST_USE int image_fill(struct image *image, const struct image_piece *piece,
    const void *bytes);

/* Puts it into the cache, complete. */
void image_add(struct image *image);

/*
 * Reserves the stack of a program that is in place, and says where its heap
 * begins. -ENOMEM.
 */
MUST_USE int image_add_stack(struct aspace *as, struct image_info *info);

/* Gives up an image that is being built. */
void image_abandon(struct proc *p, struct image *image);

#endif
