/* SPDX-License-Identifier: MIT */
/*
 * unit.c - the tree, one property at a time: what a comparison with another
 * file system cannot see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/servers/files/memory.h"
#include "../../user/servers/files/tree.h"
#include "abi/dirent.h"
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/unistd.h"
#include "memory.h"
#include "sim.h"
#include "tap.h"
#include "unit.h"

static struct tree t;

static void begin(void)
{
	(void)tree_init(&t, (struct moment){1000, 0}, 3);
}

static const char *end(void)
{
	tree_destroy(&t);
	return memory_in_use == 0 ? NULL
				  : found("%lu objects left", memory_in_use);
}

static struct where at(const char *path)
{
	return (struct where){t.root, path};
}

static struct file *open_at(const char *path, uint32_t flags)
{
	struct file *file = malloc(sizeof *file);

	if (file_open(&t, at(path), flags, 0644, file) == 0)
		return file;
	free(file);
	return NULL;
}

static void close_file(struct file *file)
{
	file_close(&t, file);
	free(file);
}

static int touch(const char *path)
{
	struct file *file = open_at(path, O_CREAT | O_EXCL | O_RDWR);

	if (file == NULL)
		return -1;
	close_file(file);
	return 0;
}

static struct node *find(const char *path)
{
	struct node *node = NULL;

	return path_find(&t, at(path), 0, &node) == 0 ? node : NULL;
}

static int find_error(const char *path)
{
	struct node *node;

	return path_find(&t, at(path), PATH_FOLLOW, &node);
}

/* --- large things --------------------------------------------------------- */

#define LARGE_PAGES 20000UL

TEST(a_large_file_goes_at_once_and_its_pages_bit_by_bit)
{
	static char page[MEMORY_PAGE];
	uint64_t before, after;
	struct file *file;

	begin();
	file = open_at("large", O_CREAT | O_RDWR);
	for (uint64_t i = 0; i < LARGE_PAGES; i++) {
		uint64_t to = i * sizeof page;

		(void)file_write(&t, file, &to, page, sizeof page);
	}
	before = memory_in_use;
	(void)file_truncate(&t, file, 5000);
	MUST(before - memory_in_use < 400,
	    found("%lu objects freed at once", before - memory_in_use));
	MUST(sparse_count(&file->node->pages) == 2, "not two pages");
	for (unsigned calls = 0; t.scrap.first != NULL; calls++) {
		before = memory_in_use;
		tree_tidy(&t);
		after = memory_in_use;
		MUST(before - after < 700, "much at once");
		MUST(calls < 1000, "it does not end");
	}
	MUST(memory_in_use < 20, found("%lu objects left", memory_in_use));
	close_file(file);
	return end();
}

TEST(what_is_left_over_is_used_before_there_is_no_room)
{
	static char page[MEMORY_PAGE];
	struct file *file;

	begin();
	memory_limit(memory_pages_total() - memory_pages_free() + 1000);
	file = open_at("one", O_CREAT | O_RDWR);
	for (unsigned round = 0; round < 5; round++) {
		for (uint64_t to = 0; to < 1000UL * sizeof page;)
			MUST(file_write(&t, file, &to, page, sizeof page) ==
				sizeof page,
			    found("no room at %lu in round %u", to, round));
		(void)file_truncate(&t, file, 0);
		MUST(tree_pages_free(&t) == 1000,
		    found("%lu free", tree_pages_free(&t)));
	}
	memory_limit(UINT64_MAX);
	close_file(file);
	return end();
}

