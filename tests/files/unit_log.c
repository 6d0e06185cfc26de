/* SPDX-License-Identifier: MIT */
/*
 * unit_log.c - the log of the file server when there is no memory: neither for
 * new files, nor to keep the server, after which the log would begin anew.
 *
 * There is no kernel here: the tests put requests where the kernel would.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../user/servers/files/memory.h"
#include "../../user/servers/files/opened.h"
#include "../../user/servers/files/serve.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "memory.h"
#include "sim.h"
#include "tap.h"
#include "unit.h"

/* Calls that are about no file: these tests make none of them. */
const struct call system_calls[CALLS];

#define FILES 300

static struct server server;
static uint64_t root, tokens[FILES];

ssize_t port_read(int port, unsigned lease, uint64_t offset, void *to,
    size_t len)
{
	(void)port;
	(void)lease;
	(void)offset;
	memset(to, 'x', len);
	return (ssize_t)len;
}

ssize_t port_write(int port, unsigned lease, uint64_t offset, const void *from,
    size_t len)
{
	(void)port;
	(void)lease;
	(void)offset;
	(void)from;
	return (ssize_t)len;
}

int port_events(int port, uint64_t raise, uint64_t lower)
{
	(void)port;
	(void)raise;
	(void)lower;
	return 0;
}

static void begin(void)
{
	static bool is_made;

	if (!is_made &&
	    (!log_make(&server.log, LOG_MIN) || !opened_make(FILES)))
		sim_fail("no memory");
	is_made = true;
	log_turn(&server.log);
	(void)tree_init(&server.tree, (struct moment){1000, 0}, 7);
	(void)file_open(&server.tree, (struct where){server.tree.root, "/"},
	    O_RDONLY, 0, opened_place());
	root = opened_take(0);
	server.open = 1;
}

static void close_token(uint64_t token)
{
	serve_use(&server, log_tail(&server.log));
	*server.request =
	    (struct request){.number = REQUEST_CLOSED, .token = token};
	serve_close(&server);
}

static const char *end(void)
{
	close_token(root);
	tree_destroy(&server.tree);
	memory_limit(UINT64_MAX);
	MUST(server.open == 0, found("%lu files are open", server.open));
	MUST(memory_in_use == 0, found("%lu objects left", memory_in_use));
	return NULL;
}

static void tell_gone(uint64_t id)
{
	serve_use(&server, log_tail(&server.log));
	*server.request = (struct request){.number = REQUEST_GONE, .token = id};
	serve_close(&server);
}

static int64_t ask(uint64_t number, uint64_t token, const char *path,
    uint64_t arg)
{
	static uint64_t id;

	serve_use(&server, log_tail(&server.log));
	*server.request = (struct request){.id = ++id,
	    .number = number,
	    .token = token,
	    .arg = {0, arg, arg, number == SYS_openat ? 0600 : arg},
	    .in_len = strlen(path) + 1,
	    .time = id * 1000000000};
	strcpy(server.in, path);
	server.done = 0;
	(void)serve_find(&server);
	serve(&server);
	return server.reply.result;
}

static int64_t open_file(const char *path, uint64_t flags, uint64_t *token)
{
	int64_t result = ask(SYS_openat, root, path, flags);

	*token = server.reply.token;
	return result;
}

static int64_t make_folder(unsigned i)
{
	char path[20];

	(void)snprintf(path, sizeof path, "/d%u", i);
	return ask(SYS_mkdirat, root, path, 0700);
}

/* Makes folders until the log is full, and returns how many. */
static unsigned fill_log(void)
{
	unsigned count = 0;

	while (make_folder(count) == 0)
		count++;
	return count;
}

static bool is_within(void)
{
	return server.log.end <= server.log.size - LOG_ENTRY_MAX;
}

TEST(a_full_log_takes_what_gives_memory_back)
{
	unsigned count;
	size_t closed;
	int64_t result;

	begin();
	MUST(open_file("/f", O_CREAT | O_RDWR, &tokens[0]) == 0, "no file");
	count = fill_log();
	result = make_folder(count);
	MUST(count > 10 && result == -ENOSPC,
	    found("%u folders, then %ld", count, result));
	MUST(server.tree.nodes == count + 2, "what is refused is done");
	MUST(ask(SYS_pwrite64, tokens[0], "", 1) == -ENOSPC, "a write");
	MUST(open_file("/f", O_RDONLY, &tokens[1]) == 0, "no open");
	MUST(ask(SYS_truncate, root, "/f", 0) == 0, "no truncate");
	MUST(ask(SYS_unlinkat, root, "/f", 0) == 0, "no unlink");
	while (open_file("/d1", O_RDONLY, &tokens[2]) == 0)
		close_token(tokens[2]);
	MUST(server.reply.result == -ENOMEM, "another error");
	MUST(ask(SYS_unlinkat, root, "/d2", AT_REMOVEDIR) == 0, "no rmdir");
	MUST(is_within(), "more than there is room for");
	closed = server.log.end;
	close_token(tokens[0]);
	close_token(tokens[1]);
	MUST(server.log.end == closed + 2 * LOG_CLOSED_SIZE && is_within(),
	    "what is closed is not in the log");
	log_turn(&server.log);
	MUST(make_folder(count) == 0, "it is full for ever");
	return end();
}

