/* SPDX-License-Identifier: MIT */
/*
 * program.c - from the kernel's stack layout to main(), and to exit().
 */
#include "internal.h"

#include <program.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char **environ;

int main(int argc, char **argv, char **envp);

static void explain(void)
{
	size_t len = strlen(program_help);

	exit(write(STDOUT_FILENO, program_help, len) != (ssize_t)len);
}

void program_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	environ = argv + argc + 1;
	if (program_help != NULL && argc == 2 && strcmp(argv[1], "--help") == 0)
		explain();
	exit(main(argc, argv, environ));
}
