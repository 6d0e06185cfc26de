/* SPDX-License-Identifier: MIT */
/*
 * fp.c - arithmetic on floating point numbers.
 *
 * Operands are unpacked into sign, exponent and a significand of up to 126
 * bits, worked on exactly but for a last bit that stands for everything below
 * it, and rounded once.
 */
#include "fp_num.h"

const struct layout fp_layouts[] = {{23, 8, 127}, {52, 11, 1023}};

enum fp_rounding fp_mode;
uint8_t fp_flags;

/* --- to and from registers ------------------------------------------------ */

static uint64_t box(enum fp_format fmt, uint64_t bits)
{
	return fmt == FP32 ? bits | 0xffffffff00000000 : bits;
}

uint64_t fp_unbox(enum fp_format fmt, uint64_t a)
{
	if (fmt == FP64)
		return a;
	return a >> 32 == 0xffffffff ? (uint32_t)a : 0x7fc00000;
}

uint64_t fp_default_nan(enum fp_format fmt)
{
	return box(fmt, fmt == FP32 ? 0x7fc00000 : 0x7ff8000000000000);
}

uint64_t fp_pack(enum fp_format fmt, bool sign, uint64_t rest)
{
	const struct layout *l = &fp_layouts[fmt];

	return box(fmt, (uint64_t)sign << (l->mant + l->exp) | rest);
}

uint64_t fp_infinity(enum fp_format fmt, bool sign)
{
	const struct layout *l = &fp_layouts[fmt];

	return fp_pack(fmt, sign, ((1UL << l->exp) - 1) << l->mant);
}

struct num fp_unpack(enum fp_format fmt, uint64_t a)
{
	const struct layout *l = &fp_layouts[fmt];
	uint64_t bits = fp_unbox(fmt, a), frac = bits & ((1UL << l->mant) - 1);
	int exp = (int)(bits >> l->mant & ((1UL << l->exp) - 1));
	struct num n = {FINITE, (bits >> (l->mant + l->exp) & 1) != 0,
	    exp - l->bias - l->mant, frac | 1UL << l->mant};

	if (exp == (1 << l->exp) - 1) {
		n.kind = frac == 0          ? INFINITE
		    : frac >> (l->mant - 1) ? QUIET
					    : SIGNALING;
	} else if (exp == 0) {
		n.kind = frac == 0 ? ZERO : FINITE;
		n.exp++;
		n.mant = frac;
	}
	return n;
}

static uint64_t invalid(enum fp_format fmt)
{
	fp_flags |= FP_INVALID;
	return fp_default_nan(fmt);
}

uint64_t fp_nan_of(enum fp_format fmt, struct num a, struct num b)
{
	if (a.kind == SIGNALING || b.kind == SIGNALING)
		fp_flags |= FP_INVALID;
	return fp_default_nan(fmt);
}

/* --- rounding ------------------------------------------------------------- */

static int top_bit(u128 v)
{
	uint64_t high = (uint64_t)(v >> 64);

	return high != 0 ? 127 - __builtin_clzl(high)
			 : 63 - __builtin_clzl((uint64_t)v);
}

/* Shifts right; what is lost leaves its mark in the lowest bit. */
static u128 shift_jam(u128 v, int by)
{
	if (by <= 0)
		return v << -by;
	if (by > 127)
		return v != 0;
	return v >> by | ((v & (((u128)1 << by) - 1)) != 0);
}

u128 fp_round_off(u128 v, int by, bool sign, bool *inexact)
{
	u128 kept, rest, half;

	if (by <= 0) {
		*inexact = false;
		return v << -by;
	}
	if (by > 126) {
		v = v != 0;
		by = 2;
	}
	kept = v >> by;
	rest = v & (((u128)1 << by) - 1);
	half = (u128)1 << (by - 1);
	*inexact = rest != 0;
	switch (fp_mode) {
	case FP_RNE:
		return kept + (rest > half || (rest == half && (kept & 1)));
	case FP_RDN:
		return kept + (sign && rest != 0);
	case FP_RUP:
		return kept + (!sign && rest != 0);
	case FP_RMM:
		return kept + (rest >= half);
	default:
		return kept;
	}
}

