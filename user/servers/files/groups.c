/* SPDX-License-Identifier: MIT */
/*
 * groups.c - see groups.h.
 */
#include "groups.h"

#include "abi/errno.h"
#include "abi/stat.h"
#include "memory.h"

/* A file with several names, the first of which has been read. */
struct group {
	struct group *next;
	struct header header;
	const char *name;
};

static bool is_same_file(const struct header *a, const struct header *b)
{
	return a->ino == b->ino && a->major == b->major &&
	    a->minor == b->minor && ((a->mode ^ b->mode) & S_IFMT) == 0;
}

int groups_first(struct groups *groups, struct tree *t, const struct member *m,
    const char **name)
{
	struct group **list = &groups->lists[m->header.ino % GROUP_LISTS];
	struct group *group;

	for (group = *list; group != NULL; group = group->next) {
		if (is_same_file(&group->header, &m->header)) {
			*name = group->name;
			return 0;
		}
	}
	group = tree_alloc(t, sizeof *group);
	if (group == NULL)
		return -ENOSPC;
	*group = (struct group){*list, m->header, m->name};
	*list = group;
	*name = NULL;
	return 0;
}

void groups_forget(struct groups *groups)
{
	for (unsigned i = 0; i < GROUP_LISTS; i++) {
		while (groups->lists[i] != NULL) {
			struct group *group = groups->lists[i];

			groups->lists[i] = group->next;
			memory_free(group, sizeof *group);
		}
	}
}
