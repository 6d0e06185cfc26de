/* SPDX-License-Identifier: MIT */
/*
 * path.h - from a path to what it names.
 *
 * As Linux does it: a link is followed wherever it is not the last name of the
 * path; the last one is followed if the call is one that does, or if there are
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
	LAST_ROOT, /* the path has no names in it: it was only slashes */
	LAST_DOT,
	LAST_DOTDOT,
	LAST_NAME,
};

/* Where a walk has come to: all of the path but its last name. */
struct walk {
	struct tree *tree;
	struct node *at; /* a folder */
	enum last last;
	struct text text; /* the last name */
	bool slash;       /* there are slashes behind it */
	unsigned links;   /* that were followed */
};

enum path_how {
	PATH_FOLLOW = 1, /* the last link, too */
	PATH_EMPTY = 2,  /* the empty path is `from` itself */
};

/*
 * Walks to the last name of `path`, from where the walk is. Returns ENOENT,
 * ENOTDIR, ELOOP, or ENAMETOOLONG for a name.
 */
int walk_to_last(struct walk *w, const char *path);

/* What the last name leads to, as it is: a link is not followed. */
int walk_look(const struct walk *w, struct node **node);

/*
 * Begins to follow a link; *path is where it goes on from there: maybe "", and
 * then the walk may be at what is no folder.
 */
int walk_enter(struct walk *w, struct node *link, const char **path);

/* Begins a walk, and comes to the last name. ENOENT also for an empty path. */
int path_to_last(struct tree *t, struct where where, struct walk *w);

/* The node that the path names; nobody is made a user of it. */
int path_find(struct tree *t, struct where where, enum path_how how,
    struct node **node);

#endif
