/* SPDX-License-Identifier: MIT */
/*
 * test_core.c - tests of single instructions: special cases with the results
 * that the manual gives, and floating point against the build machine's.
 */
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flat.h"
#include "fp.h"
#include "insn.h"

static struct hart hart;
static char found[256];

#define FOUND(...) (snprintf(found, sizeof found, __VA_ARGS__), found)

/* Executes one instruction with x11 and x12 (f11, f12) as its operands. */
static uint64_t execute(uint32_t raw, uint64_t a, uint64_t b)
{
	flat_reset(&hart);
	memcpy(flat_memory, &raw, 4);
	hart.x[11] = hart.f[11] = a;
	hart.x[12] = hart.f[12] = b;
	hart_run(&hart, 1);
	return hart.x[10];
}

/* rd a0, rs1 a1, rs2 a2 for an instruction of format R. */
static uint32_t r(uint32_t match)
{
	return match | 10 << 7 | 11 << 15 | 12 << 20;
}

struct case_2 {
	const char *what;
	uint32_t match;
	uint64_t a, b, result;
};

#define MIN64 (1UL << 63)
#define MIN32 0xffffffff80000000

static const struct case_2 integer_cases[] = {
    {"div by 0", 0x02004033, 7, 0, ~0UL},
    {"div overflow", 0x02004033, MIN64, ~0UL, MIN64},
    {"divu by 0", 0x02005033, 7, 0, ~0UL},
    {"rem by 0", 0x02006033, 7, 0, 7},
    {"rem overflow", 0x02006033, MIN64, ~0UL, 0},
    {"remu by 0", 0x02007033, 7, 0, 7},
    {"rem sign", 0x02006033, -7UL, 2, ~0UL},
    {"divw by 0", 0x0200403b, 7, 0, ~0UL},
    {"divw overflow", 0x0200403b, 0x80000000, ~0UL, MIN32},
    {"divuw by 0", 0x0200503b, 7, 0, ~0UL},
    {"divuw extends", 0x0200503b, 0x80000000, 1, MIN32},
    {"remw by 0", 0x0200603b, 0x180000000, 0, MIN32},
    {"remw overflow", 0x0200603b, 0x80000000, ~0UL, 0},
    {"remuw by 0", 0x0200703b, 0x80000000, 0, MIN32},
    {"mulh", 0x02001033, ~0UL, ~0UL, 0},
    {"mulhsu", 0x02002033, ~0UL, ~0UL, ~0UL},
    {"mulhu", 0x02003033, ~0UL, ~0UL, ~1UL},
    {"sllw ignores bit 5", 0x0000103b, 1, 33, 2},
    {"sraw", 0x4000503b, 0x80000000, 31, ~0UL},
    {"sll ignores bit 6", 0x00001033, 1, 65, 2},
    {"addw extends", 0x0000003b, 0x7fffffff, 1, MIN32},
};

static const char *check_cases(const struct case_2 *cases, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct case_2 *c = &cases[i];
		uint64_t result = execute(r(c->match), c->a, c->b);

		if (result != c->result)
			return FOUND("%s: %#" PRIx64, c->what, result);
	}
	return NULL;
}

#define CHECK_CASES(list) check_cases(list, sizeof(list) / sizeof(list)[0])

static const char *integer_corners_are_as_in_the_manual(void)
{
	return CHECK_CASES(integer_cases);
}

#define NAN32 0xffffffff7fc00000
#define BOX   0xffffffff00000000
#define ONE   0x3ff0000000000000
#define INF   0x7ff0000000000000
#define SNAN  0x7ff0000000000001

