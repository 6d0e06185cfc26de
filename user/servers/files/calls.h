/* SPDX-License-Identifier: MIT */
/*
 * calls.h - calls that the kernel does not know: it passes them on as they
 * came. The numbers are those of riscv64 Linux.
 */
#ifndef FILES_CALLS_H
#define FILES_CALLS_H

enum {
	CALL_MKNODAT = 33,
	CALL_MKDIRAT = 34,
	CALL_SYMLINKAT = 36,
	CALL_LINKAT = 37,
	CALL_STATFS = 43,
	CALL_TRUNCATE = 45,
	CALL_FCHDIR = 50,
	CALL_FCHMODAT = 53,
	CALL_FCHOWNAT = 54,
	CALL_UTIMENSAT = 88,
	CALL_FADVISE64 = 223,
	CALL_RENAMEAT2 = 276,
	CALL_STATX = 291,
	CALL_FCHMODAT2 = 452,
};

#endif
