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
	/* for folders, from text_read(): */
	uint64_t hash;
	uint64_t last; /* its last word, of 8 bytes or fewer */
};

/* Lives as long as its node's name does; the text ends with a NUL. */
struct name {
	/* the names below it in the index of its folder */
	struct name *below[2];
	struct node *node;
	uint64_t hash, last; /* of the text */
	/* its place in the order of the folder, never used again */
	uint64_t place;
	size_t len;
	char text[];
};

struct folder {
	struct node *parent; /* the folder above; of the root, itself */
	struct name *index;  /* a trie of the names' hashes */
	struct sparse order; /* the names by their places */
	uint64_t next;       /* the place of the next name */
};

/* The first two places are those of "." and "..". */
#define FIRST_PLACE 2

struct node {
	uint64_t ino;
	uint32_t mode;  /* including the type */
	uint32_t links; /* names, and folders in it */
	uint32_t uid, gid;
	uint64_t rdev;
	uint64_t uses; /* users: open files, and folders in it */
	uint64_t size; /* in bytes; not of folders */
	/* made by O_TMPFILE: has no name and may get one */
	bool linkable;
	struct lock *locks;        /* locks.h */
	struct name *name;         /* the name that it was given last, */
	struct node *in;           /* and its folder; NULL: it was removed */
	uint64_t made;             /* the key of a made node (made.h); else 0 */
	struct node *next_made;    /* the next in the list tree.made */
	uint64_t contents;         /* new whenever the bytes change */
	bool is_program;           /* it was executed with these contents: */
	struct node *next_program; /* in tree.programs */
	struct moment atime, mtime, ctime, btime;
	union {
		/* of a file: its pages; one that is in neither is zero */
		struct {
			struct sparse pages;
			struct sparse shared; /* tree.unkept */
			/* a mapper may store to the shared pages */
			bool is_stored_to;
		};
		struct folder folder;
		char *target; /* of a link: where it leads, with a NUL */
	};
};

#define PROGRAM_LISTS 64
#define LEADS_MAX     4 /* links of a maker that a call may follow */

struct tree {
	struct node *root;
	struct moment now; /* the time, set by the caller before each call */
	uint64_t seed;     /* for the hashes */
	uint64_t next_ino;
	uint64_t last_contents;
	uint64_t nodes;
	/*
	 * A time of reading was set, or a program was executed for the first
	 * time; the caller clears it.
	 */
	bool accessed;
	struct node *programs[PROGRAM_LISTS]; /* in lists, by their contents */
	struct scrap scrap;        /* pages of large files, still to be freed */
	struct scrap shared_scrap; /* shared pages, still to be unmapped */
	/*
	 * A page of a file that may be mapped with MAP_SHARED is in
	 * node.shared, and in no other place until the node is freed, also when
	 * the page is behind the end of the file. The server and its kept copy
	 * have the page itself in common, and mappers store there: so a call
	 * that is done again leaves the bytes as they are. `unkept` is true if
	 * pages have come into node.shared since the server was kept, or if a
	 * first mapper that may store has come. Nobody gets these pages before
	 * the server is kept again.
	 */
	bool unkept;
	const struct maker *maker; /* made.h */
	struct node *made;         /* nodes that the call at hand has made */
	int32_t caller;            /* the pid of the caller */
	/* the call is being done again, from a log */
	bool replays;
	/* how often the call has looked up made nodes */
	uint32_t looks;
	uint32_t missed; /* the first look that found none; 0: each found one */
	uint32_t leads;  /* links of a maker that the call has followed */
	uint64_t lead[LEADS_MAX]; /* and where those lead: made.h */
};

/* Makes an empty tree. False: no memory. */
bool tree_init(struct tree *t, struct moment now, uint64_t seed);

/* Frees all of the tree; nobody may use a node. */
void tree_destroy(struct tree *t);

/* Are pages of large files still to be freed? */
static inline bool tree_has_scrap(const struct tree *t)
{
	return t->scrap.first != NULL || t->shared_scrap.first != NULL;
}

/* Frees a part of these pages. To be called now and then. */
void tree_tidy(struct tree *t);

/*
 * Takes a page. If there is none, frees pages that are left of large files
 * first.
 */
void *tree_page(struct tree *t);
void *tree_alloc(struct tree *t, size_t size);
bool tree_put(struct tree *t, struct sparse *s, uint64_t index, void *item);

/* How many pages could still be taken. */
uint64_t tree_pages_free(const struct tree *t);

/* --- nodes ---------------------------------------------------------------- */

/* S_IFMT, S_IFDIR and so on, for files that cannot include abi/stat.h. */
#define NODE_TYPE   0170000U
#define NODE_FOLDER 0040000U
#define NODE_FILE   0100000U
#define NODE_LINK   0120000U

static inline bool node_is(const struct node *node, uint32_t type)
{
	return (node->mode & NODE_TYPE) == type;
}

/*
 * Makes a node without names, of which the caller is a user; NULL: no memory.
 */
struct node *node_new(struct tree *t, uint32_t mode);

void node_use(struct node *node);

/* Undoes node_use() and node_new(). Frees a node without users and names. */
void node_leave(struct tree *t, struct node *node);

/* Was the folder removed? */
static inline bool node_is_dead(const struct node *node)
{
	return node_is(node, NODE_FOLDER) && node->links == 0 &&
	    node->made == 0;
}

/* Sets the time of change: of the bytes, or of the attributes only. */
void node_changed(struct tree *t, struct node *node);
void node_touched(struct tree *t, struct node *node);

/*
 * Gives the contents of the file another number, if a process that has mapped
 * the file may have stored to it.
 */
bool node_perhaps_changed(struct tree *t, struct node *node);

/* Sets the time of reading, as Linux does by default (relatime). */
void node_accessed(struct tree *t, struct node *node);

/* Notes that the node was executed, with its present contents. */
void node_executed(struct tree *t, struct node *node);

/*
 * The node that was executed with these contents, if it still has them; or
 * NULL.
 */
struct node *node_of_program(const struct tree *t, uint64_t contents);

/* --- names ---------------------------------------------------------------- */

/* The name that begins here, up to a slash or a NUL. */
struct text text_read(const struct tree *t, const char *start);

/* Finds a name in a folder. NULL if there is no such name. */
struct name *folder_find(struct node *dir, const struct text *text);

bool folder_is_empty(const struct node *dir);

/*
 * Adds a name for a node, and sets times. False if there is no memory: nothing
 * has changed then. A folder has one name; two while it is being renamed.
 */
bool folder_add(struct tree *t, struct node *dir, const struct text *text,
    struct node *node);

/* Removes a name, and its node if that has no other name and no user. */
void folder_remove(struct tree *t, struct node *dir, struct name *name);

/*
 * Lets a name lead to another node. The other names of the two nodes are not
 * looked at.
 */
void name_lead(struct tree *t, struct node *dir, struct name *name,
    struct node *node);

#endif
