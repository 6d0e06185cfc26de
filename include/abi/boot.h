/* SPDX-License-Identifier: MIT */
/*
 * boot.h - what the kernel and its first program have to agree on.
 *
 * The first program, user/boot.c, is part of the kernel's image, laid out in
 * pages: BOOT_BASE is the address of its first byte, which is this header.
 * At its start its stack is a struct boot_stack.
 */
#ifndef ABI_BOOT_H
#define ABI_BOOT_H

#define BOOT_BASE    0x1010000
#define BOOT_ARCHIVE 0x1000000000 /* the page in which the archive begins */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct boot_header {
	uint64_t entry;
	uint64_t constants; /* instructions end, and constants begin */
	uint64_t data;      /* constants end, and variables begin */
	uint64_t zeros;     /* from here on, variables are zero at first, */
	uint64_t end;       /* up to here */
};

/* As other programs find it, up to `envp`. Addresses are of the program's. */
struct boot_stack {
	uint64_t argc;    /* 1 */
	uint64_t argv[2]; /* the kernel's command line, as it is; 0 */
	uint64_t envp;    /* 0 */
	uint64_t archive; /* where it begins */
	uint64_t archive_end;
};
#endif

#endif