TEST(more_than_there_can_be_is_refused_at_once)
{
	const int64_t size = 1000 * MEMORY_PAGE;
	struct file *file;
	uint64_t given;

	begin();
	file = open_at("one", O_CREAT | O_RDWR);
	memory_limit(memory_pages_total() - memory_pages_free() + 1100);
	MUST(file_allocate(&t, file, 0, 0, size) == 0, "what there is");
	given = memory_pages_given();
	MUST(file_allocate(&t, file, 0, 0, 2 * size) == -ENOSPC &&
		file_allocate(&t, file, 0, size, 1L << 60) == -ENOSPC,
	    "more than there is");
	MUST(memory_pages_given() == given, "it was tried");
	MUST(file_allocate(&t, file, 0, 0, size) == 0, "what is there already");
	memory_limit(UINT64_MAX);
	close_file(file);
	return end();
}

/* How many steps lead to the name that is deepest in the trie. */
static unsigned index_depth(const struct name *root, unsigned count)
{
	const struct name **here = calloc(count + 1, sizeof *here);
	const struct name **below = calloc(2 * count + 2, sizeof *below);
	unsigned depth = 0, n = 1;

	for (here[0] = root; n > 0; depth++) {
		unsigned more = 0;

		for (unsigned i = 0; i < 2 * n; i++)
			if (here[i / 2]->below[i % 2] != NULL)
				below[more++] = here[i / 2]->below[i % 2];
		memcpy(here, below, more * sizeof *here);
		n = more;
	}
	free(here);
	free(below);
	return depth;
}

TEST(ten_thousand_names_are_found_in_few_steps)
{
	char path[40];

	begin();
	(void)tree_mkdir(&t, at("d"), 0755);
	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(path, sizeof path, "d/file-%u", i);
		MUST(touch(path) == 0, found("no %s", path));
	}
	MUST(index_depth(find("d")->folder.index, 10000) < 40,
	    found("%u steps", index_depth(find("d")->folder.index, 10000)));
	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(path, sizeof path, "d/file-%u",
		    i * 7919 % 10000);
		MUST(tree_unlink(&t, at(path)) == 0, found("no %s", path));
		if (i % 1000 == 0)
			MUST(find("d/file-1") != NULL || i > 0, "lost");
	}
	MUST(tree_rmdir(&t, at("d")) == 0, "not empty");
	return end();
}

TEST(names_of_the_same_hash_are_told_apart)
{
	static const char *const names[] = {"a", "b", "ab", "1: much the same",
	    "2: much the same"};
	const unsigned count = sizeof names / sizeof *names;

	begin();
	for (unsigned i = 0; i < count; i++)
		MUST(touch(names[i]) == 0, found("no %s", names[i]));
	for (unsigned i = 0; i < count * count; i++) {
		const char *name = names[i % count];
		struct text text = text_read(&t, name);
		bool is_same = i / count == i % count;

		text.hash = text_read(&t, names[i / count]).hash;
		MUST((folder_find(t.root, &text) != NULL) == is_same,
		    found("%s with the hash of %s", name, names[i / count]));
	}
	return end();
}

TEST(a_tree_may_be_as_deep_as_memory_allows)
{
	struct node *dir;

	begin();
	dir = t.root;
	for (unsigned i = 0; i < 50000; i++) {
		struct where where = {dir, "d"};

		MUST(tree_mkdir(&t, where, 0755) == 0, "no folder");
		(void)path_find(&t, where, 0, &dir);
	}
	return end();
}

TEST(folders_that_were_removed_go_with_their_last_user)
{
	struct node *dir, *up;

	begin();
	dir = t.root;
	for (unsigned i = 0; i < 10000; i++) {
		struct where where = {dir, "d"};

		(void)tree_mkdir(&t, where, 0755);
		(void)path_find(&t, where, 0, &dir);
	}
	node_use(dir);
	for (up = dir; up != t.root; up = up->folder.parent)
		MUST(tree_rmdir(&t, (struct where){up->folder.parent, "d"}) ==
			0,
		    "not removed");
	MUST(t.nodes == 10001, found("%lu nodes", t.nodes));
	MUST(tree_mkdir(&t, (struct where){dir, "x"}, 0755) == -ENOENT,
	    "made in a folder that was removed");
	MUST(path_find(&t, (struct where){dir, "../../.."}, 0, &up) == 0 &&
		node_is_dead(up),
	    "no way up");
	node_leave(&t, dir);
	MUST(t.nodes == 1, found("%lu nodes left", t.nodes));
	return end();
}

