/* SPDX-License-Identifier: MIT */
/*
 * fp_value.c - floating point without arithmetic: comparing, converting, and
 * what a number is.
 */
#include "fp_num.h"

static uint64_t sign_bit(enum fp_format fmt)
{
	return fmt == FP32 ? 1UL << 31 : 1UL << 63;
}

uint64_t fp_sign(enum fp_format fmt, uint64_t a, uint64_t b, enum fp_sign how)
{
	uint64_t mask = sign_bit(fmt), x = fp_unbox(fmt, a);
	uint64_t sign = fp_unbox(fmt, b) & mask;

	if (how == FP_SIGN_NEGATE)
		sign ^= mask;
	else if (how == FP_SIGN_XOR)
		sign ^= x & mask;
	return fp_pack(fmt, sign != 0, x & ~mask);
}

/* Neither is a NaN. -0 is below +0 here, which only fp_min() wants. */
static int order(enum fp_format fmt, uint64_t a, uint64_t b)
{
	uint64_t mask = sign_bit(fmt), x = fp_unbox(fmt, a);
	uint64_t y = fp_unbox(fmt, b);
	int64_t p = (x & mask) ? -(int64_t)(x & ~mask) - 1 : (int64_t)x;
	int64_t q = (y & mask) ? -(int64_t)(y & ~mask) - 1 : (int64_t)y;

	return p < q ? -1 : p > q;
}

uint64_t fp_min(enum fp_format fmt, uint64_t a, uint64_t b, bool max)
{
	struct num x = fp_unpack(fmt, a), y = fp_unpack(fmt, b);
	bool first = order(fmt, a, b) < 0;

	if (is_nan(x) || is_nan(y)) {
		(void)fp_nan_of(fmt, x, y);
		if (is_nan(x) && is_nan(y))
			return fp_default_nan(fmt);
		first = is_nan(y);
	} else {
		first ^= max;
	}
	return fp_sign(fmt, first ? a : b, first ? a : b, FP_SIGN_COPY);
}

bool fp_less(enum fp_format fmt, uint64_t a, uint64_t b, bool or_equal)
{
	struct num x = fp_unpack(fmt, a), y = fp_unpack(fmt, b);
	int way;

	if (is_nan(x) || is_nan(y)) {
		fp_flags |= FP_INVALID;
		return false;
	}
	if (x.kind == ZERO && y.kind == ZERO)
		return or_equal;
	way = order(fmt, a, b);
	return way < 0 || (or_equal && way == 0);
}

bool fp_equal(enum fp_format fmt, uint64_t a, uint64_t b)
{
	struct num x = fp_unpack(fmt, a), y = fp_unpack(fmt, b);

	if (is_nan(x) || is_nan(y)) {
		(void)fp_nan_of(fmt, x, y);
		return false;
	}
	if (x.kind == ZERO && y.kind == ZERO)
		return true;
	return fp_unbox(fmt, a) == fp_unbox(fmt, b);
}

/* Bits 0 to 9: -inf, -normal, -subnormal, -0, and back; the two NaNs. */
uint64_t fp_class(enum fp_format fmt, uint64_t a)
{
	struct num n = fp_unpack(fmt, a);
	unsigned bit;

	if (is_nan(n))
		return n.kind == SIGNALING ? 1 << 8 : 1 << 9;
	if (n.kind == INFINITE)
		bit = 0;
	else if (n.kind == ZERO)
		bit = 3;
	else
		bit = n.mant >> fp_layouts[fmt].mant ? 1 : 2;
	return 1UL << (n.sign ? bit : 7 - bit);
}

/* A value out of range becomes the nearest end of it; so does a NaN. */
static uint64_t saturated(bool negative, enum fp_int type)
{
	static const uint64_t least[] = {0xffffffff80000000, 0, 1UL << 63, 0};
	static const uint64_t most[] = {0x7fffffff, ~0UL, ~0UL >> 1, ~0UL};

	fp_flags |= FP_INVALID;
	return negative ? least[type] : most[type];
}

uint64_t fp_to_int(enum fp_format fmt, uint64_t a, enum fp_int type)
{
	static const uint64_t limit[] = {0x7fffffff, 0xffffffff, ~0UL >> 1,
	    ~0UL};
	struct num n = fp_unpack(fmt, a);
	bool is_signed = type == FP_INT32 || type == FP_INT64, inexact;
	u128 value, most = limit[type];

	if (n.kind == ZERO)
		return 0;
	if (n.kind != FINITE || n.exp > 64)
		return saturated(n.sign && !is_nan(n), type);
	value = fp_round_off(n.mant, -n.exp, n.sign, &inexact);
	if (n.sign)
		most = is_signed ? most + 1 : 0;
	if (value > most)
		return saturated(n.sign, type);
	if (inexact)
		fp_flags |= FP_INEXACT;
	value = n.sign ? -value : value;
	return type == FP_INT32 || type == FP_UINT32
	    ? (uint64_t)(int64_t)(int32_t)(uint32_t)value
	    : (uint64_t)value;
}

uint64_t fp_from_int(enum fp_format fmt, uint64_t value, enum fp_int type)
{
	bool sign;

	if (type == FP_INT32)
		value = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
	else if (type == FP_UINT32)
		value = (uint32_t)value;
	sign = (type == FP_INT32 || type == FP_INT64) && value >> 63;
	return fp_round_pack(fmt, sign, 0, sign ? -value : value);
}

uint64_t fp_convert(enum fp_format to, enum fp_format from, uint64_t a)
{
	struct num n = fp_unpack(from, a);

	if (is_nan(n))
		return fp_nan_of(to, n, n);
	if (n.kind == INFINITE)
		return fp_infinity(to, n.sign);
	return fp_round_pack(to, n.sign, n.exp, n.kind == ZERO ? 0 : n.mant);
}
