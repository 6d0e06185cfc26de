/* SPDX-License-Identifier: MIT */
/*
 * emit.h - writes instructions into an image, for the makers of random
 * programs.
 */
#ifndef NASTY_EMIT_H
#define NASTY_EMIT_H

#include <stdint.h>

enum {
	RA = 1,
	GP = 3,
	T0 = 5,
	T1 = 6,
	T2 = 7,
	A0 = 10,
	A1 = 11,
	A2 = 12,
	A3 = 13,
	A7 = 17
};

enum {
	MAJOR_LOAD = 0x03,
	MAJOR_LOAD_FP = 0x07,
	MAJOR_FENCE = 0x0f,
	MAJOR_STORE = 0x23,
	MAJOR_STORE_FP = 0x27,
	MAJOR_AMO = 0x2f,
	MAJOR_FMADD = 0x43,
	MAJOR_FNMADD = 0x4f,
	MAJOR_FP = 0x53,
	MAJOR_BRANCH = 0x63,
	MAJOR_JALR = 0x67,
	MAJOR_JAL = 0x6f,
	MAJOR_SYSTEM = 0x73
};

enum {
	AUIPC = 0x17,
	ADDI = 0x13,
	ADDIW = 0x1b,
	SLLI = 0x1013,
	LUI = 0x37,
	ANDI = 0x7013,
	LHU = 0x5003,
	SUB = 0x40000033,
	LD = 0x3003,
	SD = 0x3023,
	FLD = 0x3007,
	FSD = 0x3027,
	BNE = 0x1063,
	JAL = 0x6f,
	JALR = 0x67,
	ECALL = 0x73,
	CSRRW = 0x1073,
	CSRRS = 0x2073,
	CSRRWI = 0x5073
};

/* The image that is being made, and the offset of the next instruction. */
extern uint8_t *image;
extern uint64_t here;

/* Begins at an offset of an image; instructions may not pass `limit`. */
void emit_begin(uint8_t *to, uint64_t at, uint64_t limit);

/* Writes an instruction of 16 or 32 bits, as its lowest bits say. */
void emit(uint32_t raw);

uint32_t make_i(uint32_t match, unsigned rd, unsigned rs1, int64_t imm);
uint32_t make_s(uint32_t match, unsigned rs1, unsigned rs2, unsigned imm);

/* A branch or jump at an offset, to another one; also a compressed one. */
void put_branch(uint32_t raw, uint64_t at, uint64_t to);

/* The address of an offset, relative to pc: an image may be anywhere. */
void emit_address(unsigned rd, uint64_t offset);

/* A register is given a value, in at most eight instructions. */
void emit_constant(unsigned rd, uint64_t value);

#endif
