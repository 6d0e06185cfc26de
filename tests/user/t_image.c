/* SPDX-License-Identifier: MIT */
/*
 * t_image.c - programs that a server has: what it is asked for an execve, and
 * what becomes of answers that are wrong.
 *
 * t_loading.c is about servers and callers that do not live so long, and
 * t_programs.c about the file server.
 */
#include "service.h"

#include <limits.h>
#include <sched.h>
#include <sys/mman.h>

#include "abi/misc.h"

/* Cells. */
enum {
	ASKED, /* requests of an execve so far */
	STOP,  /* the request at which something happens */
	GO,
};

#define ROOM (2 * PAGE)

/* ---- What is asked ---- */

static struct request asked[8];

static struct reply answer_and_note(const struct request *request)
{
	struct reply reply;

	if (request->number == SYS_chdir)
		return (struct reply){.flags = REPLY_FILE, .token = DIR_TOKEN};
	if (request->number == SYS_fsync)
		return (struct reply){.result = cell_get(ASKED)};
	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	asked[cell_add(ASKED, 1) - 1] = *request;
	if (request->number == SYS_execve && strcmp((char *)heard->bytes, "x"))
		give_up("another path");
	if (cell_get(ASKED) == PIECE &&
	    (asked[0].flags != O_RDWR || asked[0].token != DIR_TOKEN ||
		asked[0].second != DIR_TOKEN ||
		asked[1].flags != (O_RDWR | REQUEST_LOAD) ||
		asked[2].number != SYS_execveat || asked[2].token != PROGRAM ||
		asked[3].token != PROGRAM || asked[3].arg[2] != SMALL_SIZE ||
		asked[3].arg[3] != 0))
		give_up("other requests");
	return reply;
}

static const char *executes_it(void)
{
	int i;

	MUST(raw(SYS_chdir, (long)"d") == 0, "chdir");
	MUST(outcome("x") == 42, "it does not run");
	MUST(cell_get(ASKED) == PIECE, found("%d requests", cell_get(ASKED)));
	for (i = 1; i <= 20; i++)
		MUST(outcome("x") == 42, "it does not run again");
	MUST(cell_get(ASKED) == PIECE + 20, "it was loaded again");
	return NULL;
}

static struct reply answer_rdwr(const struct request *request)
{
	struct reply reply = answer_and_note(request);

	reply.file_flags = O_RDWR;
	return reply;
}

TEST(a_program_is_loaded_once)
{
	TRY(in_root(answer_rdwr, ROOM, executes_it));
	MUST(heard->notes == 3, "what was opened is not closed");
	return NULL;
}

/* A program with new contents each time, and so another exit status. */
static struct reply answer_new_code(const struct request *request)
{
	static unsigned code[3];
	static struct program_plan plan;
	struct reply reply;
	int n = cell_get(GO);

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	memcpy(code, small_code, sizeof(code));
	code[0] = 0x513 | (unsigned)n << 20;
	plan = small_plan;
	plan.token = reply.token = PROGRAM + (uint64_t)n;
	if (request->number == SYS_execveat)
		reply.out = &plan;
	if (request->number == SYS_pread64)
		reply.out = code;
	/* The program is changed between two requests, once. */
	if ((request->flags & REQUEST_LOAD) && n == cell_get(STOP))
		cell_set(GO, n + 1);
	return reply;
}

static const char *changes(void)
{
	int i;

	cell_set(STOP, 7);
	for (i = 1; i <= 20; i++) {
		cell_set(GO, i);
		MUST(outcome("/x") == (i == 7 ? 8 : i), "what it was before");
	}
	cell_set(STOP, 0);
	cell_set(GO, 7);
	MUST(outcome("/x") == 7, "what it was later");
	return NULL;
}

static const char *executes_as_is(void)
{
	MUST(outcome("/x") == cell_get(GO), "another one");
	return NULL;
}

TEST(a_program_that_is_changed_is_another_one)
{
	return in_root(answer_new_code, ROOM, changes);
}

static struct reply answer_as_is(const struct request *request)
{
	struct reply reply;

	(void)answer_small(request, &reply);
	return reply;
}

/* A token means another program to another server. */
TEST(a_program_is_its_servers)
{
	cell_set(GO, 42);
	TRY(in_root(answer_as_is, ROOM, executes_as_is));
	cell_set(GO, 0);
	return in_root(answer_new_code, ROOM, executes_as_is);
}

/* ---- Answers that are wrong ---- */

static struct program_plan wrong_plans[20];
static int wrong_count;

static struct program_plan *wrong_plan(void)
{
	struct program_plan *plan = &wrong_plans[wrong_count++];

