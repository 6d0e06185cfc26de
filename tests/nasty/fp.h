/* SPDX-License-Identifier: MIT */
/*
 * fp.h - IEEE 754 arithmetic as RISC-V wants it, in integers: no host differs.
 *
 * Values are as in registers: FP32 is NaN-boxed, what is not boxed is a NaN.
 * Rounding mode and flags are in fp_mode and fp_flags.
 *
 * Ref: Volume I, "F" and "D" Standard Extensions.
 */
#ifndef NASTY_FP_H
#define NASTY_FP_H

#include <stdbool.h>
#include <stdint.h>

enum fp_format { FP32, FP64 };
enum fp_int { FP_INT32, FP_UINT32, FP_INT64, FP_UINT64 };
enum fp_rounding { FP_RNE, FP_RTZ, FP_RDN, FP_RUP, FP_RMM };
enum fp_sign { FP_SIGN_COPY, FP_SIGN_NEGATE, FP_SIGN_XOR };
enum {
	FP_INEXACT = 1,
	FP_UNDERFLOW = 2,
	FP_OVERFLOW = 4,
	FP_DIVIDE = 8,
	FP_INVALID = 16
};
enum { FP_NEGATE_PRODUCT = 1, FP_NEGATE_ADDEND = 2 };

extern enum fp_rounding fp_mode;
extern uint8_t fp_flags; /* gathered until they are cleared */

uint64_t fp_add(enum fp_format fmt, uint64_t a, uint64_t b, bool subtract);
uint64_t fp_mul(enum fp_format fmt, uint64_t a, uint64_t b);
uint64_t fp_div(enum fp_format fmt, uint64_t a, uint64_t b);
uint64_t fp_sqrt(enum fp_format fmt, uint64_t a);
uint64_t fp_fma(enum fp_format fmt, uint64_t a, uint64_t b, uint64_t c,
    unsigned negate);
uint64_t fp_sign(enum fp_format fmt, uint64_t a, uint64_t b, enum fp_sign how);
uint64_t fp_min(enum fp_format fmt, uint64_t a, uint64_t b, bool max);
bool fp_less(enum fp_format fmt, uint64_t a, uint64_t b, bool or_equal);
bool fp_equal(enum fp_format fmt, uint64_t a, uint64_t b);
uint64_t fp_class(enum fp_format fmt, uint64_t a);
uint64_t fp_to_int(enum fp_format fmt, uint64_t a, enum fp_int type);
uint64_t fp_from_int(enum fp_format fmt, uint64_t value, enum fp_int type);
uint64_t fp_convert(enum fp_format to, enum fp_format from, uint64_t a);

#endif
