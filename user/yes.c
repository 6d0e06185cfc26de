/* SPDX-License-Identifier: MIT */
/*
 * yes [WORD] - print the word, or y, until nobody listens.
 */
#include <program.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    yes - print a word until nobody listens\n"
    "\n"
    "SYNOPSIS\n"
    "    yes [WORD]\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints WORD, or y, in line after line, as fast as it can.\n"
    "\n"
    "EXAMPLES\n"
    "    yes | head -n 3\n";

static char buf[4096];

/*
 * Fills the buffer with as many whole lines as fit, so that a write costs
 * little per line.
 */
static size_t fill(const char *word)
{
	size_t len = strlen(word) + 1;
	size_t used = 0;

	while (used + len <= sizeof buf) {
		memcpy(buf + used, word, len - 1);
		buf[used + len - 1] = '\n';
		used += len;
	}
	return used;
}

int main(int argc, char **argv)
{
	size_t len = fill(argc > 1 ? argv[1] : "y");

	while (len > 0 && fwrite(buf, 1, len, stdout) > 0)
		continue;
	return 1;
}
