/* SPDX-License-Identifier: MIT */
/*
 * initrd.c - archives of every shape, read by a second copy of the reader
 * whose index can be thrown away.
 */
#include "proc/initrd.h"
#include "arch/machine.h"
#include "ballast.h"
#include "ktest.h"
#include "lib/print.h"
#include "lib/string.h"

static int real_lookup(const char *path, const struct node **node)
{
	struct lookup_rest rest = {0};
	int err;

	do
		err = initrd_lookup(NULL, path, true, &rest, node);
	while (err == LOOKUP_MORE);
	return err;
}

#include "scratch.h"

static char archive[128 << 10];
static size_t archive_size;

static void append(const void *bytes, size_t len)
{
	assert(archive_size + len + 4 <= sizeof archive);
	memcpy(archive + archive_size, bytes, len);
	archive_size += len;
	while (archive_size % 4 != 0)
		archive[archive_size++] = '\0';
}

struct entry {
	const char *name;
	uint32_t mode;
	const char *data;
	uint32_t ino, links, major;
};

/* A number of the header, in eight digits. */
static void put_number(char *to, uint32_t value)
{
	for (unsigned i = 8; i-- > 0; value >>= 4)
		to[i] = "0123456789abcdef"[value & 15];
}

static void add_entry(struct entry e)
{
	static char header[HEADER_LEN + PATH_MAX + 10];
	uint32_t size = (uint32_t)strlen(e.data);
	uint32_t name_size = (uint32_t)strlen(e.name) + 1;
	uint32_t numbers[13] = {e.ino, e.mode, 0, 0, e.links, 7, size, e.major,
	    0, 0, 0, name_size};

	memcpy(header, "070701", 6);
	for (unsigned i = 0; i < array_len(numbers); i++)
		put_number(header + 6 + 8 * i, numbers[i]);
	assert(HEADER_LEN + name_size <= sizeof header);
	memcpy(header + HEADER_LEN, e.name, name_size);
	append(header, HEADER_LEN + name_size);
	append(e.data, size);
}

static void add(const char *name, uint32_t mode, const char *data)
{
	add_entry((struct entry){name, mode, data, .links = 1});
}

/* One of several names of file `ino`. */
static void add_name(const char *name, uint32_t ino, const char *data)
{
	add_entry((struct entry){name, MODE_FILE | 0644, data, ino, 3, 0});
}

static void add_end(void)
{
	add("TRAILER!!!", 0, "");
}

/* The node after this one, parents before their children. */
static const struct node *next_node(const struct node *node)
{
	const struct node *next = scratch_child(node, NULL);

	while (next == NULL && node != scratch_root) {
		next = scratch_child(node->parent, node);
		node = node->parent;
	}
	return next;
}

static void forget(void)
{
	struct node *node = writable(scratch_root);

	while (node != NULL) {
		struct node *up = node->parent;

		if (!list_is_empty(&node->children)) {
			node = list_entry(node->children.next, struct node,
			    sibling);
			continue;
		}
		if (node != up)
			list_remove(&node->sibling);
		slab_free(&node_slab, node);
		node = node != up ? up : NULL;
	}
	scratch_root = NULL;
	node_index = NULL;
	node_count = 0;
}

static void read_archive(size_t size)
{
	forget();
	complaints = 0;
	scratch_init(archive, size);
}

static void make_archive(void)
{
	archive_size = 0;
	add("init", MODE_FILE | 0755, "I am init");
	add("./bin/sh", MODE_FILE | 0755, "I am sh");
	add("/a/b/c/deep", MODE_FILE | 0644, "I am deep");
	add("empty", MODE_FILE | 0600, "");
	add("a/up", MODE_LINK | 0777, "../bin");
	add("a/abs", MODE_LINK | 0777, "/bin/sh");
	add("a/chain", MODE_LINK | 0777, "abs");
	add("self", MODE_LINK | 0777, "self");
	add("one", MODE_LINK | 0777, "two");
	add("two", MODE_LINK | 0777, "one");
	add("gone", MODE_LINK | 0777, "nowhere");
	add("slashes", MODE_LINK | 0777, "a//b/./c/");
	add_end();
	read_archive(archive_size);
}

static const char *expect_file(const char *path, const char *data)
{
	const struct node *node;
	int err = scratch_lookup(NULL, path, true, &node);

	MUST(err == 0, found("%s: error %d", path, err));
	MUST(node->size == strlen(data) &&
		memcmp(node->data, data, node->size) == 0,
	    found("%s is something else", path));
	return NULL;
}

