/* SPDX-License-Identifier: MIT */
/*
 * flat.h - a core by itself: one hart without M-mode, and memory without
 * translation. For tests of the instructions.
 */
#ifndef NASTY_FLAT_H
#define NASTY_FLAT_H

#include "cpu.h"

#define FLAT_BASE 0x80000000UL
#define FLAT_SIZE (1UL << 20)

extern uint8_t flat_memory[FLAT_SIZE];

/* A hart in U-mode at FLAT_BASE, with floating point on. */
void flat_reset(struct hart *h);

/* Goes on in U-mode at `pc`, after a trap. */
void flat_resume(struct hart *h, uint64_t pc);

/* Forgets what the code was: memory has been written from outside. */
void flat_code_changed(struct hart *h);

#endif
