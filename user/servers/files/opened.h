/* SPDX-License-Identifier: MIT */
/*
 * opened.h - the files that are open.
 *
 * Each has one of a fixed number of places, which are there from the start: so
 * files can be opened, and then removed, when there is no memory for more. A
 * token is made of the place and of a number that is used once. The kernel
 * alone makes tokens of what it was told, so none is wrong; but that a file was
 * closed may be told twice, when another has its place already.
 */
#ifndef FILES_OPENED_H
#define FILES_OPENED_H

#include "tree.h"

/* Makes so many places, at most OPENED_MAX. False: there is no memory. */
#define OPENED_MAX 16384
bool opened_make(size_t count);

/* The place of the next file that is opened; NULL if all are taken. */
struct file *opened_place(void);

/* It is open, by the call with this id: its token. */
uint64_t opened_take(uint64_t id);

/* The file that a call has opened, or 0. */
uint64_t opened_by(uint64_t id);

/* Is it open, or was it? */
bool opened_is(uint64_t token);

struct file *opened_file(uint64_t token);

/* Its place can be that of another. */
void opened_give(uint64_t token);

#endif
