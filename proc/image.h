/* SPDX-License-Identifier: MIT */
/*
 * image.h - programs as address spaces, for exec.c alone.
 *
 * The first exec of a file builds an address space with its segments, a stack
 * and a place for the heap, which never runs. This and every later exec forks
 * it.
 */
#ifndef PROC_IMAGE_H
#define PROC_IMAGE_H

#include "mm/aspace.h"
#include "proc/initrd.h"

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
 * A fork of the image of `node`, if it is in the cache: 0. IMAGE_MORE: it is
 * not. -ENOMEM.
 */
MUST_USE int image_fork(const struct node *node, struct image_info *info,
    struct aspace **as);

/*
 * Does a part of building an image, which is begun where *image is NULL. 0: it
 * is in the cache now, and *image is NULL again. IMAGE_MORE: there is more to
 * do. -ENOEXEC: not a static RISC-V program, or a damaged one; -ENOMEM. After
 * an error it is the caller's to give up.
 */
MUST_USE int image_build(const struct node *node, struct image **image);

/* Gives up an image that is being built. */
void image_abandon(struct proc *p, struct image *image);

#endif
