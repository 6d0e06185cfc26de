/* SPDX-License-Identifier: MIT */
/*
 * form.h - the form of a call that servers are asked: where it goes, what it
 * lends, and how many of its registers mean something, by its number.
 */
#ifndef PROC_FORM_H
#define PROC_FORM_H

#include "abi/syscall.h"
#include "arch/trapframe.h"
#include "proc/call.h"

/* What a call lends: how many bytes, where argument `at` points to. */
enum lent {
	LENT_NOTHING,
	LENT_FIXED, /* `size` */
	LENT_COUNT, /* as many as the next argument says */
	LENT_INT,   /* as LENT_COUNT, of an int; below 0, nothing */
	LENT_IOCTL, /* what the command in argument 1 says */
	LENT_LOCK,  /* `size`, also to be written if the command asks */
};

/*
 * Where a call goes: to the file that is open in argument 0, or to that at
 * which a path begins. A call without either goes to the root.
 */
enum goes {
	TO_ROOT,
	TO_FILE,
	TO_PATH,      /* in argument 0 */
	TO_PATH_AT,   /* a directory in argument 0, a path in 1 */
	TO_FILE_OR,   /* as TO_PATH_AT; if the path is NULL, as TO_FILE */
	TO_TWO_PATHS, /* as TO_PATH_AT, and once more in 2 and 3 */
	TO_LINK_AT,   /* a text in argument 0, a directory in 1, a path in 2 */
};

struct call_form {
	uint8_t args; /* 0: it is not in the table */
	uint8_t goes; /* enum goes */
	uint8_t lent; /* enum lent */
	uint8_t at;
	uint8_t may;
	uint8_t needs; /* OPEN_READ, OPEN_WRITE: how the file is open */
	uint16_t size;
};

#define OPEN_READ  1
#define OPEN_WRITE 2

/* Linux's limit for one transfer. */
#define LENT_MAX 0x7ffff000UL

/*
 * By the number of the call. The first is the form of all that are not in the
 * table: they go to the root as they came, and lend nothing.
 */
extern const struct call_form call_forms[SYSCALL_TABLE_SIZE];

/* The index in call_forms of the call in the registers: its number, or 0. */
INLINE uint16_t call_form_index(const struct trapframe *tf)
{
	uint64_t number = tf_number(tf);

	if (number >= SYSCALL_TABLE_SIZE || call_forms[number].args == 0)
		return 0;
	return (uint16_t)number;
}

/* lease_of() for forms that lend by neither LENT_FIXED nor LENT_COUNT. */
struct lease lease_of_rare(const struct call_form *form,
    const struct trapframe *tf);

/* What a call of this form lends, by its registers; perhaps no bytes. */
INLINE struct lease lease_of(const struct call_form *form,
    const struct trapframe *tf)
{
	uint64_t len = form->size;

	if (unlikely(form->lent > LENT_COUNT))
		return lease_of_rare(form, tf);
	if (form->lent == LENT_COUNT)
		len = min_u64(tf_arg(tf, form->at + 1U), LENT_MAX);
	return (struct lease){tf_arg(tf, form->at), (uint32_t)len, form->may};
}

#endif
