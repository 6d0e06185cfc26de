/* SPDX-License-Identifier: MIT */
/*
 * cow [-s] - watch what fork shares, and what is copied when.
 *
 * A parent and a child take turns at touching five pages; then the child sends
 * pages to the parent, as the reply to a message. After each step a
 * table shows both address spaces: every table on the way to the pages, every
 * page, which frame each is, and how many names that frame has. With -s it
 * waits for the enter key between steps.
 *
 * The pages lie in a gigabyte of their own, so that what is shown is not
 * disturbed by the stack and the code, which the two processes go on using.
 */
#include "cow/picture.h"

#include <calf.h>
#include <fcntl.h>
#include <program.h>
#include <server.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    cow - watch what fork shares, and what is copied when\n"
    "\n"
    "SYNOPSIS\n"
    "    cow [-s]\n"
    "\n"
    "DESCRIPTION\n"
    "    A parent and a child take turns at touching five pages. After each\n"
    "    of eleven steps a table shows both address spaces: every table on\n"
    "    the way to the pages, every page, which frame each is, and how many\n"
    "    entries name it. An = stands between two that are the same frame, a\n"
    "    * behind what has changed.\n"
    "\n"
    "OPTIONS\n"
    "    -s  waits for the Enter key after each step\n"
    "\n"
    "SEE ALSO\n"
    "    vmmap --help; docs/prompt.md; make film\n";

enum action {
	LOOK,
	FORK,
	READ,
	WRITE,
	SEND_PAGE,
	SEND_TABLE,
	DIE,
};

struct step {
	const char *title;
	const char *why;
	enum action action;
	bool by_child;
	enum page page;
};

static const struct step steps[] = {
    {"Before the fork",
	"The parent has written to four pages and only reserved the fifth.\n"
	"Every table and every page has one name: refs is 1.",
	LOOK, false, PAGE_A},
    {"The parent forks",
	"The child got a root of its own, and nothing else was copied. What\n"
	"the roots name is LAZY in both: the hardware cannot enter it, so\n"
	"the first touch on either side will fault. Nothing below was visited.",
	FORK, false, PAGE_A},
    {"The child reads page A",
	"A table is copied on first access: the child has its own now. What\n"
	"the tables name has two names, so writable pages were closed in\n"
	"both: read-only and COW. Not one page was copied.",
	READ, true, PAGE_A},
    {"The child writes to page A",
	"A page is copied on first write. The child's is in a new frame. The\n"
	"parent's is still closed, but it has only one name left.",
	WRITE, true, PAGE_A},
    {"The parent writes to page A",
	"The parent is the last to name its tables and this page, so they are\n"
	"its own again, where they are. The last owner never copies.",
	WRITE, false, PAGE_A},
    {"The parent writes to page B",
	"This time the parent comes first, so it is the parent that gets the\n"
	"copy. The child keeps the frame, as its last owner.",
	WRITE, false, PAGE_B},
    {"The child writes to the shared page",
	"MAP_SHARED means it: the page stays writable in both, is never COW,\n"
	"and the parent sees what the child wrote.",
	WRITE, true, PAGE_SHARED},
    {"The child writes to the untouched page",
	"A reservation is a promise, not a page. The child's was kept with a\n"
	"zeroed frame; the parent's is still a promise.",
	WRITE, true, PAGE_UNTOUCHED},
    {"The child sends page A",
	"The parent maps a file that the child serves: the mmap is a message,\n"
	"and the reply says in which page of the child's the bytes are. The\n"
	"parent has it in the place of its own page A. Nothing was copied:\n"
	"the page has two names, and is closed in both, as after a fork.",
	SEND_PAGE, false, PAGE_A},
    {"The child sends a table of 2 MiB",
	"In the last row the child has 512 pages, in a table of their own.\n"
	"Both places are all that a table is for, and the pages may be used\n"
	"alike on both sides: so the table itself is shared, as in a fork,\n"
	"and none of its pages was visited.",
	SEND_TABLE, false, PAGE_A},
    {"The child writes to the read-only page, and dies",
	"This page was not writable before the fork, so the write is an error\n"
	"and no reason to copy. The child's names are gone with it.",
	DIE, true, PAGE_READONLY},
};

#define STEPS (sizeof steps / sizeof steps[0])

static struct view parent, child;
static int to_child[2], from_child[2]; /* pipes to and from the child */
static int port, sent;                 /* the child's port, and a file of it */

