/* SPDX-License-Identifier: MIT */
/* compare.c - does one operation on both sides, and compares both trees. */
#include "differ.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define MAX_FILES 4000 /* in a sequence, the removed ones included */
#define MAX_PATHS 300  /* that are still to be compared */

static struct outcome real, ours;

/* Inode numbers of files: the real one, and that of our tree. */
static struct {
	uint64_t real, ours;
} pairs[MAX_FILES];

static unsigned pair_count;
static bool allocated; /* pages were allocated, which are no data to a tmpfs */
static bool mapped;    /* a file was mapped: its pages stay when it is cut */
unsigned long compare_ops, compare_errors;

static bool is_pair(uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < pair_count; i++)
		if (pairs[i].real == a || pairs[i].ours == b)
			return pairs[i].real == a && pairs[i].ours == b;
	if (pair_count < MAX_FILES) {
		pairs[pair_count].real = a;
		pairs[pair_count++].ours = b;
	}
	return true;
}

/* Times that were set must be equal; all others are of now on both sides. */
static bool same_time(struct time a, struct time b)
{
	if (a.sec < SET_BEFORE || b.sec < SET_BEFORE)
		return a.sec == b.sec && a.nsec == b.nsec;
	return true;
}

bool compare_at_once;

static bool is_same(struct time a, struct time b)
{
	return a.sec == b.sec && a.nsec == b.nsec;
}

/*
 * Was the last change one of the bytes? Linux's clock is coarse: two changes
 * may have one time there, but never one change two times.
 */
static bool changed_alike(const struct seen *a, const struct seen *b)
{
	return compare_at_once || b->mtime.sec < SET_BEFORE ||
	    !is_same(b->mtime, b->ctime) || is_same(a->mtime, a->ctime);
}

static const char *compare_stat(void)
{
	struct seen a, b;

	memcpy(&a, real.out, sizeof a);
	memcpy(&b, ours.out, sizeof b);
	/* In a user namespace, a write removes set-ID bits even for root. */
	if (((a.mode ^ b.mode) & ~(real_is_confined ? 06000U : 0U)) != 0)
		return found("mode %o, not %o", b.mode, a.mode);
	if (a.links != b.links)
		return found("%u links, not %u", b.links, a.links);
	if (a.uid != b.uid || a.gid != b.gid)
		return found("owner %u:%u, not %u:%u", b.uid, b.gid, a.uid,
		    a.gid);
	if (a.size != b.size)
		return found("size %lu, not %lu", b.size, a.size);
	if (a.rdev != b.rdev)
		return found("device %lx, not %lx", b.rdev, a.rdev);
	if (S_ISREG(a.mode) && a.blocks != b.blocks && !mapped)
		return found("%lu blocks, not %lu", b.blocks, a.blocks);
	if (!same_time(a.atime, b.atime))
		return found("read at %ld, not %ld", b.atime.sec, a.atime.sec);
	if (!same_time(a.mtime, b.mtime))
		return found("changed at %ld, not %ld", b.mtime.sec,
		    a.mtime.sec);
	if (!changed_alike(&a, &b))
		return "what was changed later was not the bytes";
	return is_pair(a.ino, b.ino) ? NULL : "another file";
}

static int compare_entries(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x + 1, *y + 1);
}

static unsigned sort_entries(const struct outcome *o, const char **entries)
{
	unsigned count = 0;

	for (size_t at = 0; at < o->len; count++) {
		entries[count] = (const char *)o->out + at;
		at += 1 + strlen(entries[count] + 1) + 1;
	}
	qsort(entries, count, sizeof *entries, compare_entries);
	return count;
}

static const char *compare_list(void)
{
	static const char *a[MAX_PATHS], *b[MAX_PATHS];
	unsigned n = sort_entries(&real, a), m = sort_entries(&ours, b);

	if (n != m)
		return found("%u entries, not %u", m, n);
	for (unsigned i = 0; i < n; i++)
		if (*a[i] != *b[i] || strcmp(a[i] + 1, b[i] + 1) != 0)
			return found("entry %s of type %d, not %s of %d",
			    b[i] + 1, *b[i], a[i] + 1, *a[i]);
	return NULL;
}

static const char *compare(const struct op *op)
{
	if (real.result != ours.result)
		return found("%ld, not %ld", ours.result, real.result);
	if (op->kind == OP_LIST)
		return compare_list();
	if (real.len != ours.len)
		return found("%lu bytes, not %lu", ours.len, real.len);
	if (real.len > 0 && (op->kind == OP_STAT || op->kind == OP_FSTAT))
		return compare_stat();
	return memcmp(real.out, ours.out, real.len) == 0 ? NULL : "other bytes";
}

