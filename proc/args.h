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
	struct aspace *as;      /* of the vectors, and what they name */
	vaddr_t vector[2];      /* argv and envp */
	const char *const *own; /* arguments of the first process; or NULL */
	const char *words; /* instead of argv[0], each with its NUL; or NULL */
	size_t words_len;
};

/* A new address space and its stack, while they are being built. */
struct program {
	struct aspace *as;
	struct image_info info;
	vaddr_t sp;
	uint64_t count[2]; /* of strings in argv and envp */
	uint64_t bytes;    /* of all strings, terminators included */
	vaddr_t slot;      /* for the next word */
	uint64_t *slot_at; /* the kernel's address of that; NULL: not known */
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

/* Both, with arguments of the kernel's own up to a NULL, and no environment. */
MUST_USE int args_put_own(struct program *prog, const char *const *own);

#endif
