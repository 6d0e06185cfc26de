/* SPDX-License-Identifier: MIT */
/*
 * list.c - lists a folder.
 *
 * The position is a place in the order of the folder: that of the next entry.
 * Names that are added during a listing are not in it, so that a program which
 * renames each name that it finds comes to an end.
 */
#include "tree.h"

#include <string.h>

#include "abi/dirent.h"
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "made.h"

struct entry {
	struct text text;
	uint64_t ino;
	uint32_t mode;
	uint64_t place;
};

/* As entry_at(), in a folder whose entries are made (made.h). */
static bool made_entry_at(const struct tree *t, const struct file *file,
    uint64_t place, struct entry *entry)
{
	struct made made;
	struct text name;

	if (!t->maker->list(file->node->made, &place, &made, &name) ||
	    place >= file->end)
		return false;
	*entry = (struct entry){name, made_ino(made.key), made.mode, place};
	return true;
}

/* The first entry from *place on; false if there is none. */
static bool entry_at(const struct tree *t, const struct file *file,
    uint64_t place, struct entry *entry)
{
	const struct folder *folder = &file->node->folder;
	const struct name *name;

	if (place < FIRST_PLACE) {
		*entry = (struct entry){{.start = "..", .len = place + 1},
		    (place == 0 ? file->node : folder->parent)->ino, S_IFDIR,
		    place};
		return true;
	}
	if (file->node->made != 0)
		return made_entry_at(t, file, place, entry);
	name = sparse_next(&folder->order, &place);
	if (name == NULL || place >= file->end)
		return false;
	*entry = (struct entry){{.start = name->text, .len = name->len},
	    name->node->ino, name->node->mode, place};
	return true;
}

/* The place from which on names are newer than now. */
static uint64_t end_of(const struct tree *t, const struct node *dir)
{
	return dir->made != 0 ? t->maker->end(dir->made) : dir->folder.next;
}

static size_t entry_size(const struct entry *entry)
{
	return (DIRENT_NAME_OFFSET + entry->text.len + 1 + 7) & ~7UL;
}

static void put_entry(char *to, const struct entry *entry)
{
	size_t size = entry_size(entry);
	struct dirent_abi head = {.ino = entry->ino,
	    .off = (int64_t)entry->place + 1,
	    .reclen = (uint16_t)size,
	    .type = (uint8_t)((entry->mode & S_IFMT) >> 12)};

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
	if ((*position == 0 || file->end == 0) &&
	    file->end != end_of(t, file->node)) {
		file->end = end_of(t, file->node);
		t->accessed = true;
	}
	while (entry_at(t, file, *position, &entry)) {
		if (entry_size(&entry) > size - done)
			break;
		put_entry((char *)to + done, &entry);
		done += entry_size(&entry);
		*position = entry.place + 1;
	}
	file_accessed(t, file);
	if (done == 0 && entry_at(t, file, *position, &entry))
		return -EINVAL;
	return (long)done;
}
