/* SPDX-License-Identifier: MIT */
/*
 * initrd.c - reading newc cpio archives, one behind the other.
 *
 * An archive is a sequence of headers of 110 characters, each with thirteen
 * numbers of eight hexadecimal digits, a name, and the file, both padded to
 * four bytes. Directories that the archive does not name are made up, and so
 * are a few devices, so that programs find them where they look.
 *
 * All nodes are in one tree beside that of the directories, a trie of the
 * hashes of parent and name.
 *
 * Ref: the Linux documentation, "initramfs buffer format".
 */
#include "proc/initrd.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "lib/assert.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/slab.h"

#define HEADER_LEN 110
#define MAX_LINKS  8
#define MAX_TEXT   1024 /* of the links that a lookup goes through */
#define NAMES_PART 128  /* that are looked up without a pause */

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_SIZE,
	F_MAJOR,
	F_MINOR,
	F_NAMESIZE = 11,
	FIELDS = 13
};

/* Files with several names; the data may come with any of them. */
struct group {
	struct group *next;
	struct node *first;
	uint32_t ino, major, minor;
};

#define GROUP_LISTS 256

struct archive {
	const char *base;
	size_t size;
	size_t at;
};

static struct slab node_slab = SLAB_INIT(struct node);
static struct slab group_slab = SLAB_INIT(struct group);
static struct node *node_index;
static struct group *groups[GROUP_LISTS];
static uint32_t node_count;
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

/* The place in the index where the child is, or where it is to be put. */
static struct node **find_slot(const struct node *dir, const char *name,
    size_t len)
{
	struct node **slot = &node_index;
	uint64_t hash = (uintptr_t)dir;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3; /* FNV */
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
	for (; *slot != NULL; hash <<= 1) {
		const struct node *node = *slot;

		if (node->parent == dir && node->name_len == len &&
		    memcmp(node->name, name, len) == 0)
			break;
		slot = &(*slot)->index[hash >> 63];
	}
	return slot;
}

/* A new directory; NULL if there is no memory for it. */
static struct node *node_create(struct node *dir, const char *name, size_t len)
{
	struct node *node = (slab_alloc)(&node_slab);

	if (node == NULL)
		return NULL;
	*node = (struct node){.name = name,
	    .name_len = (uint32_t)len,
	    .ino = ++node_count,
	    .mode = MODE_DIR | 0755,
	    .file = node,
	    .parent = dir};
	list_init(&node->children);
	if (dir != NULL)
		list_push_back(&dir->children, &node->sibling);
	else
		node->parent = node;
	return node;
}

size_t initrd_path(const struct node *node, char *path)
{
	size_t len = 0, at;

	for (const struct node *up = node; up != initrd_root; up = up->parent)
		len += up->name_len + 1;
	if (len >= PATH_MAX)
		return 0;
	path[0] = '/';
	path[len > 0 ? len : 1] = '\0';
	for (at = len; node != initrd_root; node = node->parent) {
		at -= node->name_len;
		memcpy(path + at, node->name, node->name_len);
		path[--at] = '/';
	}
	return len > 0 ? len : 1;
}

const struct node *initrd_child(const struct node *dir,
    const struct node *previous)
{
	const struct list *link =
	    previous != NULL ? previous->sibling.next : dir->children.next;

	return link != &dir->children ? list_entry(link, struct node, sibling)
				      : NULL;
}

/*
 * A walk keeps what is left of the path in a small stack: the text itself, and
 * the targets of the links met on the way.
 */
struct lookup {
	struct node *at;
	const char *rest[MAX_LINKS + 1];
	size_t left[MAX_LINKS + 1];
	unsigned depth;            /* of rest[] */
	struct lookup_rest passed; /* its links, and their text */
	bool follow;               /* the last component's link, too */
	bool make; /* what is not there, and find names rather than files */
};

/* Without the slashes at its end. */
static size_t text_length(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '/')
		len--;
	return len;
}

