/* SPDX-License-Identifier: MIT */
/*
 * opened.h - a table of the open files.
 *
 * It has a fixed number of places, made at the start, so that files can still
 * be opened, and then removed, when there is no other memory. A token is made
 * of the place and a serial number. Tokens come from the kernel, which only
 * knows those that it was told, so none is invented. But the server may be told
 * twice that a file was closed, when another file has its place already: the
 * serial number shows it.
 */
#ifndef FILES_OPENED_H
#define FILES_OPENED_H

#include "tree.h"

/* Makes so many places, at most OPENED_MAX. False: there is no memory. */
#define OPENED_MAX 16384
bool opened_make(size_t count);

/* The place of the next file that is opened; NULL if all are taken. */
struct file *opened_place(void);

/* Takes that place for the call with this id. Returns the token. */
uint64_t opened_take(uint64_t id);

/* The token of the file that a call has opened, or 0. */
uint64_t opened_by(uint64_t id);

/* Is the file with this token still open? */
bool opened_is(uint64_t token);

struct file *opened_file(uint64_t token);

/* Frees the place of the file. */
void opened_give(uint64_t token);

#endif
