/* SPDX-License-Identifier: MIT */
/* values.c - random numbers, among them many extreme ones. */
#include "values.h"

static uint64_t state;

void random_seed(uint64_t seed)
{
	state = seed;
}

/*
 * SplitMix64. Ref: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators".
 */
uint64_t random_word(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t random_below(uint64_t n)
{
	return random_word() % n;
}

uint64_t random_integer(void)
{
	static const uint64_t some[] = {0, 1, 2, -1UL, -2UL, 1UL << 63,
	    (1UL << 63) - 1, 1UL << 31, (1UL << 31) - 1, -1UL << 31, 1UL << 32,
	    0xffffffff};

	switch (random_below(4)) {
	case 0:
		return some[random_below(sizeof some / sizeof some[0])];
	case 1:
		return random_word() >> random_below(64);
	case 2:
		return (uint64_t)((int64_t)random_word() >> random_below(64));
	default:
		return random_word();
	}
}

/* Denormals, infinities and NaNs, and numbers that are near to each other. */
static uint64_t random_exponent(uint64_t top)
{
	uint64_t bias = top / 2;

	switch (random_below(11)) {
	case 0:
	case 1:
		return random_below(2);
	case 2:
	case 3:
		return top - random_below(2);
	case 4:
	case 5:
		return bias + random_below(8);
	case 6:
		return bias - random_below(8);
	case 7:
		return bias + random_below(70);
	case 8:
		return bias - random_below(70);
	default:
		return random_word() & top;
	}
}

/* Few bits, so that results are exact or half way, or any. */
static uint64_t random_fraction(unsigned width)
{
	uint64_t mask = (1UL << width) - 1;

	switch (random_below(7)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return 1UL << (width - 1);
	case 3:
		return mask;
	case 4:
		return random_word() << random_below(width) & mask;
	default:
		return random_word() & mask;
	}
}

static uint64_t random_float(unsigned exponent_bits, unsigned fraction_bits)
{
	uint64_t sign = random_below(2);
	uint64_t exponent = random_exponent((1UL << exponent_bits) - 1);

	return sign << (exponent_bits + fraction_bits) |
	    exponent << fraction_bits | random_fraction(fraction_bits);
}

static uint64_t random_single(void)
{
	return random_float(8, 23) | 0xffffffff00000000;
}

static uint64_t random_double(void)
{
	return random_float(11, 52);
}

uint64_t random_register(unsigned singles)
{
	switch (random_below(12)) {
	case 0:
		return random_integer();
	case 1: /* not quite boxed */
		return random_single() & ~(1UL << 32);
	default:
		return random_below(8) < singles ? random_single()
						 : random_double();
	}
}