/* A full log still has room to record that each open file is closed. */
TEST(whatever_is_open_can_be_closed)
{
	for (unsigned open = 1; open < FILES; open += 37) {
		begin();
		for (unsigned i = 0; i < open; i++)
			MUST(open_file("/f", O_CREAT, &tokens[i]) == 0,
			    "no file");
		(void)fill_log();
		while (ask(SYS_chdir, root, "/d1", 0) == 0)
			close_token(server.reply.token);
		for (unsigned i = 0; i < open; i++) {
			close_token(tokens[i]);
			MUST(is_within(), found("no room for close %u", i));
		}
		MUST(end() == NULL, "not closed");
	}
	return NULL;
}

TEST(there_are_so_many_places_and_no_more)
{
	unsigned i;

	begin();
	for (i = 0; i < FILES - 1; i++)
		MUST(open_file("/f", O_CREAT, &tokens[i]) == 0, "no file");
	MUST(open_file("/f", O_RDONLY, &tokens[i]) == -ENFILE, "one more");
	MUST(open_file("/g", O_CREAT, &tokens[i]) == -ENFILE, "a new one");
	MUST(ask(SYS_faccessat, root, "/g", 0) == -ENOENT, "it was made");
	MUST(ask(SYS_chdir, root, "/", 0) == -ENFILE, "a folder");
	close_token(tokens[5]);
	MUST(open_file("/f", O_RDONLY, &tokens[5]) == 0, "no place");
	while (i-- > 0)
		close_token(tokens[i]);
	return end();
}

TEST(a_file_that_is_closed_twice_is_not_that_of_another)
{
	uint64_t token;

	begin();
	MUST(open_file("/f", O_CREAT, &token) == 0, "no file");
	close_token(token);
	MUST(open_file("/f", O_RDONLY, &tokens[0]) == 0, "no file");
	MUST(opened_file(token) == opened_file(tokens[0]), "another place");
	close_token(token);
	MUST(opened_is(tokens[0]), "it is closed");
	close_token(tokens[0]);
	return end();
}

TEST(what_a_call_has_opened_that_is_gone_is_closed)
{
	size_t before;
	uint64_t id;

	begin();
	MUST(open_file("/f", O_CREAT, &tokens[0]) == 0, "no file");
	MUST(open_file("/f", O_CREAT, &tokens[1]) == 0, "no file");
	id = server.request->id;
	before = server.log.end;
	tell_gone(id + 1);
	MUST(server.open == 3 && server.log.end == before, "of another call");
	tell_gone(id - 1);
	MUST(server.open == 2 && !opened_is(tokens[0]), "it is open");
	MUST(server.log.end == before + LOG_CLOSED_SIZE, "not in the log");
	tell_gone(id - 1);
	MUST(server.open == 2 && opened_is(tokens[1]), "the other is not");
	tell_gone(id);
	return end();
}

TEST(files_are_opened_and_removed_when_memory_is_out)
{
	uint64_t all;

	begin();
	MUST(open_file("/f", O_CREAT | O_RDWR, &tokens[0]) == 0, "no file");
	MUST(ask(SYS_pwrite64, tokens[0], "", 20000) == 20000, "no room");
	close_token(tokens[0]);
	all = memory_pages_total() - memory_pages_free();
	memory_limit(all);
	memory_fail(1, true);
	MUST(make_folder(0) == -ENOSPC, "there is room");
	MUST(open_file("/f", O_RDWR, &tokens[0]) == 0, "no open");
	MUST(ask(SYS_ftruncate, tokens[0], "", 0) == 0, "no truncate");
	MUST(ask(SYS_unlinkat, root, "/f", 0) == 0, "no unlink");
	close_token(tokens[0]);
	memory_fail(0, false);
	MUST(make_folder(0) == 0, "there is no room");
	return end();
}

/* Becomes the copy that was kept when the log was `before`, the tree empty. */
static void become_older(const struct log *before)
{
	file_close(&server.tree, opened_file(root));
	tree_destroy(&server.tree);
	(void)tree_init(&server.tree, (struct moment){1000, 0}, 7);
	*opened_file(root) = (struct file){.node = server.tree.root};
	node_use(server.tree.root);
	server.log = *before;
}

/*
 * A call that failed has used a number. The server that goes on does not see
 * that call in the log, and must use the same numbers for the others.
 */
