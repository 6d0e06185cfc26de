/* SPDX-License-Identifier: MIT */
/*
 * emit.c - writing instructions into an image; see emit.h.
 */
#include "emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *image;
uint64_t here;
static uint64_t end;

void emit_begin(uint8_t *to, uint64_t at, uint64_t limit)
{
	image = to;
	here = at;
	end = limit;
}

void emit(uint32_t raw)
{
	unsigned length = (raw & 3) == 3 ? 4 : 2;

	if (here + length > end) {
		fprintf(stderr, "compare: the programs are too long\n");
		exit(2);
	}
	memcpy(image + here, &raw, length);
	here += length;
}

uint32_t make_i(uint32_t match, unsigned rd, unsigned rs1, int64_t imm)
{
	return match | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

uint32_t make_s(uint32_t match, unsigned rs1, unsigned rs2, unsigned imm)
{
	return match | (imm & 31) << 7 | rs1 << 15 | rs2 << 20 | imm >> 5 << 25;
}

/* Bits [low, low + count) of a value, put to `to` of an instruction. */
static uint32_t part(int64_t value, unsigned low, unsigned count, unsigned to)
{
	return (uint32_t)((uint64_t)value >> low & ((1U << count) - 1)) << to;
}

static uint32_t displacement_b(int64_t d)
{
	return part(d, 12, 1, 31) | part(d, 5, 6, 25) | part(d, 1, 4, 8) |
	    part(d, 11, 1, 7);
}

static uint32_t displacement_j(int64_t d)
{
	return part(d, 20, 1, 31) | part(d, 1, 10, 21) | part(d, 11, 1, 20) |
	    part(d, 12, 8, 12);
}

static uint32_t displacement_cb(int64_t d)
{
	return part(d, 8, 1, 12) | part(d, 3, 2, 10) | part(d, 6, 2, 5) |
	    part(d, 1, 2, 3) | part(d, 5, 1, 2);
}

static uint32_t displacement_cj(int64_t d)
{
	return part(d, 11, 1, 12) | part(d, 4, 1, 11) | part(d, 8, 2, 9) |
	    part(d, 10, 1, 8) | part(d, 6, 1, 7) | part(d, 7, 1, 6) |
	    part(d, 1, 3, 3) | part(d, 5, 1, 2);
}

/* Changes a branch or jump so that it leads from `at` to `to`. */
static uint32_t aim(uint32_t raw, uint64_t at, uint64_t to)
{
	int64_t d = (int64_t)(to - at);

	if ((raw & 3) != 3)
		return raw >> 13 == 5 ? (raw & 0xe003) | displacement_cj(d)
				      : (raw & 0xe383) | displacement_cb(d);
	if ((raw & 127) == MAJOR_JAL)
		return (raw & 0xfff) | displacement_j(d);
	return (raw & 0x01fff07f) | displacement_b(d);
}

void put_branch(uint32_t raw, uint64_t at, uint64_t to)
{
	uint64_t next = here;

	here = at;
	emit(aim(raw, at, to));
	if (next > here)
		here = next;
}

void emit_address(unsigned rd, uint64_t offset)
{
	int64_t d = (int64_t)(offset - here), low = (d & 0xfff) ^ 0x800;

	low -= 0x800;
	emit(AUIPC | rd << 7 | (uint32_t)(d - low));
	emit(make_i(ADDI, rd, rd, low));
}

static int64_t low_part(uint64_t value)
{
	return (int64_t)(value << 52) >> 52;
}

void emit_constant(unsigned rd, uint64_t value)
{
	int64_t low = low_part(value), rest = (int64_t)value - low;

	if (rest == 0) {
		emit(make_i(ADDI, rd, 0, low));
	} else if (rest == (int32_t)rest) {
		emit(LUI | rd << 7 | (uint32_t)rest);
		emit(make_i(ADDIW, rd, rd, low));
	} else {
		emit_constant(rd, (uint64_t)(rest >> 12));
		emit(make_i(SLLI, rd, rd, 12));
		emit(make_i(ADDI, rd, rd, low));
	}
}
