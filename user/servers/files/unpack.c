/* SPDX-License-Identifier: MIT */
/*
 * unpack.c - makes files of the members of an archive.
 *
 * Each is made in the steps in which Linux makes it, as the order shows in some
 * cases: a name that exists with another type is removed first; a file with
 * several names becomes a link to the first of them, whatever has become of
 * that; and a member that cannot be made still gives its owner and time to what
 * has its name.
 */
#include "archive.h"

#include <string.h>

#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/stat.h"
#include "groups.h"

struct unpacking {
	struct tree *t;
	struct groups groups;
};

static struct where at_root(const struct unpacking *u, const char *path)
{
	return (struct where){u->t->root, path};
}

/* --- names ---------------------------------------------------------------- */

/* Walks into a folder, which is made if it is missing. */
static int enter_folder(struct tree *t, struct node **dir, const char *name)
{
	struct where where = {*dir, name};
	int err = path_find(t, where, PATH_FOLLOW, dir);

	if (err == -ENOENT) {
		err = tree_mkdir(t, where, 0755);
		if (err == 0)
			err = path_find(t, where, PATH_FOLLOW, dir);
	}
	return err;
}

/*
 * Makes the folders of a path that are missing. The last name is left to the
 * caller.
 */
static int make_folders(struct tree *t, const char *path)
{
	struct node *dir = t->root;
	char name[NAME_MAX + 1];

	for (;;) {
		size_t len;
		int err;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (path[len + strspn(path + len, "/")] == '\0')
			return 0;
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, len);
		name[len] = '\0';
		err = enter_folder(t, &dir, name);
		if (err < 0)
			return err;
		path += len;
	}
}