/* ---- touching pages ---- */

static void map(enum page page, int sharing)
{
	void *want = (void *)(uintptr_t)page_of(page);
	void *got = mmap(want, CALF_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_FIXED | MAP_ANONYMOUS | sharing, -1, 0);

	if (got == want)
		return;
	perror("cow: mmap");
	exit(1);
}

static void prepare_pages(void)
{
	for (enum page page = PAGE_A; page < PAGES; page++) {
		map(page, page == PAGE_SHARED ? MAP_SHARED : MAP_PRIVATE);
		if (page != PAGE_UNTOUCHED)
			*page_of(page) = 'p';
	}
	if (mprotect((void *)(uintptr_t)page_of(PAGE_READONLY), CALF_PAGE_SIZE,
		PROT_READ) < 0) {
		perror("cow: mprotect");
		exit(1);
	}
}

/* What the kernel did between two readings of its counters. */
static struct calf_stat difference(struct calf_stat a, struct calf_stat b)
{
	return (struct calf_stat){
	    .table_copies = b.table_copies - a.table_copies,
	    .table_reuses = b.table_reuses - a.table_reuses,
	    .page_copies = b.page_copies - a.page_copies,
	    .page_reuses = b.page_reuses - a.page_reuses,
	    .page_zeros = b.page_zeros - a.page_zeros,
	    .table_passes = b.table_passes - a.table_passes,
	};
}

/* The counters are read next to the access, so they show nothing else. */
static struct calf_stat touch(enum action action, enum page page, char value)
{
	struct calf_stat before = {.forks = 0}, after = {.forks = 0};

	calf_stat(&after, sizeof after);
	calf_stat(&before, sizeof before);
	if (action == READ)
		(void)*page_of(page);
	else
		*page_of(page) = value;
	calf_stat(&after, sizeof after);
	return difference(before, after);
}

/* ---- sending pages ---- */

/*
 * The address of what the child sends, which is also where the parent wants it.
 */
static void *place_of(enum action action)
{
	return action == SEND_PAGE ? (void *)(uintptr_t)page_of(PAGE_A)
				   : (void *)TO_SEND;
}

static size_t size_of(enum action action)
{
	return action == SEND_PAGE ? CALF_PAGE_SIZE : TABLE_BYTES;
}

static void make_table(void)
{
	char *mem = mmap((void *)TO_SEND, TABLE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; mem != MAP_FAILED && i < 3; i++)
		mem[i * CALF_PAGE_SIZE] = 'c';
}

/* The child takes the message of the parent's mmap, and replies to it. */
static void send_pages(enum action action)
{
	struct reply reply = {.flags = REPLY_RUN,
	    .out = place_of(action),
	    .out_len = size_of(action)};
	struct request request;

	/*
	 * The table is made before, so that the picture before the step shows
	 * it, too.
	 */
	if (action == SEND_PAGE)
		make_table();
	write(from_child[1], "", 1);
	if (port_next(port, NULL, &request, NULL, 0) < 0)
		_exit(1);
	/* O_NONBLOCK: port_next() replies, and waits for no other request. */
	fcntl(port, F_SETFL, O_NONBLOCK);
	(void)port_next(port, &reply, &request, NULL, 0);
	fcntl(port, F_SETFL, 0);
}

/* In the parent: maps the pages. False if they are not where it wants them. */
static bool get_pages(const struct step *step, struct calf_stat *cost)
{
	void *want = place_of(step->action), *got;
	struct calf_stat before = {.forks = 0}, after = {.forks = 0};
	char ready;

	write(to_child[1], step, sizeof *step);
	if (read(from_child[0], &ready, 1) != 1)
		return false;
	calf_stat(&after, sizeof after);
	calf_stat(&before, sizeof before);
	got = mmap(want, size_of(step->action), PROT_READ | PROT_WRITE,
	    MAP_FIXED | MAP_PRIVATE, sent, 0);
	calf_stat(&after, sizeof after);
	*cost = difference(before, after);
	return got == want;
}

/* ---- the child ---- */

/* The child's life: it does what it is told, until that kills it. */
static _Noreturn void serve(void)
{
	struct step step;
	struct calf_stat cost;

	while (read(to_child[0], &step, sizeof step) == sizeof step) {
		if (step.action == SEND_PAGE || step.action == SEND_TABLE) {
			send_pages(step.action);
			continue;
		}
		cost = touch(step.action, step.page, 'c');
		write(from_child[1], &cost, sizeof cost);
	}
	_exit(0);
}