static const char *expect_error(const char *path, int error)
{
	const struct node *node;
	int err = scratch_lookup(NULL, path, true, &node);

	return err == error ? NULL : found("%s: %d, not %d", path, err, error);
}

TEST(the_machine_s_own_archive_has_an_init)
{
	const struct node *node = NULL;
	const char *value;
	size_t len;

	if (bootarg_find("rdinit", &value, &len))
		return NULL;
	MUST(real_lookup("/init", &node) == 0, "no /init");
	MUST(node_is(node, MODE_FILE) && node->size > 0, "not a file");
	MUST(real_lookup("/dev/null", &node) == 0, "no /dev/null");
	MUST(node_is(node, MODE_CHAR), "/dev/null is no device");
	return NULL;
}

TEST(files_are_found_by_any_spelling_of_their_path)
{
	make_archive();
	MUST(complaints == 0, "complaints");
	TRY(expect_file("/init", "I am init"));
	TRY(expect_file("init", "I am init"));
	TRY(expect_file("//bin///sh", "I am sh"));
	TRY(expect_file("/./bin/./sh", "I am sh"));
	TRY(expect_file("/a/b/c/deep", "I am deep"));
	TRY(expect_file("/a/../a/b/../b/c/deep", "I am deep"));
	TRY(expect_file("/../../init", "I am init"));
	TRY(expect_file("empty", ""));
	forget();
	return NULL;
}

TEST(what_is_not_there_is_the_right_error)
{
	make_archive();
	TRY(expect_error("", -ENOENT));
	TRY(expect_error("nowhere", -ENOENT));
	TRY(expect_error("/bin/nowhere", -ENOENT));
	TRY(expect_error("/nowhere/sh", -ENOENT));
	TRY(expect_error("/ini", -ENOENT));
	TRY(expect_error("/initt", -ENOENT));
	TRY(expect_error("/init/", -ENOTDIR));
	TRY(expect_error("/init/x", -ENOTDIR));
	TRY(expect_error("/init/..", -ENOTDIR));
	TRY(expect_error("/gone", -ENOENT));
	TRY(expect_error("/bin/", 0));
	TRY(expect_error("/", 0));
	TRY(expect_error(".", 0));
	forget();
	return NULL;
}

TEST(a_name_may_be_255_bytes_long_and_no_longer)
{
	static char name[300];

	make_archive();
	memset(name, 'x', 256);
	TRY(expect_error(name, -ENAMETOOLONG));
	name[255] = '\0';
	TRY(expect_error(name, -ENOENT));
	forget();
	return NULL;
}

TEST(links_are_followed_from_where_they_are)
{
	make_archive();
	TRY(expect_file("/a/up/sh", "I am sh"));
	TRY(expect_file("/a/abs", "I am sh"));
	TRY(expect_file("/a/chain", "I am sh"));
	TRY(expect_file("/a/up/../init", "I am init"));
	TRY(expect_file("/slashes/deep", "I am deep"));
	TRY(expect_error("/a/abs/", -ENOTDIR));
	forget();
	return NULL;
}

TEST(the_last_link_is_followed_only_if_asked)
{
	const struct node *node;

	make_archive();
	MUST(scratch_lookup(NULL, "/a/abs", false, &node) == 0, "not found");
	MUST(node_is(node, MODE_LINK), "followed");
	MUST(scratch_lookup(NULL, "/self", false, &node) == 0, "a loop");
	MUST(scratch_lookup(NULL, "/a/up/sh", false, &node) == 0, "inner");
	MUST(node_is(node, MODE_FILE), "an inner link not followed");
	forget();
	return NULL;
}

TEST(links_in_a_circle_are_eloop)
{
	make_archive();
	TRY(expect_error("/self", -ELOOP));
	TRY(expect_error("/self/x", -ELOOP));
	TRY(expect_error("/one", -ELOOP));
	TRY(expect_error("/two/x", -ELOOP));
	forget();
	return NULL;
}

