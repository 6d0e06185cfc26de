/* SPDX-License-Identifier: MIT */
/*
 * echo [-n] [WORD...] - print the words, separated by spaces, in one write.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char line[64 * 1024];
static size_t len;

static void add(const char *text)
{
	for (; *text != '\0' && len < sizeof line; text++)
		line[len++] = *text;
}

int main(int argc, char **argv)
{
	bool newline = argc < 2 || strcmp(argv[1], "-n") != 0;

	for (int i = newline ? 1 : 2; i < argc; i++) {
		add(argv[i]);
		if (i + 1 < argc)
			add(" ");
	}
	if (newline)
		add("\n");
	return fwrite(line, 1, len, stdout) == len ? 0 : 1;
}
