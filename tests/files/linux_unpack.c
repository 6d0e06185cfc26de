/* SPDX-License-Identifier: MIT */
/*
 * linux_unpack.c - what Linux makes of an archive, with system calls.
 *
 * For each member it does what Linux's init/initramfs.c does, step by step: a
 * file of another type is removed, a file with several names is a link to the
 * first of them, and errors are ignored. Unlike Linux, it also makes folders
 * that are missing. A file with the name of a member may be a device of this
 * machine: it is not opened.
 */
#define _GNU_SOURCE
#include "linux_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_NAMES 1000

static struct {
	struct header header;
	const char *name;
} names[MAX_NAMES];

static unsigned name_count;
static bool failed; /* a write failed: nothing more is unpacked */

static bool exists(const char *path, mode_t *mode)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return false;
	*mode = st.st_mode;
	return true;
}

static void clean(const char *path, mode_t mode)
{
	mode_t there;

	if (!exists(path, &there) || ((there ^ mode) & S_IFMT) == 0)
		return;
	(void)(S_ISDIR(there) ? rmdir(path) : unlink(path));
}

static void set_time(const char *path, uint32_t mtime)
{
	struct timespec times[2] = {{mtime, 0}, {mtime, 0}};

	(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* 0: it is the first name. 1: it is a link now. -1: it cannot be one. */
static int link_to_first(const struct member *m)
{
	const struct header *h = &m->header;

	if (h->links < 2)
		return 0;
	for (unsigned i = 0; i < name_count; i++) {
		const struct header *first = &names[i].header;

		if (first->ino != h->ino || first->major != h->major ||
		    first->minor != h->minor ||
		    ((first->mode ^ h->mode) & S_IFMT) != 0)
			continue;
		clean(m->name, 0);
		return link(names[i].name, m->name) < 0 ? -1 : 1;
	}
	if (name_count < MAX_NAMES) {
		names[name_count].header = *h;
		names[name_count++].name = m->name;
	}
	return 0;
}

static bool may_be_opened(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
		return true;
	return S_ISCHR(st.st_mode) && major(st.st_rdev) == 1 &&
	    (minor(st.st_rdev) == 3 || minor(st.st_rdev) == 5 ||
		minor(st.st_rdev) == 7);
}

static void add_file(const struct member *m)
{
	const struct header *h = &m->header;
	int linked = link_to_first(m), fd;

	if (linked < 0 || !may_be_opened(m->name))
		return;
	fd = open(m->name,
	    O_WRONLY | O_CREAT | O_NONBLOCK | (linked ? 0 : O_TRUNC),
	    h->mode & 07777);
	if (fd < 0)
		return;
	(void)!fchown(fd, h->uid, h->gid);
	(void)fchmod(fd, h->mode & 07777);
	if (h->size > 0) {
		(void)!ftruncate(fd, h->size);
		failed = write(fd, m->data, h->size) != (ssize_t)h->size;
	}
	(void)futimens(fd, (struct timespec[2]){{h->mtime, 0}, {h->mtime, 0}});
	(void)close(fd);
}

static void add_folder(const struct member *m)
{
	(void)mkdir(m->name, m->header.mode & 07777);
	(void)!chown(m->name, m->header.uid, m->header.gid);
	(void)chmod(m->name, m->header.mode & 07777);
}

static void add_device(const struct member *m)
{
	const struct header *h = &m->header;
	uint32_t device = h->rmajor << 20 | h->rminor;

	if (link_to_first(m) != 0)
		return;
	(void)mknod(m->name, h->mode, makedev(device >> 20, device & 0xfffff));
	(void)!chown(m->name, h->uid, h->gid);
	(void)chmod(m->name, h->mode & 07777);
	set_time(m->name, h->mtime);
}

static void add_link(const struct member *m)
{
	char target[4097];

	if (m->header.size > 4096)
		return;
	memcpy(target, m->data, m->header.size);
	target[m->header.size] = '\0';
	clean(m->name, 0);
	(void)!symlink(target, m->name);
	(void)!lchown(m->name, m->header.uid, m->header.gid);
	set_time(m->name, m->header.mtime);
}

/*
 * Makes all folders of the path, as `mkdir -p`, but not the last name; none if
 * that is "." or "..".
 */
static void make_folders(const char *path)
{
	const char *last = strrchr(path, '/');
	char prefix[4097];
	size_t len = strlen(path);
	struct stat st;

	last = last != NULL ? last + 1 : path;
	if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		return;
	while (len > 0 && path[len - 1] == '/')
		len--;
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/' || path[i - 1] == '/')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = '\0';
		if (stat(prefix, &st) == 0 ? !S_ISDIR(st.st_mode)
					   : mkdir(prefix, 0755) != 0)
			return;
	}
}

static void add(const struct member *m)
{
	const struct header *h = &m->header;

	if (h->name_size == 0 || h->name_size > 4096 ||
	    m->name[h->name_size - 1] != '\0')
		return;
	if (!S_ISREG(h->mode) && !S_ISLNK(h->mode) && h->size > 0)
		return;
	make_folders(m->name);
	clean(m->name, h->mode);
	if (S_ISREG(h->mode))
		add_file(m);
	else if (S_ISDIR(h->mode))
		add_folder(m);
	else if (S_ISLNK(h->mode))
		add_link(m);
	else if (S_ISCHR(h->mode) || S_ISBLK(h->mode) || S_ISFIFO(h->mode) ||
	    S_ISSOCK(h->mode))
		add_device(m);
}

static bool is_end(const struct member *m)
{
	return m->header.name_size >= 11 &&
	    memcmp(m->name, "TRAILER!!!", 11) == 0;
}

void linux_unpack(const void *base, size_t size)
{
	struct archive ar = {.base = base, .size = size};
	const char *damage;
	struct member m;

	name_count = 0;
	failed = false;
	(void)umask(0);
	while (!failed && archive_next(&ar, &m, &damage)) {
		if (is_end(&m))
			name_count = 0;
		else
			add(&m);
	}
	ar.at = 0;
	while (archive_next(&ar, &m, &damage))
		if (S_ISDIR(m.header.mode) && !is_end(&m) &&
		    m.header.size == 0 && m.header.name_size > 0 &&
		    m.header.name_size <= 4096 &&
		    m.name[m.header.name_size - 1] == '\0')
			set_time(m.name, m.header.mtime);
}
