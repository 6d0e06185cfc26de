/* SPDX-License-Identifier: MIT */
/*
 * program.h - what a program says of itself.
 */
#ifndef USER_PROGRAM_H
#define USER_PROGRAM_H

/*
 * The page that `NAME --help` prints, before main() could run, if the program
 * defines one: NAME, SYNOPSIS, DESCRIPTION, and so on.
 */
extern const char program_help[] __attribute__((weak));

/* If there is an argv[at], says that it is too much, and ends. */
void program_no_more(int argc, char *const argv[], int at);

#endif