/* --- links ---------------------------------------------------------------- */

TEST(forty_links_are_followed_and_no_more)
{
	char target[12], path[12];

	begin();
	(void)touch("0");
	for (unsigned i = 1; i <= 41; i++) {
		(void)snprintf(target, sizeof target, "%u", i - 1);
		(void)snprintf(path, sizeof path, "%u", i);
		(void)tree_symlink(&t, target, at(path));
	}
	MUST(find_error("40") == 0, "40 links are too many");
	MUST(find_error("41") == -ELOOP, "41 links are not too many");
	return end();
}

/* Behind the next link, each link's target goes on with another name. */
TEST(forty_links_may_be_in_one_another)
{
	char target[12], path[12];

	begin();
	(void)tree_mkdir(&t, at("0"), 0755);
	for (unsigned i = 1; i <= 41; i++) {
		(void)snprintf(target, sizeof target, "%u/.", i - 1);
		(void)snprintf(path, sizeof path, "%u", i);
		(void)tree_symlink(&t, target, at(path));
	}
	MUST(find_error("40/.") == 0, "40 links are too many");
	MUST(find_error("41/.") == -ELOOP, "41 links are not too many");
	return end();
}

/* --- listing -------------------------------------------------------------- */

#define NAMES 100

static unsigned seen[NAMES + 1];

/* Reads once, into a buffer of `size`; false at the end. */
static bool read_some(struct file *dir, uint64_t *position, size_t size)
{
	static char buf[5000];
	long n = file_list(&t, dir, position, buf, size);

	for (long i = 0; i < n;) {
		struct dirent_abi entry;
		const char *name = buf + i + DIRENT_NAME_OFFSET;

		memcpy(&entry, buf + i, sizeof entry);
		if (name[0] == 'n')
			seen[atoi(name + 1)]++;
		i += entry.reclen;
	}
	return n > 0;
}

static void make_names(void)
{
	char path[20];

	(void)tree_mkdir(&t, at("d"), 0755);
	for (unsigned i = 0; i < NAMES; i++) {
		(void)snprintf(path, sizeof path, "d/n%u", i);
		(void)touch(path);
	}
}

/* A name that is there all the time is listed once, whatever else happens. */
TEST(a_folder_that_changes_is_listed_once)
{
	for (unsigned seed = 0; seed < 200; seed++) {
		struct file *dir;
		uint64_t position = 0;
		bool changed[NAMES] = {false};
		char path[20], other[20];

		sim_seed(seed);
		begin();
		make_names();
		memset(seen, 0, sizeof seen);
		dir = open_at("d", O_DIRECTORY);
		while (read_some(dir, &position, 24 + sim_below(300))) {
			unsigned i = sim_below(NAMES);

			(void)snprintf(path, sizeof path, "d/n%u", i);
			(void)snprintf(other, sizeof other, "d/x%u", i);
			changed[i] = true;
			if (sim_below(2) > 0)
				(void)tree_unlink(&t, at(path));
			else
				(void)tree_rename(&t, at(path), at(other), 0);
			(void)snprintf(other, sizeof other, "d/y%u",
			    sim_below(1000));
			(void)touch(other);
		}
		for (unsigned i = 0; i < NAMES; i++)
			MUST(changed[i] ? seen[i] <= 1 : seen[i] == 1,
			    found("seed %u: n%u seen %u times", seed, i,
				seen[i]));
		close_file(dir);
		MUST(end() == NULL, "objects left");
	}
	return NULL;
}

