/* SPDX-License-Identifier: MIT */
/*
 * generate.c - random operations on few names, so that many of them meet the
 * same file.
 */
#define _GNU_SOURCE
#include "differ.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/types.h"
#include "sim.h"

bool op_maps;

#define PICK(list) (list)[sim_below(array_len(list))]

static bool chance(unsigned percent)
{
	return sim_below(100) < percent;
}

static void add_name(char *path)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "l"};
	size_t len = strlen(path);

	if (chance(2)) {
		size_t n = 254 + sim_below(3);

		memset(path + len, 'n', n);
		path[len + n] = '\0';
	} else if (chance(12)) {
		strcat(path, chance(50) ? "." : "..");
	} else {
		strcat(path, PICK(names));
	}
}

static void random_path(char *path)
{
	unsigned names = 1 + (chance(55) ? sim_below(3) : 0);

	path[0] = '\0';
	if (chance(1))
		return;
	if (chance(1)) {
		for (unsigned n = 38 + sim_below(5); n > 0; n--)
			strcat(path, "l/");
		strcat(path, chance(50) ? "a" : ".");
		return;
	}
	if (chance(30))
		strcat(path, chance(80) ? "/" : "//");
	if (chance(1))
		return;
	for (unsigned i = 0; i < names && strlen(path) < 400; i++) {
		if (i > 0)
			strcat(path, chance(90) ? "/" : "//");
		add_name(path);
	}
	if (chance(10))
		strcat(path, chance(80) ? "/" : "//");
}

static int64_t random_offset(void)
{
	static const int64_t offsets[] = {0, 1, 100, 4095, 4096, 4097, 8192,
	    12287, 65536, 262144, 262145, 1 << 20, 1LL << 24, (1LL << 30) + 1,
	    1LL << 40, (1LL << 62) + 5, INT64_MAX - 4096, INT64_MAX - 1,
	    INT64_MAX, -2, -4096};

	return chance(40) ? PICK(offsets) : (int64_t)sim_below(24000);
}

static int64_t random_len(void)
{
	static const int64_t lens[] = {0, 1, 10, 4095, 4096, 4097, 8192, 20000};

	return chance(70) ? PICK(lens) : (int64_t)sim_below(20000);
}

static uint32_t random_flags(void)
{
	static const uint32_t access[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR,
	    O_RDWR, 3};
	static const uint32_t more[] = {O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY,
	    O_NOFOLLOW, O_PATH, O_NOATIME, O_TMPFILE, O_NOCTTY};
	uint32_t flags = PICK(access) | O_CLOEXEC;

	if (chance(50))
		flags |= O_CREAT;
	while (chance(35))
		flags |= PICK(more);
	return flags;
}

static uint32_t random_mode(void)
{
	static const uint32_t modes[] = {0644, 0755, 0600, 0, 07755, 02755,
	    04711, 01700, 02710, 0777, 06775, 0111};

	return PICK(modes);
}

static struct time random_time(void)
{
	static const int64_t nsecs[] = {0, 1, 999999999, 1000000000, -1,
	    UTIME_NOW, UTIME_OMIT};

	return (struct time){(int64_t)sim_below(1000000000),
	    chance(60) ? (int64_t)sim_below(1000000000) : PICK(nsecs)};
}

static void choose_mknod(struct op *op)
{
	static const uint32_t types[] = {S_IFREG, 0, S_IFIFO, S_IFSOCK, S_IFCHR,
	    S_IFCHR, S_IFCHR, S_IFBLK, S_IFDIR, S_IFLNK, 0150000};
	static const unsigned minors[] = {3, 5, 7, 3, 5, 7, 200, 3000};

	op->mode |= PICK(types);
	op->device = makedev(chance(90) ? 1 : 300, PICK(minors));
}