void compare_begin(void)
{
	pair_count = 0;
	allocated = false;
	mapped = false;
	real_begin();
	ours_begin();
}

/* Is it an operation whose results may differ, or that would wait? */
static bool is_skipped(const struct op *op)
{
	if (op_is_of_file(op) && !real_is_open(op->slot))
		return true;
	if (real_is_confined && op->kind == OP_CHOWN)
		return op->uid == 7 || op->gid == 7;
	if (real_is_confined && op->kind == OP_MKNOD)
		return S_ISCHR(op->mode) || S_ISBLK(op->mode);
	if (op->kind == OP_OPEN) {
		ours_look(op);
		return real_blocks(op);
	}
	/* If the size stays, a tmpfs sets the times of a file with pages. */
	if (op->kind == OP_TRUNCATE) {
		ours_look(op);
		return real_has_size(op->path, op->len);
	}
	if (op->kind == OP_MAP)
		return !real_can_map(op->slot);
	if (op->kind != OP_SEEK)
		return false;
	if (real_is_folder(op->slot))
		return op->whence != SEEK_SET || op->offset != 0;
	/* Linux finds no data in the last page that a file can have. */
	return op->whence > SEEK_END &&
	    (allocated || mapped || real_is_full(op->slot));
}

const char *compare_op(const struct op *wanted)
{
	static struct op op;

	if (is_skipped(wanted))
		return NULL;
	op = *wanted;
	if ((op.kind == OP_POKE || op.kind == OP_PEEK) && !real_clip(&op))
		return NULL;
	real_do(&op, &real);
	ours_do(&op, &ours);
	allocated |= op.kind == OP_ALLOCATE;
	mapped |= op.kind == OP_MAP;
	compare_ops++;
	compare_errors += real.result < 0;
	return compare(&op);
}

/* --- all of both trees ---------------------------------------------------- */

static char paths[MAX_PATHS][PATH_SIZE];
static unsigned path_count;

static void remember(const char *dir, const char *name)
{
	char *path = paths[path_count];

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    path_count == MAX_PATHS ||
	    strlen(dir) + 1 + strlen(name) >= PATH_SIZE)
		return;
	strcpy(path, dir);
	strcat(path, "/");
	strcat(path, name);
	path_count++;
}

static const char *verify_file(struct op op)
{
	static const int64_t places[] = {0, 50000, 262000, (1 << 20) - 9,
	    (1LL << 24) - 9, (1LL << 30) - 9, (1LL << 40) - 9, 1LL << 62};
	const char *problem;

	op.kind = OP_OPEN;
	op.flags = 01000000; /* O_NOATIME */
	problem = compare_op(&op);
	op.kind = OP_READ;
	op.len = 50000;
	for (unsigned i = 0; i < 8 && problem == NULL; i++) {
		op.offset = places[i];
		problem = compare_op(&op);
	}
	return problem;
}

static const char *verify_folder(struct op op)
{
	static char list[OUT_SIZE];
	const char *problem;
	size_t len;

	op.kind = OP_OPEN;
	op.flags = 0;
	problem = compare_op(&op);
	op.kind = OP_LIST;
	op.len = 512;
	if (problem == NULL)
		problem = compare_op(&op);
	if (problem != NULL)
		return problem;
	len = ours.len;
	memcpy(list, ours.out, len);
	for (size_t at = 0; at < len; at += 1 + strlen(list + at + 1) + 1)
		remember(op.path, list + at + 1);
	return NULL;
}

static const char *verify_path(const char *path)
{
	struct op op = {.kind = OP_STAT,
	    .base = CWD,
	    .base2 = CWD,
	    .flags = 0x100, /* AT_SYMLINK_NOFOLLOW */
	    .len = 600};
	const char *problem;
	uint32_t type;

	(void)snprintf(op.path, PATH_SIZE, "%s", path[0] != '\0' ? path : "/");
	problem = compare_op(&op);
	if (problem != NULL)
		return problem;
	type = ((struct seen *)ours.out)->mode & S_IFMT;
	op.kind = OP_READLINK;
	if (type == S_IFLNK)
		return compare_op(&op);
	(void)snprintf(op.path, PATH_SIZE, "%s", path);
	if (path[0] == '\0')
		(void)snprintf(op.path, PATH_SIZE, "/.");
	if (type == S_IFDIR)
		return verify_folder(op);
	return type == S_IFREG ? verify_file(op) : NULL;
}

const char *compare_trees(void)
{
	static char path[PATH_SIZE];
	const char *problem;

	path_count = 1;
	paths[0][0] = '\0';
	while (path_count > 0) {
		memcpy(path, paths[--path_count], PATH_SIZE);
		problem = verify_path(path);
		if (problem != NULL)
			return found("%s: %s", path, problem);
	}
	return NULL;
}
