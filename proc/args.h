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
	struct aspace *as; /* in which the vectors and their strings are */
	vaddr_t vector[2]; /* argv and envp */
	const char *words; /* instead of argv[0], each with its NUL; or NULL */
	size_t words_len;
	unsigned word_count;
};

/* A new address space and its stack, while they are being built. */
struct program {
	struct aspace *as;
	struct image_info info;
	vaddr_t sp;
	uint64_t count[2]; /* of strings in argv and envp */
	uint64_t bytes;    /* of all strings, terminators included */
	vaddr_t slot;      /* where the next word goes */
	uint64_t *slot_at; /* the kernel's address of `slot`; NULL: not known */
	vaddr_t text;      /* where the next string goes */

	/* The string at which measuring, and then copying, has arrived. */
	unsigned vector;
	uint64_t index;
	vaddr_t string; /* 0: it has not been begun */
	uint64_t size;  /* bytes of it that are measured, or copied */
};

#define ARGS_MORE 1

/*
 * Counts and measures the strings of argv and envp, a part at a time: ARGS_MORE
 * until all is done. At first, `bytes` counts the strings that are in neither:
 * the path and the words. -EFAULT, -E2BIG, -ENOMEM.
 */
MUST_USE int args_measure(struct program *prog, const struct strings *from);

/*
 * Writes the strings below stack_top and the vectors below the strings, a part
 * at a time, and sets sp. Returns as args_measure(); after -ENOMEM it may be
 * tried again.
 */
MUST_USE int args_put(struct program *prog, const struct strings *from);

#endif