static uint64_t overflow(enum fp_format fmt, bool sign)
{
	bool to_infinity = fp_mode == FP_RNE || fp_mode == FP_RMM ||
	    fp_mode == (sign ? FP_RDN : FP_RUP);
	uint64_t inf = fp_infinity(fmt, sign);

	fp_flags |= FP_OVERFLOW | FP_INEXACT;
	return to_infinity ? inf : inf - 1;
}

/*
 * Whether there is underflow depends on the rounded result with an exponent
 * without limit.
 */
static bool is_tiny(const struct layout *l, bool sign, int exp, u128 mant)
{
	int top = top_bit(mant);
	bool inexact;
	u128 rounded = fp_round_off(mant, top - l->mant, sign, &inexact);

	if (rounded >> (l->mant + 1))
		top++;
	return top + exp < 1 - l->bias;
}

uint64_t fp_round_pack(enum fp_format fmt, bool sign, int exp, u128 mant)
{
	const struct layout *l = &fp_layouts[fmt];
	int lowest = 1 - l->bias - l->mant, unit;
	uint64_t biased, rounded;
	bool inexact;

	if (mant == 0)
		return fp_pack(fmt, sign, 0);
	/* The exponent of the last place that is kept. */
	unit = top_bit(mant) + exp - l->mant;
	if (unit < lowest)
		unit = lowest;
	rounded = (uint64_t)fp_round_off(mant, unit - exp, sign, &inexact);
	if (rounded >> (l->mant + 1)) {
		rounded >>= 1;
		unit++;
	}
	if (inexact) {
		fp_flags |= FP_INEXACT;
		if (is_tiny(l, sign, exp, mant))
			fp_flags |= FP_UNDERFLOW;
	}
	/* A number without the leading bit has the exponent field 0. */
	biased = rounded >> l->mant ? (uint64_t)(unit - lowest + 1) : 0;
	if (biased >= (1UL << l->exp) - 1)
		return overflow(fmt, sign);
	return fp_pack(fmt, sign,
	    biased << l->mant | (rounded & ((1UL << l->mant) - 1)));
}

/* --- arithmetic ----------------------------------------------------------- */

static struct num normalize(struct num n)
{
	int by = 125 - top_bit(n.mant);

	n.mant <<= by;
	n.exp -= by;
	return n;
}

/* The sum of two numbers that are no NaN, of any precision. */
static uint64_t add(enum fp_format fmt, struct num a, struct num b)
{
	bool zero_sign = fp_mode == FP_RDN;

	if (a.kind == INFINITE || b.kind == INFINITE) {
		if (a.kind == b.kind && a.sign != b.sign)
			return invalid(fmt);
		return fp_infinity(fmt, a.kind == INFINITE ? a.sign : b.sign);
	}
	if (a.kind == ZERO && b.kind == ZERO)
		return fp_pack(fmt, a.sign == b.sign ? a.sign : zero_sign, 0);
	if (a.kind == ZERO)
		return fp_round_pack(fmt, b.sign, b.exp, b.mant);
	if (b.kind == ZERO)
		return fp_round_pack(fmt, a.sign, a.exp, a.mant);

	a = normalize(a);
	b = normalize(b);
	if (a.exp < b.exp || (a.exp == b.exp && a.mant < b.mant)) {
		struct num swap = a;

		a = b;
		b = swap;
	}
	b.mant = shift_jam(b.mant, a.exp - b.exp);
	a.mant = a.sign == b.sign ? a.mant + b.mant : a.mant - b.mant;
	return fp_round_pack(fmt, a.mant == 0 ? zero_sign : a.sign, a.exp,
	    a.mant);
}

uint64_t fp_add(enum fp_format fmt, uint64_t a, uint64_t b, bool subtract)
{
	struct num x = fp_unpack(fmt, a), y = fp_unpack(fmt, b);

	y.sign ^= subtract;
	return is_nan(x) || is_nan(y) ? fp_nan_of(fmt, x, y) : add(fmt, x, y);
}

