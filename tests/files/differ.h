/* SPDX-License-Identifier: MIT */
/*
 * differ.h - does each operation on a tree of the file server and on a real
 * file system of Linux, and compares the results.
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

/* The fields of stat() that can be equal on both sides. */
struct seen {
	uint64_t ino;
	uint32_t mode, links, uid, gid;
	uint64_t rdev, size, blocks;
	struct time atime, mtime, ctime;
};

/* Operations only set times before this one, and the clock is later. */
#define SET_BEFORE 1500000000

/* --- generate.c ----------------------------------------------------------- */

/* Are mappings among the operations? Only for tests of a server. */
extern bool op_maps;

void op_random(struct op *op);
void op_print(const struct op *op);

/* --- real.c --------------------------------------------------------------- */

/* Finds a file system to compare with. NULL, or why there is none. */
const char *real_find(void);

/* In a user namespace: no devices can be made, and all files are root's. */
extern bool real_is_confined;

/* Makes that file system the root of this process, for good. */
void real_enter(void);
void real_remove(void);

/* Begins with an empty file system. */
void real_begin(void);
void real_do(const struct op *op, struct outcome *outcome);

/* May opening the path wait, or reach a device of this machine? */
bool real_blocks(const struct op *op);
bool real_is_open(int slot);
bool real_is_folder(int slot);

bool real_has_size(const char *path, int64_t size);

/* Has the file the largest size there is? */
bool real_is_full(int slot);

/* Is it a file that is open for reading and writing? */
bool real_can_map(int slot);

/*
 * Cuts an access to a mapping to the bytes that have been in the file ever
 * since it was mapped. False if there are none.
 */
bool real_clip(struct op *op);

/* --- ours.c --------------------------------------------------------------- */

void ours_begin(void);

/* Follows the path, as real_blocks() does. */
void ours_look(const struct op *op);
void ours_do(const struct op *op, struct outcome *outcome);

/* Destroys the tree. NULL, or what is wrong, such as memory still in use. */
const char *ours_end(void);

/* The tree that operations are done on. */
struct tree *ours_tree(void);
bool ours_is_open(int slot);

/* A hash of the tree: another tree has another one. */
uint64_t ours_digest(void);

/* Adds what getdents64() has read: for each entry a type, a name, a NUL. */
void outcome_add_entries(struct outcome *o, const char *entries, long size);

/* Is it a call on an open file? */
bool op_is_of_file(const struct op *op);

/* --- compare.c ------------------------------------------------------------ */

/* Calls that were made on both sides, and that failed on both. */
extern unsigned long compare_ops, compare_errors;

/* Set if the clock of our tree stands still. */
extern bool compare_at_once;

/* Begins with two empty file systems. */
void compare_begin(void);

/* Does the operation on both sides; NULL, or what is different. */
const char *compare_op(const struct op *op);
const char *compare_trees(void);

#endif