/* With a rounding mode in bits 12 to 14. */
static const struct case_2 fp_cases[] = {
    {"fcvt.w.d of NaN", 0xc2000053, SNAN, 0, 0x7fffffff},
    {"fcvt.w.d of -inf", 0xc2000053, INF | MIN64, 0, MIN32},
    {"fcvt.wu.d of -1", 0xc2100053, ONE | MIN64, 0, 0},
    {"fcvt.wu.d of inf extends", 0xc2100053, INF, 0, ~0UL},
    {"fcvt.l.d of NaN", 0xc2200053, SNAN, 0, MIN64 - 1},
    {"fcvt.lu.d of -inf", 0xc2300053, INF | MIN64, 0, 0},
    {"fcvt.w.d of 2.5 rne", 0xc2000053, 0x4004000000000000, 0, 2},
    {"fcvt.w.d of 2.5 rmm", 0xc2004053, 0x4004000000000000, 0, 3},
    {"fcvt.w.d of 2.5 rup", 0xc2003053, 0x4004000000000000, 0, 3},
    {"fcvt.w.d of -2.5 rdn", 0xc2002053, 0xc004000000000000, 0, -3UL},
    {"fclass.d of -inf", 0xe2001053, INF | MIN64, 0, 1 << 0},
    {"fclass.d of -1", 0xe2001053, ONE | MIN64, 0, 1 << 1},
    {"fclass.d of -subnormal", 0xe2001053, 1 | MIN64, 0, 1 << 2},
    {"fclass.d of -0", 0xe2001053, MIN64, 0, 1 << 3},
    {"fclass.d of 0", 0xe2001053, 0, 0, 1 << 4},
    {"fclass.d of inf", 0xe2001053, INF, 0, 1 << 7},
    {"fclass.d of signaling", 0xe2001053, SNAN, 0, 1 << 8},
    {"fclass.d of quiet", 0xe2001053, 0x7ff8000000000000, 0, 1 << 9},
    {"fclass.s unboxed", 0xe0001053, 0x3f800000, 0, 1 << 9},
    {"fmv.x.w extends", 0xe0000053, 0x80000000, 0, MIN32},
    {"feq.d of -0 and 0", 0xa2002053, MIN64, 0, 1},
    {"flt.d of -0 and 0", 0xa2001053, MIN64, 0, 0},
    {"fle.d of NaN", 0xa2000053, SNAN, 0, 0},
};

static const char *floating_corners_are_as_in_the_manual(void)
{
	static struct case_2 list[sizeof fp_cases / sizeof fp_cases[0]];

	/* rs2 is part of what these are. */
	memcpy(list, fp_cases, sizeof fp_cases);
	for (unsigned i = 0; i < sizeof list / sizeof list[0]; i++) {
		bool one = (list[i].match >> 28) >= 0xc;
		uint32_t raw =
		    list[i].match | 10 << 7 | 11 << 15 | (one ? 0 : 12 << 20);

		if (execute(raw, list[i].a, list[i].b) != list[i].result)
			return FOUND("%s: %#" PRIx64, list[i].what, hart.x[10]);
	}
	return NULL;
}

static const char *min_and_max_know_signs_and_nans(void)
{
	static const struct {
		uint64_t a, b, min, max;
		uint8_t flags;
	} cases[] = {
	    {MIN64, 0, MIN64, 0, 0},
	    {0, MIN64, MIN64, 0, 0},
	    {0x7ff8000000000000, ONE, ONE, ONE, 0},
	    {SNAN, ONE, ONE, ONE, FP_INVALID},
	    {SNAN, SNAN, 0x7ff8000000000000, 0x7ff8000000000000, FP_INVALID},
	    {ONE | MIN64, ONE, ONE | MIN64, ONE, 0},
	};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)execute(r(0x2a000053), cases[i].a, cases[i].b);
		if (hart.f[10] != cases[i].min || hart.fflags != cases[i].flags)
			return FOUND("min %u: %#" PRIx64, i, hart.f[10]);
		(void)execute(r(0x2a001053), cases[i].a, cases[i].b);
		if (hart.f[10] != cases[i].max)
			return FOUND("max %u: %#" PRIx64, i, hart.f[10]);
	}
	return NULL;
}