TEST(paths_begin_where_they_are_asked_from)
{
	const struct node *dir = NULL, *node = NULL;

	make_archive();
	MUST(scratch_lookup(NULL, "/a/b", true, &dir) == 0, "no /a/b");
	MUST(scratch_lookup(dir, "c/deep", true, &node) == 0, "no c/deep");
	MUST(scratch_lookup(dir, "../up/sh", true, &node) == 0, "no ../up/sh");
	MUST(scratch_lookup(dir, "/init", true, &node) == 0, "no /init");
	MUST(scratch_lookup(dir, "init", true, &node) == -ENOENT, "init here");
	MUST(scratch_lookup(dir, "..", true, &node) == 0 && node == dir->parent,
	    ".. is not the parent");
	forget();
	return NULL;
}

TEST(a_directory_lists_each_of_its_entries_once)
{
	static const char *const names[] = {"init", "bin", "a", "empty", "self",
	    "one", "two", "gone", "slashes", "dev"};
	unsigned seen = 0, count = 0;

	make_archive();
	for (const struct node *n = scratch_child(scratch_root, NULL);
	     n != NULL; n = scratch_child(scratch_root, n)) {
		count++;
		for (unsigned i = 0; i < array_len(names); i++) {
			size_t len = strlen(names[i]);

			if (n->name_len == len &&
			    memcmp(n->name, names[i], len) == 0)
				seen |= 1U << i;
		}
	}
	MUST(count == array_len(names), found("%u entries", count));
	MUST(seen == (1U << array_len(names)) - 1, found("only %x", seen));
	forget();
	return NULL;
}

/* Nothing in the index points out of the archive. */
static const char *check_index(size_t size)
{
	static char path[PATH_MAX];
	unsigned count = 0;

	for (const struct node *n = scratch_root; n != NULL; n = next_node(n)) {
		const struct node *again = NULL;

		count++;
		MUST(n->size == 0 ||
			((const char *)n->data >= archive &&
			    (const char *)n->data + n->size <= archive + size),
		    found("file %u of %lu bytes", n->ino, n->size));
		MUST(n == scratch_root ||
			*find_slot(n->parent, n->name, n->name_len) == n,
		    found("file %u is not in the index", n->ino));
		if (!node_is(n, MODE_DIR))
			continue;
		MUST(scratch_path(n, path) > 0, "no path");
		MUST(scratch_lookup(NULL, path, false, &again) == 0 &&
			again == n,
		    found("directory %u is not at its path", n->ino));
	}
	MUST(count == node_count, found("%u of %u files", count, node_count));
	(void)!scratch_lookup(NULL, "/a/up/sh", true,
	    &(const struct node *){0});
	return NULL;
}

TEST(a_name_may_go_through_hundreds_of_directories)
{
	static char name[1000];
	const struct node *node;

	for (unsigned i = 0; i < sizeof name - 1; i++)
		name[i] = i % 2 == 0 ? 'd' : '/';
	archive_size = 0;
	add(name, MODE_FILE | 0644, "deep");
	add_end();
	read_archive(archive_size);
	MUST(complaints == 0, "complaints");
	TRY(expect_file(name, "deep"));
	MUST(scratch_lookup(NULL, "d/d/d/d/..", true, &node) == 0, "no parent");
	MUST(node_is(node, MODE_DIR), "no directory");
	MUST(scratch_path(node, name) == 6, "another one");
	MUST(strcmp(name, "/d/d/d") == 0, found("it says it is %s", name));
	forget();
	return NULL;
}

TEST(an_archive_cut_off_anywhere_is_used_up_to_there)
{
	unsigned before = 0;

	make_archive();
	for (size_t size = 0; size < archive_size - 3; size++) {
		read_archive(size);
		MUST(complaints == 1, found("at %lu: no complaint", size));
		MUST(node_count >= before, found("at %lu: fewer files", size));
		before = node_count;
		TRY(check_index(size));
	}
	forget();
	return NULL;
}

TEST(a_damaged_archive_is_read_without_harm)
{
	uint64_t state = 9;

	for (unsigned i = 0; i < 3000; i++) {
		make_archive();
		for (uint64_t n = rnd(&state, 4); n < 4; n++)
			archive[rnd(&state, archive_size)] =
			    "0f/.\0x9a"[rnd(&state, 8)];
		read_archive(archive_size);
		TRY(check_index(archive_size));
	}
	forget();
	return NULL;
}