/* Takes the next component off, past "."; NULL if none is left. */
static const char *next_component(struct lookup *l, size_t *len)
{
	bool is_dir = node_is(l->at, MODE_DIR);

	for (;;) {
		const char *s = l->rest[l->depth];
		size_t left = l->left[l->depth], n = 0;

		for (; left > 0; left--, s++)
			if (*s != '/' &&
			    (!is_dir || *s != '.' || (left > 1 && s[1] != '/')))
				break;
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
	unsigned i = 0;

	while (i < l->depth && l->left[i] == 0)
		i++;
	return l->left[i] == 0;
}

/* A lookup that makes no nodes changes none, so they may be constant to it. */
static struct node *writable(const struct node *node)
{
	return (struct node *)(uintptr_t)node;
}

static int enter_link(struct lookup *l, const struct node *link)
{
	if (++l->passed.links > MAX_LINKS || l->depth + 1 > MAX_LINKS)
		return -ELOOP;
	if (link->size > MAX_TEXT - (uint64_t)l->passed.text)
		return -ENAMETOOLONG;
	l->passed.text += (uint16_t)link->size;
	l->depth++;
	l->rest[l->depth] = (const char *)link->data;
	l->left[l->depth] = text_length(l->rest[l->depth], link->size);
	if (link->size > 0 && link->data[0] == '/')
		l->at = writable(initrd_root);
	return 0;
}

static int lookup_step(struct lookup *l, const char *name, size_t len)
{
	struct node **slot, *next;

	if (!node_is(l->at, MODE_DIR))
		return -ENOTDIR;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		l->at = l->at->parent;
		return 0;
	}
	slot = find_slot(l->at, name, len);
	if (*slot == NULL && (!l->make || l->depth > 0))
		return -ENOENT;
	if (*slot == NULL)
		*slot = node_create(l->at, name, len);
	next = *slot;
	if (next == NULL)
		return -ENOMEM;
	if (node_is(next, MODE_LINK) && (l->follow || !is_last(l)))
		return enter_link(l, next);
	l->at = l->make ? next : next->file;
	return 0;
}

/* It stops for now in the path itself, not in a link. */
static int lookup_run(struct lookup *l, const char *path)
{
	size_t len = strlen(path), done = l->passed.done, n;
	const char *name;
	int err = 0;

	if (l->passed.at != NULL)
		l->at = writable(l->passed.at);
	else if (path[0] == '/')
		l->at = writable(initrd_root);
	l->rest[0] = path + done;
	l->left[0] = text_length(path + done, len - done);
	for (int i = 0; err == 0 && (name = next_component(l, &n)); i++) {
		err = lookup_step(l, name, n);
		if (err < 0 || i < NAMES_PART || l->depth > 0 || l->make)
			continue;
		l->passed.at = l->at;
		l->passed.done = (uint32_t)(l->rest[0] - path);
		return LOOKUP_MORE;
	}
	if (err < 0 || len == 0 || path[len - 1] != '/')
		return err;
	return node_is(l->at, MODE_DIR) ? 0 : -ENOTDIR;
}

int initrd_lookup(const struct node *from, const char *path, bool follow,
    struct lookup_rest *rest, const struct node **node)
{
	struct lookup l = {.at = writable(from != NULL ? from : initrd_root),
	    .follow = follow,
	    .passed = *rest};
	int err = path[0] != '\0' ? lookup_run(&l, path) : -ENOENT;

	*rest = l.passed;
	if (err == 0)
		*node = l.at;
	return err;
}

