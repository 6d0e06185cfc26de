/* SPDX-License-Identifier: MIT */
/*
 * unit_made.c - a part of the tree that is made on demand: /m has a folder for
 * each digit, with a file in it that says which it is, and a link.
 */
#include <string.h>

#include "../../user/servers/files/made.h"
#include "../../user/servers/files/tree.h"
#include "abi/dirent.h"
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "memory.h"
#include "tap.h"
#include "unit.h"

enum { TOP = 1, LINK, LEAD, ELSEWHERE, FOLDER, FILE_IN = FOLDER + 10 };

static struct tree t;
static char digit[2];

static bool find(const struct tree *tree, uint64_t dir, const struct text *name,
    bool through, struct made *found)
{
	(void)tree;
	(void)through;
	if (name->len != 1)
		return false;
	if (dir != TOP)
		*found = (struct made){dir + 10, S_IFREG | 0444, 0};
	else if (*name->start == 'l')
		*found = (struct made){LINK, S_IFLNK | 0777, 0};
	else if (*name->start == 'j')
		*found = (struct made){LEAD, S_IFLNK | 0700, 0};
	else
		*found = (struct made){FOLDER + (uint64_t)(*name->start - '0'),
		    S_IFDIR | 0555, 0};
	return dir != TOP ? *name->start == 'f'
			  : strchr("jl0123456789", *name->start) != NULL;
}

static struct text name_of(uint64_t key)
{
	digit[0] = (char)('0' + (key - FOLDER) % 10);
	return (struct text){.start = digit, .len = 1};
}

static bool list(uint64_t dir, uint64_t *place, struct made *found,
    struct text *name)
{
	if (dir != TOP || *place >= FIRST_PLACE + 10)
		return false;
	*found =
	    (struct made){FOLDER + *place - FIRST_PLACE, S_IFDIR | 0555, 0};
	*name = name_of(found->key);
	return true;
}

static uint64_t end_of(uint64_t dir)
{
	return dir == TOP ? FIRST_PLACE + 7 : 0;
}

static char *target(const struct tree *tree, uint64_t key, uint64_t *len)
{
	static char text[] = "3/f";

	(void)tree;
	(void)key;
	*len = 3;
	return text;
}

static long read(uint64_t key, uint64_t at, void *to, size_t len)
{
	if (at > 0 || len == 0)
		return 0;
	*(char *)to = *name_of(key - 10).start;
	return 1;
}

/* The target of the link j: a node of the tree, none, or another one. */
static uint64_t lead_number;
static struct node *lead_node;
static unsigned leads_asked;

static bool leads(uint64_t key)
{
	return key == LEAD;
}

static uint64_t lead(uint64_t key)
{
	(void)key;
	leads_asked++;
	return lead_number;
}

static int arrive(const struct tree *tree, uint64_t key, uint64_t number,
    struct node **node, struct made *made)
{
	(void)tree;
	(void)key;
	*node = number == 1 ? lead_node : NULL;
	*made = (struct made){ELSEWHERE, S_IFIFO | 0400, 7};
	return number == 0 ? -ENOENT : 0;
}

static const struct maker maker = {find, list, end_of, name_of, target, leads,
    lead, arrive, read};

static struct where at(const char *path)
{
	return (struct where){t.root, path};
}

static void begin(void)
{
	struct node *dir = NULL;

	(void)tree_init(&t, (struct moment){1000, 0}, 3);
	(void)tree_mkdir(&t, at("m"), 0555);
	(void)path_find(&t, at("m"), 0, &dir);
	made_begin(&t, dir, TOP, &maker);
}

static const char *end(void)
{
	made_leave(&t);
	tree_destroy(&t);
	return memory_in_use == 0 ? NULL
				  : found("%lu objects left", memory_in_use);
}

static int found_at(const char *path, enum path_how how, struct node **node)
{
	int err = path_find(&t, at(path), how, node);

	if (err < 0)
		*node = NULL;
	return err;
}