/* The exact product of two that are no NaN; invalid: 0 times infinity. */
static struct num product(struct num a, struct num b)
{
	struct num p = {FINITE, a.sign ^ b.sign, a.exp + b.exp,
	    a.mant * b.mant};

	if (a.kind == INFINITE || b.kind == INFINITE)
		p.kind =
		    a.kind == ZERO || b.kind == ZERO ? SIGNALING : INFINITE;
	else if (a.kind == ZERO || b.kind == ZERO)
		p.kind = ZERO;
	return p;
}

uint64_t fp_mul(enum fp_format fmt, uint64_t a, uint64_t b)
{
	struct num x = fp_unpack(fmt, a), y = fp_unpack(fmt, b), p;

	if (is_nan(x) || is_nan(y))
		return fp_nan_of(fmt, x, y);
	p = product(x, y);
	if (p.kind == SIGNALING)
		return invalid(fmt);
	if (p.kind == INFINITE)
		return fp_infinity(fmt, p.sign);
	return fp_round_pack(fmt, p.sign, p.exp, p.kind == ZERO ? 0 : p.mant);
}

uint64_t fp_fma(enum fp_format fmt, uint64_t a, uint64_t b, uint64_t c,
    unsigned negate)
{
	struct num x = fp_unpack(fmt, a), y = fp_unpack(fmt, b),
		   z = fp_unpack(fmt, c);
	struct num p = product(x, y);
	bool undefined = !is_nan(x) && !is_nan(y) && p.kind == SIGNALING;

	p.sign ^= (negate & FP_NEGATE_PRODUCT) != 0;
	z.sign ^= (negate & FP_NEGATE_ADDEND) != 0;
	if (undefined)
		return invalid(fmt);
	if (is_nan(z))
		(void)fp_nan_of(fmt, z, z);
	if (is_nan(x) || is_nan(y))
		return fp_nan_of(fmt, x, y);
	return is_nan(z) ? fp_default_nan(fmt) : add(fmt, p, z);
}

uint64_t fp_div(enum fp_format fmt, uint64_t a, uint64_t b)
{
	struct num x = fp_unpack(fmt, a), y = fp_unpack(fmt, b);
	bool sign = x.sign ^ y.sign;
	u128 quotient, rest;
	int by;

	if (is_nan(x) || is_nan(y))
		return fp_nan_of(fmt, x, y);
	if (x.kind == y.kind && x.kind != FINITE)
		return invalid(fmt);
	if (x.kind == INFINITE)
		return fp_infinity(fmt, sign);
	if (x.kind == ZERO || y.kind == INFINITE)
		return fp_pack(fmt, sign, 0);
	if (y.kind == ZERO) {
		fp_flags |= FP_DIVIDE;
		return fp_infinity(fmt, sign);
	}
	/* The quotient gets at least 125 - 53 bits. */
	by = 125 - top_bit(x.mant);
	quotient = (x.mant << by) / y.mant;
	rest = (x.mant << by) % y.mant;
	return fp_round_pack(fmt, sign, x.exp - by - y.exp - 1,
	    quotient << 1 | (rest != 0));
}

uint64_t fp_sqrt(enum fp_format fmt, uint64_t a)
{
	struct num x = fp_unpack(fmt, a);
	u128 root = 0, rest;

	if (is_nan(x))
		return fp_nan_of(fmt, x, x);
	if (x.kind == ZERO)
		return fp_pack(fmt, x.sign, 0);
	if (x.sign)
		return invalid(fmt);
	if (x.kind == INFINITE)
		return fp_infinity(fmt, false);
	x = normalize(x);
	if (x.exp & 1) {
		x.mant >>= 1; /* the lowest bit is 0 after normalize() */
		x.exp++;
	}
	rest = x.mant;
	for (int bit = 62; bit >= 0; bit--) {
		u128 trial = root << (bit + 1) | (u128)1 << (2 * bit);

		if (rest >= trial) {
			rest -= trial;
			root |= (u128)1 << bit;
		}
	}
	return fp_round_pack(fmt, false, x.exp / 2 - 1,
	    root << 1 | (rest != 0));
}
