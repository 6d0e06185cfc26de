/* SPDX-License-Identifier: MIT */
/*
 * hello - the smallest program worth running: a line, and who printed it.
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("hello from process %d, child of %d\n", getpid(), getppid());
	return 0;
}
