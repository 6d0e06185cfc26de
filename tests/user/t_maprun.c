/* SPDX-License-Identifier: MIT */
/*
 * t_maprun.c - files of servers, mapped: pages that follow each other, and are
 * named by the first, and tables of them.
 */
#include "service.h"

#include <calf.h>

#define RW (PROT_READ | PROT_WRITE)

static unsigned char *map(size_t pages, int prot)
{
	return (
	    void *)raw(SYS_mmap, 0, pages * PAGE, prot, MAP_PRIVATE, file, 0);
}

#define TABLE_PAGES 512UL

static unsigned char *run;

/* The memory of two tables, which begins at the border of a table. */
static void run_make(void)
{
	uintptr_t p = (uintptr_t)pages_private(3 * TABLE_PAGES);

	p = (p + TABLE_PAGES * PAGE - 1) & ~(TABLE_PAGES * PAGE - 1);
	run = (unsigned char *)p;
	for (unsigned long i = 0; i < 2 * TABLE_PAGES; i += 64)
		memset(run + i * PAGE, (int)(i / 64) + 1, 1);
}

static struct reply give_run(const struct request *request)
{
	uint64_t at = request->arg[5] + request->position;

	if (request->number != SYS_mmap)
		return result(run[request->arg[1] * PAGE]);
	return (struct reply){.flags = REPLY_RUN,
	    .position = request->position,
	    .out = run + at,
	    .out_len = request->arg[1] - request->position};
}

static const char *hold_run(const unsigned char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		MUST(p[i * PAGE] == (i % 64 == 0 ? i / 64 + 1 : 0),
		    found("page %lu is %u", i, p[i * PAGE]));
	return NULL;
}

static uint64_t table_passes(void)
{
	struct calf_stat st = {.forks = 0};

	calf_stat(&st, sizeof st);
	return st.table_passes;
}

/* The first 2 MiB are a table of like pages, and are passed as such. */
TEST(pages_that_follow_each_other_come_as_a_run)
{
	unsigned long pages = TABLE_PAGES + 70;
	uint64_t before;
	unsigned char *p;

	run_make();
	TRY(service_start(give_run));
	before = table_passes();
	p = map(pages, RW);
	MUST(calls() == 1, found("%d requests", calls()));
	MUST(table_passes() - before == 1, "no table was passed");
	TRY(hold_run(p, pages));
	for (unsigned long i = 0; i < pages; i += 64)
		p[i * PAGE] = 99;
	for (unsigned long i = 0; i < pages; i += 64)
		MUST(CALL(SYS_lseek, i, 0) == (long)(i / 64 + 1),
		    found("page %lu is written for both", i));
	munmap(p, pages * PAGE);
	p = map(pages, PROT_READ);
	MUST(table_passes() - before == 1, "with more than was asked for");
	TRY(hold_run(p, pages));
	TRY(expect_no_store(p));
	return service_end();
}

/*
 * First names pages that do not exist, so that the mapping is taken back, and
 * then the run.
 */
_Noreturn static void give_nothing_first(void)
{
	struct request request;
	struct reply reply = {0};

	close(file);
	for (;;) {
		if (port_next(port, &reply, &request, NULL, 0) == 0) {
			if (request.number == REQUEST_CLOSED)
				_exit(0);
			reply = give_run(&request);
			reply.out = (void *)PAGE;
		} else if (errno == EFAULT && reply.out != run) {
			reply.out = run;
		} else {
			give_up("a reply is not taken");
		}
	}
}

TEST(a_run_comes_where_another_has_failed)
{
	unsigned char *p;
	pid_t pid;

	run_make();
	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		give_nothing_first();
	port_leave_to(pid);
	p = map(TABLE_PAGES, RW);
	TRY(hold_run(p, TABLE_PAGES));
	return service_end();
}

/* ---- What takes longest ---- */

#define APART  60 /* pages, each in a table of its own */
#define COPIED 16 /* one in so many is a copy */

static unsigned char *apart, *common;

static struct reply give_scattered(const struct request *request)
{
	static uint64_t list[TABLE_PAGES];

	if (request->number != SYS_mmap)
		return result(0);
	for (uint64_t i = 0; i < TABLE_PAGES; i++)
		list[i] = (uint64_t)(i % COPIED == 0
			? common
			: apart + i % APART * TABLE_PAGES * PAGE);
	return (struct reply){.flags = REPLY_PAGES,
	    .position = request->position,
	    .out = list + request->position / PAGE,
	    .out_len =
		(request->arg[1] - request->position) / PAGE * sizeof *list};
}

/* A boot with `bound` checks that it takes no longer than other calls. */
TEST(pages_from_everywhere_come_with_copies_in_between)
{
	unsigned char *p = reserve(TABLE_PAGES * PAGE, TABLE_PAGES * PAGE);

	apart = reserve(APART * TABLE_PAGES * PAGE, TABLE_PAGES * PAGE);
	for (unsigned long i = 0; i < APART; i++) {
		unsigned char *page = apart + i * TABLE_PAGES * PAGE;

		MUST(mprotect(page, PAGE, RW) == 0, "mprotect");
		*page = (unsigned char)(i + 1);
	}
	common = pages_shared(1);
	*common = 99;
	TRY(service_start(give_scattered));
	MUST(raw(SYS_mmap, (long)p, TABLE_PAGES * PAGE, RW,
		 MAP_PRIVATE | MAP_FIXED, file, 0) == (long)p,
	    "mmap");
	for (unsigned long i = 0; i < TABLE_PAGES; i++)
		MUST(p[i * PAGE] == (i % COPIED == 0 ? 99 : i % APART + 1),
		    found("page %lu is %u", i, p[i * PAGE]));
	return service_end();
}

static const struct test tests[] = {
    T(pages_that_follow_each_other_come_as_a_run),
    T(a_run_comes_where_another_has_failed),
    T(pages_from_everywhere_come_with_copies_in_between),
};

SUITE(tests)
