/* SPDX-License-Identifier: MIT */
/*
 * program.h - what execve wants to know of a file.
 */
#ifndef FILES_PROGRAM_H
#define FILES_PROGRAM_H

#include "abi/port.h"
#include "tree.h"

#define WORDS_SIZE 4096

/*
 * What a path leads to: of a script, its interpreter, and the strings that take
 * the place of argv[0], each with its NUL.
 */
struct program {
	struct node *node;
	char *words; /* WORDS_SIZE bytes, of whom calls */
	size_t words_len;
};

/*
 * Finds it. The names of interpreters begin in `dir`, unless with a slash.
 * EACCES: no file with an x bit; ENOEXEC: not even a script; ELOOP: scripts of
 * scripts, too deep; E2BIG: too many words; or as path_find().
 */
int program_find(struct tree *t, struct where where, struct node *dir,
    struct program *program);

/* elf.c. ENOEXEC: not a static RISC-V program, or not all of one. */
int program_describe(const struct node *node, struct program_plan *plan);

#endif
