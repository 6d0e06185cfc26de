/* SPDX-License-Identifier: MIT */
/*
 * initrd.c - reading a newc cpio archive.
 *
 * An archive is a sequence of headers of 110 characters, each with thirteen
 * numbers of eight hexadecimal digits, a name, and the file, both padded to
 * four bytes. Directories that the archive does not name are made up, and so
 * are a few devices, so that programs find them where they look.
 *
 * Ref: the Linux documentation, "initramfs buffer format".
 */
#include "proc/initrd.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "lib/assert.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"

#define HEADER_LEN 110
#define MAX_LINKS  8

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_SIZE,
	F_NAMESIZE = 11
};

struct archive {
	const char *base;
	size_t size;
	size_t at;
};

static struct node *nodes;
static unsigned node_count;
static unsigned node_room;
const struct node *initrd_root;

char *path_buffer(void)
{
	static char buffers[MAX_HARTS][PATH_MAX];

	return buffers[hart_index()];
}

/* Eight hexadecimal digits; false if they are not. */
static bool parse_hex(const char *s, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		char c = s[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static size_t align4(size_t n)
{
	return (n + 3) & ~3UL;
}

static const char *skip_slashes(const char *path)
{
	while (path[0] == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	if (path[0] == '.' && path[1] == '\0')
		path++;
	return path;
}

static struct node *find_exact(const char *path, size_t len)
{
	for (unsigned i = 0; i < node_count; i++)
		if (nodes[i].path_len == len &&
		    memcmp(nodes[i].path, path, len) == 0)
			return &nodes[i];
	return NULL;
}

static size_t parent_len(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] != '/')
		len--;
	return len > 0 ? len - 1 : 0;
}

/* Finds or makes a node whose parent is there. NULL: no room. */
static struct node *node_at(const char *path, size_t len, uint32_t mode)
{
	struct node *node = find_exact(path, len);

	if (node != NULL)
		return node;
	if (node_count == node_room)
		return NULL;
	node = &nodes[node_count++];
	*node = (struct node){.path = path,
	    .path_len = (uint32_t)len,
	    .ino = node_count,
	    .mode = mode};
	node->parent = find_exact(path, parent_len(path, len));
	return node;
}

static struct node *node_add(const char *path, size_t len, uint32_t mode)
{
	struct node *node;

	for (size_t up = 1; up < len; up++)
		if (path[up] == '/' &&
		    node_at(path, up, MODE_DIR | 0755) == NULL)
			return NULL;
	node = node_at(path, len, mode);
	if (node != NULL)
		node->mode = mode;
	return node;
}

/* The next file; NULL at the end, with what is wrong in *damage if so. */
static const char *archive_next(struct archive *ar, uint32_t fields[13],
    const char **damage)
{
	const char *header, *name;
	size_t name_end, data_end;

	if (ar->size - ar->at < HEADER_LEN) {
		*damage = "it ends within a header";
		return NULL;
	}
	header = ar->base + ar->at;
	if (memcmp(header, "070701", 6) != 0 &&
	    memcmp(header, "070702", 6) != 0) {
		*damage = "no newc header where one is due";
		return NULL;
	}
	for (int i = 0; i < 13; i++) {
		if (!parse_hex(header + 6 + 8 * i, &fields[i])) {
			*damage = "a header with a bad number";
			return NULL;
		}
	}
	name = header + HEADER_LEN;
	name_end = ar->at + HEADER_LEN + fields[F_NAMESIZE];
	data_end = align4(name_end) + fields[F_SIZE];
	if (fields[F_NAMESIZE] == 0 || data_end > ar->size ||
	    name[fields[F_NAMESIZE] - 1] != '\0') {
		*damage = "a file that reaches beyond the end";
		return NULL;
	}
	ar->at = min_u64(align4(data_end), ar->size);
	return name;
}

static void archive_read(struct archive *ar)
{
	const char *damage = NULL, *name;
	uint32_t fields[13];

	for (;;) {
		size_t start = ar->at;
		struct node *node;

		name = archive_next(ar, fields, &damage);
		if (name == NULL) {
			kprintf("initrd: %s, at byte %lu of %lu; "
				"files up to there are used\n",
			    damage, start, ar->size);
			return;
		}
		if (strcmp(name, "TRAILER!!!") == 0)
			return;
		name = skip_slashes(name);
		node = node_add(name, strlen(name), fields[F_MODE]);
		if (node == NULL)
			panic("expected room for every file of the initrd");
		node->size = fields[F_SIZE];
		node->mtime = fields[F_MTIME];
		node->data = (const uint8_t *)ar->base +
		    align4(start + HEADER_LEN + fields[F_NAMESIZE]);
	}
}

/* An upper bound of the nodes needed: each header, each slash in a name. */
static unsigned archive_count(struct archive ar)
{
	const char *damage, *name;
	uint32_t fields[13];
	unsigned count = 0;

	while ((name = archive_next(&ar, fields, &damage)) != NULL)
		for (count++; *name != '\0'; name++)
			count += *name == '/';
	return count;
}

static void add_devices(void)
{
	static const char *const names[] = {"dev/console", "dev/tty",
	    "dev/null", "dev/zero", "dev/random", "dev/urandom"};

	for (unsigned i = 0; i < array_len(names); i++)
		(void)node_add(names[i], strlen(names[i]), MODE_CHAR | 0666);
}

void initrd_init(const void *archive, size_t size)
{
	struct archive ar = {.base = archive, .size = size};
	unsigned order = 0;
	struct frame *block;

	node_room = archive_count(ar) + 10;
	while (PAGE_SIZE << order < node_room * sizeof *nodes)
		order++;
	block = order <= 10 ? frame_alloc_block(order) : NULL;
	if (block == NULL)
		panic("expected memory to index %u files", node_room);
	nodes = frame_virt(block);
	initrd_root = node_add("", 0, MODE_DIR | 0755);
	archive_read(&ar);
	add_devices();
}

const char *node_name(const struct node *node)
{
	size_t up = node->parent->path_len;

	return node->path + up + (up > 0);
}

const struct node *initrd_child(const struct node *dir,
    const struct node *previous)
{
	const struct node *node = previous != NULL ? previous + 1 : nodes;

	for (; node < nodes + node_count; node++)
		if (node->parent == dir && node != dir)
			return node;
	return NULL;
}

static const struct node *child_by_name(const struct node *dir,
    const char *name, size_t len)
{
	const struct node *node = NULL;

	while ((node = initrd_child(dir, node)) != NULL) {
		const char *have = node_name(node);

		if (node->path + node->path_len - have == (ptrdiff_t)len &&
		    memcmp(have, name, len) == 0)
			return node;
	}
	return NULL;
}

/*
 * A walk keeps what is left of the path in a small stack: the text itself, and
 * the targets of the links met on the way.
 */
struct lookup {
	const struct node *at;
	const char *rest[MAX_LINKS + 1];
	size_t left[MAX_LINKS + 1];
	unsigned depth; /* of rest[] */
	unsigned links;
};

/* Takes the next component off; NULL if none is left. */
static const char *next_component(struct lookup *l, size_t *len)
{
	for (;;) {
		const char *s = l->rest[l->depth];
		size_t left = l->left[l->depth], n = 0;

		for (; left > 0 && *s == '/'; left--)
			s++;
		while (n < left && s[n] != '/')
			n++;
		l->rest[l->depth] = s + n;
		l->left[l->depth] = left - n;
		if (n > 0) {
			*len = n;
			return s;
		}
		if (l->depth == 0)
			return NULL;
		l->depth--;
	}
}

static bool is_last(const struct lookup *l)
{
	for (unsigned i = 0; i <= l->depth; i++)
		for (size_t k = 0; k < l->left[i]; k++)
			if (l->rest[i][k] != '/')
				return false;
	return true;
}

static int enter_link(struct lookup *l, const struct node *link)
{
	if (++l->links > MAX_LINKS || l->depth + 1 > MAX_LINKS)
		return -ELOOP;
	l->depth++;
	l->rest[l->depth] = (const char *)link->data;
	l->left[l->depth] = link->size;
	if (link->size > 0 && link->data[0] == '/')
		l->at = initrd_root;
	return 0;
}

static int lookup_step(struct lookup *l, const char *name, size_t len,
    bool follow)
{
	const struct node *next;

	if (!node_is(l->at, MODE_DIR))
		return -ENOTDIR;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		l->at = l->at->parent;
		return 0;
	}
	next = child_by_name(l->at, name, len);
	if (next == NULL)
		return -ENOENT;
	if (node_is(next, MODE_LINK) && (follow || !is_last(l)))
		return enter_link(l, next);
	l->at = next;
	return 0;
}

int initrd_lookup(const struct node *from, const char *path, bool follow,
    const struct node **node)
{
	struct lookup l = {.at = from != NULL ? from : initrd_root};
	size_t len = strlen(path), n;
	const char *name;
	int err = 0;

	if (len == 0)
		return -ENOENT;
	if (path[0] == '/')
		l.at = initrd_root;
	l.rest[0] = path;
	l.left[0] = len;
	while (err == 0 && (name = next_component(&l, &n)) != NULL)
		err = lookup_step(&l, name, n, follow);
	if (err == 0 && path[len - 1] == '/' && !node_is(l.at, MODE_DIR))
		err = -ENOTDIR;
	if (err == 0)
		*node = l.at;
	return err;
}
