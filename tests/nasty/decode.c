/* SPDX-License-Identifier: MIT */
/*
 * decode.c - from the bits of an instruction to a struct insn.
 *
 * One table says which bits an instruction has, and where its operands are.
 * Compressed instructions are expanded first (rvc.c).
 */
#include "insn.h"

enum format { R, R4, FR, I, FI, S, B, U, J, SH, CSR };

/* FR, FI and R4 write a floating point register. */
struct pattern {
	uint32_t match;
	uint32_t mask;
	enum format format;
	const char *name;
};

static const struct pattern patterns[] = {
#define X(name, match, mask, format, ...) {match, mask, format, #name},
#include "all.def"
#undef X
};

#define PATTERNS (sizeof patterns / sizeof patterns[0])

static uint32_t bits(uint32_t raw, unsigned low, unsigned count)
{
	return raw >> low & ((1U << count) - 1);
}

static int32_t immediate_b(uint32_t raw)
{
	return (int32_t)(raw & 0x80000000) >> 19 |
	    (int32_t)(bits(raw, 7, 1) << 11 | bits(raw, 25, 6) << 5 |
		bits(raw, 8, 4) << 1);
}

static int32_t immediate_j(uint32_t raw)
{
	return (int32_t)(raw & 0x80000000) >> 11 |
	    (int32_t)(bits(raw, 12, 8) << 12 | bits(raw, 20, 1) << 11 |
		bits(raw, 21, 10) << 1);
}

static int32_t immediate(uint32_t raw, enum format format)
{
	switch (format) {
	case I:
	case FI:
		return (int32_t)raw >> 20;
	case S:
		return ((int32_t)raw >> 25) * 32 | (int32_t)bits(raw, 7, 5);
	case B:
		return immediate_b(raw);
	case U:
		return (int32_t)(raw & 0xfffff000);
	case J:
		return immediate_j(raw);
	case SH:
		return (int32_t)bits(raw, 20, 6);
	case CSR:
		return (int32_t)bits(raw, 20, 12);
	default:
		return 0;
	}
}

static bool writes_fp(enum format format)
{
	return format == FR || format == FI || format == R4;
}

/* Patterns do not overlap, but for ecall and the like, which need all bits. */
static unsigned find_pattern(uint32_t raw)
{
	for (unsigned i = 0; i < PATTERNS; i++)
		if ((raw & patterns[i].mask) == patterns[i].match)
			return i;
	return PATTERNS;
}

struct insn insn_decode(uint32_t raw)
{
	bool compressed = (raw & 3) != 3;
	uint32_t full = compressed ? rvc_expand((uint16_t)raw) : raw;
	unsigned found = find_pattern(full);
	struct insn insn = {.code = 2 * OP_ILLEGAL,
	    .length = compressed ? 2 : 4,
	    .raw = compressed ? raw & 0xffff : raw};

	if (found == PATTERNS)
		return insn;
	insn.code = (uint16_t)(2 * (OP_FIRST + found) + !compressed);
	insn.rd = (uint8_t)bits(full, 7, 5);
	if (insn.rd == 0 && !writes_fp(patterns[found].format))
		insn.rd = X_NOWHERE;
	insn.rs1 = (uint8_t)bits(full, 15, 5);
	insn.rs2 = (uint8_t)bits(full, 20, 5);
	insn.imm = immediate(full, patterns[found].format);
	return insn;
}

const char *insn_name(const struct insn *insn)
{
	if (insn_op(insn) < OP_FIRST)
		return "illegal";
	return patterns[insn_op(insn) - OP_FIRST].name;
}
