/* SPDX-License-Identifier: MIT */
/*
 * cat [FILE...] - print the files, or standard input, which is also called -.
 */
#include <fcntl.h>
#include <program.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    cat - print files\n"
    "\n"
    "SYNOPSIS\n"
    "    cat [FILE...]\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints the files one after the other. Standard input is printed if\n"
    "    no file is given, and in the place of a file called -.\n"
    "\n"
    "EXIT STATUS\n"
    "    1 if a file could not be read, else 0.\n";

static char buf[16 * 1024];

static int copy(int fd, const char *name)
{
	ssize_t len;

	while ((len = read(fd, buf, sizeof buf)) > 0)
		if (fwrite(buf, 1, (size_t)len, stdout) == 0)
			return 1;
	if (len < 0)
		perror(name);
	return len < 0;
}

static int copy_file(const char *name)
{
	int fd, failed;

	if (strcmp(name, "-") == 0)
		return copy(STDIN_FILENO, name);
	fd = open(name, O_RDONLY);
	if (fd < 0) {
		perror(name);
		return 1;
	}
	failed = copy(fd, name);
	close(fd);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2)
		return copy(STDIN_FILENO, "standard input");
	for (int i = 1; i < argc; i++)
		failed |= copy_file(argv[i]);
	return failed;
}