static const char *what_is_not_boxed_is_a_nan(void)
{
	(void)execute(r(0x00000053), 0x3f800000, BOX | 0x3f800000);
	if (hart.f[10] != NAN32)
		return FOUND("fadd.s: %#" PRIx64, hart.f[10]);
	(void)execute(r(0x20000053), 0x3f800000, BOX | 0xbf800000);
	return hart.f[10] == (NAN32 | 0x80000000)
	    ? NULL
	    : FOUND("fsgnj.s: %#" PRIx64, hart.f[10]);
}

/* --- against this machine's own arithmetic -------------------------------- */

static uint64_t seed = 1;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* Random values of all sizes, often near each other, sometimes at the ends. */
static double rnd_double(void)
{
	uint64_t bits = rnd(), value;
	double d;

	switch (rnd() & 7) {
	case 0:
		value = bits;
		break;
	case 1:
		value = bits & 0x800fffffffffffff; /* subnormal */
		break;
	case 2:
		value = (bits & MIN64) | INF | (bits & 1) << 51;
		break;
	case 3:
		value = (bits & MIN64) | (bits & 3) << 52 | (bits & 7);
		break;
	default:
		value = (bits & 0x800fffffffffffff) |
		    (1023 - 30 + rnd() % 60) << 52;
	}
	memcpy(&d, &value, 8);
	return d;
}

static uint8_t host_flags(void)
{
	int raised = fetestexcept(FE_ALL_EXCEPT);

	return (raised & FE_INEXACT ? FP_INEXACT : 0) |
	    (raised & FE_UNDERFLOW ? FP_UNDERFLOW : 0) |
	    (raised & FE_OVERFLOW ? FP_OVERFLOW : 0) |
	    (raised & FE_DIVBYZERO ? FP_DIVIDE : 0) |
	    (raised & FE_INVALID ? FP_INVALID : 0);
}

static double host(unsigned op, volatile double a, volatile double b)
{
	switch (op) {
	case 0:
		return a + b;
	case 1:
		return a - b;
	case 2:
		return a * b;
	case 3:
		return a / b;
	default:
		return sqrt(a);
	}
}

static float host_single(unsigned op, volatile float a, volatile float b)
{
	switch (op) {
	case 0:
		return a + b;
	case 1:
		return a - b;
	case 2:
		return a * b;
	case 3:
		return a / b;
	default:
		return sqrtf(a);
	}
}

static uint64_t ours(enum fp_format fmt, unsigned op, uint64_t a, uint64_t b)
{
	switch (op) {
	case 0:
	case 1:
		return fp_add(fmt, a, b, op == 1);
	case 2:
		return fp_mul(fmt, a, b);
	case 3:
		return fp_div(fmt, a, b);
	default:
		return fp_sqrt(fmt, a);
	}
}

static const int host_modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
    FE_UPWARD};

static uint64_t raw_bits(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, 8);
	return bits;
}

/* The bits of a result: all NaNs are one. */
static uint64_t bits_of(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, 8);
	return d != d ? 0x7ff8000000000000 : bits;
}

static uint64_t box_of(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, 4);
	return BOX | (f != f ? 0x7fc00000 : bits);
}

static const char *compare(unsigned n, uint64_t theirs, uint8_t flags,
    uint64_t mine)
{
	if (theirs != mine || flags != fp_flags)
		return FOUND("%u: %#" PRIx64 " %x, not %#" PRIx64 " %x", n,
		    mine, fp_flags, theirs, flags);
	return NULL;
}

static const char *arithmetic_is_that_of_this_machine(void)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < 400000 && wrong == NULL; i++) {
		double a = rnd_double(), b = rnd_double(), d;
		volatile float fa = (float)a, fb = (float)b;
		float f;
		unsigned op = (unsigned)(rnd() % 5), mode = rnd() & 3;
		uint8_t flags;

		fp_mode = (enum fp_rounding)mode;
		fp_flags = 0;
		fesetround(host_modes[mode]);
		feclearexcept(FE_ALL_EXCEPT);
		if (i & 1) {
			d = host(op, a, b);
			flags = host_flags();
			wrong = compare(op, bits_of(d), flags,
			    ours(FP64, op, raw_bits(a), raw_bits(b)));
		} else {
			f = host_single(op, fa, fb);
			flags = host_flags();
			wrong = compare(op + 10, box_of(f), flags,
			    ours(FP32, op, box_of(fa), box_of(fb)));
		}
		fesetround(FE_TONEAREST);
	}
	return wrong;
}

