/* SPDX-License-Identifier: MIT */
/*
 * scratch.h - a second copy of the reader of archives, for one file of tests.
 */
#ifndef TESTS_KERNEL_SCRATCH_H
#define TESTS_KERNEL_SCRATCH_H

/* With names of its own, and quiet. */
static unsigned complaints;

static void complain(const char *fmt, ...) PRINTF(1, 2);
static void complain(const char *fmt, ...)
{
	(void)fmt;
	complaints++;
}

char *scratch_path_buffer(void);
void scratch_init(const void *archive, size_t size);
int scratch_lookup_part(const struct node *from, const char *path, bool follow,
    struct lookup_rest *rest, const struct node **node);
const struct node *scratch_child(const struct node *dir,
    const struct node *previous);
size_t scratch_path(const struct node *dir, char *path);
extern const struct node *scratch_root;

#define path_buffer   scratch_path_buffer
#define initrd_init   scratch_init
#define initrd_lookup scratch_lookup_part
#define initrd_child  scratch_child
#define initrd_path   scratch_path
#define initrd_root   scratch_root
#define kprintf       complain
#include "../../proc/initrd.c"

static int scratch_lookup(const struct node *from, const char *path,
    bool follow, const struct node **node)
{
	struct lookup_rest rest = {0};
	int err;

	do
		err = scratch_lookup_part(from, path, follow, &rest, node);
	while (err == LOOKUP_MORE);
	return err;
}

#endif
