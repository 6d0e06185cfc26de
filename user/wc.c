/* SPDX-License-Identifier: MIT */
/*
 * wc [FILE...] - count lines, words and bytes.
 */
#include <ctype.h>
#include <fcntl.h>
#include <program.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    wc - count lines, words and bytes\n"
    "\n"
    "SYNOPSIS\n"
    "    wc [FILE...]\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints three numbers for each file, or for standard input.\n"
    "\n"
    "EXIT STATUS\n"
    "    1 if a file could not be read, else 0.\n";

struct counts {
	unsigned long lines, words, bytes;
	bool in_word;
};

static char buf[16 * 1024];

static void count_one(struct counts *c, char byte)
{
	c->bytes++;
	if (byte == '\n')
		c->lines++;
	if (!isspace((unsigned char)byte) && !c->in_word)
		c->words++;
	c->in_word = !isspace((unsigned char)byte);
}

static int count(int fd, const char *name)
{
	struct counts c = {.in_word = false};
	ssize_t len;

	while ((len = read(fd, buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < len; i++)
			count_one(&c, buf[i]);
	if (len < 0) {
		perror(name);
		return 1;
	}
	printf("%7lu %7lu %7lu %s\n", c.lines, c.words, c.bytes, name);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;
	int fd;

	if (argc < 2)
		return count(STDIN_FILENO, "");
	for (int i = 1; i < argc; i++) {
		fd = open(argv[i], O_RDONLY);
		if (fd < 0) {
			perror(argv[i]);
			failed = 1;
			continue;
		}
		failed |= count(fd, argv[i]);
		close(fd);
	}
	return failed;
}