TEST(sizes_beyond_the_end_are_damage)
{
	static const char *const sizes[] = {"ffffffff", "fffffffc", "80000000",
	    "00002000"};

	for (unsigned i = 0; i < array_len(sizes); i++) {
		make_archive();
		memcpy(archive + 6 + 8 * F_SIZE, sizes[i], 8);
		read_archive(archive_size);
		MUST(complaints == 1, found("a file of %s bytes", sizes[i]));
		make_archive();
		memcpy(archive + 6 + 8 * F_NAMESIZE, sizes[i], 8);
		read_archive(archive_size);
		MUST(complaints == 1, found("a name of %s bytes", sizes[i]));
	}
	forget();
	return NULL;
}

/* As GNU cpio writes them: the data comes with the last name. */
TEST(names_of_one_file_share_what_came_with_any_of_them)
{
	const struct node *one, *two;

	archive_size = 0;
	add_name("one", 5, "");
	add_name("early", 6, "I came first");
	add_name("dir/two", 5, "");
	add_name("late", 6, "");
	add_name("three", 5, "I came last");
	add_end();
	read_archive(archive_size);
	MUST(complaints == 0, "complaints");
	TRY(expect_file("one", "I came last"));
	TRY(expect_file("dir/two", "I came last"));
	TRY(expect_file("three", "I came last"));
	TRY(expect_file("early", "I came first"));
	TRY(expect_file("late", "I came first"));
	MUST(scratch_lookup(NULL, "one", true, &one) == 0 &&
		scratch_lookup(NULL, "dir/two", true, &two) == 0 && one == two,
	    "two files");
	forget();
	return NULL;
}

TEST(the_same_number_elsewhere_is_another_file)
{
	archive_size = 0;
	add_name("one", 5, "I am one");
	add_entry((struct entry){"alone", MODE_FILE, "", 5, 1, 0});
	add_entry((struct entry){"device", MODE_FILE, "", 5, 2, 8});
	add_entry((struct entry){"dir", MODE_DIR | 0755, "", 5, 2, 0});
	add_entry((struct entry){"link", MODE_LINK | 0777, "one", 5, 2, 0});
	add_end();
	add_name("second", 5, "");
	add_end();
	read_archive(archive_size);
	TRY(expect_file("alone", ""));
	TRY(expect_file("device", ""));
	TRY(expect_file("link", "I am one"));
	TRY(expect_file("second", ""));
	forget();
	return NULL;
}

TEST(archives_may_follow_each_other)
{
	archive_size = 0;
	append("\0\0\0\0", 4);
	add("init", MODE_FILE | 0755, "the first");
	add_end();
	append("\0\0\0\0\0\0\0\0", 8);
	add("init", MODE_FILE | 0755, "the second");
	add_end();
	add("more", MODE_FILE | 0755, "the third");
	add_end();
	append("\0\0\0\0", 4);
	read_archive(archive_size);
	MUST(complaints == 0, "complaints");
	TRY(expect_file("init", "the second"));
	TRY(expect_file("more", "the third"));
	append("\x1f\x8b", 2);
	read_archive(archive_size);
	MUST(complaints == 1, "no complaint about what follows the last");
	TRY(expect_file("more", "the third"));
	memset(archive, 0, archive_size);
	read_archive(archive_size);
	MUST(complaints == 1, "no complaint about nothing but zeros");
	forget();
	return NULL;
}

TEST(a_name_too_long_is_left_out)
{
	static char name[PATH_MAX + 1];

	for (size_t i = 0; i < PATH_MAX; i++)
		name[i] = i % 2 == 0 ? '/' : 'd';
	archive_size = 0;
	add(name, MODE_FILE, "too long");
	name[PATH_MAX - 1] = '\0';
	add(name, MODE_DIR, "");
	memset(name, 'x', NAME_MAX + 1);
	name[NAME_MAX + 1] = '\0';
	add(name, MODE_FILE, "too long");
	name[NAME_MAX] = '\0';
	add(name, MODE_FILE, "just so");
	add_end();
	read_archive(archive_size);
	MUST(complaints == 2, found("%u complaints", complaints));
	MUST(node_count == PATH_MAX / 2 + 8, found("%u nodes", node_count));
	TRY(expect_file(name, "just so"));
	TRY(check_index(archive_size));
	forget();
	return NULL;
}

