/* SPDX-License-Identifier: MIT */
/*
 * serve.h - from a request to what is done to the tree, and to the reply.
 *
 * The token of a file is the address of its struct file. The kernel alone
 * makes tokens of what it was told, so none is ever wrong.
 */
#ifndef FILES_SERVE_H
#define FILES_SERVE_H

#include <server.h>

#include "tree.h"

#define SERVE_BUFFER 32768 /* bytes of a request, or of a reply */

struct server {
	struct tree tree;
	int port;
	uint64_t open; /* files, of which tokens are about */
	struct request request;
	struct reply reply;
	char in[SERVE_BUFFER]; /* what came along */
	char out[SERVE_BUFFER];
};

/*
 * Does what the request says, and fills in the reply. True if the server has
 * changed by that, so that it has to be kept before the reply goes out.
 */
bool serve(struct server *s);

/*
 * Serves until no file is open any more. Whatever the server is killed by, it
 * goes on: each change is kept before its reply. With `dies` it kills itself
 * each time. Returns 0, or an errno.
 */
int serve_loop(struct server *s, bool dies);

/* --- what serve_file.c and serve_path.c are made of ----------------------- */

typedef int64_t call_fn(struct server *s);

struct call {
	uint64_t number;
	call_fn *fn;
	bool changes; /* what the server knows */
};

/* Calls that have an open file, and those that have a path. */
extern const struct call file_calls[], path_calls[];

/* The open file that the call goes to. */
struct file *serve_file(const struct server *s);

/* Lets the result be a new descriptor of that file. */
int64_t reply_file(struct server *s, struct file *file);

/* Lends the caller what `bytes` has: it may be in the server's `out`. */
int64_t reply_bytes(struct server *s, const void *bytes, size_t len,
    int64_t result);
int64_t reply_stat(struct server *s, const struct node *node);
int64_t reply_statfs(struct server *s);

#endif
