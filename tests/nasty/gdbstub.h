/* SPDX-License-Identifier: MIT */
#ifndef NASTY_GDBSTUB_H
#define NASTY_GDBSTUB_H

#include "machine.h"

/* Waits for a debugger at a port of this machine, or at standard input, and
 * does what it says. */
_Noreturn void gdb_serve(const char *where);

/* A hart has stored to what the debugger watches. */
void gdb_watched(const struct core *c);

#endif
