/* SPDX-License-Identifier: MIT */
/*
 * tree.h - the operations on a tree of files.
 *
 * Each is the Linux call of its name as root executes it, and returns what the
 * call returns: 0 or a number, or a negated error. A call that fails has
 * changed nothing but times of reading. Without memory it fails with ENOSPC, or
 * with ENOMEM if it would have added nothing to the tree.
 */
#ifndef FILES_TREE_H
#define FILES_TREE_H

#include "path.h"

/* --- entries.c, rename.c: names ------------------------------------------- */

/* `mode` has had the umask applied. */
int tree_mkdir(struct tree *t, struct where where, uint32_t mode);

/* `mode` includes the type; without one it is a file. */
int tree_mknod(struct tree *t, struct where where, uint32_t mode,
    uint64_t rdev);
int tree_symlink(struct tree *t, const char *target, struct where where);

/* `how` is for the old path. */
int tree_link(struct tree *t, struct where old, enum path_how how,
    struct where new);
int tree_unlink(struct tree *t, struct where where);
int tree_rmdir(struct tree *t, struct where where);

/* `flags`: RENAME_NOREPLACE or RENAME_EXCHANGE. */
int tree_rename(struct tree *t, struct where old, struct where new,
    unsigned flags);

/* Makes a node for that folder, as node_new(). */
struct node *node_new_in(struct tree *t, const struct node *dir, uint32_t mode);

/* Makes a node with a name at the end of a walk. */
int walk_make(struct walk *w, uint32_t mode, struct node **node);

/* --- attributes.c --------------------------------------------------------- */

struct attributes {
	uint64_t ino;
	uint32_t mode, links, uid, gid;
	uint64_t rdev;
	uint64_t size;
	uint64_t blocks; /* blocks of 512 bytes */
	struct moment atime, mtime, ctime, btime;
};

void node_stat(const struct node *node, struct attributes *st);
void node_chmod(struct tree *t, struct node *node, uint32_t mode);

#define KEEP_ID UINT32_MAX
void node_chown(struct tree *t, struct node *node, uint32_t uid, uint32_t gid);

/*
 * Sets the times of access and change. nsec may be UTIME_NOW or UTIME_OMIT,
 * else EINVAL.
 */
int node_utimes(struct tree *t, struct node *node,
    const struct moment times[2]);

/* Checks access; `mode` is made of R_OK, W_OK and X_OK. */
int tree_access(struct tree *t, struct where where, enum path_how how,
    int mode);

/* Copies up to `size` bytes of the link's target; returns how many. */
long node_readlink(struct tree *t, struct node *node, char *to, size_t size);

/*
 * Copies the path of a folder with a NUL. Returns its length with the NUL,
 * ENOENT or ERANGE.
 */
long node_path(const struct tree *t, const struct node *dir, char *to,
    size_t size);

/*
 * The path of a node of any kind, by one of its names and without a NUL. A node
 * that has no name any more gets a text that says so. Returns the length, or
 * ERANGE.
 */
long node_place(const struct tree *t, const struct node *node, char *to,
    size_t size);

/* --- open.c, file.c, list.c ----------------------------------------------- */

/* An open file. The kernel keeps the position. */
struct file {
	struct node *node;
	uint32_t flags;
	/*
	 * of a folder being listed: places from here on are newer and are left
	 * out; 0: not known yet
	 */
	uint64_t end;
};

/*
 * Opens a file; `mode` is as for tree_mkdir(). `file` is the caller's memory,
 * and is written only if the file is open then.
 */
int file_open(struct tree *t, struct where where, uint32_t flags, uint32_t mode,
    struct file *file);

/* Opens a node that was found already, for reading. */
void file_open_node(struct node *node, struct file *file);
void file_close(struct tree *t, const struct file *file);

/* Sets the time of reading, unless the file was opened with O_NOATIME. */
void file_accessed(struct tree *t, const struct file *file);

/*
 * Begins a read, which the caller then does. *len is cut to what is left up to
 * the end of the file.
 */
int file_begin_read(struct tree *t, struct file *file, uint64_t position,
    size_t *len);

/* Reads or writes at `position`; a write moves it behind the bytes. */
long file_read(struct tree *t, struct file *file, uint64_t position, void *to,
    size_t len);

/*
 * Finds the pages of a mapping of the file from `position` on; NULL stands for
 * a page of zeros. Returns how many, fewer than `count` at the end of the file.
 * -ENODEV: such a file cannot be mapped.
 */