static void start_child(void)
{
	child.pid = fork();
	if (child.pid < 0) {
		perror("cow: fork");
		exit(1);
	}
	if (child.pid == 0) {
		close(to_child[1]);
		close(sent);
		serve();
	}
	close(port);
	close(from_child[1]);
}

/* Has the child take a step; false if it died of it. */
static bool ask_child(const struct step *step, struct calf_stat *cost)
{
	write(to_child[1], step, sizeof *step);
	return read(from_child[0], cost, sizeof *cost) == sizeof *cost;
}

/* ---- printing ---- */

static void print_cost_item(uint64_t n, const char *what, const char *how)
{
	if (n > 0)
		printf("  %lu %s%s %s", n, what, n == 1 ? "" : "s", how);
}

static void print_cost(const struct calf_stat *cost)
{
	printf("Cost:");
	if (cost->table_copies + cost->table_reuses + cost->page_copies +
		cost->page_reuses + cost->page_zeros + cost->table_passes ==
	    0)
		printf("  nothing");
	print_cost_item(cost->table_copies, "table", "copied");
	print_cost_item(cost->table_reuses, "table", "taken back");
	print_cost_item(cost->table_passes, "table", "passed on");
	print_cost_item(cost->page_copies, "page", "copied");
	print_cost_item(cost->page_reuses, "page", "taken over");
	print_cost_item(cost->page_zeros, "page", "zeroed");
	printf("\n");
}

/* ---- the demonstration ---- */

/* Takes a step. False if it did not go as the step's title says. */
static bool take_step(const struct step *step, struct calf_stat *cost)
{
	int status = 0;
	bool alive;

	if (step->action == LOOK)
		return true;
	if (step->action == FORK) {
		start_child();
		return true;
	}
	if (step->action == SEND_PAGE || step->action == SEND_TABLE)
		return get_pages(step, cost);
	if (!step->by_child) {
		*cost = touch(step->action, step->page, 'P');
		return true;
	}
	alive = ask_child(step, cost);
	if (step->action != DIE || alive)
		return alive && step->action != DIE;
	waitpid(child.pid, &status, 0);
	child.pid = 0;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void wait_for_enter(void)
{
	int c;

	printf("[enter] ");
	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
}

static bool run_step(size_t i)
{
	const struct step *step = &steps[i];
	struct calf_stat cost = {.forks = 0};
	bool went_well = take_step(step, &cost);

	printf("%zu. %s\n%s\n", i + 1, step->title, step->why);
	if (step->action != LOOK && step->action != FORK && step->action != DIE)
		print_cost(&cost);
	print_picture(&parent, &child);
	if (!went_well)
		printf("That is not how it should have gone.\n");
	return went_well;
}

/* Has the parent its own pages, the shared one, and what it was sent? */
static bool parent_is_intact(void)
{
	return *page_of(PAGE_A) == 'c' && *page_of(PAGE_B) == 'P' &&
	    *(char *)TO_SEND == 'c' && *page_of(PAGE_READONLY) == 'p' &&
	    *page_of(PAGE_SHARED) == 'c' && *page_of(PAGE_UNTOUCHED) == 0;
}

int main(int argc, char **argv)
{
	bool wait = false;
	int option;

	while ((option = getopt(argc, argv, "s")) != -1) {
		if (option != 's')
			return 2;
		wait = true;
	}
	program_no_more(argc, argv, optind);
	calf_require();
	if (pipe(to_child) < 0 || pipe(from_child) < 0) {
		perror("cow: pipe");
		return 1;
	}
	port = port_create(1);
	sent = port_open(port, 1, O_RDWR, 0, 0);
	if (sent < 0) {
		perror("cow: port");
		return 1;
	}
	parent.pid = getpid();
	prepare_pages();
	printf("\nfork, seen from the page tables   "
	       "(= the same frame in both, * changed)\n\n");
	for (size_t i = 0; i < STEPS; i++) {
		if (!run_step(i))
			return 1;
		if (wait)
			wait_for_enter();
	}
	if (!parent_is_intact()) {
		printf("The parent's memory is not what it should be.\n");
		return 1;
	}
	printf("All the while, each side saw its own writes, the shared page"
	       "\nand what it was sent, and no more.\n");
	return 0;
}
