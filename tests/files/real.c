/* SPDX-License-Identifier: MIT */
/*
 * real.c - operations as system calls, in a tmpfs of the build machine.
 */
#define _GNU_SOURCE
#include "differ.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

#define TMPFS 0x01021994

static int slots[SLOTS] = {-1, -1, -1, -1, -1};
static char folder[] = "/dev/shm/calf-files-XXXXXX";

bool real_is_confined;

/* Can it have a user namespace? There it may do most of what root may. */
static bool can_be_confined(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) != 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		sim_fail("%s: %s", path, strerror(errno));
	(void)close(fd);
}

static void confine(void)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER) != 0)
		sim_fail("unshare: %s", strerror(errno));
	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof map, "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}

const char *real_find(void)
{
	struct statfs fs;

	real_is_confined = geteuid() != 0;
	if (real_is_confined && !can_be_confined())
		return "not root, and no user namespaces";
	if (statfs("/dev/shm", &fs) != 0 || (uint64_t)fs.f_type != TMPFS)
		return "no tmpfs at /dev/shm";
	return mkdtemp(folder) == NULL ? "no folder in /dev/shm" : NULL;
}

void real_enter(void)
{
	if (real_is_confined)
		confine();
	if (chroot(folder) != 0 || chdir("/") != 0)
		sim_fail("chroot: %s", strerror(errno));
}

/*
 * Removes what is in the folder, by its descriptor, as a path may be too long.
 */
