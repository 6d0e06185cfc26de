/* SPDX-License-Identifier: MIT */
/*
 * rvc.c - compressed instructions, as the instructions that they stand for.
 *
 * Ref: Volume I, "C" Standard Extension for Compressed Instructions.
 */
#include "insn.h"

static uint32_t field(uint16_t raw, unsigned low, unsigned count)
{
	return (uint32_t)raw >> low & ((1U << count) - 1);
}

/* Bits [low, low + count) of an instruction, put to `to` of an immediate. */
static uint32_t part(uint16_t raw, unsigned low, unsigned count, unsigned to)
{
	return field(raw, low, count) << to;
}

static uint32_t sign_extend(uint32_t value, unsigned width)
{
	return (uint32_t)((int32_t)(value << (32 - width)) >> (32 - width));
}

static uint32_t make_i(uint32_t match, uint32_t rd, uint32_t rs1, uint32_t imm)
{
	return match | rd << 7 | rs1 << 15 | imm << 20;
}

static uint32_t make_s(uint32_t match, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
	return match | (imm & 31) << 7 | rs1 << 15 | rs2 << 20 |
	    (imm >> 5 & 127) << 25;
}

static uint32_t make_r(uint32_t match, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
	return match | rd << 7 | rs1 << 15 | rs2 << 20;
}

static uint32_t make_b(uint32_t match, uint32_t rs1, uint32_t imm)
{
	return match | rs1 << 15 | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 |
	    (imm >> 5 & 63) << 25 | (imm >> 12 & 1) << 31;
}

static uint32_t make_j(uint32_t rd, uint32_t imm)
{
	return 0x6f | rd << 7 | (imm >> 12 & 255) << 12 |
	    (imm >> 11 & 1) << 20 | (imm >> 1 & 1023) << 21 |
	    (imm >> 20 & 1) << 31;
}

enum {
	ADDI = 0x13,
	ADDIW = 0x1b,
	LUI = 0x37,
	SLLI = 0x1013,
	SRLI = 0x5013,
	SRAI = 0x40005013,
	ANDI = 0x7013,
	LW = 0x2003,
	LD = 0x3003,
	FLD = 0x3007,
	SW = 0x2023,
	SD = 0x3023,
	FSD = 0x3027,
	JALR = 0x67,
	ADD = 0x33,
	BEQ = 0x63,
	BNE = 0x1063,
	EBREAK = 0x100073
};

/* Loads and stores through the eight registers from x8. */
static uint32_t expand_quadrant_0(uint16_t raw)
{
	uint32_t rd = field(raw, 2, 3) + 8, rs1 = field(raw, 7, 3) + 8;
	uint32_t words =
	    part(raw, 10, 3, 3) | part(raw, 6, 1, 2) | part(raw, 5, 1, 6);
	uint32_t doubles = part(raw, 10, 3, 3) | part(raw, 5, 2, 6);
	uint32_t stack = part(raw, 11, 2, 4) | part(raw, 7, 4, 6) |
	    part(raw, 6, 1, 2) | part(raw, 5, 1, 3);

	switch (field(raw, 13, 3)) {
	case 0:
		return stack == 0 ? 0 : make_i(ADDI, rd, 2, stack);
	case 1:
		return make_i(FLD, rd, rs1, doubles);
	case 2:
		return make_i(LW, rd, rs1, words);
	case 3:
		return make_i(LD, rd, rs1, doubles);
	case 5:
		return make_s(FSD, rs1, rd, doubles);
	case 6:
		return make_s(SW, rs1, rd, words);
	case 7:
		return make_s(SD, rs1, rd, doubles);
	default:
		return 0;
	}
}

static uint32_t expand_register_op(uint16_t raw)
{
	static const uint32_t ops[8] = {0x40000033, 0x4033, 0x6033, 0x7033,
	    0x4000003b, 0x3b, 0, 0};
	uint32_t op = ops[field(raw, 12, 1) * 4 + field(raw, 5, 2)];
	uint32_t rd = field(raw, 7, 3) + 8;

	return op == 0 ? 0 : make_r(op, rd, rd, field(raw, 2, 3) + 8);
}

static uint32_t expand_arithmetic(uint16_t raw, uint32_t imm)
{
	uint32_t rd = field(raw, 7, 3) + 8;

	switch (field(raw, 10, 2)) {
	case 0:
		return make_i(SRLI, rd, rd, imm & 63);
	case 1:
		return make_i(SRAI, rd, rd, imm & 63);
	case 2:
		return make_i(ANDI, rd, rd, imm & 0xfff);
	default:
		return expand_register_op(raw);
	}
}

