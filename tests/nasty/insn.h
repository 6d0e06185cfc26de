/* SPDX-License-Identifier: MIT */
/*
 * insn.h - what decoding and execution share.
 */
#ifndef NASTY_INSN_H
#define NASTY_INSN_H

#include "cpu.h"

enum op {
	OP_UNDECODED,
	OP_HOOKED, /* it has a hook: decode `raw` again */
	OP_ILLEGAL,
	OP_FIRST,
	OP_BEFORE_FIRST = OP_FIRST - 1,
#define X(name, match, mask, format, ...) OP_##name,
#include "all.def"
#undef X
};

static inline enum op insn_op(const struct insn *insn)
{
	return (enum op)(insn->code / 2);
}

/*
 * A compressed instruction in 32 bits; 0, which is illegal, if there is none.
 */
uint32_t rvc_expand(uint16_t raw);

#endif
