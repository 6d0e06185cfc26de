/* SPDX-License-Identifier: MIT */
/*
 * setup.h - making a file server, before it serves.
 */
#ifndef FILES_SETUP_H
#define FILES_SETUP_H

#include "archive.h"
#include "memory.h"
#include "serve.h"

/*
 * Makes an empty tree, and a port for it. False: no memory; errno. The limit
 * for filling the tree leaves room for files to be opened.
 */
bool files_make(struct server *s);

/* The root of the filled tree as a descriptor, or -1 and errno. */
int files_open_root(struct server *s);

#endif
