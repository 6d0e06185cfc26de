/* SPDX-License-Identifier: MIT */
/*
 * differ.h - the same operations on a tree of the file server and on a real
 * file system of Linux, and what comes of them compared.
 */
#ifndef TESTS_FILES_DIFFER_H
#define TESTS_FILES_DIFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind {
	OP_OPEN,
	OP_CLOSE,
	OP_READ,
	OP_WRITE,
	OP_SEEK,
	OP_TRUNCATE,
	OP_FTRUNCATE,
	OP_ALLOCATE,
	OP_MKDIR,
	OP_RMDIR,
	OP_UNLINK,
	OP_RENAME,
	OP_LINK,
	OP_SYMLINK,
	OP_READLINK,
	OP_MKNOD,
	OP_STAT,
	OP_FSTAT,
	OP_CHMOD,
	OP_FCHMOD,
	OP_CHOWN,
	OP_UTIMES,
	OP_ACCESS,
	OP_LIST,
	OP_CHDIR,
	OP_FCHDIR,
	OP_GETCWD,
	OP_UMASK,
	OP_MAP,  /* the beginning of a file, with MAP_SHARED */
	OP_POKE, /* stores to what was mapped last by this slot */
	OP_PEEK,
	OP_KINDS
};

#define SLOTS       5
#define CWD         (-1) /* as the base of a path */
#define PATH_SIZE   700
#define OUT_SIZE    70000
#define NO_POSITION (-1)
#define MAP_PAGES   8
#define MAP_BYTES   (MAP_PAGES * 4096)

struct time {
	int64_t sec, nsec;
};

struct op {
	enum kind kind;
	int slot;        /* of open files */
	int base, base2; /* where paths begin: CWD, or a slot with a file */
	uint32_t flags;  /* of the call */
	uint32_t mode;
	uint64_t device;
	int64_t offset; /* or NO_POSITION: at the position */
	int64_t len;
	int whence;
	uint32_t uid, gid;
	struct time times[2];
	uint8_t byte; /* of what is written */
	char path[PATH_SIZE], path2[PATH_SIZE];
};

struct outcome {
	long result; /* or a negated errno */
	size_t len;
	unsigned char out[OUT_SIZE];
};

/* What stat() says, as far as it can be the same. */
struct seen {
	uint64_t ino;
	uint32_t mode, links, uid, gid;
	uint64_t rdev, size, blocks;
	struct time atime, mtime, ctime;
};

/* Times that are set are before this; those of changes are behind. */
#define SET_BEFORE 1500000000

/* --- generate.c ----------------------------------------------------------- */

/* Are mappings among them? For who asks a server. */
extern bool op_maps;

void op_random(struct op *op);
void op_print(const struct op *op);

/* --- real.c --------------------------------------------------------------- */

/* Where there is a file system to compare with; NULL, or why there is none. */
const char *real_find(void);

/* No devices can be made then, and files are root's. */
extern bool real_is_confined;

/* Goes there, for good: in a process that does nothing else. */
void real_enter(void);
void real_remove(void);

/* Begins with nothing. */
void real_begin(void);
void real_do(const struct op *op, struct outcome *outcome);

/* Is the path one that is better not opened here? */
bool real_blocks(const struct op *op);
bool real_is_open(int slot);
bool real_is_folder(int slot);

bool real_has_size(const char *path, int64_t size);

/* Has the file the largest size there is? */
bool real_is_full(int slot);

/* Is it a file that is open for reading and writing? */
bool real_can_map(int slot);

/*
 * Makes an access to a mapping one to what is in the file, and has been since
 * it was mapped. False: nothing is.
 */
bool real_clip(struct op *op);

/* --- ours.c --------------------------------------------------------------- */

void ours_begin(void);

/* Follows the path, as real_blocks() does. */
void ours_look(const struct op *op);
void ours_do(const struct op *op, struct outcome *outcome);

/* Ends; NULL, or what is wrong: memory that is still in use. */
const char *ours_end(void);

/* The tree that it is. */
struct tree *ours_tree(void);
bool ours_is_open(int slot);

/* A number that another tree would not have. */
uint64_t ours_digest(void);

/* Adds what getdents64() has read: for each entry a type, a name, a NUL. */
void outcome_add_entries(struct outcome *o, const char *entries, long size);

/* Is it a call that has an open file? */
bool op_is_of_file(const struct op *op);

/* --- compare.c ------------------------------------------------------------ */

/* Calls that were made on both sides, and that failed on both. */
extern unsigned long compare_ops, compare_errors;

/* All that our side does, it does at one time. */
extern bool compare_at_once;

/* Begins with nothing on both sides. */
void compare_begin(void);

/* Does it on both sides; NULL, or what is different. */
const char *compare_op(const struct op *op);
const char *compare_trees(void);

#endif
