/* SPDX-License-Identifier: MIT */
/*
 * groups.h - files of an archive that have several names.
 */
#ifndef FILES_GROUPS_H
#define FILES_GROUPS_H

#include "archive.h"

#define GROUP_LISTS 256

struct group;

/* All zero: none. */
struct groups {
	struct group *lists[GROUP_LISTS];
};

/*
 * The name that came first of the file that the member is of; NULL if it is
 * this one, which is remembered then. -ENOSPC: no memory.
 */
int groups_first(struct groups *groups, struct tree *t, const struct member *m,
    const char **name);

/* The same inode number in another archive is no link. */
void groups_forget(struct groups *groups);

#endif
