/* SPDX-License-Identifier: MIT */
/*
 * calls.h - calls that the kernel does not know: it passes them on as they
 * came. The numbers are those of riscv64 Linux.
 */
#ifndef FILES_CALLS_H
#define FILES_CALLS_H

enum {
	CALL_FADVISE64 = 223,
	CALL_FCHMODAT2 = 452,
};

#endif