TEST(a_reader_that_renames_all_that_is_listed_comes_to_an_end)
{
	uint64_t position = 0;
	struct file *dir;
	unsigned calls = 0;

	begin();
	make_names();
	dir = open_at("d", O_DIRECTORY);
	while (read_some(dir, &position, 100)) {
		char path[20], other[20];

		MUST(++calls < 1000, "it goes on and on");
		for (unsigned i = 0; i < NAMES; i++) {
			(void)snprintf(path, sizeof path, "d/n%u", i);
			(void)snprintf(other, sizeof other, "d/x%u", i);
			(void)tree_rename(&t, at(path), at(other), 0);
			(void)tree_rename(&t, at(other), at(path), 0);
		}
	}
	/* A new list from the beginning has the new name. */
	position = 0;
	(void)touch("d/n100");
	memset(seen, 0, sizeof seen);
	while (read_some(dir, &position, 1000))
		;
	MUST(seen[1] == 1, "not seen after a new beginning");
	close_file(dir);
	return end();
}

TEST(a_position_in_a_list_can_be_gone_back_to)
{
	static char first[4096], again[4096];
	uint64_t position = 0, here;
	struct file *dir;
	long n;

	begin();
	make_names();
	dir = open_at("d", O_DIRECTORY);
	(void)file_list(&t, dir, &position, first, 1000);
	here = position;
	n = file_list(&t, dir, &position, first, sizeof first);
	MUST((uint64_t)file_seek(dir, position, (int64_t)here, SEEK_SET) ==
		here,
	    "no such position");
	MUST(file_list(&t, dir, &here, again, sizeof again) == n &&
		memcmp(first, again, (size_t)n) == 0,
	    "another list");
	close_file(dir);
	return end();
}

/* --- times ---------------------------------------------------------------- */

static bool changed_at(const char *path, int64_t sec)
{
	struct node *node = find(path);

	return node->ctime.sec == sec && node->mtime.sec == sec;
}

static bool touched_at(const char *path, int64_t sec)
{
	struct node *node = find(path);

	return node->ctime.sec == sec && node->mtime.sec < sec;
}

TEST(whatever_changes_says_when)
{
	begin();
	(void)tree_mkdir(&t, at("d"), 0755);
	(void)tree_mkdir(&t, at("e"), 0755);
	t.now.sec = 2000;
	(void)touch("d/f");
	MUST(changed_at("d", 2000) && changed_at("d/f", 2000), "create");
	t.now.sec = 3000;
	node_chmod(&t, find("d/f"), 0600);
	MUST(touched_at("d/f", 3000) && changed_at("d", 2000), "chmod");
	t.now.sec = 4000;
	node_chown(&t, find("d/f"), 1, 1);
	MUST(touched_at("d/f", 4000), "chown");
	t.now.sec = 5000;
	(void)tree_link(&t, at("d/f"), 0, at("e/g"));
	MUST(touched_at("d/f", 5000) && changed_at("e", 5000), "link");
	t.now.sec = 6000;
	(void)tree_unlink(&t, at("e/g"));
	MUST(touched_at("d/f", 6000) && changed_at("e", 6000), "unlink");
	t.now.sec = 7000;
	(void)tree_rename(&t, at("d/f"), at("e/f"), 0);
	MUST(touched_at("e/f", 7000) && changed_at("d", 7000) &&
		changed_at("e", 7000),
	    "rename");
	t.now.sec = 8000;
	(void)tree_truncate(&t, at("e/f"), 10);
	MUST(changed_at("e/f", 8000) && changed_at("e", 7000), "truncate");
	t.now.sec = 9000;
	(void)node_utimes(&t, find("e/f"), (struct moment[2]){{1, 2}, {3, 4}});
	MUST(find("e/f")->ctime.sec == 9000 && find("e/f")->mtime.nsec == 4 &&
		find("e/f")->atime.nsec == 2,
	    "utimes");
	return end();
}

