/* SPDX-License-Identifier: MIT */
/*
 * node.h - a tree of files in memory: what it consists of.
 *
 * A *node* is a file of any kind; a *name* is an entry of a folder, and leads
 * to a node. A node lives as long as there is a name for it or somebody uses
 * it: an open file, or a folder in it. A folder that was removed has no names
 * in it and gets none, and still knows where it was.
 */
#ifndef FILES_NODE_H
#define FILES_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sparse.h"

struct moment {
	int64_t sec;
	int64_t nsec;
};

struct node;

/* A part of a path. */
struct text {
	const char *start;
	size_t len;
	uint64_t hash; /* if a folder is asked for it: text_read() */
};

/* Lives as long as its node's name does; the text ends with a NUL. */
struct name {
	struct name *below[2]; /* in the index of its folder */
	struct node *node;
	uint64_t hash;
	uint64_t place; /* in the order of the folder; never used again */
	size_t len;
	char text[];
};

struct folder {
	struct node *parent; /* itself for the root */
	struct name *index;  /* a trie of the hashes of the names */
	struct sparse order; /* the names by their places */
	uint64_t next;       /* the place of the next name */
};

/* The first two places are those of "." and "..". */
#define FIRST_PLACE 2

struct node {
	uint64_t ino;
	uint32_t mode;  /* with the type */
	uint32_t links; /* names, and of a folder the folders in it */
	uint32_t uid, gid;
	uint64_t rdev;
	uint64_t uses;          /* besides names */
	uint64_t size;          /* in bytes, but of folders */
	bool linkable;          /* has no name, and may get one: O_TMPFILE */
	struct lock *locks;     /* locks.h */
	struct name *name;      /* the last that it was given, */
	struct node *in;        /* and of which folder; NULL: it is removed */
	uint64_t made;          /* made.h: what it stands for; else 0 */
	struct node *next_made; /* in tree.made */
	uint64_t
	    contents;    /* a number for what is in it now; never used again */
	bool is_program; /* it was executed, with these contents: */
	struct node *next_program; /* in tree.programs */
	struct moment atime, mtime, ctime, btime;
	union {
		struct sparse pages; /* of a file; what is not there is zero */
		struct folder folder;
		char *target; /* of a link, with a NUL */
	};
};

#define PROGRAM_LISTS 64
#define LEADS_MAX     4 /* links that a call follows, of a maker's */

struct tree {
	struct node *root;
	struct moment now; /* set by who calls, before he does */
	uint64_t seed;     /* of the hashes */
	uint64_t next_ino;
	uint64_t last_contents;
	uint64_t nodes;
	bool accessed; /* a time of reading was set, or a program was executed
			  for the first time: who calls clears it */
	struct node *programs[PROGRAM_LISTS]; /* by their contents */
	struct scrap scrap;                   /* what large files were cut to */
	const struct maker *maker;            /* made.h */
	struct node *made;                    /* by the call at hand */
	int32_t caller;                       /* its pid */
	bool replays;    /* it is done once more, in a log */
	uint32_t looks;  /* for made nodes, by the call at hand */
	uint32_t missed; /* the first of these that found none; 0: all did */
	uint32_t leads;  /* links of a maker's that it has followed */
	uint64_t lead[LEADS_MAX]; /* and where they lead: made.h */
};

/* An empty tree. False: no memory. */
bool tree_init(struct tree *t, struct moment now, uint64_t seed);

/* Frees all of it; nobody may use a node. */
void tree_destroy(struct tree *t);

/* Frees a part of what is left over from large files; call it now and then. */
void tree_tidy(struct tree *t);

/* Memory; if there is none, after what is left over has been freed. */
void *tree_page(struct tree *t);
void *tree_alloc(struct tree *t, size_t size);
bool tree_put(struct tree *t, struct sparse *s, uint64_t index, void *item);

/* How many pages could be had. */
uint64_t tree_pages_free(const struct tree *t);

/* --- nodes ---------------------------------------------------------------- */

/* S_IFMT, S_IFDIR and so on, for who has them from elsewhere. */
#define NODE_TYPE   0170000U
#define NODE_FOLDER 0040000U
#define NODE_FILE   0100000U
#define NODE_LINK   0120000U

static inline bool node_is(const struct node *node, uint32_t type)
{
	return (node->mode & NODE_TYPE) == type;
}

/* A node without names, used by who calls; NULL if there is no memory. */
struct node *node_new(struct tree *t, uint32_t mode);

void node_use(struct node *node);

/* Undoes node_use and node_new; frees what nobody has any more. */
void node_leave(struct tree *t, struct node *node);

/* Was the folder removed? */
static inline bool node_is_dead(const struct node *node)
{
	return node_is(node, NODE_FOLDER) && node->links == 0 &&
	    node->made == 0;
}

/* Was changed, or what is known of it was. */
void node_changed(struct tree *t, struct node *node);
void node_touched(struct tree *t, struct node *node);

/* Was read: as Linux does by default, only if that is news. */
void node_accessed(struct tree *t, struct node *node);

/* It is executed, by its contents. */
void node_executed(struct tree *t, struct node *node);

/* What was, if it still is what it was then; or NULL. */
struct node *node_of_program(const struct tree *t, uint64_t contents);

/* --- names ---------------------------------------------------------------- */

/* The name that begins here, up to a slash or a NUL. */
struct text text_read(const struct tree *t, const char *start);

/* NULL if there is no such name. */
struct name *folder_find(struct node *dir, const struct text *text);

bool folder_is_empty(const struct node *dir);

/*
 * Adds a name for a node, and says when. False if there is no memory: nothing
 * has changed then. A folder has one name; two while it is being renamed.
 */
bool folder_add(struct tree *t, struct node *dir, const struct text *text,
    struct node *node);

/* Removes a name; its node goes with the last of its names and users. */
void folder_remove(struct tree *t, struct node *dir, struct name *name);

/*
 * Lets a name lead to another node instead, and takes no notice of what the
 * other names of either are.
 */
void name_lead(struct tree *t, struct node *dir, struct name *name,
    struct node *node);

#endif
