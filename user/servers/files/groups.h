/* SPDX-License-Identifier: MIT */
/*
 * groups.h - files of an archive that have several names.
 */
#ifndef FILES_GROUPS_H
#define FILES_GROUPS_H

#include "archive.h"

#define GROUP_LISTS 256

struct group;

/* Holds no group if all of it is zero. */
struct groups {
	struct group *lists[GROUP_LISTS];
};

/*
 * The first name of the file that the member is another name of. NULL if the
 * member is the first itself; it is remembered then. -ENOSPC: no memory.
 */
int groups_first(struct groups *groups, struct tree *t, const struct member *m,
    const char **name);

/* Forgets all: an inode number means another file in the next archive. */
void groups_forget(struct groups *groups);

#endif