TEST(reading_is_noted_where_it_is_news)
{
	struct file *file;
	char byte;

	begin();
	(void)touch("f");
	file = open_at("f", O_RDONLY);
	t.now.sec = 2000;
	(void)file_read(&t, file, 0, &byte, 1);
	MUST(file->node->atime.sec == 2000, "not noted");
	t.now.sec = 3000;
	(void)file_read(&t, file, 0, &byte, 1);
	MUST(file->node->atime.sec == 2000, "noted again");
	t.now.sec = 2000 + 86400;
	(void)file_read(&t, file, 0, &byte, 1);
	MUST(file->node->atime.sec == 2000 + 86400, "not noted after a day");
	close_file(file);
	return end();
}

/* ---- What is told of a node ---- */

static bool is_at(const char *path, const struct node *node, size_t size)
{
	char to[64];
	long n = node_place(&t, node, to, size);

	return n == (long)strlen(path) && memcmp(to, path, strlen(path)) == 0;
}

TEST(a_node_knows_one_of_its_paths)
{
	struct node *file, *dir;

	begin();
	(void)tree_mkdir(&t, at("d"), 0755);
	(void)touch("d/f");
	file = find("d/f");
	dir = find("d");
	node_use(file);
	node_use(dir);
	MUST(is_at("/d/f", file, 64) && is_at("/d", dir, 64) &&
		is_at("/", t.root, 64),
	    "as it was made");
	MUST(is_at("/d/f", file, 4) &&
		node_place(&t, file, (char[3]){0}, 3) == -ERANGE,
	    "where there is hardly room");
	(void)tree_rename(&t, at("d/f"), at("g"), 0);
	MUST(is_at("/g", file, 64), "moved");
	(void)tree_link(&t, at("g"), 0, at("d/h"));
	(void)tree_unlink(&t, at("g"));
	MUST(is_at("/d/h", file, 64), "with another name");
	(void)touch("e");
	(void)tree_rename(&t, at("e"), at("d/h"), RENAME_EXCHANGE);
	MUST(is_at("/e", file, 64) && is_at("/d/h", find("d/h"), 64),
	    "exchanged");
	(void)tree_rename(&t, at("d/h"), at("e"), 0);
	MUST(is_at("/#3 (deleted)", file, 64), "replaced");
	(void)tree_rmdir(&t, at("d"));
	MUST(is_at("/#2 (deleted)", dir, 64), "a folder");
	node_leave(&t, file);
	node_leave(&t, dir);
	return end();
}

#define MANY_PROGRAMS 200

/* Are all programs found but the one with the number `but`? */
static bool are_found(const uint64_t contents[], int but)
{
	for (int i = 0; i < MANY_PROGRAMS; i++)
		if ((node_of_program(&t, contents[i]) == NULL) != (i == but))
			return false;
	return true;
}

TEST(a_program_is_found_while_it_is_what_was_executed)
{
	uint64_t contents[MANY_PROGRAMS];
	char path[16];

	begin();
	for (int i = 0; i < MANY_PROGRAMS; i++) {
		snprintf(path, sizeof path, "p%d", i);
		(void)touch(path);
		contents[i] = find(path)->contents;
		node_executed(&t, find(path));
		node_executed(&t, find(path));
	}
	MUST(are_found(contents, -1), "executed");
	for (int i = 0; i < MANY_PROGRAMS; i += 2) {
		uint64_t before = contents[i];

		snprintf(path, sizeof path, "p%d", i);
		(void)tree_truncate(&t, at(path), i + 1);
		MUST(are_found(contents, i), "changed");
		node_executed(&t, find(path));
		contents[i] = find(path)->contents;
		MUST(contents[i] != before && are_found(contents, -1),
		    "executed again");
		snprintf(path, sizeof path, "p%d", i + 1);
		(void)tree_unlink(&t, at(path));
		MUST(are_found(contents, i + 1), "removed");
		(void)touch(path);
		contents[i + 1] = find(path)->contents;
		node_executed(&t, find(path));
	}
	return end();
}

/* Opens a file and makes its first page one that can be shared. */
static void share(const char *path, uint32_t flags)
{
	struct file *file = open_at(path, flags);

	file_share(&t, file, 0, 1, 1);
	close_file(file);
}