TEST(names_are_paths)
{
	archive_size = 0;
	add("usr/bin/", MODE_DIR | 0755, "");
	add("bin", MODE_LINK | 0777, "usr/bin");
	add("bin/sh", MODE_FILE | 0755, "I am sh");
	add("./usr//bin/../lib/./c", MODE_FILE | 0644, "I am c");
	add("../../top", MODE_FILE | 0644, "I am top");
	add(".", MODE_DIR | 0700, "");
	add_end();
	read_archive(archive_size);
	MUST(complaints == 0, "complaints");
	TRY(expect_file("/bin/sh", "I am sh"));
	TRY(expect_file("/usr/lib/c", "I am c"));
	TRY(expect_file("/top", "I am top"));
	MUST(scratch_root->mode == (MODE_DIR | 0700), "the root's mode");
	TRY(check_index(archive_size));
	forget();
	return NULL;
}

TEST(what_cannot_be_put_in_its_place_is_left_out)
{
	archive_size = 0;
	add("file", MODE_FILE | 0644, "I am file");
	add("file/x", MODE_FILE | 0644, "");
	add("dir/x", MODE_FILE | 0644, "I am x");
	add("dir", MODE_FILE | 0644, "");
	add("/", MODE_FILE | 0644, "");
	add("gone", MODE_LINK | 0777, "nowhere");
	add("gone/x", MODE_FILE | 0644, "");
	add("dev/null/x", MODE_FILE | 0644, "I am no device");
	add_end();
	read_archive(archive_size);
	MUST(complaints == 4, found("%u complaints", complaints));
	TRY(expect_file("file", "I am file"));
	TRY(expect_file("dir/x", "I am x"));
	TRY(expect_error("gone", -ENOENT));
	TRY(expect_file("dev/null/x", "I am no device"));
	TRY(check_index(archive_size));
	forget();
	return NULL;
}

#define MANY 900

static void make_many(void)
{
	archive_size = 0;
	for (unsigned i = 0; i < MANY; i++) {
		char name[8];

		(void)str_format(name, sizeof name, "%u", i);
		add(name, MODE_FILE | 0644, name);
	}
	add_end();
}

/* How far it is to the farthest node of the index. */
static unsigned index_depth(void)
{
	static const struct node *levels[2][MANY + 10];
	unsigned count = 1, depth = 0;

	levels[0][0] = node_index;
	for (; count > 0; depth++) {
		const struct node **here = levels[depth % 2];
		const struct node **below = levels[(depth + 1) % 2];
		unsigned more = 0;

		for (unsigned i = 0; i < 2 * count; i++) {
			const struct node *node = here[i / 2]->index[i % 2];

			if (node != NULL)
				below[more++] = node;
		}
		count = more;
	}
	return depth;
}

TEST(the_index_of_many_files_is_shallow)
{
	make_many();
	read_archive(archive_size);
	MUST(node_count > MANY, found("%u files", node_count));
	MUST(index_depth() < 40, found("%u levels", index_depth()));
	forget();
	return NULL;
}

TEST(the_files_that_there_is_memory_for_are_used)
{
	forget();
	make_many();
	complaints = 0;
	hoard_all_but(&eaten, 1);
	scratch_init(archive, archive_size);
	hoard_drop(&eaten);
	MUST(complaints == 1, found("%u complaints", complaints));
	MUST(node_count > 20, found("%u files", node_count));
	TRY(expect_file("9", "9"));
	TRY(check_index(archive_size));
	forget();
	return NULL;
}

static const struct test initrd_tests[] = {
    T(the_machine_s_own_archive_has_an_init),
    T(files_are_found_by_any_spelling_of_their_path),
    T(what_is_not_there_is_the_right_error),
    T(a_name_may_be_255_bytes_long_and_no_longer),
    T(links_are_followed_from_where_they_are),
    T(the_last_link_is_followed_only_if_asked),
    T(links_in_a_circle_are_eloop),
    T(paths_begin_where_they_are_asked_from),
    T(a_directory_lists_each_of_its_entries_once),
    T(a_name_may_go_through_hundreds_of_directories),
    T(an_archive_cut_off_anywhere_is_used_up_to_there),
    T(a_damaged_archive_is_read_without_harm),
    T(sizes_beyond_the_end_are_damage),
    T(names_of_one_file_share_what_came_with_any_of_them),
    T(the_same_number_elsewhere_is_another_file),
    T(archives_may_follow_each_other),
    T(a_name_too_long_is_left_out),
    T(names_are_paths),
    T(what_cannot_be_put_in_its_place_is_left_out),
    T(the_index_of_many_files_is_shallow),
    T(the_files_that_there_is_memory_for_are_used),
};
SUITE(initrd, initrd_tests);
