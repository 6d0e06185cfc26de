/* SPDX-License-Identifier: MIT */
/*
 * initrd.h - the files: newc cpio archives in memory, read-only.
 *
 * They are checked and indexed once; files are then read where they lie.
 */
#ifndef PROC_INITRD_H
#define PROC_INITRD_H

#include "abi/limits.h"
#include "abi/stat.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct node {
	const char *name; /* in its directory; ends where name_len says */
	const uint8_t *data;
	uint64_t size;
	uint32_t name_len;
	uint32_t mode; /* as in struct stat: type and permissions */
	uint32_t ino;
	uint32_t mtime;
	struct node *file;   /* itself, or of its names the first */
	struct node *parent; /* the root's is itself */
	struct list children, sibling;
	struct node *index[2]; /* with further bits of the name's hash */
};

#define MODE_TYPE S_IFMT
#define MODE_DIR  S_IFDIR
#define MODE_FILE S_IFREG
#define MODE_LINK S_IFLNK
#define MODE_CHAR S_IFCHR
#define MODE_PIPE S_IFIFO

static inline bool node_is(const struct node *node, uint32_t type)
{
	return (node->mode & MODE_TYPE) == type;
}

/*
 * Builds the tree of files from `archive`, which stays in use, and may be
 * several archives one behind the other. A damaged archive is used up to the
 * damage, and a message says where that is. A file that cannot be put where it
 * belongs is left out, with a message.
 */
void initrd_init(const void *archive, size_t size);

/* How far a lookup came; all zero at first. */
struct lookup_rest {
	const struct node *at;
	uint32_t done;  /* bytes of the path */
	uint16_t links; /* that were followed */
	uint16_t text;  /* bytes of their targets */
};

#define LOOKUP_MORE 1

/*
 * Finds `path` from `from` (NULL: the root), through symbolic links; the last
 * component's own link only with `follow`. Returns 0; LOOKUP_MORE if this was
 * long enough, and *rest says where to go on; -ENOENT, -ENOTDIR, -ELOOP or
 * -ENAMETOOLONG, also for more than 1,024 bytes of links.
 */
MUST_USE int initrd_lookup(const struct node *from, const char *path,
    bool follow, struct lookup_rest *rest, const struct node **node);

/* The entry of a directory after `previous` (NULL: the first), or NULL. */
const struct node *initrd_child(const struct node *dir,
    const struct node *previous);

/*
 * The path of a directory into `path`, of PATH_MAX bytes. Returns its length,
 * or 0 if it is too long.
 */
size_t initrd_path(const struct node *dir, char *path);

/* PATH_MAX bytes for the system call that this hart executes. */
char *path_buffer(void);

extern const struct node *initrd_root; /* [c] */

#endif