	*plan = small_plan;
	return plan;
}

static void make_wrong_plans(void)
{
	struct program_plan *two;

	wrong_plan()->count = 0;
	wrong_plan()->count = SEGMENTS_MAX + 1;
	wrong_plan()->count = UINT64_MAX;
	wrong_plan()->phnum = 0x10000;
	wrong_plan()->stack = PROT_WRITE;
	wrong_plan()->segments[0].start = 0;
	wrong_plan()->segments[0].start = PAGE - 1;
	wrong_plan()->segments[0].start = -PAGE;
	wrong_plan()->segments[0].start = 1UL << 37;
	wrong_plan()->segments[0].size = 0;
	wrong_plan()->segments[0].size = SMALL_SIZE - 1;
	wrong_plan()->segments[0].size = 1UL << 37;
	wrong_plan()->segments[0].size = UINT64_MAX - PAGE;
	wrong_plan()->segments[0].filled = UINT64_MAX;
	wrong_plan()->segments[0].offset = INT64_MAX - 4;
	wrong_plan()->segments[0].prot = 8;
	two = wrong_plan();
	two->count = 2;
	two->segments[1] = two->segments[0];
	two->segments[1].start += SMALL_SIZE - 1;
	two = wrong_plan();
	two->count = 2;
	two->segments[1] = two->segments[0];
	two->segments[1].start = PAGE;
}

static struct reply answer_wrong_plan(const struct request *request)
{
	struct reply reply;

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	if (request->number == SYS_execveat)
		reply.out = &wrong_plans[cell_get(GO)];
	return reply;
}

static const char *executes_wrong_plans(void)
{
	for (int i = 0; i < wrong_count; i++) {
		cell_set(GO, i);
		MUST(outcome("/x") == ENOEXEC, found("plan %d", i));
	}
	return NULL;
}

TEST(a_plan_that_makes_no_sense_is_no_program)
{
	wrong_count = 0;
	make_wrong_plans();
	return in_root(answer_wrong_plan, ROOM, executes_wrong_plans);
}

static char zeros[WORDS_MAX + 1], no_end[PAGE];

/* The wrong replies, one of which request STOP of each execve gets. */
static const struct wrong {
	int at;
	int error;
	struct reply reply;
} wrongs[] = {
    {FIND, EIO, {.result = 0}},
    {FIND, EIO, {.result = 7}},
    {FIND, ENOENT, {.result = -ENOENT}},
    {FIND, EIO, {.result = -512}},
    {FIND, EIO, {.result = -513}},
    {FIND, EIO, {.result = -514}},
    {FIND, EIO, {.result = INT64_MIN}},
    {FIND, EIO, {.flags = REPLY_FILE, .token = 9}},
    {FIND, EIO, {.flags = REPLY_POSITION, .position = 9}},
    {FIND, EIO, {.flags = REPLY_IMAGE | REPLY_POSITION}},
    {FIND, EIO, {.flags = REPLY_IMAGE, .out = "ab", .out_len = 2}},
    {FIND, EIO, {.flags = REPLY_IMAGE, .out = zeros, .out_len = WORDS_MAX + 1}},
    {FIND, EIO, {.flags = REPLY_IMAGE, .out = no_end, .out_len = PAGE}},
    {LOAD, EIO, {.flags = REPLY_IMAGE, .token = PROGRAM}},
    {LOAD, EIO, {.result = 0}},
    {LOAD, EPERM, {.result = -EPERM}},
    {DESCRIBE, EIO, {.result = 0}},
    {DESCRIBE, EIO, {.flags = REPLY_FILE, .token = 9}},
    {DESCRIBE, EIO, {.out = &small_plan, .out_len = 100}},
    {DESCRIBE, EIO, {.flags = REPLY_IMAGE, .out = no_end, .out_len = PAGE}},
    {DESCRIBE, ENOEXEC, {.result = -ENOEXEC}},
    {PIECE, EIO, {.result = 0}},
    {PIECE, EIO, {.out = small_code, .out_len = SMALL_SIZE - 1}},
    {PIECE, EIO, {.out = small_code, .out_len = SMALL_SIZE + 1}},
    {PIECE, EISDIR, {.result = -EISDIR}},
};

static struct reply answer_wrongly(const struct request *request)
{
	const struct wrong *wrong = &wrongs[cell_get(GO)];
	struct reply reply;

	if (!answer_small(request, &reply))
		return result(-ENOSYS);
	return cell_add(ASKED, 1) == wrong->at ? wrong->reply : reply;
}

