/* SPDX-License-Identifier: MIT */
/* served.h - sends requests to a file server, as the kernel does. */
#ifndef TESTS_FILES_SERVED_H
#define TESTS_FILES_SERVED_H

#include <stddef.h>

#include "../../user/servers/files/serve.h"

#define COMES_ALONG 8192 /* most bytes that come along with a request */
#define LENT        2

/* The paths of a call, and what it lends to be read or to be written. */
struct lent {
	const char *path[LENT];
	const void *in;
	size_t in_len;
	void *out;
	size_t out_len;
};

/*
 * Makes a server with an empty tree, and opens its root. Returns the token of
 * the root.
 */
uint64_t served_begin(void);

/* Sends the request, with the strings and bytes in `lent` that come along. */
struct reply served_ask(struct request *request, const struct lent *lent);

/* All files have been closed; NULL, or what is wrong. */
const char *served_end(void);

/* Copies what comes along to `in`, and stores its length in the request. */
void lent_along(const struct lent *lent, struct request *request, char *in);

#endif
