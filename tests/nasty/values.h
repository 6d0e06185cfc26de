/* SPDX-License-Identifier: MIT */
/*
 * values.h - random values for registers and memory.
 */
#ifndef NASTY_VALUES_H
#define NASTY_VALUES_H

#include <stdint.h>

/* All random words that follow depend only on the seed. */
void random_seed(uint64_t seed);

uint64_t random_word(void);
uint64_t random_below(uint64_t n);

/* Often 0, 1, -1, or at the edge of a type. */
uint64_t random_integer(void);

/*
 * A random value for a floating point register: `singles` of 8 are single
 * precision. To an instruction of one precision a value of the other is a NaN,
 * and most of its work is not done.
 */
uint64_t random_register(unsigned singles);

#endif
