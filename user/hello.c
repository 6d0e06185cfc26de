/* SPDX-License-Identifier: MIT */
/*
 * hello - the smallest program worth running: a line, and who printed it.
 */
#include <program.h>
#include <stdio.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    hello - print a line\n"
    "\n"
    "SYNOPSIS\n"
    "    hello\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints the number of its process and that of its parent. It is the\n"
    "    shortest program here, to begin one of your own with: user/hello.c.\n"
    "\n"
    "SEE ALSO\n"
    "    docs/running.md\n";

int main(void)
{
	printf("hello from process %d, child of %d\n", getpid(), getppid());
	return 0;
}
