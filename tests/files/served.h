/* SPDX-License-Identifier: MIT */
/*
 * served.h - a file server to be asked, and what stands for the kernel.
 */
#ifndef TESTS_FILES_SERVED_H
#define TESTS_FILES_SERVED_H

#include <stddef.h>

#include "../../user/servers/files/serve.h"

#define COMES_ALONG 8192 /* at most, of what is lent */
#define LENT        2

/* The paths of a call, and what it lends to be read or to be written. */
struct lent {
	const char *path[LENT];
	const void *in;
	size_t in_len;
	void *out;
	size_t out_len;
};

/* Makes a server with an empty tree, and opens its root: the token. */
uint64_t served_begin(void);

/* Asks it: what comes along is found in what is lent. */
struct reply served_ask(struct request *request, const struct lent *lent);

/* All files have been closed; NULL, or what is wrong. */
const char *served_end(void);

/* Puts what comes along to `in`, and says so in the request. */
void lent_along(const struct lent *lent, struct request *request, char *in);

#endif
