/* SPDX-License-Identifier: MIT */
/*
 * archive.h - filling a tree from newc cpio archives, one behind the other.
 *
 * What comes of an archive is what Linux makes of it, also of one that lies,
 * with three exceptions: folders that a name needs and the archive does not
 * have are made up; a file that is cut off is left out; and whatever is left
 * out is told.
 *
 * Ref: the Linux documentation, "initramfs buffer format".
 */
#ifndef FILES_ARCHIVE_H
#define FILES_ARCHIVE_H

#include "tree.h"

/* What the header of a file says. */
struct header {
	uint32_t ino, mode, uid, gid, links, mtime, size;
	uint32_t major, minor;   /* of where it was */
	uint32_t rmajor, rminor; /* of a device */
	uint32_t name_size;      /* with its NUL */
};

struct archive {
	const char *base;
	size_t size;
	size_t at; /* the next header */
};

/* A file in an archive. */
struct member {
	struct header header;
	size_t at; /* of the header */
	const char *name;
	const char *data;
};

/*
 * The next file. False at the end, with *damage if it is one that should not
 * be: a sentence about it.
 */
bool archive_next(struct archive *archive, struct member *member,
    const char **damage);

/* Is told of what is left out, and of where the archive ends if that is amiss:
 * `at` is a number of bytes. */
typedef void complain_fn(size_t at, const char *what);

/* Adds what is in the archives to the tree. */
void archive_unpack(struct tree *t, const void *archive, size_t size,
    complain_fn *complain);

#endif
