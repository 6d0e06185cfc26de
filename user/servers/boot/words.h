/* SPDX-License-Identifier: MIT */
/*
 * words.h - the kernel's command line, as far as the first program goes.
 *
 * As on Linux: what follows "--" are arguments. Before it, a word with a dot
 * is for a part of the system, as boot.kill is for us; VAR=value is for the
 * environment; and the others are arguments as well, from `rdinit=` on.
 */
#ifndef BOOT_WORDS_H
#define BOOT_WORDS_H

#include <stdbool.h>

struct words {
	const char *init; /* the program */
	char **argv;      /* which begins with it */
	char **envp;
	bool kills;      /* boot.kill: servers kill themselves, to try it */
	bool has_serial; /* boot.serial: it gets the port, and no terminal */
};

/* False if there is no memory. What it says is in memory of its own. */
bool words_read(struct words *to, const char *text);

#endif
