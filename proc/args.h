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
	vaddr_t argv, envp;
	const char *args; /* words of the command line from here on */
};

/* A new address space and its stack, while they are being built. */
struct program {
	struct aspace *as;
	struct image_info info;
	vaddr_t sp;
	uint64_t argc, envc;
	uint64_t bytes; /* of all strings, terminators included */
	vaddr_t slot;   /* for the next word */
	vaddr_t text;   /* for the next string */
};

/* Fills in argc, envc and bytes. -EFAULT, -E2BIG, -ENOMEM. */
MUST_USE int args_measure(struct program *prog, const struct strings *from);

/* Writes it all below stack_top, and says where in sp. Errors as above. */
MUST_USE int args_put(struct program *prog, const struct strings *from);

#endif
