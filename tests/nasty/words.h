/* SPDX-License-Identifier: MIT */
/* words.h - reads arguments of the programs that compare with QEMU. */
#ifndef NASTY_WORDS_H
#define NASTY_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The number that a word stands for. If it is none, the program ends with
 * status 2.
 */
uint64_t number_word(const char *word);

/* Can the shell find it? */
bool program_is_there(const char *program);

#endif
