/* SPDX-License-Identifier: MIT */
/*
 * head [-n LINES] [FILE] - print the first lines, ten unless told otherwise.
 *
 * It reads no further than it must, so a writer at the other end of a pipe is
 * told at its next write that nobody listens any more.
 */
#include <fcntl.h>
#include <program.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    head - print the first lines\n"
    "\n"
    "SYNOPSIS\n"
    "    head [-n LINES] [FILE]\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints the first ten lines of the file, or of standard input. It\n"
    "    reads no further than it must.\n"
    "\n"
    "OPTIONS\n"
    "    -n LINES  so many lines in the place of ten\n"
    "\n"
    "EXIT STATUS\n"
    "    1 if the file could not be read, 2 for words that make no sense,\n"
    "    else 0.\n";

static char buf[4096];

/* How much of `buf` belongs to the first `*lines` lines; counts them off. */
static size_t take_lines(size_t len, long *lines)
{
	size_t i;

	for (i = 0; i<len && * lines> 0; i++)
		if (buf[i] == '\n')
			--*lines;
	return i;
}

static int print_head(int fd, long lines)
{
	ssize_t len = 1;

	while (lines > 0 && len > 0) {
		len = read(fd, buf, sizeof buf);
		if (len > 0)
			fwrite(buf, 1, take_lines((size_t)len, &lines), stdout);
	}
	if (len < 0)
		perror("head");
	return len < 0;
}

int main(int argc, char **argv)
{
	long lines = 10;
	int fd = STDIN_FILENO;
	int option;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n') {
			fprintf(stderr, "usage: head [-n LINES] [FILE]\n");
			return 2;
		}
		lines = atol(optarg);
	}
	if (optind < argc) {
		fd = open(argv[optind], O_RDONLY);
		if (fd < 0) {
			perror(argv[optind]);
			return 1;
		}
	}
	return print_head(fd, lines);
}