/* c.addi16sp and c.lui share their number. */
static uint32_t expand_lui(uint16_t raw, uint32_t rd, uint32_t imm)
{
	uint32_t stack = part(raw, 12, 1, 9) | part(raw, 6, 1, 4) |
	    part(raw, 5, 1, 6) | part(raw, 3, 2, 7) | part(raw, 2, 1, 5);

	if (rd == 2)
		return stack == 0 ? 0
				  : make_i(ADDI, 2, 2, sign_extend(stack, 10));
	return imm == 0 ? 0 : LUI | rd << 7 | imm << 12;
}

static uint32_t expand_quadrant_1(uint16_t raw)
{
	uint32_t rd = field(raw, 7, 5), rs = field(raw, 7, 3) + 8;
	uint32_t imm = sign_extend(part(raw, 12, 1, 5) | part(raw, 2, 5, 0), 6);
	uint32_t jump = sign_extend(part(raw, 12, 1, 11) | part(raw, 11, 1, 4) |
		part(raw, 9, 2, 8) | part(raw, 8, 1, 10) | part(raw, 7, 1, 6) |
		part(raw, 6, 1, 7) | part(raw, 3, 3, 1) | part(raw, 2, 1, 5),
	    12);
	uint32_t branch = sign_extend(part(raw, 12, 1, 8) |
		part(raw, 10, 2, 3) | part(raw, 5, 2, 6) | part(raw, 3, 2, 1) |
		part(raw, 2, 1, 5),
	    9);

	switch (field(raw, 13, 3)) {
	case 0:
		return make_i(ADDI, rd, rd, imm);
	case 1:
		return rd == 0 ? 0 : make_i(ADDIW, rd, rd, imm);
	case 2:
		return make_i(ADDI, rd, 0, imm);
	case 3:
		return expand_lui(raw, rd, imm);
	case 4:
		return expand_arithmetic(raw, imm);
	case 5:
		return make_j(0, jump);
	case 6:
		return make_b(BEQ, rs, branch);
	default:
		return make_b(BNE, rs, branch);
	}
}

static uint32_t expand_jump_or_move(uint16_t raw, uint32_t rd, uint32_t rs2)
{
	bool high = field(raw, 12, 1) != 0;

	if (rs2 != 0)
		return make_r(ADD, rd, high ? rd : 0, rs2);
	if (rd == 0)
		return high ? EBREAK : 0;
	return make_i(JALR, high ? 1 : 0, rd, 0);
}

/* Through the stack pointer, and with two whole registers. */
static uint32_t expand_quadrant_2(uint16_t raw)
{
	uint32_t rd = field(raw, 7, 5), rs2 = field(raw, 2, 5);
	uint32_t shift = part(raw, 12, 1, 5) | rs2;
	uint32_t load_w =
	    part(raw, 12, 1, 5) | part(raw, 4, 3, 2) | part(raw, 2, 2, 6);
	uint32_t load_d =
	    part(raw, 12, 1, 5) | part(raw, 5, 2, 3) | part(raw, 2, 3, 6);
	uint32_t store_w = part(raw, 9, 4, 2) | part(raw, 7, 2, 6);
	uint32_t store_d = part(raw, 10, 3, 3) | part(raw, 7, 3, 6);

	switch (field(raw, 13, 3)) {
	case 0:
		return make_i(SLLI, rd, rd, shift);
	case 1:
		return make_i(FLD, rd, 2, load_d);
	case 2:
		return rd == 0 ? 0 : make_i(LW, rd, 2, load_w);
	case 3:
		return rd == 0 ? 0 : make_i(LD, rd, 2, load_d);
	case 4:
		return expand_jump_or_move(raw, rd, rs2);
	case 5:
		return make_s(FSD, 2, rs2, store_d);
	case 6:
		return make_s(SW, 2, rs2, store_w);
	default:
		return make_s(SD, 2, rs2, store_d);
	}
}

uint32_t rvc_expand(uint16_t raw)
{
	switch (raw & 3) {
	case 0:
		return expand_quadrant_0(raw);
	case 1:
		return expand_quadrant_1(raw);
	default:
		return expand_quadrant_2(raw);
	}
}
