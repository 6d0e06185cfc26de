/* SPDX-License-Identifier: MIT */
/*
 * clone.h - flags of clone(2).
 */
#ifndef ABI_CLONE_H
#define ABI_CLONE_H

#define CSIGNAL              0xff
#define CLONE_VM             0x100
#define CLONE_VFORK          0x4000
#define CLONE_SETTLS         0x80000
#define CLONE_PARENT_SETTID  0x100000
#define CLONE_CHILD_CLEARTID 0x200000
#define CLONE_CHILD_SETTID   0x1000000

#define CLONE_KNOWN                                        \
	(CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_SETTLS | \
	    CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID)

#endif