TEST(what_is_looked_for_is_made)
{
	struct node *file, *again, *link, *folder;

	begin();
	MUST(found_at("m/4/f", 0, &file) == 0 && node_is(file, S_IFREG), "f");
	MUST(found_at("m/4/f", 0, &again) == 0 && again->ino == file->ino,
	    "it has another number");
	MUST(found_at("m/l", 0, &link) == 0 && node_is(link, S_IFLNK) &&
		link->size == 3,
	    "the link");
	MUST(found_at("m/l", PATH_FOLLOW, &again) == 0 &&
		node_is(again, S_IFREG) && again->ino != file->ino,
	    "where it leads");
	MUST(found_at("m/4/../../m/5/.", 0, &folder) == 0 &&
		node_is(folder, S_IFDIR) && !node_is_dead(folder),
	    "up and down");
	MUST(found_at("m/x", 0, &folder) == -ENOENT &&
		found_at("m/4/g", 0, &folder) == -ENOENT &&
		found_at("m/4/f/g", 0, &folder) == -ENOTDIR,
	    "what is not there");
	return end();
}

TEST(what_was_made_goes_at_the_end_of_the_call)
{
	struct node *node;
	unsigned long nodes, before;

	begin();
	before = memory_in_use;
	nodes = t.nodes;
	(void)found_at("m/4/../5/f", 0, &node);
	(void)found_at("m/l", PATH_FOLLOW, &node);
	MUST(memory_in_use > before && t.nodes == nodes, "nothing was made");
	made_leave(&t);
	MUST(memory_in_use == before && t.nodes == nodes,
	    found("%lu objects left", memory_in_use - before));
	return end();
}

TEST(what_is_used_stays)
{
	struct file file, dir;
	char path[16], byte = 0;
	struct node *up;

	begin();
	MUST(file_open(&t, at("m/7/f"), O_RDONLY, 0, &file) == 0, "the file");
	MUST(file_open(&t, at("m/8"), O_RDONLY | O_DIRECTORY, 0, &dir) == 0,
	    "the folder");
	made_leave(&t);
	MUST(file_read(&t, &file, 0, &byte, 1) == 1 && byte == '7' &&
		file_read(&t, &file, 1, &byte, 1) == 0,
	    "what it says");
	MUST(node_path(&t, dir.node, path, sizeof path) == 5 &&
		strcmp(path, "/m/8") == 0,
	    "where it is");
	MUST(path_find(&t, (struct where){dir.node, ".."}, 0, &up) == 0 &&
		up->made == TOP,
	    "what is above");
	file_close(&t, &file);
	file_close(&t, &dir);
	return end();
}

TEST(a_link_can_lead_to_a_node_whatever_it_is)
{
	struct node *dir, *file, *node = NULL;

	begin();
	(void)tree_mkdir(&t, at("d"), 0755);
	(void)tree_mknod(&t, at("d/file"), S_IFREG | 0600, 0);
	(void)found_at("d", 0, &dir);
	(void)found_at("d/file", 0, &file);
	lead_number = 1;
	lead_node = file;
	MUST(found_at("m/j", 0, &node) == 0 && node_is(node, S_IFLNK),
	    "the link itself");
	MUST(found_at("m/j", PATH_FOLLOW, &node) == 0 && node == file,
	    "not the file");
	MUST(found_at("m/j/", PATH_FOLLOW, &node) == -ENOTDIR &&
		found_at("m/j/x", 0, &node) == -ENOTDIR,
	    "a file as a folder");
	t.leads = 0;
	(void)tree_unlink(&t, at("d/file"));
	lead_node = dir;
	MUST(found_at("m/j/..", 0, &node) == 0 && node == t.root, "above it");
	lead_number = 0;
	MUST(found_at("m/j", PATH_FOLLOW, &node) == -ENOENT, "nowhere");
	t.leads = 0;
	return end();
}

TEST(what_is_elsewhere_can_be_opened_for_what_it_is_open_for)
{
	struct file file;

	begin();
	lead_number = 2;
	t.leads = 0;
	MUST(file_open(&t, at("m/j"), O_WRONLY, 0, &file) == -EACCES, "write");
	MUST(file_open(&t, at("m/j"), O_RDWR, 0, &file) == -EACCES, "both");
	MUST(file_open(&t, at("m/j"), O_RDONLY, 0, &file) == 0, "read");
	MUST(made_is_elsewhere(file.node) && file.node->rdev == 7,
	    "it is another");
	file_close(&t, &file);
	t.leads = 0;
	return end();
}

