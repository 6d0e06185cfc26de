/* SPDX-License-Identifier: MIT */
/*
 * getopt.c - options of a command line, and words that are too many.
 *
 * Options end at the first argument that is not one, as POSIX says.
 */
#include <program.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *optarg;
int optind = 1;
int opterr = 1;
int optopt;

/* Within argv[optind], the letter to look at next; NULL before the first. */
static char *letter;

/* Prints nothing if the list of options begins with a colon. */
static void complain(char *const argv[], const char *options, const char *what)
{
	if (opterr && *options != ':')
		dprintf(2, "%s: -%c %s\n", argv[0], optopt, what);
}

/* The argument of an option: the rest of its word, or the word after it. */
static int take_argument(int argc, char *const argv[], const char *options)
{
	optind++;
	if (*letter != '\0')
		optarg = letter;
	else if (optind < argc)
		optarg = argv[optind++];
	else {
		letter = NULL;
		complain(argv, options, "wants an argument");
		return *options == ':' ? ':' : '?';
	}
	letter = NULL;
	return optopt;
}

int getopt(int argc, char *const argv[], const char *options)
{
	const char *known;

	if (letter == NULL || *letter == '\0') {
		if (optind >= argc || argv[optind][0] != '-' ||
		    argv[optind][1] == '\0')
			return -1;
		if (strcmp(argv[optind], "--") == 0) {
			optind++;
			return -1;
		}
		letter = argv[optind] + 1;
	}
	optopt = (unsigned char)*letter++;
	known = optopt == ':' ? NULL : strchr(options, optopt);
	if (known != NULL && known[1] == ':')
		return take_argument(argc, argv, options);
	if (*letter == '\0') {
		letter = NULL;
		optind++;
	}
	if (known != NULL)
		return optopt;
	complain(argv, options, "is not an option here");
	return '?';
}

void program_no_more(int argc, char *const argv[], int at)
{
	if (at >= argc)
		return;
	dprintf(2, "%s: %s is not expected; see %s --help\n", argv[0], argv[at],
	    argv[0]);
	exit(2);
}
