/* SPDX-License-Identifier: MIT */
/*
 * list.c - listing a folder.
 *
 * The position is a place in the order of the folder: that of the next entry.
 * Names that are added while somebody lists come behind what he sees, so that
 * who renames all that he finds comes to an end.
 */
#include "tree.h"

#include <string.h>

#include "abi/dirent.h"
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"

struct entry {
	struct text text;
	const struct node *node;
	uint64_t place;
};

/* The first entry from *place on; false if there is none. */
static bool entry_at(const struct file *file, uint64_t place,
    struct entry *entry)
{
	const struct folder *folder = &file->node->folder;
	const struct name *name;

	if (place < FIRST_PLACE) {
		*entry = (struct entry){{"..", place + 1},
		    place == 0 ? file->node : folder->parent, place};
		return true;
	}
	name = sparse_next(&folder->order, &place);
	if (name == NULL || place >= file->end)
		return false;
	*entry = (struct entry){{name->text, name->len}, name->node, place};
	return true;
}

static size_t entry_size(const struct entry *entry)
{
	return (DIRENT_NAME_OFFSET + entry->text.len + 1 + 7) & ~7UL;
}

static void put_entry(char *to, const struct entry *entry)
{
	size_t size = entry_size(entry);
	struct dirent_abi head = {.ino = entry->node->ino,
	    .off = (int64_t)entry->place + 1,
	    .reclen = (uint16_t)size,
	    .type = (uint8_t)((entry->node->mode & S_IFMT) >> 12)};

	memset(to, 0, size);
	memcpy(to, &head, DIRENT_NAME_OFFSET);
	memcpy(to + DIRENT_NAME_OFFSET, entry->text.start, entry->text.len);
}

long file_list(struct tree *t, struct file *file, uint64_t *position, void *to,
    size_t size)
{
	struct entry entry;
	size_t done = 0;

	if (file->flags & O_PATH)
		return -EBADF;
	if (!node_is(file->node, S_IFDIR))
		return -ENOTDIR;
	if (node_is_dead(file->node))
		return -ENOENT;
	if (*position == 0)
		file->end = file->node->folder.next;
	while (entry_at(file, *position, &entry)) {
		if (entry_size(&entry) > size - done)
			break;
		put_entry((char *)to + done, &entry);
		done += entry_size(&entry);
		*position = entry.place + 1;
	}
	file_accessed(t, file);
	if (done == 0 && entry_at(file, *position, &entry))
		return -EINVAL;
	return (long)done;
}