/* The next file; NULL at the end, with what is wrong in *damage if so. */
static const char *archive_next(struct archive *ar, uint32_t fields[FIELDS],
    const char **damage)
{
	const char *header, *name;
	size_t name_end, data_end;

	if (ar->size - ar->at < HEADER_LEN) {
		*damage = "it ends within a header";
		return NULL;
	}
	header = ar->base + ar->at;
	if (ar->at % 4 != 0 ||
	    (memcmp(header, "070701", 6) != 0 &&
		memcmp(header, "070702", 6) != 0)) {
		*damage = "no newc header where one is due (compressed?)";
		return NULL;
	}
	for (int i = 0; i < FIELDS; i++) {
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

/* Between archives there may be zeros. */
static void skip_zeros(struct archive *ar)
{
	while (ar->at < ar->size && ar->base[ar->at] == '\0')
		ar->at++;
}

/* The first name of a file that has several. NULL: no memory. */
static struct node *first_name(struct node *node, const uint32_t fields[FIELDS])
{
	struct group **list = &groups[fields[F_INO] % GROUP_LISTS], *group;

	for (group = *list; group != NULL; group = group->next)
		if (group->ino == fields[F_INO] &&
		    group->major == fields[F_MAJOR] &&
		    group->minor == fields[F_MINOR])
			return group->first;
	group = (slab_alloc)(&group_slab);
	if (group == NULL)
		return NULL;
	*group = (struct group){.next = *list,
	    .first = node,
	    .ino = fields[F_INO],
	    .major = fields[F_MAJOR],
	    .minor = fields[F_MINOR]};
	*list = group;
	return node;
}

/* Forgets the groups: the same inode number in another archive is no link. */
static void forget_groups(void)
{
	for (unsigned i = 0; i < GROUP_LISTS; i++) {
		while (groups[i] != NULL) {
			struct group *group = groups[i];

			groups[i] = group->next;
			slab_free(&group_slab, group);
		}
	}
}

/* Makes the file what the header says. A later one replaces an earlier. */
static int node_fill(struct node *node, const uint32_t fields[FIELDS],
    const void *data)
{
	uint32_t type = fields[F_MODE] & MODE_TYPE;
	bool linked = type == MODE_FILE && fields[F_NLINK] > 1;
	struct node *first = node;

	if (type != MODE_DIR &&
	    (node == initrd_root || !list_is_empty(&node->children)))
		return -EISDIR;
	if (linked)
		first = first_name(node, fields);
	else if (node_is(node->file, type))
		first = node->file;
	if (first == NULL)
		return -ENOMEM;
	node->mode = fields[F_MODE];
	node->file = first;
	if (linked && first != node && fields[F_SIZE] == 0)
		return 0;
	first->mode = fields[F_MODE];
	first->mtime = fields[F_MTIME];
	first->size = fields[F_SIZE];
	first->data = data;
	return 0;
}

static int archive_add(const char *name, const uint32_t fields[FIELDS],
    const void *data)
{
	struct lookup l = {.at = writable(initrd_root), .make = true};
	int err = -ENAMETOOLONG;

	if (fields[F_NAMESIZE] <= PATH_MAX)
		err = lookup_run(&l, name);
	return err == 0 ? node_fill(l.at, fields, data) : err;
}

static const char *add_error(int err)
{
	switch (err) {
	case -ENAMETOOLONG:
		return "its name is too long";
	case -ENOMEM:
		return "there is no memory for its name";
	default:
		return "something else is in its place";
	}
}

static void archive_read(struct archive *ar)
{
	const char *damage = NULL, *name;
	uint32_t fields[FIELDS] = {0};
	bool ended = false;

	skip_zeros(ar);
	while (!ended || ar->at < ar->size) {
		size_t start = ar->at;
		int err;

		name = archive_next(ar, fields, &damage);
		if (name == NULL) {
			kprintf("initrd: %s, at byte %lu of %lu; "
				"files up to there are used\n",
			    damage, start, ar->size);
			break;
		}
		ended = strcmp(name, "TRAILER!!!") == 0;
		if (ended) {
			forget_groups();
			skip_zeros(ar);
			continue;
		}
		err = archive_add(name, fields,
		    ar->base + align4(start + HEADER_LEN + fields[F_NAMESIZE]));
		if (err < 0)
			kprintf("initrd: the file at byte %lu is left out: "
				"%s\n",
			    start, add_error(err));
		if (err == -ENOMEM)
			break;
	}
	forget_groups();
}

static void add_devices(void)
{
	static const char *const names[] = {"dev/console", "dev/tty",
	    "dev/null", "dev/zero", "dev/random", "dev/urandom"};
	static const uint32_t fields[FIELDS] = {[F_MODE] = MODE_CHAR | 0666};

	/* What an archive has under this name stays. */
	for (unsigned i = 0; i < array_len(names); i++)
		(void)archive_add(names[i], fields, NULL);
}

void initrd_init(const void *archive, size_t size)
{
	struct archive ar = {.base = archive, .size = size};

	initrd_root = node_create(NULL, "", 0);
	if (initrd_root == NULL)
		panic("expected memory for the root directory");
	archive_read(&ar);
	add_devices();
}