static const char *is_told_wrongly(void)
{
	for (int i = 0; i < COUNT(wrongs); i++) {
		int error;

		cell_set(GO, i);
		cell_set(ASKED, 0);
		error = outcome("/x");
		MUST(error == wrongs[i].error,
		    found("answer %d: error %d", i, error));
	}
	return NULL;
}

TEST(an_answer_to_another_question_ends_the_call)
{
	memset(no_end, 'x', sizeof(no_end));
	return in_root(answer_wrongly, ROOM, is_told_wrongly);
}

/* Replies that the kernel does not take: the request is still in hand. */
static struct reply answer_at_second_try(const struct request *request)
{
	static unsigned char much[2 * PAGE];
	struct reply bad = {.flags = REPLY_IMAGE, .token = PROGRAM};
	struct request next;

	if (request->number == SYS_execve) {
		bad.out = much;
		bad.out_len = PAGE + 1;
	}
	if (port_next(port, &bad, &next, NULL, 0) == 0 || errno != EINVAL)
		give_up("an image is taken");
	bad.out = (void *)PAGE;
	bad.out_len = 8;
	if (request->number == SYS_execve &&
	    (port_next(port, &bad, &next, NULL, 0) == 0 || errno != EFAULT))
		give_up("bytes from nowhere are taken");
	return result(request->number == SYS_execve ? -EPERM : 42);
}

static const char *asks_others(void)
{
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"/a", 0) == 42, "mkdirat");
	MUST(raw(SYS_fsync, sibling) == 42, "fsync");
	MUST(execute("/x") == -EPERM, "execve");
	return NULL;
}

TEST(an_image_is_taken_only_where_one_is_asked_for)
{
	return in_root(answer_at_second_try, ROOM, asks_others);
}

/* ---- Words ---- */

static char words[PAGE];
static size_t words_len;

static struct reply answer_words(const struct request *request)
{
	struct reply reply;

	if (!answer_program(request, &reply))
		return result(-ENOSYS);
	if (reply.flags & REPLY_IMAGE) {
		reply.out = words;
		reply.out_len = words_len;
	}
	return reply;
}

static void execute_with(char *first, char *second)
{
	char *argv[] = {first, second, NULL};

	(void)raw(SYS_execve, (long)"/some/script", (long)argv, 0);
}

static void execute_with_two(void)
{
	execute_with((char *)"gone", (char *)"rest");
}

static void execute_with_none(void)
{
	execute_with(NULL, NULL);
}

static const char *has_words(void)
{
	static const char three[] = "@words\0one\0two";

	memcpy(words, three, words_len = sizeof(three));
	return NULL;
}

static const char *executes_with_words(void)
{
	MUST(exited_with(status_of(execute_with_two), 4), "words and a rest");
	MUST(exited_with(status_of(execute_with_none), 3), "words alone");
	return NULL;
}

/* Called by main() of the executed program: exits with argc if all is right. */
static int executed(int argc, char **argv)
{
	const char *expected[] = {"@words", "one", "two", "rest"};
	char name[32] = "";

	for (int i = 0; i < argc; i++)
		if (i > 3 || strcmp(argv[i], expected[i]) != 0)
			return 100;
	(void)raw(SYS_prctl, PR_GET_NAME, (long)name);
	return strcmp(name, "script") == 0 && argv[argc] == NULL ? argc : 101;
}

TEST(words_take_the_place_of_the_first_argument)
{
	TRY(has_words());
	return in_root(answer_words, ROOM, executes_with_words);
}

static void execute_large(void)
{
	execute_with((char *)"gone", NULL);
}

static const char *executes_with_large_words(void)
{
	MUST(exited_with(status_of(execute_large), 2), "a frame of words");
	return NULL;
}

/* As many words as fit into a frame, and the last of them ends with it. */
TEST(words_may_fill_a_page)
{
	memset(words, 'w', sizeof(words));
	memcpy(words, "@large", 7);
	words[PAGE - 1] = '\0';
	words_len = PAGE;
	return in_root(answer_words, ROOM, executes_with_large_words);
}

static const struct test tests[] = {
    T(a_program_is_loaded_once),
    T(a_program_that_is_changed_is_another_one),
    T(a_program_is_its_servers),
    T(a_plan_that_makes_no_sense_is_no_program),
    T(an_answer_to_another_question_ends_the_call),
    T(an_image_is_taken_only_where_one_is_asked_for),
    T(words_take_the_place_of_the_first_argument),
    T(words_may_fill_a_page),
};

int main(int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "@words") == 0)
		return executed(argc, argv);
	if (argc > 0 && strcmp(argv[0], "@large") == 0)
		return argc == 2 && strlen(argv[1]) == PAGE - 8 ? argc : 100;
	return suite_main(argc, argv, tests, COUNT(tests));
}
