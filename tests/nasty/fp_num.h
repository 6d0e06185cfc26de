/* SPDX-License-Identifier: MIT */
/*
 * fp_num.h - unpacked numbers, for fp*.c alone.
 */
#ifndef NASTY_FP_NUM_H
#define NASTY_FP_NUM_H

#include "fp.h"

typedef unsigned __int128 u128;

enum kind { ZERO, FINITE, INFINITE, QUIET, SIGNALING };

/* The value is mant * 2^exp. */
struct num {
	enum kind kind;
	bool sign;
	int exp;
	u128 mant;
};

struct layout {
	int mant, exp, bias; /* widths, and what is added to an exponent */
};
extern const struct layout fp_layouts[];

static inline bool is_nan(struct num n)
{
	return n.kind >= QUIET;
}

/* The bits of a value in a register; those of a NaN if it is not boxed. */
uint64_t fp_unbox(enum fp_format fmt, uint64_t a);
struct num fp_unpack(enum fp_format fmt, uint64_t a);

/* `rest` is the number without its sign. */
uint64_t fp_pack(enum fp_format fmt, bool sign, uint64_t rest);
uint64_t fp_infinity(enum fp_format fmt, bool sign);
uint64_t fp_default_nan(enum fp_format fmt);

/* The result where an operand is a NaN. */
uint64_t fp_nan_of(enum fp_format fmt, struct num a, struct num b);

/* `v` without its lowest `by` bits, rounded. */
u128 fp_round_off(u128 v, int by, bool sign, bool *inexact);
uint64_t fp_round_pack(enum fp_format fmt, bool sign, int exp, u128 mant);

#endif