TEST(a_server_that_goes_on_gives_the_same_numbers)
{
	struct log before = {0};
	uint64_t ino, contents;

	begin();
	before = server.log;
	memory_fail(2, true);
	MUST(make_folder(0) == -ENOSPC, "there is room");
	memory_fail(0, false);
	MUST(make_folder(1) == 0, "no room");
	ino = server.tree.next_ino;
	contents = server.tree.last_contents;
	become_older(&before);
	memory_fail(1, true);
	serve_replay(&server);
	memory_fail(0, false);
	MUST(server.tree.nodes == 2, "no folder");
	MUST(server.tree.next_ino == ino, "another number");
	MUST(server.tree.last_contents == contents, "another change");
	return end();
}

/* Only the first read after a change of the file changes its time. */
TEST(a_time_of_reading_is_in_the_log)
{
	size_t before;

	begin();
	MUST(open_file("/f", O_CREAT | O_RDWR, &tokens[0]) == 0, "no file");
	MUST(ask(SYS_pwrite64, tokens[0], "", 9) == 9, "no write");
	before = server.log.end;
	MUST(ask(SYS_pread64, tokens[0], "", 9) == 9, "no read");
	MUST(server.log.end > before, "it is not");
	before = server.log.end;
	MUST(ask(SYS_pread64, tokens[0], "", 9) == 9, "no read");
	MUST(server.log.end == before, "twice");
	close_token(tokens[0]);
	return end();
}

/* The server that goes on must find the program by its contents' number. */
TEST(a_program_that_is_executed_is_in_the_log)
{
	struct log before;
	uint64_t contents;

	begin();
	before = server.log;
	MUST(ask(SYS_mknodat, root, "/x", S_IFREG | 0700) == 0, "no program");
	MUST(ask(SYS_execve, root, "/x", 0) == 0, "it is not executed");
	contents = server.reply.token;
	become_older(&before);
	serve_replay(&server);
	MUST(node_of_program(&server.tree, contents) != NULL, "not found");
	before = server.log;
	MUST(ask(SYS_execve, root, "/x", 0) == 0, "it is not executed again");
	MUST(server.log.end == before.end, "the second time is news");
	return end();
}

/* A reply with words of a script is not owed, as its buffer is used again. */
TEST(only_numbers_are_owed)
{
	static const char *const links[] = {"/s", "/l"};
	struct log before;
	uint64_t id;

	begin();
	MUST(open_file("/s", O_CREAT | O_RDWR, &tokens[0]) == 0, "no file");
	MUST(ask(SYS_write, tokens[0], "#!/x", 4) == 4, "no write");
	MUST(open_file("/x", O_CREAT, &tokens[1]) == 0 &&
		ask(SYS_fchmodat, root, "/x", 0700) == 0,
	    "no interpreter");
	MUST(ask(SYS_fchmodat, root, "/s", 0700) == 0, "no mode");
	MUST(tree_symlink(&server.tree, links[0],
		 (struct where){server.tree.root, links[1]}) == 0,
	    "no link");
	before = server.log;
	MUST(ask(SYS_execve, root, "/l", 0) == 0 && server.reply.out_len > 0,
	    "no script");
	id = server.request->id;
	MUST(server.log.end > before.end, "the link was not read");
	server.log = before;
	serve_replay(&server);
	serve_use(&server, log_tail(&server.log));
	server.request->id = id;
	MUST(!serve_owed(&server), "words");
	close_token(tokens[0]);
	close_token(tokens[1]);
	return end();
}

TEST(a_reply_to_no_call_is_not_owed)
{
	begin();
	server.reply = (struct reply){.result = 5};
	serve_owe(&server, 64);
	server.reply = (struct reply){.result = 6};
	serve_owe(&server, 0);
	serve_use(&server, log_tail(&server.log));
	server.request->id = 64;
	MUST(serve_owed(&server) && server.reply.result == 5, "not 5");
	return end();
}

static const struct test tests[] = {
    LISTED(a_full_log_takes_what_gives_memory_back),
    LISTED(whatever_is_open_can_be_closed),
    LISTED(there_are_so_many_places_and_no_more),
    LISTED(a_file_that_is_closed_twice_is_not_that_of_another),
    LISTED(what_a_call_has_opened_that_is_gone_is_closed),
    LISTED(files_are_opened_and_removed_when_memory_is_out),
    LISTED(a_server_that_goes_on_gives_the_same_numbers),
    LISTED(a_time_of_reading_is_in_the_log),
    LISTED(a_program_that_is_executed_is_in_the_log),
    LISTED(only_numbers_are_owed),
    LISTED(a_reply_to_no_call_is_not_owed),
};

int main(void)
{
	return tap_run(tests, sizeof tests / sizeof *tests);
}