static bool empty(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	bool ok = dir != NULL;

	while (ok && (entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (entry->d_type == DT_DIR)
			ok = empty(openat(fd, name, O_RDONLY | O_DIRECTORY)) &&
			    unlinkat(fd, name, AT_REMOVEDIR) == 0;
		else
			ok = unlinkat(fd, name, 0) == 0;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return ok;
}

void real_remove(void)
{
	(void)empty(open(folder, O_RDONLY | O_DIRECTORY));
	(void)rmdir(folder);
}

/* --- mappings ------------------------------------------------------------- */

/* The mappings, by the slot whose file was mapped. */
static struct mapping {
	volatile unsigned char *at; /* NULL: none */
	int64_t size;
	int fd; /* of its own */
} mappings[SLOTS];

static void unmap(struct mapping *m)
{
	if (m->at == NULL)
		return;
	(void)munmap((void *)m->at, MAP_BYTES);
	(void)close(m->fd);
	m->at = NULL;
}

bool real_can_map(int slot)
{
	int flags = fcntl(slots[slot], F_GETFL);
	struct stat st;

	return (flags & O_ACCMODE) == O_RDWR && !(flags & O_PATH) &&
	    fstat(slots[slot], &st) == 0 && S_ISREG(st.st_mode);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Reads all pages: after that, a store to one does not fault. */
static long map(int slot)
{
	struct mapping *m = &mappings[slot];
	struct stat st;
	void *at = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	    slots[slot], 0);

	if (at == MAP_FAILED)
		return -1;
	unmap(m);
	*m = (struct mapping){.at = at, .fd = dup(slots[slot])};
	if (fstat(m->fd, &st) != 0)
		return -1;
	m->size = (least(st.st_size, MAP_BYTES) + 4095) / 4096 * 4096;
	for (int64_t i = 0; i < m->size; i += 4096)
		(void)m->at[i];
	return 0;
}

bool real_clip(struct op *op)
{
	const struct mapping *m = &mappings[op->slot];
	struct stat st;
	int64_t end;

	if (m->at == NULL || fstat(m->fd, &st) != 0)
		return false;
	end = least(m->size, st.st_size);
	if (op->offset >= end)
		return false;
	op->len = least(op->len, end - op->offset);
	return true;
}

static long access_mapping(const struct op *op, struct outcome *o)
{
	volatile unsigned char *at = mappings[op->slot].at + op->offset;

	for (int64_t i = 0; i < op->len; i++)
		o->out[i] = at[i];
	o->len = op->kind == OP_PEEK ? (size_t)op->len : 0;
	for (int64_t i = 0; i < op->len && op->kind == OP_POKE; i++)
		at[i] = op->byte;
	return 0;
}

void real_begin(void)
{
	static const struct timespec times[2] = {{1, 0}, {1, 0}};

	for (int i = 0; i < SLOTS; i++) {
		if (slots[i] >= 0)
			(void)close(slots[i]);
		slots[i] = -1;
		unmap(&mappings[i]);
	}
	(void)umask(022);
	if (chdir("/") != 0 || !empty(open("/", O_RDONLY | O_DIRECTORY)) ||
	    chmod("/", 0755) != 0 || chown("/", 0, 0) != 0 ||
	    utimensat(AT_FDCWD, "/", times, 0) != 0)
		sim_fail("cannot begin anew: %s", strerror(errno));
}

bool real_is_open(int slot)
{
	return slots[slot] >= 0;
}

static int base_of(int base)
{
	return base == CWD || slots[base] < 0 ? AT_FDCWD : slots[base];
}

bool real_is_folder(int slot)
{
	struct stat st;

	return slots[slot] >= 0 && fstat(slots[slot], &st) == 0 &&
	    S_ISDIR(st.st_mode);
}

bool real_has_size(const char *path, int64_t size)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == size;
}

bool real_is_full(int slot)
{
	struct stat st;

	return fstat(slots[slot], &st) == 0 && st.st_size > INT64_MAX - 4096;
}

bool real_blocks(const struct op *op)
{
	struct stat st;

	if ((op->flags & O_PATH) ||
	    fstatat(base_of(op->base), op->path, &st, 0) != 0)
		return false;
	if (S_ISCHR(st.st_mode))
		return major(st.st_rdev) != 1;
	return S_ISFIFO(st.st_mode) || S_ISBLK(st.st_mode);
}

static struct time time_of(struct timespec ts)
{
	return (struct time){ts.tv_sec, ts.tv_nsec};
}

static void tell(struct outcome *o, const struct stat *st)
{
	struct seen seen = {.ino = st->st_ino,
	    .mode = st->st_mode,
	    .links = (uint32_t)st->st_nlink,
	    .uid = st->st_uid,
	    .gid = st->st_gid,
	    .rdev = st->st_rdev,
	    .size = (uint64_t)st->st_size,
	    .blocks = (uint64_t)st->st_blocks,
	    .atime = time_of(st->st_atim),
	    .mtime = time_of(st->st_mtim),
	    .ctime = time_of(st->st_ctim)};

	if (o->result != 0)
		return;
	memcpy(o->out, &seen, sizeof seen);
	o->len = sizeof seen;
}

static long list(int fd, struct outcome *o, size_t chunk)
{
	char buf[4096];
	long n;

	if (lseek(fd, 0, SEEK_SET) != 0)
		return -1;
	while ((n = syscall(SYS_getdents64, fd, buf, chunk)) > 0)
		outcome_add_entries(o, buf, n);
	return n;
}

static long transfer(const struct op *op, int fd, struct outcome *o)
{
	size_t len = (size_t)op->len;
	long n;

	if (op->kind == OP_READ) {
		n = op->offset == NO_POSITION
		    ? read(fd, o->out, len)
		    : pread(fd, o->out, len, op->offset);
		o->len = n > 0 ? (size_t)n : 0;
		return n;
	}
	memset(o->out, op->byte, len);
	return op->offset == NO_POSITION ? write(fd, o->out, len)
					 : pwrite(fd, o->out, len, op->offset);
}

static long open_file(const struct op *op)
{
	int fd = openat(base_of(op->base), op->path, (int)op->flags, op->mode);

	if (fd < 0)
		return -1;
	if (slots[op->slot] >= 0)
		(void)close(slots[op->slot]);
	slots[op->slot] = fd;
	return 0;
}

static long set_times(const struct op *op, int base)
{
	struct timespec times[2];

	for (int i = 0; i < 2; i++) {
		times[i].tv_sec = op->times[i].sec;
		times[i].tv_nsec = op->times[i].nsec;
	}
	return utimensat(base, op->path, times, (int)op->flags);
}

/* The calls on an open file. */
static long file_call(const struct op *op, struct outcome *o)
{
	int fd = slots[op->slot];
	struct stat st;

	switch (op->kind) {
	case OP_CLOSE:
		slots[op->slot] = -1;
		return close(fd);
	case OP_READ:
	case OP_WRITE:
		return transfer(op, fd, o);
	case OP_SEEK:
		return lseek(fd, op->offset, op->whence);
	case OP_FTRUNCATE:
		return ftruncate(fd, op->len);
	case OP_ALLOCATE:
		return fallocate(fd, (int)op->flags, op->offset, op->len);
	case OP_FSTAT:
		o->result = fstat(fd, &st);
		tell(o, &st);
		return o->result;
	case OP_FCHMOD:
		return fchmod(fd, op->mode);
	case OP_LIST:
		return list(fd, o, (size_t)op->len);
	case OP_MAP:
		return map(op->slot);
	default:
		return fchdir(fd);
	}
}

static long read_link(const struct op *op, int base, struct outcome *o)
{
	long n = readlinkat(base, op->path, (char *)o->out, (size_t)op->len);

	o->len = n > 0 ? (size_t)n : 0;
	return n;
}

static long path_call(const struct op *op, struct outcome *o)
{
	int base = base_of(op->base), base2 = base_of(op->base2);
	struct stat st;

	switch (op->kind) {
	case OP_OPEN:
		return open_file(op);
	case OP_TRUNCATE:
		return truncate(op->path, op->len);
	case OP_MKDIR:
		return mkdirat(base, op->path, op->mode);
	case OP_RMDIR:
		return unlinkat(base, op->path, AT_REMOVEDIR);
	case OP_UNLINK:
		return unlinkat(base, op->path, 0);
	case OP_RENAME:
		return renameat2(base, op->path, base2, op->path2, op->flags);
	case OP_LINK:
		return linkat(base, op->path, base2, op->path2, (int)op->flags);
	case OP_SYMLINK:
		return symlinkat(op->path2, base, op->path);
	case OP_READLINK:
		return read_link(op, base, o);
	case OP_MKNOD:
		return mknodat(base, op->path, op->mode, op->device);
	case OP_STAT:
		o->result = fstatat(base, op->path, &st, (int)op->flags);
		tell(o, &st);
		return o->result;
	case OP_CHMOD:
		return fchmodat(base, op->path, op->mode, 0);
	case OP_CHOWN:
		return fchownat(base, op->path, op->uid, op->gid,
		    (int)op->flags);
	case OP_UTIMES:
		return set_times(op, base);
	case OP_ACCESS:
		return faccessat(base, op->path, (int)op->mode, 0);
	case OP_CHDIR:
		return chdir(op->path);
	case OP_GETCWD:
		return syscall(SYS_getcwd, o->out, op->len);
	case OP_POKE:
	case OP_PEEK:
		return access_mapping(op, o);
	default:
		(void)umask(op->mode);
		return 0;
	}
}

void real_do(const struct op *op, struct outcome *o)
{
	long result;

	o->len = 0;
	result = op_is_of_file(op) ? file_call(op, o) : path_call(op, o);
	o->result = result == -1 ? -errno : result;
	if (op->kind == OP_GETCWD && o->result > 0)
		o->len = (size_t)o->result;
}
