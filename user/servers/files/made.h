/* SPDX-License-Identifier: MIT */
/*
 * made.h - nodes that exist only while somebody uses them, like those of /proc.
 *
 * A folder of the tree can have a *maker, which says what names are in it and
 * what they contain, at the moment of the question. A node is made for the
 * name, and removed at the end of the call unless it is used. Nothing can be
 * added there, removed or written.
 */
#ifndef FILES_MADE_H
#define FILES_MADE_H

#include "node.h"

/* What a maker tells of a node: a key of its own, never 0, and the mode. */
struct made {
	uint64_t key;
	uint32_t mode; /* with the type: a folder, a link, or a file */
	uint64_t rdev;
};

struct maker {
	/*
	 * Finds a name in a folder. False: there is no such name. With
	 * `through` the path goes on from there, so a link may be followed at
	 * once.
	 */
	bool (*find)(const struct tree *t, uint64_t dir,
	    const struct text *name, bool through, struct made *found);

	/*
	 * Finds the entry at *place in the order of a folder, or the next.
	 * False: there is none.
	 */
	bool (*list)(uint64_t dir, uint64_t *place, struct made *found,
	    struct text *name);

	/* The place from which on entries are newer than this moment. */
	uint64_t (*end)(uint64_t dir);

	/* The name of a folder. */
	struct text (*name)(uint64_t key);

	/*
	 * The target of a link, for this call, and its length. NULL: it leads
	 * nowhere any more.
	 */
	char *(*target)(const struct tree *t, uint64_t key, uint64_t *len);

	/* Does the link lead to something whatever its text says? */
	bool (*leads)(uint64_t key);

	/*
	 * A number for where the link leads now. A successor that does the call
	 * again uses this number, and does not call this function again.
	 */
	uint64_t (*lead)(uint64_t key);

	/*
	 * Finds what such a number stands for: a node of the tree, or NULL and
	 * what is to be made for it. ENOENT.
	 */
	int (*arrive)(const struct tree *t, uint64_t key, uint64_t number,
	    struct node **node, struct made *made);

	/* Reads a file from `at` on. Returns how many bytes, or -ESRCH. */
	long (*read)(uint64_t key, uint64_t at, void *to, size_t len);
};

/* Gives the folder to the maker. */
void made_begin(struct tree *t, struct node *dir, uint64_t key,
    const struct maker *maker);

/* The node that has a name in a made folder. ENOENT, ENOMEM. */
int made_look(struct tree *t, struct node *dir, const struct text *name,
    bool through, struct node **node);

/*
 * Sets the target of a made link for the call at hand. False: it leads nowhere
 * any more.
 */
bool made_lead(const struct tree *t, struct node *link);

/*
 * Follows a link that was made. Returns 1 if the link's text is to be followed;
 * 0, and the node that it leads to; ENOENT, ENOMEM, ELOOP.
 */
int made_follow(struct tree *t, const struct node *link, struct node **node);

/*
 * Does the made node stand for something that is no file of the tree? That can
 * be opened, but not by this server.
 */
static inline bool made_is_elsewhere(const struct node *node)
{
	return node->made != 0 && !node_is(node, NODE_FOLDER) &&
	    !node_is(node, NODE_FILE) && !node_is(node, NODE_LINK);
}

/* The inode number of the node. */
uint64_t made_ino(uint64_t key);

/* At the end of a call: removes the made nodes that nobody uses. */
void made_leave(struct tree *t);

#endif
