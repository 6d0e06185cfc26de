/* SPDX-License-Identifier: MIT */
/*
 * setjmp.h - leaving several functions at once.
 */
#ifndef USER_SETJMP_H
#define USER_SETJMP_H

#include <signal.h>

/* The registers a call must keep; setjmp.S knows the order. */
typedef unsigned long jmp_buf[26];

typedef struct {
	jmp_buf registers;
	sigset_t mask;
	int mask_is_saved;
} sigjmp_buf[1];

int setjmp(jmp_buf env) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf env, int value);

/* A macro, because the frame that calls setjmp must not have returned. */
#define sigsetjmp(env, save_mask) \
	(sigjmp_save((env), (save_mask)), setjmp((env)->registers))
void sigjmp_save(sigjmp_buf env, int save_mask);
_Noreturn void siglongjmp(sigjmp_buf env, int value);

#endif
