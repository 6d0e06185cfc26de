/* SPDX-License-Identifier: MIT */
/*
 * elf.h - the kernel's file: what is loaded, and the names in it.
 */
#ifndef NASTY_ELF_H
#define NASTY_ELF_H

#include <stdbool.h>
#include <stdint.h>

/* A whole file in memory; says why and exits where it cannot be read. */
uint8_t *file_read(const char *path, uint64_t *size);

/*
 * Loads the segments to their physical addresses. Returns the lowest, where
 * the firmware jumps to; *end is behind the highest. A file that is no ELF is
 * loaded whole where a firmware would jump to.
 */
uint64_t elf_load(const char *path, uint64_t *end);

/* The value of a symbol, or 0. */
uint64_t symbol_value(const char *name);

/* The function or object at an address, or NULL; *offset into it. */
const char *symbol_at(uint64_t address, uint64_t *offset);

#endif