static const char *multiply_and_add_rounds_once(void)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < 200000 && wrong == NULL; i++) {
		volatile double a = rnd_double(), b = rnd_double();
		volatile double c = i % 3
		    ? -a * b * (1 + (double)(i % 5) * 0x1p-52)
		    : rnd_double();
		unsigned mode = rnd() & 3;
		uint8_t flags;
		double d;

		fp_mode = (enum fp_rounding)mode;
		fp_flags = 0;
		fesetround(host_modes[mode]);
		feclearexcept(FE_ALL_EXCEPT);
		d = fma(a, b, c);
		flags = host_flags();
		/* Infinity times zero plus NaN is the implementation's. */
		if (c == c)
			wrong = compare(i, bits_of(d), flags,
			    fp_fma(FP64, raw_bits(a), raw_bits(b), raw_bits(c),
				0));
		fesetround(FE_TONEAREST);
	}
	return wrong;
}

static const char *ties_go_away_from_zero_in_rmm(void)
{
	fp_mode = FP_RMM;
	/* 1 + 2^-53 is half way between 1 and the next number. */
	if (fp_add(FP64, ONE, 0x3ca0000000000000, false) != ONE + 1)
		return "up";
	return fp_add(FP64, ONE | MIN64, 0xbca0000000000000, false) ==
		(ONE | MIN64) + 1
	    ? NULL
	    : "down";
}

/* --- the rest ------------------------------------------------------------- */

static const char *a_reserved_rounding_mode_is_illegal(void)
{
	(void)execute(r(0x00005053), 0, 0);
	return hart.scause == CAUSE_ILLEGAL && hart.stval == r(0x00005053)
	    ? NULL
	    : "fadd.s with mode 5 was executed";
}

static const char *supervisor_registers_are_not_for_users(void)
{
	static const uint32_t raw[] = {0x10002573, 0x18002573, 0x10200073,
	    0x12000073, 0x10500073, 0xc0001073};

	for (unsigned i = 0; i < sizeof raw / sizeof raw[0]; i++) {
		(void)execute(raw[i], 0, 0);
		if (hart.scause != CAUSE_ILLEGAL)
			return FOUND("%#x was executed", raw[i]);
	}
	return NULL;
}

static const char *an_instruction_may_lie_in_two_pages(void)
{
	uint32_t addi = 0x02a00513; /* li a0, 42 */

	flat_reset(&hart);
	memcpy(flat_memory + PAGE_SIZE - 2, &addi, 4);
	hart.pc = FLAT_BASE + PAGE_SIZE - 2;
	hart_run(&hart, 1);
	return hart.x[10] == 42 && hart.pc == FLAT_BASE + PAGE_SIZE + 2
	    ? NULL
	    : "it was not executed";
}

/*
 * The tag that stands for no window is no address, not even a misaligned one.
 */
static const char *the_first_page_has_no_window_of_its_own(void)
{
	static const uint32_t raw[] = {0x0005b503, 0x0005a503, 0x00c5b023,
	    0x00c59023}; /* ld, lw a0, 0(a1); sd, sh a2, 0(a1) */

	for (unsigned i = 0; i < sizeof raw / sizeof raw[0]; i++)
		for (uint64_t va = 0; va < 32; va++) {
			(void)execute(raw[i], va, 0);
			if (hart.stval != va || hart.pc != 0)
				return FOUND("%#x: no trap at %" PRIu64, raw[i],
				    va);
		}
	return NULL;
}

/*
 * again: c.addi a0, 1; addi a1, a1, 1; sd a0, 0(a2); andi a3, a0, 1; c.nop;
 * beqz a3, again; ld a4, 0(a2); add a1, a1, a4; bltu a0, a1, on;
 * addi a5, a5, 1; on: j again
 */
