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
	struct name *name;   /* in there, unless it was removed */
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
	uint64_t made;          /* made.h: what it stands for; else 0 */
	struct node *next_made; /* in tree.made */
	uint64_t
	    contents; /* a number for what is in it now; never used again */
	struct moment atime, mtime, ctime, btime;
	union {
		struct {
			/* Of a file; what is in neither is zero. */
			struct sparse pages;
			struct sparse shared; /* tree.unkept */
		};
		struct folder folder;
		char *target; /* of a link, with a NUL */
	};
};

struct tree {
	struct node *root;
	struct moment now; /* set by who calls, before he does */
	uint64_t seed;     /* of the hashes */
	uint64_t next_ino;
	uint64_t last_contents;
	uint64_t nodes;
	bool accessed;      /* a time of reading was set: who calls clears it */
	struct scrap scrap; /* what large files were cut to */
	struct scrap shared_scrap;
	/*
	 * A page of a file that may be mapped with MAP_SHARED is in
	 * node.shared, and in no other place until the node goes, also when it
	 * is behind the end of the file. Its bytes are the same in who stays
	 * behind for this server, and mappers store there: so what is done once
	 * more leaves them as they are. True: pages have come to be there since
	 * the server was kept. Nobody gets them before it is kept again.
	 */
	bool unkept;
	const struct maker *maker; /* made.h */
	struct node *made;         /* by the call at hand */
	int32_t caller;            /* its pid */
	bool replays;              /* it is done once more, in a log */
	uint32_t looks;            /* for made nodes, by the call at hand */
	uint32_t missed; /* the first of these that found none; 0: all did */
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

/* S_IFMT and S_IFDIR, for who has them from elsewhere. */
#define NODE_TYPE   0170000U
#define NODE_FOLDER 0040000U

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

/*
 * May somebody have stored to the file, who has mapped it? Then what is in it
 * has another number.
 */
bool node_perhaps_changed(struct tree *t, struct node *node);

/* Was read: as Linux does by default, only if that is news. */
void node_accessed(struct tree *t, struct node *node);

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
