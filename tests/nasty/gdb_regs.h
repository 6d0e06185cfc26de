/* SPDX-License-Identifier: MIT */
/*
 * gdb_regs.h - what of a hart the debugger can see and change.
 */
#ifndef NASTY_GDB_REGS_H
#define NASTY_GDB_REGS_H

#include "machine.h"

unsigned gdb_reg_count(void);
bool gdb_reg_read(struct hart *h, unsigned n, uint64_t *value);
bool gdb_reg_write(struct hart *h, unsigned n, uint64_t value);

/* The byte at an address of the hart, or NULL. */
uint8_t *gdb_memory(struct hart *h, uint64_t va);

/* The description of all this that the debugger asks for. */
const char *gdb_target(void);

#endif