/* Flags of the calls that have some. */
static void choose_flags(struct op *op)
{
	static const uint32_t rename_flags[] = {0, 0, 0, 0, 1, 2, 3, 8};
	static const uint32_t allocate_flags[] = {0, 0, 1, 3, 3, 3, 2, 8, 16};
	static const uint32_t link_flags[] = {0, 0, AT_SYMLINK_FOLLOW,
	    AT_EMPTY_PATH, AT_EMPTY_PATH | AT_SYMLINK_FOLLOW};
	static const uint32_t stat_flags[] = {0, AT_SYMLINK_NOFOLLOW,
	    AT_EMPTY_PATH, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW};

	op->flags = 0;
	if (op->kind == OP_OPEN)
		op->flags = random_flags();
	else if (op->kind == OP_RENAME)
		op->flags = PICK(rename_flags);
	else if (op->kind == OP_ALLOCATE)
		op->flags = PICK(allocate_flags);
	else if (op->kind == OP_LINK)
		op->flags = PICK(link_flags);
	else if (op->kind == OP_STAT || op->kind == OP_CHOWN)
		op->flags = PICK(stat_flags);
	else if (op->kind == OP_UTIMES && chance(40))
		op->flags = AT_SYMLINK_NOFOLLOW;
}

static void choose_kind(struct op *op)
{
	static const uint8_t weights[OP_KINDS] = {[OP_OPEN] = 18,
	    [OP_CLOSE] = 4,
	    [OP_READ] = 8,
	    [OP_WRITE] = 12,
	    [OP_SEEK] = 8,
	    [OP_TRUNCATE] = 3,
	    [OP_FTRUNCATE] = 5,
	    [OP_ALLOCATE] = 3,
	    [OP_MKDIR] = 12,
	    [OP_RMDIR] = 6,
	    [OP_UNLINK] = 6,
	    [OP_RENAME] = 12,
	    [OP_LINK] = 6,
	    [OP_SYMLINK] = 7,
	    [OP_READLINK] = 2,
	    [OP_MKNOD] = 3,
	    [OP_STAT] = 8,
	    [OP_FSTAT] = 4,
	    [OP_CHMOD] = 3,
	    [OP_FCHMOD] = 1,
	    [OP_CHOWN] = 2,
	    [OP_UTIMES] = 5,
	    [OP_ACCESS] = 3,
	    [OP_LIST] = 5,
	    [OP_CHDIR] = 4,
	    [OP_FCHDIR] = 2,
	    [OP_GETCWD] = 2,
	    [OP_UMASK] = 1};
	unsigned sum = 0, at;

	for (unsigned i = 0; i < OP_KINDS; i++)
		sum += weights[i];
	at = sim_below(sum);
	op->kind = 0;
	while (at >= weights[op->kind])
		at -= weights[op->kind++];
}

/* Chooses the text of a link, the room for a list, and other arguments. */
static void choose_rest(struct op *op)
{
	static const int64_t sizes[] = {1, 20, 512, 4096};
	static const int64_t whences[] = {SEEK_SET, SEEK_CUR, SEEK_END,
	    SEEK_DATA, SEEK_HOLE, 7};

	op->whence = (int)PICK(whences);
	if (op->kind == OP_SYMLINK && chance(15)) {
		strcpy(op->path2, ".");
		strcpy(op->path, chance(50) ? "l" : "/l");
	}
	if (op->kind == OP_CHDIR && chance(60))
		strcpy(op->path, "/");
	if (op->kind == OP_LIST || op->kind == OP_GETCWD)
		op->len = PICK(sizes);
	if (op->kind == OP_READLINK)
		op->len = chance(80) ? 600 : 1 + sim_below(3);
	if (op->kind == OP_TRUNCATE || op->kind == OP_FTRUNCATE)
		op->len = random_offset();
	if (op->kind == OP_ALLOCATE && chance(10))
		op->len = -op->len;
	if (op->kind == OP_MKNOD)
		choose_mknod(op);
	if (op->kind == OP_ACCESS)
		op->mode = sim_below(9);
}

/*
 * Chooses one of the operations that matter to a mapped file, on one of two
 * files.
 */