static const uint16_t loop[] = {0x0505, 0x8593, 0x0015, 0x3023, 0x00a6, 0x7693,
    0x0015, 0x0001, 0x88e3, 0xfe06, 0x3703, 0x0006, 0x85b3, 0x00e5, 0x6463,
    0x00b5, 0x8793, 0x0017, 0xf06f, 0xfddf};
#define LOOP_AT    (PAGE_SIZE - 18) /* the first branch lies in two pages */
#define LOOP_STEPS 3000

/* Runs the loop, `piece` steps at a time. */
static void run_loop(uint64_t piece, bool windows)
{
	flat_reset(&hart);
	memcpy(flat_memory + LOOP_AT, loop, sizeof loop);
	hart.pc = FLAT_BASE + LOOP_AT;
	hart.x[12] = FLAT_BASE + 2 * PAGE_SIZE;
	if (windows) {
		hart_open_window(&hart, hart.x[12], ACCESS_READ,
		    flat_memory + 2 * PAGE_SIZE);
		hart_open_window(&hart, hart.x[12], ACCESS_WRITE,
		    flat_memory + 2 * PAGE_SIZE);
	}
	for (uint64_t done = 0; done < LOOP_STEPS; done += piece)
		hart_run(&hart,
		    piece < LOOP_STEPS - done ? piece : LOOP_STEPS - done);
}

/* Each step is counted, wherever a turn ends. */
static const char *a_turn_may_end_anywhere(void)
{
	uint64_t pc, x[33];

	run_loop(1, false);
	pc = hart.pc;
	memcpy(x, hart.x, sizeof x);
	for (uint64_t piece = 2; piece < 120; piece++) {
		run_loop(piece, piece % 2 != 0);
		if (hart.pc != pc || memcmp(x, hart.x, sizeof x) != 0 ||
		    hart.executed != LOOP_STEPS)
			return FOUND("in pieces of %" PRIu64 ": pc %#" PRIx64
				     ", not %#" PRIx64 ", after %" PRIu64
				     " steps",
			    piece, hart.pc, pc, hart.executed);
	}
	return NULL;
}

/* Every compressed instruction stands for one that exists, or for none. */
static const char *compressed_instructions_stand_for_others(void)
{
	struct insn insn;

	for (uint32_t raw = 0; raw < 65536; raw++) {
		uint32_t full = (raw & 3) == 3 ? 0 : rvc_expand((uint16_t)raw);

		insn = insn_decode(full);
		if (full != 0 && insn_op(&insn) == OP_ILLEGAL)
			return FOUND("%#x stands for %#x", raw, full);
	}
	insn = insn_decode(0);
	return insn_op(&insn) == OP_ILLEGAL ? NULL : "0 is legal";
}

static const struct {
	const char *name;
	const char *(*run)(void);
} tests[] = {
#define T(name)             \
	{                   \
#name, name \
	}
    T(integer_corners_are_as_in_the_manual),
    T(floating_corners_are_as_in_the_manual),
    T(min_and_max_know_signs_and_nans),
    T(what_is_not_boxed_is_a_nan),
    T(arithmetic_is_that_of_this_machine),
    T(multiply_and_add_rounds_once),
    T(ties_go_away_from_zero_in_rmm),
    T(a_reserved_rounding_mode_is_illegal),
    T(supervisor_registers_are_not_for_users),
    T(an_instruction_may_lie_in_two_pages),
    T(the_first_page_has_no_window_of_its_own),
    T(a_turn_may_end_anywhere),
    T(compressed_instructions_stand_for_others),
};

int main(void)
{
	unsigned count = sizeof tests / sizeof tests[0], failed = 0;

	printf("1..%u\n", count);
	for (unsigned i = 0; i < count; i++) {
		const char *wrong = tests[i].run();

		failed += wrong != NULL;
		printf("%sok %u - %s%s%s\n", wrong ? "not " : "", i + 1,
		    tests[i].name, wrong ? " # " : "", wrong ? wrong : "");
	}
	return failed != 0;
}