TEST(what_a_reader_has_mapped_is_what_it_was)
{
	uint64_t before;

	begin();
	(void)touch("f");
	(void)tree_truncate(&t, at("f"), 1);
	before = find("f")->contents;
	share("f", O_RDONLY);
	MUST(t.unkept && !node_perhaps_changed(&t, find("f")) &&
		find("f")->contents == before,
	    "to read");
	t.unkept = false;
	share("f", O_RDWR);
	MUST(t.unkept, "that it may be stored to has to be kept");
	MUST(node_perhaps_changed(&t, find("f")) &&
		find("f")->contents != before,
	    "to write");
	t.unkept = false;
	share("f", O_RDWR);
	MUST(!t.unkept, "once is enough");
	return end();
}

TEST(a_program_that_may_be_stored_to_has_one_number)
{
	uint64_t before;

	begin();
	(void)touch("f");
	(void)tree_truncate(&t, at("f"), 1);
	share("f", O_RDWR);
	node_executed(&t, find("f"));
	before = find("f")->contents;
	MUST(node_perhaps_changed(&t, find("f")), "changed");
	MUST(node_of_program(&t, before) == NULL, "by its old number");
	node_executed(&t, find("f"));
	MUST(node_of_program(&t, find("f")->contents) == find("f"), "new one");
	(void)tree_unlink(&t, at("f"));
	return end();
}

/*
 * Maps a hole of a file that is too long for memory. The call fails at its
 * first pages already, although there would be memory for these.
 */
TEST(a_shared_mapping_larger_than_memory_takes_no_page)
{
	struct file *file;
	void *page;

	begin();
	(void)touch("f");
	MUST(tree_truncate(&t, at("f"), 100 * MEMORY_PAGE) == 0, "no hole");
	file = open_at("f", O_RDWR);
	memory_limit(memory_pages_total() - memory_pages_free() + 50);
	file_share(&t, file, 0, 4, 60);
	MUST(data_page_count(file->node) == 0, "it has pages");
	t.unkept = false;
	MUST(file_shared_pages(&t, file, 0, &page, 1) == -ENOMEM, "no error");
	file_share(&t, file, 0, 4, 40);
	t.unkept = false;
	MUST(file_shared_pages(&t, file, 0, &page, 1) == 1, "none of fewer");
	close_file(file);
	(void)tree_unlink(&t, at("f"));
	memory_limit(UINT64_MAX);
	return end();
}

static const struct test tests[] = {
    LISTED(a_large_file_goes_at_once_and_its_pages_bit_by_bit),
    LISTED(what_is_left_over_is_used_before_there_is_no_room),
    LISTED(more_than_there_can_be_is_refused_at_once),
    LISTED(ten_thousand_names_are_found_in_few_steps),
    LISTED(names_of_the_same_hash_are_told_apart),
    LISTED(a_tree_may_be_as_deep_as_memory_allows),
    LISTED(folders_that_were_removed_go_with_their_last_user),
    LISTED(forty_links_are_followed_and_no_more),
    LISTED(forty_links_may_be_in_one_another),
    LISTED(a_folder_that_changes_is_listed_once),
    LISTED(a_reader_that_renames_all_that_is_listed_comes_to_an_end),
    LISTED(a_position_in_a_list_can_be_gone_back_to),
    LISTED(whatever_changes_says_when),
    LISTED(reading_is_noted_where_it_is_news),
    LISTED(a_node_knows_one_of_its_paths),
    LISTED(a_program_is_found_while_it_is_what_was_executed),
    LISTED(what_a_reader_has_mapped_is_what_it_was),
    LISTED(a_program_that_may_be_stored_to_has_one_number),
    LISTED(a_shared_mapping_larger_than_memory_takes_no_page),
};

int main(void)
{
	return tap_run(tests, sizeof tests / sizeof *tests);
}
