/* SPDX-License-Identifier: MIT */
/*
 * initrd.h - the files: a newc cpio archive in memory, read-only.
 *
 * The archive is checked and indexed once; files are then read where they lie.
 */
#ifndef PROC_INITRD_H
#define PROC_INITRD_H

#include "lib/compiler.h"
#include "lib/types.h"

#define PATH_MAX 1024
#define NAME_MAX 255

struct node {
	const char *path; /* without leading slash, "" for the root */
	const uint8_t *data;
	uint64_t size;
	uint32_t path_len;
	uint32_t mode; /* as in struct stat: type and permissions */
	uint32_t ino;
	uint32_t mtime;
	const struct node *parent; /* the root's is itself */
};

#define MODE_TYPE 0170000
#define MODE_DIR  0040000
#define MODE_FILE 0100000
#define MODE_LINK 0120000
#define MODE_CHAR 0020000
#define MODE_PIPE 0010000

static inline bool node_is(const struct node *node, uint32_t type)
{
	return (node->mode & MODE_TYPE) == type;
}

/*
 * Indexes the archive, which stays where it is. A damaged one is used up to
 * the damage, with a message that says where that is.
 */
void initrd_init(const void *archive, size_t size);

/*
 * Finds `path` from `from` (NULL: the root), through symbolic links; the last
 * component's own link only with `follow`. Returns 0; -ENOENT, -ENOTDIR,
 * -ELOOP or -ENAMETOOLONG.
 */
MUST_USE int initrd_lookup(const struct node *from, const char *path,
    bool follow, const struct node **node);

/* The entry of a directory after `previous` (NULL: the first), or NULL. */
const struct node *initrd_child(const struct node *dir,
    const struct node *previous);

/* Its name within its directory. */
const char *node_name(const struct node *node);

/* PATH_MAX bytes for the system call that this hart executes. */
char *path_buffer(void);

extern const struct node *initrd_root; /* [c] */

#endif
