/* SPDX-License-Identifier: MIT */
/*
 * args.h - a program's arguments, on their way to its stack.
 */
#ifndef PROC_ARGS_H
#define PROC_ARGS_H

#include "image.h"

/* Where the strings of a program's arguments come from. */
struct strings {
	const char *path;
	struct aspace *as; /* NULL: the command line, for the first process */
	vaddr_t vector[2]; /* argv and envp */
	const char *args;  /* words of the command line from here on */
	const char *rest;  /* of the command line, behind "--"; or NULL */
};

/* A new address space and its stack, while they are being built. */
struct program {
	struct aspace *as;
	struct image_info info;
	vaddr_t sp;
	uint64_t count[2]; /* of strings in argv and envp */
	uint64_t bytes;    /* of all strings, terminators included */
	vaddr_t slot;      /* for the next word */
	vaddr_t text;      /* for the next string */

	/* The string at which measuring, and then copying, has arrived. */
	unsigned vector;
	uint64_t index;
	vaddr_t string; /* 0: it has not been begun */
	uint64_t size;  /* what has been seen of it */
};

#define ARGS_MORE 1

/*
 * Counts and measures the strings, a part at a time: ARGS_MORE until all is
 * done. -EFAULT, -E2BIG, -ENOMEM.
 */
MUST_USE int args_measure(struct program *prog, const struct strings *from);

/*
 * Writes them below stack_top, a part at a time, and says where in sp. Errors
 * as above; after -ENOMEM it may be tried again.
 */
MUST_USE int args_put(struct program *prog, const struct strings *from);

#endif
