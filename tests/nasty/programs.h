/* SPDX-License-Identifier: MIT */
/*
 * programs.h - random programs in one image, an ELF file for Linux that is also
 * put at FLAT_BASE of flat memory.
 *
 * A program begins with the registers and the memory of its record, and its
 * final ones are stored into that record. The image runs all programs, one
 * after the other, writes all records to file 1, and exits.
 */
#ifndef NASTY_PROGRAMS_H
#define NASTY_PROGRAMS_H

#include <stdint.h>

#include "flat.h"

#define PROGRAMS           400 /* at most, in one image */
#define RECORD_WORDS       60
#define PLAIN_ENTRY_OFFSET 256 /* without handlers of signals */
#define RECORDS_OFFSET     (512UL << 10)

/*
 * The code of a program is from `entry` to `end`. Register x3 is the address
 * of the record, and is not changed.
 */
struct record {
	uint64_t entry; /* in place of x0; 0: no more programs */
	uint64_t x[31]; /* x1 to x31 */
	uint64_t f[32];
	uint64_t fcsr;
	uint64_t illegal; /* how many illegal instructions were skipped */
	uint64_t end;
	uint64_t seed;
	uint64_t words[RECORD_WORDS]; /* what loads and stores touch */
};

/* Makes the image of `count` programs, of the seeds from `seed`. */
void programs_make(uint8_t image[FLAT_SIZE], uint64_t seed, unsigned count);

static inline const struct record *programs_records(const uint8_t *image)
{
	return (const struct record *)(image + RECORDS_OFFSET);
}

#endif
