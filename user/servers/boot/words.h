/* SPDX-License-Identifier: MIT */
/*
 * words.h - reads what the kernel's command line says to the first program.
 *
 * As on Linux: words behind "--" are arguments of the program. Before "--", a
 * word with a dot is for a part of the system (boot.kill is for this program),
 * VAR=value goes into the environment, and other words are arguments, from
 * rdinit= on.
 */
#ifndef BOOT_WORDS_H
#define BOOT_WORDS_H

#include <stdbool.h>

struct words {
	const char *init; /* the path of the program */
	char **argv;      /* its arguments; argv[0] is `init` */
	char **envp;
	bool kills; /* boot.kill: servers kill themselves, as a test */
	/* boot.serial: the program gets the port, and no terminal */
	bool has_serial;
};

/* Fills in *to; all its strings are copies. False if there is no memory. */
bool words_read(struct words *to, const char *text);

#endif