/* Does the path end in "." or ".."? Nothing new can have such a name. */
static bool ends_in_dots(const char *path)
{
	const char *last = strrchr(path, '/');

	last = last != NULL ? last + 1 : path;
	return strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* Removes what has this name, if it is of another type. */
static void clean(const struct unpacking *u, const char *path, uint32_t type)
{
	struct node *node;

	if (path_find(u->t, at_root(u, path), 0, &node) < 0 ||
	    node_is(node, type))
		return;
	if (node_is(node, S_IFDIR))
		(void)tree_rmdir(u->t, at_root(u, path));
	else
		(void)tree_unlink(u->t, at_root(u, path));
}

static void set_times(const struct unpacking *u, struct node *node,
    uint32_t mtime)
{
	struct moment times[2] = {{mtime, 0}, {mtime, 0}};

	(void)node_utimes(u->t, node, times);
}

/* Sets the owner, the permissions and, except for a folder, the time. */
static void set_attributes(const struct unpacking *u, const struct member *m)
{
	uint32_t type = m->header.mode & S_IFMT;
	enum path_how how = type == S_IFLNK ? 0 : PATH_FOLLOW;
	struct node *node;

	if (path_find(u->t, at_root(u, m->name), how, &node) < 0)
		return;
	node_chown(u->t, node, m->header.uid, m->header.gid);
	if (type != S_IFLNK)
		node_chmod(u->t, node, m->header.mode);
	if (type != S_IFDIR)
		set_times(u, node, m->header.mtime);
}

/* --- files with several names --------------------------------------------- */

/* Makes the member a link, if its file has been read already: *linked. */
static int link_to_first(struct unpacking *u, const struct member *m,
    bool *linked)
{
	const char *first = NULL;
	int err = 0;

	*linked = false;
	if (m->header.links >= 2)
		err = groups_first(&u->groups, u->t, m, &first);
	if (err < 0 || first == NULL)
		return err;
	clean(u, m->name, 0);
	*linked = true;
	return tree_link(u->t, at_root(u, first), 0, at_root(u, m->name));
}

/* --- members -------------------------------------------------------------- */

static int fill_file(struct unpacking *u, const struct member *m,
    struct file *file)
{
	const struct header *h = &m->header;
	uint64_t at = 0;
	long n = 0;

	node_chown(u->t, file->node, h->uid, h->gid);
	node_chmod(u->t, file->node, h->mode);
	if (h->size > 0) {
		(void)file_truncate(u->t, file, h->size);
		n = file_write(u->t, file, &at, m->data, h->size);
	}
	set_times(u, file->node, h->mtime);
	return n < 0 || (size_t)n < h->size ? -ENOSPC : 0;
}

static int add_file(struct unpacking *u, const struct member *m)
{
	struct file file;
	bool linked;
	int err = link_to_first(u, m, &linked);

	if (err < 0)
		return err;
	err = file_open(u->t, at_root(u, m->name),
	    O_WRONLY | O_CREAT | (linked ? 0 : O_TRUNC), m->header.mode, &file);
	if (err < 0)
		return err;
	/*
	 * The name of the first may belong to another member by now, which may
	 * be a pipe.
	 */
	err = node_is(file.node, S_IFIFO) ? -ENXIO : fill_file(u, m, &file);
	file_close(u->t, &file);
	return err;
}

static int add_folder(struct unpacking *u, const struct member *m)
{
	int err = tree_mkdir(u->t, at_root(u, m->name), m->header.mode);

	set_attributes(u, m);
	return err == -EEXIST ? 0 : err;
}

/* The device number in the format of stat(): eight, twelve, twelve bits. */
static uint64_t device_number(uint32_t major, uint32_t minor)
{
	uint32_t device = major << 20 | minor;

	minor = device & 0xfffff;
	return (minor & 0xff) | (device >> 20) << 8 | (minor >> 8) << 20;
}

static int add_device(struct unpacking *u, const struct member *m)
{
	const struct header *h = &m->header;
	struct node *node;
	bool linked;
	int err = link_to_first(u, m, &linked);

	if (err < 0 || linked)
		return err;
	err = tree_mknod(u->t, at_root(u, m->name), h->mode,
	    device_number(h->rmajor, h->rminor));
	set_attributes(u, m);
	/* If that device exists already, that is no error. */
	if (err == -EEXIST &&
	    path_find(u->t, at_root(u, m->name), 0, &node) == 0 &&
	    node_is(node, h->mode & S_IFMT))
		return 0;
	return err;
}

static int add_link(struct unpacking *u, const struct member *m)
{
	char target[PATH_MAX + 1];
	int err;

	if (m->header.size > PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(target, m->data, m->header.size);
	target[m->header.size] = '\0';
	clean(u, m->name, 0);
	err = tree_symlink(u->t, target, at_root(u, m->name));
	set_attributes(u, m);
	return err;
}

static int add_member(struct unpacking *u, const struct member *m)
{
	uint32_t type = m->header.mode & S_IFMT;

	clean(u, m->name, type);
	switch (type) {
	case S_IFREG:
		return add_file(u, m);
	case S_IFDIR:
		return add_folder(u, m);
	case S_IFLNK:
		return add_link(u, m);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return add_device(u, m);
	default:
		return -EINVAL;
	}
}

static int check_member(const struct member *m)
{
	uint32_t type = m->header.mode & S_IFMT, size = m->header.name_size;

	if (size == 0 || size > PATH_MAX)
		return -ENAMETOOLONG;
	if (m->name[size - 1] != '\0')
		return -EINVAL;
	return m->header.size > 0 && type != S_IFREG && type != S_IFLNK
	    ? -EINVAL
	    : 0;
}

/* --- all of it ------------------------------------------------------------ */

static const char *reason(int err)
{
	switch (err) {
	case -ENOSPC:
		return "a file is left out: there is no room for it";
	case -ENAMETOOLONG:
		return "a file is left out: its name is too long";
	case -EINVAL:
		return "a file is left out: it is of no known kind";
	case -ENOENT:
		return "a file is left out: its folder cannot be made";
	default:
		return "a file is left out: something else is in its place";
	}
}

static int add(struct unpacking *u, const struct member *m)
{
	struct walk w;
	int err = check_member(m);

	if (err < 0)
		return err;
	if (!ends_in_dots(m->name) &&
	    path_to_last(u->t, at_root(u, m->name), &w) == -ENOENT)
		err = make_folders(u->t, m->name);
	return err == -ENOSPC ? err : add_member(u, m);
}

static bool is_end(const struct member *m)
{
	static const char end[] = "TRAILER!!!";

	return m->header.name_size >= sizeof end &&
	    memcmp(m->name, end, sizeof end) == 0;
}

/* Folders get their times when nothing is put into them any more. */
static void set_folder_times(struct unpacking *u, struct archive ar)
{
	const char *damage;
	struct member m;

	ar.at = 0;
	while (archive_next(&ar, &m, &damage)) {
		struct node *node;

		if ((m.header.mode & S_IFMT) == S_IFDIR && !is_end(&m) &&
		    check_member(&m) == 0 &&
		    path_find(u->t, at_root(u, m.name), 0, &node) == 0)
			set_times(u, node, m.header.mtime);
	}
}

void archive_unpack(struct tree *t, const void *archive, size_t size,
    complain_fn *complain)
{
	struct unpacking u = {.t = t};
	struct archive ar = {.base = archive, .size = size};
	bool ended = false;
	const char *damage;
	struct member m;

	while (archive_next(&ar, &m, &damage)) {
		int err;

		ended = is_end(&m);
		if (ended) {
			groups_forget(&u.groups);
			continue;
		}
		err = add(&u, &m);
		if (err < 0)
			complain(m.at, reason(err));
		if (err == -ENOSPC)
			break;
	}
	groups_forget(&u.groups);
	if (damage == NULL && !ended && ar.at == size)
		damage = "it ends without a trailer";
	if (damage != NULL)
		complain(ar.at, damage);
	set_folder_times(&u, ar);
}
