/* SPDX-License-Identifier: MIT */
/* unit_archive.c - unpacks archives, one property at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/servers/files/archive.h"
#include "abi/errno.h"
#include "abi/stat.h"
#include "memory.h"
#include "tap.h"
#include "unit.h"

#define ROOM (64UL << 20)

static char *archive;
static size_t archive_size;
static unsigned complaints;
static const char *complaint;
static struct tree t;

static void complain(size_t at, const char *what)
{
	(void)at;
	complaints++;
	complaint = what;
}

static void append(const void *data, size_t len)
{
	memcpy(archive + archive_size, data, len);
	archive_size += len;
}

static void append_padded(const char *text, size_t len)
{
	append(text, len);
	while (archive_size % 4 != 0)
		append("", 1);
}

struct entry {
	const char *name;
	uint32_t mode;
	const char *data;
	uint32_t ino, links, mtime;
};

static void add_entry(struct entry e)
{
	size_t len = strlen(e.data);
	char header[120];

	(void)snprintf(header, sizeof header,
	    "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", e.ino,
	    e.mode, 0, 0, e.links, e.mtime, (unsigned)len, 0, 0, 1, 5,
	    (unsigned)strlen(e.name) + 1, 0);
	append(header, 110);
	append_padded(e.name, strlen(e.name) + 1);
	append_padded(e.data, len);
}

static void add(const char *name, uint32_t mode, const char *data)
{
	add_entry((struct entry){name, mode, data, 0, 1, 0});
}

static void add_name(const char *name, uint32_t ino, const char *data)
{
	add_entry((struct entry){name, S_IFREG | 0644, data, ino, 2, 0});
}

static void add_end(void)
{
	add("TRAILER!!!", 0, "");
}

static void begin(void)
{
	if (archive == NULL)
		archive = malloc(ROOM);
	archive_size = 0;
	complaints = 0;
	complaint = "";
}

static void unpack_first(size_t size)
{
	(void)tree_init(&t, (struct moment){1000, 0}, 3);
	archive_unpack(&t, archive, size, complain);
}

static void unpack(void)
{
	unpack_first(archive_size);
}

static const char *end(void)
{
	tree_destroy(&t);
	return memory_in_use == 0 ? NULL
				  : found("%lu objects left", memory_in_use);
}

static struct node *find(const char *path)
{
	struct node *node;
	int err = path_find(&t, (struct where){t.root, path}, 0, &node);

	return err == 0 ? node : NULL;
}

static bool holds(const char *path, const char *text)
{
	struct node *node = find(path);
	char data[100];

	return node != NULL && node->size == strlen(text) &&
	    data_read(node, 0, data, sizeof data) == node->size &&
	    memcmp(data, text, node->size) == 0;
}

static void make_some(void)
{
	begin();
	add("init", S_IFREG | 0755, "I am init");
	add("./bin/sh", S_IFREG | 0755, "I am sh");
	add("/a/b/c/deep", S_IFREG | 0644, "I am deep");
	add("empty", S_IFREG | 0600, "");
	add("a/up", S_IFLNK | 0777, "../bin");
	add("tty", S_IFCHR | 0620, "");
	add("pipe", S_IFIFO | 0600, "");
	add_entry((struct entry){"old", S_IFDIR | 0700, "", 0, 2, 77});
	add("old/new", S_IFREG | 0644, "");
	add_end();
}

TEST(all_kinds_of_files_are_made)
{
	make_some();
	unpack();
	MUST(complaints == 0, found("a complaint: %s", complaint));
	MUST(holds("/init", "I am init") && holds("bin/sh", "I am sh") &&
		holds("a/up/sh", "I am sh") && holds("empty", "") &&
		holds("/a/b/c/deep", "I am deep"),
	    "other files");
	MUST(find("init")->mode == (S_IFREG | 0755), "another mode");
	MUST(find("a/b")->mode == (S_IFDIR | 0755), "another made-up mode");
	MUST(find("tty")->mode == (S_IFCHR | 0620) &&
		find("tty")->rdev == (1 << 8 | 5),
	    "another device");
	MUST(node_is(find("pipe"), S_IFIFO), "no pipe");
	MUST(find("old")->mtime.sec == 77, "a folder's time is of its files");
	return end();
}

TEST(an_archive_cut_off_anywhere_is_used_up_to_there)
{
	uint64_t before = 0;

	make_some();
	for (size_t size = 0; size < archive_size - 3; size++) {
		complaints = 0;
		unpack_first(size);
		MUST(complaints == 1, found("at %lu: no complaint", size));
		MUST(t.nodes >= before, found("at %lu: fewer files", size));
		before = t.nodes;
		MUST(end() == NULL, "objects left");
	}
	return NULL;
}

TEST(sizes_beyond_the_end_are_damage)
{
	static const char *const sizes[] = {"ffffffff", "fffffffc", "80000000",
	    "00002000"};

	for (unsigned i = 0; i < 4; i++) {
		make_some();
		memcpy(archive + 6 + 8 * 6, sizes[i], 8);
		unpack();
		MUST(complaints == 1 && t.nodes == 1,
		    found("a file of %s bytes", sizes[i]));
		MUST(end() == NULL, "objects left");
		make_some();
		memcpy(archive + 6 + 8 * 11, sizes[i], 8);
		unpack();
		MUST(complaints == 1 && t.nodes == 1,
		    found("a name of %s bytes", sizes[i]));
		MUST(end() == NULL, "objects left");
	}
	return NULL;
}

TEST(what_is_compressed_is_said_to_be)
{
	static const struct {
		const char *magic, *word;
	} formats[] = {{"\x1f\x8b\x08", "gzip"},
	    {"\xfd"
	     "7zXZ",
		"xz"},
	    {"\x28\xb5\x2f\xfd", "zstd"}, {"BZh9", "bzip2"},
	    {"070707", "old kind"}, {"hello", "no newc header"}};

	for (unsigned i = 0; i < 6; i++) {
		begin();
		add("init", S_IFREG | 0755, "I am init");
		add_end();
		append_padded(formats[i].magic, strlen(formats[i].magic));
		unpack();
		MUST(complaints == 1 &&
			strstr(complaint, formats[i].word) != NULL,
		    found("%s: %s", formats[i].word, complaint));
		MUST(holds("init", "I am init"), "nothing from before it");
		MUST(end() == NULL, "objects left");
	}
	return NULL;
}

TEST(archives_may_follow_each_other)
{
	begin();
	append("\0\0\0\0", 4);
	add("init", S_IFREG | 0755, "the first");
	add_end();
	append("\0\0\0\0\0\0\0\0", 8);
	add("init", S_IFREG | 0755, "the second");
	append("\0\0\0\0", 4);
	add("more", S_IFREG | 0755, "and more");
	add_end();
	append("\0\0\0\0", 4);
	unpack();
	MUST(complaints == 0, found("a complaint: %s", complaint));
	MUST(holds("init", "the second") && holds("more", "and more"),
	    "other files");
	return end();
}

TEST(names_of_one_file_share_what_came_with_any_of_them)
{
	begin();
	add_name("one", 5, "");
	add_name("early", 6, "I came first");
	add_name("dir/two", 5, "");
	add_name("late", 6, "");
	add_name("three", 5, "I came last");
	add_end();
	add_name("second", 5, "");
	add_end();
	unpack();
	MUST(complaints == 0, found("a complaint: %s", complaint));
	MUST(holds("one", "I came last") && holds("dir/two", "I came last") &&
		holds("late", "I came first"),
	    "other files");
	MUST(find("one") == find("three") && find("one")->links == 3,
	    "not one file");
	MUST(holds("second", ""), "a link into another archive");
	return end();
}

TEST(a_name_that_becomes_something_else_leaves_the_others_alone)
{
	begin();
	add_name("one", 5, "the file");
	add_name("two", 5, "");
	add("one", S_IFDIR | 0755, "");
	add("one/x", S_IFREG | 0644, "in it");
	add_end();
	unpack();
	MUST(complaints == 0, found("a complaint: %s", complaint));
	MUST(holds("two", "the file") && find("two")->links == 1, "it is lost");
	MUST(holds("one/x", "in it"), "no folder");
	return end();
}

TEST(a_name_of_what_has_become_a_pipe_changes_it_no_more)
{
	begin();
	add_name("one", 5, "the file");
	add("one", S_IFIFO | 0600, "");
	add_name("two", 5, "other bytes");
	add_end();
	unpack();
	MUST(complaints == 1, found("%u complaints", complaints));
	MUST(find("two") != NULL && find("two") == find("one"), "no link");
	MUST(find("two")->mode == (S_IFIFO | 0600), "another mode");
	return end();
}

TEST(a_dot_makes_no_folder_of_a_device)
{
	begin();
	add("dev/zero/.", S_IFREG | 0644, "");
	add("dev/zero/.", S_IFDIR | 0755, "");
	add("dev/zero/..", S_IFDIR | 0755, "");
	add_end();
	unpack();
	MUST(complaints == 3, found("%u complaints", complaints));
	MUST(find("dev") == NULL, "folders for nothing");
	return end();
}

TEST(a_link_may_not_lead_too_far)
{
	char *target = malloc(40UL << 20);

	memset(target, 'x', 40UL << 20);
	target[(40UL << 20) - 1] = '\0';
	begin();
	add("far", S_IFLNK | 0777, target);
	target[4096] = '\0';
	add("near", S_IFLNK | 0777, target);
	target[4095] = '\0';
	add("just", S_IFLNK | 0777, target);
	add("none", S_IFLNK | 0777, "");
	add("after", S_IFREG | 0644, "it goes on");
	add_end();
	unpack();
	free(target);
	MUST(complaints == 3, found("%u complaints", complaints));
	MUST(find("far") == NULL && find("near") == NULL &&
		find("none") == NULL && find("just")->size == 4095,
	    "other links");
	MUST(holds("after", "it goes on"), "it does not go on");
	return end();
}

TEST(a_name_may_go_through_thousands_of_folders)
{
	char name[4098];

	for (unsigned i = 0; i < 4097; i++)
		name[i] = i % 2 == 0 ? 'd' : '/';
	name[4097] = '\0';
	begin();
	add(name, S_IFREG | 0644, "too long");
	name[4095] = '\0';
	add(name, S_IFREG | 0644, "deep");
	add_end();
	unpack();
	MUST(complaints == 1, found("%u complaints", complaints));
	MUST(t.nodes == 2049, found("%lu nodes", t.nodes));
	return end();
}

static const struct test tests[] = {
    LISTED(all_kinds_of_files_are_made),
    LISTED(an_archive_cut_off_anywhere_is_used_up_to_there),
    LISTED(sizes_beyond_the_end_are_damage),
    LISTED(what_is_compressed_is_said_to_be),
    LISTED(archives_may_follow_each_other),
    LISTED(names_of_one_file_share_what_came_with_any_of_them),
    LISTED(a_name_that_becomes_something_else_leaves_the_others_alone),
    LISTED(a_name_of_what_has_become_a_pipe_changes_it_no_more),
    LISTED(a_dot_makes_no_folder_of_a_device),
    LISTED(a_link_may_not_lead_too_far),
    LISTED(a_name_may_go_through_thousands_of_folders),
};

int main(void)
{
	return tap_run(tests, sizeof tests / sizeof *tests);
}
