/* SPDX-License-Identifier: MIT */
/*
 * path.h - finds what a path names.
 *
 * As in Linux, a link is followed if it is not the last name of the path. One
 * that is the last name is followed if the call does so, or if there are
 * slashes behind it. A path goes through at most 40 links.
 */
#ifndef FILES_PATH_H
#define FILES_PATH_H

#include "node.h"

/* A path, and the folder in which it begins unless it begins with a slash. */
struct where {
	struct node *from;
	const char *path;
};

enum last {
	LAST_ROOT, /* the path has no names: only slashes */
	LAST_DOT,
	LAST_DOTDOT,
	LAST_NAME,
};

/* A walk: it has passed all of the path but the last name. */
struct walk {
	struct tree *tree;
	struct node *at; /* the folder that it has come to */
	enum last last;
	struct text text; /* the last name */
	bool slash;       /* there are slashes behind the last name */
	unsigned links;   /* how many links were followed */
};

enum path_how {
	PATH_FOLLOW = 1, /* follow a link that is the last name */
	PATH_EMPTY = 2,  /* the empty path means `from` itself */
};

/*
 * Goes on along `path` up to its last name. Returns ENOENT, ENOTDIR, ELOOP, or
 * ENAMETOOLONG for a name.
 */
int walk_to_last(struct walk *w, const char *path);

/* Finds the node of the last name. A link is not followed. */
int walk_look(const struct walk *w, struct node **node);

/*
 * Begins to follow a link. *path becomes the path to go on with. If that path
 * is "", the walk may be at a node that is no folder.
 */
int walk_enter(struct walk *w, struct node *link, const char **path);

/* Begins a walk and goes up to the last name. ENOENT also for an empty path. */
int path_to_last(struct tree *t, struct where where, struct walk *w);

/*
 * Finds the node that the path names. The caller does not become a user of it.
 */
int path_find(struct tree *t, struct where where, enum path_how how,
    struct node **node);

#endif