static void choose_mapped(struct op *op)
{
	static const enum kind kinds[] = {OP_OPEN, OP_OPEN, OP_CLOSE, OP_MAP,
	    OP_MAP, OP_POKE, OP_POKE, OP_POKE, OP_POKE, OP_PEEK, OP_PEEK,
	    OP_PEEK, OP_READ, OP_READ, OP_WRITE, OP_WRITE, OP_WRITE,
	    OP_FTRUNCATE, OP_TRUNCATE, OP_ALLOCATE, OP_UNLINK, OP_FSTAT};
	static const uint32_t flags[] = {0, 0, 0, 0, 0, O_TRUNC, O_APPEND};
	static const uint32_t how[] = {0, 1, 3, 3};

	op->kind = PICK(kinds);
	if (op->kind == OP_UNLINK && chance(70))
		op->kind = OP_PEEK;
	strcpy(op->path, chance(70) ? "/a" : "/b");
	op->base = CWD;
	op->slot = (int)sim_below(3);
	op->mode = 0644;
	op->flags = O_RDWR | O_CREAT | PICK(flags);
	op->offset = (int64_t)sim_below(MAP_BYTES + 4096);
	op->len = 1 + (int64_t)sim_below(chance(50) ? 9 : 9000);
	if (op->kind == OP_ALLOCATE)
		op->flags = PICK(how);
	if (op->kind == OP_TRUNCATE || op->kind == OP_FTRUNCATE)
		op->len = (int64_t)sim_below(MAP_BYTES + 4096);
}

void op_random(struct op *op)
{
	static const uint32_t ids[] = {0, 0, 7, UINT32_MAX};

	*op = (struct op){.slot = (int)sim_below(SLOTS),
	    .base = chance(70) ? CWD : (int)sim_below(SLOTS),
	    .base2 = chance(70) ? CWD : (int)sim_below(SLOTS),
	    .mode = random_mode(),
	    .offset = random_offset(),
	    .len = random_len(),
	    .uid = PICK(ids),
	    .gid = PICK(ids),
	    .times = {random_time(), random_time()},
	    .byte = (uint8_t)(1 + sim_below(255))};
	random_path(op->path);
	random_path(op->path2);
	choose_kind(op);
	choose_flags(op);
	choose_rest(op);
	if ((op->kind == OP_READ || op->kind == OP_WRITE) && chance(60))
		op->offset = NO_POSITION;
	if (op_maps && chance(60))
		choose_mapped(op);
}

static const char *const kinds[OP_KINDS] = {"open", "close", "read", "write",
    "seek", "truncate", "ftruncate", "allocate", "mkdir", "rmdir", "unlink",
    "rename", "link", "symlink", "readlink", "mknod", "stat", "fstat", "chmod",
    "fchmod", "chown", "utimes", "access", "list", "chdir", "fchdir", "getcwd",
    "umask", "map", "poke", "peek"};

void op_print(const struct op *op)
{
	printf("# %-9s slot %d base %d \"%s\" base2 %d \"%s\" flags %o mode %o "
	       "device %lx offset %ld len %ld whence %d ids %u %u\n",
	    kinds[op->kind], op->slot, op->base, op->path, op->base2, op->path2,
	    op->flags, op->mode, op->device, op->offset, op->len, op->whence,
	    op->uid, op->gid);
	(void)fflush(stdout);
}

bool op_is_of_file(const struct op *op)
{
	switch (op->kind) {
	case OP_CLOSE:
	case OP_READ:
	case OP_WRITE:
	case OP_SEEK:
	case OP_FTRUNCATE:
	case OP_ALLOCATE:
	case OP_FSTAT:
	case OP_FCHMOD:
	case OP_LIST:
	case OP_FCHDIR:
	case OP_MAP:
		return true;
	default:
		return false;
	}
}

void outcome_add_entries(struct outcome *o, const char *entries, long size)
{
	for (long at = 0; at < size;) {
		const struct dirent64 *d =
		    (const struct dirent64 *)(entries + at);
		size_t len = strlen(d->d_name);

		o->out[o->len++] = d->d_type;
		memcpy(o->out + o->len, d->d_name, len + 1);
		o->len += len + 1;
		at += d->d_reclen;
	}
}
