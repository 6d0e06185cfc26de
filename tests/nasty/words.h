/* SPDX-License-Identifier: MIT */
/*
 * words.h - what the programs that compare with QEMU are told.
 */
#ifndef NASTY_WORDS_H
#define NASTY_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* The number that a word is; one that is none ends the program, status 2. */
uint64_t number_word(const char *word);

/* Can the shell find it? */
bool program_is_there(const char *program);

#endif
