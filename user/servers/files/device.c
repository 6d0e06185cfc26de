/* SPDX-License-Identifier: MIT */
/*
 * device.c - the devices that are only a rule for what is read and written:
 * null, zero, full, random, urandom; and terminals, which are another server's
 * files. Their numbers are Linux's.
 */
#include "tree.h"

#include <string.h>
#include <sys/random.h>

#include "abi/errno.h"
#include "abi/stat.h"

enum device {
	DEVICE_TTY = 5 << 8,
	DEVICE_CONSOLE = 5 << 8 | 1,
	DEVICE_NULL = 1 << 8 | 3,
	DEVICE_ZERO = 1 << 8 | 5,
	DEVICE_FULL = 1 << 8 | 7,
	DEVICE_RANDOM = 1 << 8 | 8,
	DEVICE_URANDOM = 1 << 8 | 9,
};

int device_open(const struct node *node)
{
	if (!node_is(node, S_IFCHR))
		return -ENXIO;
	switch (node->rdev) {
	case DEVICE_TTY:
	case DEVICE_CONSOLE:
	case DEVICE_NULL:
	case DEVICE_ZERO:
	case DEVICE_FULL:
	case DEVICE_RANDOM:
	case DEVICE_URANDOM:
		return 0;
	default:
		return -ENXIO;
	}
}

bool device_is_terminal(const struct node *node)
{
	return node_is(node, S_IFCHR) &&
	    (node->rdev == DEVICE_TTY || node->rdev == DEVICE_CONSOLE);
}

bool device_is_random(const struct node *node)
{
	return node_is(node, S_IFCHR) &&
	    (node->rdev == DEVICE_RANDOM || node->rdev == DEVICE_URANDOM);
}

long device_read(const struct node *node, void *to, size_t len)
{
	switch (node->rdev) {
	case DEVICE_NULL:
		return 0;
	case DEVICE_RANDOM:
	case DEVICE_URANDOM:
		return getrandom(to, len, 0);
	default:
		memset(to, 0, len);
		return (long)len;
	}
}

long device_write(const struct node *node, size_t len)
{
	return node->rdev == DEVICE_FULL ? -ENOSPC : (long)len;
}

long device_pages(const struct node *node, void **pages, size_t count)
{
	if (node->rdev != DEVICE_ZERO)
		return -ENODEV;
	memset(pages, 0, count * sizeof *pages);
	return (long)count;
}

/* Leaves a name that the archive has already as it is. */
void devices_make(struct tree *t)
{
	static const struct {
		const char *path;
		enum device device;
	} devices[] = {{"dev/null", DEVICE_NULL}, {"dev/zero", DEVICE_ZERO},
	    {"dev/full", DEVICE_FULL}, {"dev/random", DEVICE_RANDOM},
	    {"dev/urandom", DEVICE_URANDOM}, {"dev/tty", DEVICE_TTY},
	    {"dev/console", DEVICE_CONSOLE}};
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
	    {"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
	    {"/proc/self/fd/2", "dev/stderr"}};
	struct where dev = {t->root, "dev"};

	(void)tree_mkdir(t, dev, 0755);
	for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++) {
		struct where where = {t->root, devices[i].path};

		(void)tree_mknod(t, where, S_IFCHR | 0666, devices[i].device);
	}
	for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
		struct where where = {t->root, links[i][1]};

		(void)tree_symlink(t, links[i][0], where);
	}
}
