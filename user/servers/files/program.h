/* SPDX-License-Identifier: MIT */
/* program.h - finds and describes programs, for execve. */
#ifndef FILES_PROGRAM_H
#define FILES_PROGRAM_H

#include "abi/port.h"
#include "tree.h"

#define WORDS_SIZE 4096

/*
 * The program that a path means. For a script that is its interpreter, and
 * `words` are the strings that take the place of argv[0], each with its NUL.
 */
struct program {
	struct node *node;
	char *words; /* WORDS_SIZE bytes of the caller's memory */
	size_t words_len;
};

/*
 * Finds the program. Paths of interpreters that do not begin with a slash begin
 * in `dir`. EACCES: no file with an x bit; ENOEXEC: not even a script; ELOOP:
 * scripts of scripts, too deep; E2BIG: too many words; or as path_find().
 */
int program_find(struct tree *t, struct where where, struct node *dir,
    struct program *program);

/*
 * Describes a program: elf.c. ENOEXEC: it is no static RISC-V program, or not
 * all of it is there.
 */
int program_describe(const struct node *node, struct program_plan *plan);

#endif