/* A call that is made again does not ask again where the links lead. */
TEST(where_links_lead_is_remembered)
{
	struct node *node;
	unsigned asked;
	char path[64] = "m/j";

	begin();
	(void)found_at("m", 0, &lead_node);
	lead_number = 1;
	t.leads = 0;
	MUST(found_at("m/j/j", PATH_FOLLOW, &node) == 0 && t.leads == 2 &&
		t.lead[0] == 1 && t.lead[1] == 1,
	    "two links");
	asked = leads_asked;
	lead_number = 0;
	t.leads = 0;
	t.replays = true;
	MUST(found_at("m/j/j", PATH_FOLLOW, &node) == 0 && leads_asked == asked,
	    "once more");
	t.replays = false;
	lead_number = 1;
	t.leads = 0;
	for (int i = 1; i < LEADS_MAX; i++)
		(void)strcat(path, "/j");
	MUST(found_at(path, PATH_FOLLOW, &node) == 0, "as many as can be");
	t.leads = 0;
	(void)strcat(path, "/j");
	MUST(found_at(path, PATH_FOLLOW, &node) == -ELOOP, "one more");
	t.leads = 0;
	return end();
}

/* Names that come during a list are not listed: it might never end. */
TEST(a_list_has_what_was_there_at_its_beginning)
{
	struct file dir;
	uint64_t position = 0;
	char buffer[100];
	int count = 0;

	begin();
	MUST(file_open(&t, at("m"), O_RDONLY, 0, &dir) == 0, "the folder");
	for (;;) {
		long n = file_list(&t, &dir, &position, buffer, sizeof buffer);

		MUST(n >= 0, "an error");
		if (n == 0)
			break;
		for (long i = 0; i < n; count++) {
			struct dirent_abi *entry = (void *)(buffer + i);

			i += entry->reclen;
		}
	}
	MUST(count == 2 + 7, found("%d entries", count));
	file_close(&t, &dir);
	return end();
}

/*
 * A successor of a dead server does not know that the list has begun, and goes
 * on at its position.
 */
TEST(a_list_that_begins_later_has_the_rest)
{
	struct file dir;
	uint64_t position = 6;
	char buffer[1000];

	begin();
	MUST(file_open(&t, at("m"), O_RDONLY, 0, &dir) == 0, "the folder");
	MUST(file_list(&t, &dir, &position, buffer, sizeof buffer) == 3 * 24,
	    "another number of entries");
	MUST(position == FIRST_PLACE + 7, "another position");
	file_close(&t, &dir);
	return end();
}

TEST(without_memory_nothing_is_found)
{
	struct node *node;
	int err = -ENOMEM;

	begin();
	for (uint64_t n = 1; err == -ENOMEM; n++) {
		memory_fail(n, false);
		err = found_at("m/4/f", 0, &node);
		memory_fail(0, false);
		MUST(err == 0 || err == -ENOMEM, found("error %d", err));
		MUST(n > 2 || err == -ENOMEM, "it takes no memory");
		made_leave(&t);
	}
	return end();
}

/* A link whose text names a folder that is made on demand `looks` times. */
static void make_long_link(const char *path, unsigned looks)
{
	char text[4096] = "/m";

	while (looks-- > 0)
		(void)strcat(text, "/1/..");
	(void)tree_symlink(&t, text, at(path));
}

TEST(links_do_not_make_a_call_look_for_ever)
{
	char path[100] = "";
	struct node *node;
	int err = 0, links = 0;

	begin();
	make_long_link("long", 800);
	while (err == 0 && links < 10) {
		(void)strcat(path, "long/../");
		links++;
		t.looks = 0;
		err = found_at(path, 0, &node);
		made_leave(&t);
	}
	MUST(err == -ELOOP && links == 3, found("%d, %d links", err, links));
	t.looks = 0;
	MUST(found_at("long/../long/1/f", 0, &node) == 0, "long texts");
	return end();
}

static const struct test tests[] = {
    LISTED(what_is_looked_for_is_made),
    LISTED(what_was_made_goes_at_the_end_of_the_call),
    LISTED(what_is_used_stays),
    LISTED(a_link_can_lead_to_a_node_whatever_it_is),
    LISTED(what_is_elsewhere_can_be_opened_for_what_it_is_open_for),
    LISTED(where_links_lead_is_remembered),
    LISTED(a_list_has_what_was_there_at_its_beginning),
    LISTED(a_list_that_begins_later_has_the_rest),
    LISTED(without_memory_nothing_is_found),
    LISTED(links_do_not_make_a_call_look_for_ever),
};

int main(void)
{
	return tap_run(tests, sizeof tests / sizeof *tests);
}
