/* SPDX-License-Identifier: MIT */
/*
 * made.h - nodes that are made when somebody looks for them.
 *
 * Below one folder of the tree there may be what is in no folder: a *maker*
 * says what has a name there, and what it contains, at the moment in which it
 * is asked. A node is made for that, which goes at the end of the call unless
 * somebody uses it by then. Nothing can be added there, removed or written.
 */
#ifndef FILES_MADE_H
#define FILES_MADE_H

#include "node.h"

/* What a maker knows of a node: its own name for it, never 0, and its mode. */
struct made {
	uint64_t key;
	uint32_t mode; /* with the type: a folder, a link, or a file */
	uint64_t rdev;
};

struct maker {
	/*
	 * What has that name in a folder. False: nothing. `through`: the path
	 * goes on from there, so where a link leads may be found at once.
	 */
	bool (*find)(const struct tree *t, uint64_t dir,
	    const struct text *name, bool through, struct made *found);

	/* What is at *place in the order of a folder, or next. False: none. */
	bool (*list)(uint64_t dir, uint64_t *place, struct made *found,
	    struct text *name);

	/* The places from there on are those of what is new. */
	uint64_t (*end)(uint64_t dir);

	/* How a folder is called. */
	struct text (*name)(uint64_t key);

	/*
	 * Where a link leads, for this call, and how long that is. NULL:
	 * nowhere any more.
	 */
	char *(*target)(const struct tree *t, uint64_t key, uint64_t *len);

	/* Does the link lead to something whatever its text says? */
	bool (*leads)(uint64_t key);

	/*
	 * A number for where that is now, which says the same when the call is
	 * done once more: then it is not asked for.
	 */
	uint64_t (*lead)(uint64_t key);

	/*
	 * What such a number stands for: a node of the tree, or NULL and what
	 * is to be made for it. ENOENT.
	 */
	int (*arrive)(const struct tree *t, uint64_t key, uint64_t number,
	    struct node **node, struct made *made);

	/* What a file says, from there on: how many bytes. ESRCH. */
	long (*read)(uint64_t key, uint64_t at, void *to, size_t len);
};

/* From now on the folder has only what the maker says. */
void made_begin(struct tree *t, struct node *dir, uint64_t key,
    const struct maker *maker);

/* The node that has a name in a made folder. ENOENT, ENOMEM. */
int made_look(struct tree *t, struct node *dir, const struct text *name,
    bool through, struct node **node);

/*
 * Lets a link that was made lead to where it does for the call at hand. False:
 * nowhere.
 */
bool made_lead(const struct tree *t, struct node *link);

/*
 * Follows a link that was made. 1: it is its text that is to be followed; 0,
 * and what it leads to; ENOENT, ENOMEM, ELOOP.
 */
int made_follow(struct tree *t, const struct node *link, struct node **node);

/*
 * Does what was made stand for what is no file of the tree? It can be opened,
 * but not here.
 */
static inline bool made_is_elsewhere(const struct node *node)
{
	return node->made != 0 && !node_is(node, NODE_FOLDER) &&
	    !node_is(node, NODE_FILE) && !node_is(node, NODE_LINK);
}

/* The number of the node. */
uint64_t made_ino(uint64_t key);

/* The call is over: what was made, and is used by nobody, goes. */
void made_leave(struct tree *t);

#endif