long file_pages(struct tree *t, struct file *file, uint64_t position,
    void **pages, size_t count);

/*
 * Makes these pages of the file ready to be mapped with MAP_SHARED, as far as
 * there is memory, and only if there is enough for `all`. If any page was not
 * ready before, tree.unkept is set. No call can see the difference. Nothing
 * happens if it is no file.
 */
void file_share(struct tree *t, const struct file *file, uint64_t position,
    size_t count, uint64_t all);

/*
 * Does what file_pages() does, for a mapping with MAP_SHARED: up to the first
 * page for which file_share() found no memory; -ENOMEM if that is the first
 * one.
 */
long file_shared_pages(struct tree *t, struct file *file, uint64_t position,
    void **pages, size_t count);
long file_write(struct tree *t, struct file *file, uint64_t *position,
    const void *from, size_t len);
int tree_truncate(struct tree *t, struct where where, int64_t size);
int file_truncate(struct tree *t, struct file *file, int64_t size);
int file_allocate(struct tree *t, struct file *file, int mode, int64_t offset,
    int64_t len);

/* The new position: as lseek() returns. */
int64_t file_seek(struct file *file, uint64_t position, int64_t offset,
    int whence);

/* Writes entries as getdents64() does; returns how many bytes. */
long file_list(struct tree *t, struct file *file, uint64_t *position, void *to,
    size_t size);

/* --- device.c: what reads and writes without a file's bytes --------------- */

/* ENXIO: there is no device behind this node. */
int device_open(const struct node *node);

bool device_is_random(const struct node *node);

/* Is it a terminal, for which another server's file is passed on? */
bool device_is_terminal(const struct node *node);
long device_read(const struct node *node, void *to, size_t len);
long device_write(const struct node *node, size_t len);

/* Finds pages as file_pages() does. */
long device_pages(const struct node *node, void **pages, size_t count);

/* Makes the nodes of devices in /dev, as far as there is room. */
void devices_make(struct tree *t);

/* --- data.c: the bytes of a file ------------------------------------------ */

#define FILE_MAX INT64_MAX

/* How many of `len` bytes there are, up to the end. */
size_t data_left(const struct node *node, uint64_t at, size_t len);

/*
 * How many bytes from `at` on, which have to be in the file, lie in one piece,
 * and where.
 */
size_t data_span(const struct node *node, uint64_t at, size_t len,
    const char **bytes);

/* Returns how many bytes were read; fewer only at the end. */
size_t data_read(const struct node *node, uint64_t at, void *to, size_t len);

/*
 * Returns how many bytes were written: fewer only for want of memory. A file
 * ends at FILE_MAX at most.
 */
size_t data_write(struct tree *t, struct node *node, uint64_t at,
    const void *from, size_t len);
void data_truncate(struct tree *t, struct node *node, uint64_t size);

/*
 * Moves the end of the file to `size`, if the file grows by that; the new bytes
 * are zero.
 */
void data_grow(const struct tree *t, struct node *node, uint64_t size);

/* Clears a range; whole pages in it that are not shared become a hole. */
void data_punch(const struct tree *t, struct node *node, uint64_t from,
    uint64_t to);

/* Gives each page of a range memory. ENOSPC: nothing has changed. */
int data_allocate(struct tree *t, struct node *node, uint64_t from,
    uint64_t to);

/*
 * Finds the pages from `at` on, a multiple of the page size; NULL stands for a
 * page that is not there. Returns how many there are up to the end; at most
 * `count`.
 */
size_t data_pages(const struct node *node, uint64_t at, void **pages,
    size_t count);

/*
 * Finds pages that are shared, up to the first that is not. Returns how many.
 */
size_t data_shared_pages(const struct node *node, uint64_t at, void **pages,
    size_t count);

/*
 * Makes pages shared, up to the end of the file. False: not all, for want of
 * memory. No page is made shared if there is too little memory for `all` that
 * are going to be asked for.
 */
bool data_share(struct tree *t, struct node *node, uint64_t at, size_t count,
    uint64_t all);

/* How many pages the file has. */
uint64_t data_page_count(const struct node *node);

/* The next byte from `at` on that is in a page, or in a hole. */
uint64_t data_next(const struct node *node, uint64_t at);
uint64_t data_gap(const struct node *node, uint64_t at);

#endif
