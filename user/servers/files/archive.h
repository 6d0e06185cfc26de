/* SPDX-License-Identifier: MIT */
/*
 * archive.h - fills a tree from newc cpio archives, one behind the other.
 *
 * The tree becomes what Linux makes of the same archives, also of damaged ones,
 * with three exceptions: folders that a name needs and the archive lacks are
 * made; a file whose end is missing is left out; and whatever is left out is
 * reported. Ref: the Linux documentation, "initramfs buffer format".
 */
#ifndef FILES_ARCHIVE_H
#define FILES_ARCHIVE_H

#include "tree.h"

/* The contents of the header of a file. */
struct header {
	uint32_t ino, mode, uid, gid, links, mtime, size;
	uint32_t major, minor;   /* the device that the file was on */
	uint32_t rmajor, rminor; /* the number, if the file is a device */
	uint32_t name_size;      /* with its NUL */
};

struct archive {
	const char *base;
	size_t size;
	size_t at; /* where the next header begins */
};

/* A file in an archive. */
struct member {
	struct header header;
	size_t at; /* where its header begins */
	const char *name;
	const char *data;
};

/*
 * Reads the next member. False at the end; *damage is then NULL, or a sentence
 * about what is wrong.
 */
bool archive_next(struct archive *archive, struct member *member,
    const char **damage);

/*
 * Is called for each member that is left out, and where the archive ends too
 * early; `at` is a position in bytes.
 */
typedef void complain_fn(size_t at, const char *what);

/* Adds what is in the archives to the tree. */
void archive_unpack(struct tree *t, const void *archive, size_t size,
    complain_fn *complain);

#endif
