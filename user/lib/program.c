/* SPDX-License-Identifier: MIT */
/*
 * program.c - from the kernel's stack layout to main(), and to exit().
 */
#include "internal.h"

#include <stdlib.h>
#include <unistd.h>

char **environ;

int main(int argc, char **argv, char **envp);

void program_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	environ = argv + argc + 1;
	exit(main(argc, argv, environ));
}
