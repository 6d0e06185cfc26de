/* SPDX-License-Identifier: MIT */
/*
 * cow [-s] - watch what fork shares, and what is copied when.
 *
 * A parent and a child take turns at touching five pages. After each step a
 * table shows both address spaces: every table on the way to the pages, every
 * page, which frame each is, and how many names that frame has. With -s it
 * waits for the enter key between steps.
 *
 * The pages lie in a gigabyte of their own, so that what is shown is not
 * disturbed by the stack and the code, which the two processes go on using.
 */
#include <calf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE 0x200000000UL

enum page { PAGE_A, PAGE_B, PAGE_READONLY, PAGE_SHARED, PAGE_UNTOUCHED, PAGES };

/* Rows of the picture: the root, the tables below it, the pages. */
#define TABLES 2
#define ROWS   (1 + TABLES + PAGES)

enum action { LOOK, FORK, READ, WRITE, DIE };

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
    {"The child writes to the read-only page, and dies",
	"This page was not writable before the fork, so the write is an error\n"
	"and no reason to copy. The child's names are gone with it.",
	DIE, true, PAGE_READONLY},
};

#define STEPS (sizeof steps / sizeof steps[0])

struct cell {
	bool exists;
	uint8_t kind;
	uint8_t flags;
	uint32_t count;
	uint64_t pa;
};

/* One side of the picture: an address space, now and a step ago. */
struct view {
	pid_t pid; /* 0: there is no such process */
	struct cell now[ROWS];
	struct cell before[ROWS];
};

static struct view parent, child;
static int to_child[2], from_child[2]; /* pipes */

/* ---- touching pages ---- */

static volatile char *page_of(enum page page)
{
	return (volatile char *)(BASE + page * CALF_PAGE_SIZE);
}

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

/* The child's life: it does what it is told, until that kills it. */
static _Noreturn void serve(void)
{
	struct step step;
	struct calf_stat cost;

	while (read(to_child[0], &step, sizeof step) == sizeof step) {
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
		serve();
	}
	close(from_child[1]);
}

/* Has the child take a step; false if it died of it. */
static bool ask_child(const struct step *step, struct calf_stat *cost)
{
	write(to_child[1], step, sizeof *step);
	return read(from_child[0], cost, sizeof *cost) == sizeof *cost;
}

/* ---- looking at address spaces ---- */

static struct cell cell_of(const struct calf_entry *e)
{
	return (struct cell){true, e->kind, e->flags, e->count, e->pa};
}

static bool entry_is_table(const struct calf_entry *e)
{
	return e->kind == CALF_TABLE || e->kind == CALF_LAZY;
}

/* The tables are on the way to every page; page A is as good as any. */
static void look(struct view *view)
{
	struct calf_walk w;

	memcpy(view->before, view->now, sizeof view->before);
	memset(view->now, 0, sizeof view->now);
	for (enum page page = PAGE_A; page < PAGES && view->pid != 0; page++) {
		if (calf_walk(view->pid, (uint64_t)page_of(page), &w) < 0)
			return;
		view->now[1 + TABLES + page] = cell_of(&w.entry[w.depth - 1]);
		if (page != PAGE_A)
			continue;
		view->now[0] =
		    (struct cell){true, CALF_EMPTY, 0, w.root_count, w.root_pa};
		for (int i = 0; i < TABLES && i < (int)w.depth; i++)
			if (entry_is_table(&w.entry[i]))
				view->now[1 + i] = cell_of(&w.entry[i]);
	}
}

static bool cells_differ(const struct cell *a, const struct cell *b)
{
	return a->exists != b->exists || a->kind != b->kind ||
	    a->flags != b->flags || a->count != b->count || a->pa != b->pa;
}

/* ---- printing ---- */

static void describe_entry(char *text, size_t size, const struct cell *c)
{
	static const char *const kinds[] = {
	    [CALF_EMPTY] = "",
	    [CALF_RESERVED] = "RESERVED",
	    [CALF_HIDDEN] = "HIDDEN",
	    [CALF_LAZY] = "LAZY",
	    [CALF_TABLE] = "TABLE",
	    [CALF_PAGE] = "PAGE",
	};

	if (c->kind != CALF_PAGE && c->kind != CALF_RESERVED) {
		snprintf(text, size, "%s", kinds[c->kind]);
		return;
	}
	snprintf(text, size, "%s %c%c%c%s%s", kinds[c->kind],
	    c->flags & CALF_R ? 'r' : '-', c->flags & CALF_W ? 'w' : '-',
	    c->flags & CALF_X ? 'x' : '-', c->flags & CALF_COW ? " COW" : "",
	    c->flags & CALF_SHARED ? " SHARED" : "");
}

/* 28 columns, of which the last says whether something changed. */
static void describe_cell(char *text, size_t size, const struct view *v,
    int row)
{
	const struct cell *c = &v->now[row];
	char entry[32] = "";
	char frame[16] = "";
	char count[16] = "";
	const struct cell *old = &v->before[row];
	bool is_new = c->exists && old->exists && cells_differ(c, old);

	if (c->exists)
		describe_entry(entry, sizeof entry, c);
	if (c->pa != 0) {
		snprintf(frame, sizeof frame, "%lx", c->pa / CALF_PAGE_SIZE);
		snprintf(count, sizeof count, "%u", c->count);
	}
	snprintf(text, size, "%-15s %6s %4s%c", entry, frame, count,
	    is_new ? '*' : ' ');
}

static void print_row(int row)
{
	static const char *const names[ROWS] = {
	    "root",
	    "1 GiB table",
	    "2 MiB table",
	    "page A",
	    "page B",
	    "read-only page",
	    "shared page",
	    "untouched page",
	};
	const struct cell *p = &parent.now[row], *c = &child.now[row];
	bool same = p->pa != 0 && p->pa == c->pa;
	char left[40], right[40];

	describe_cell(left, sizeof left, &parent, row);
	describe_cell(right, sizeof right, &child, row);
	printf(" %-14s | %s%s %s\n", names[row], left, same ? "=" : "|", right);
}

static void print_picture(void)
{
	char name[32] = "no child";

	look(&parent);
	look(&child);
	if (child.pid != 0)
		snprintf(name, sizeof name, "child, pid %d", child.pid);
	printf("                | parent, pid %-16d| %s\n", parent.pid, name);
	printf("                | %-15s %6s %4s | %-15s %6s %4s\n", "entry",
	    "frame", "refs", "entry", "frame", "refs");
	printf("----------------+-----------------------------"
	       "+-----------------------------\n");
	for (int row = 0; row < ROWS; row++)
		print_row(row);
	printf("\n");
}

static void print_cost_item(uint64_t n, const char *what, const char *how)
{
	if (n > 0)
		printf("  %lu %s%s %s", n, what, n == 1 ? "" : "s", how);
}

static void print_cost(const struct calf_stat *cost)
{
	printf("Cost:");
	if (cost->table_copies + cost->table_reuses + cost->page_copies +
		cost->page_reuses + cost->page_zeros ==
	    0)
		printf("  nothing");
	print_cost_item(cost->table_copies, "table", "copied");
	print_cost_item(cost->table_reuses, "table", "taken back");
	print_cost_item(cost->page_copies, "page", "copied");
	print_cost_item(cost->page_reuses, "page", "taken over");
	print_cost_item(cost->page_zeros, "page", "zeroed");
	printf("\n");
}

/* ---- the demonstration ---- */

/* Returns false if it did not go as the step's title says. */
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
	if (step->action == READ || step->action == WRITE)
		print_cost(&cost);
	print_picture();
	if (!went_well)
		printf("That is not how it should have gone.\n");
	return went_well;
}

/* The parent wrote P to two pages, and the child may reach only one other. */
static bool parent_is_intact(void)
{
	return *page_of(PAGE_A) == 'P' && *page_of(PAGE_B) == 'P' &&
	    *page_of(PAGE_READONLY) == 'p' && *page_of(PAGE_SHARED) == 'c' &&
	    *page_of(PAGE_UNTOUCHED) == 0;
}

int main(int argc, char **argv)
{
	bool wait = argc > 1 && strcmp(argv[1], "-s") == 0;

	calf_require();
	if (pipe(to_child) < 0 || pipe(from_child) < 0) {
		perror("cow: pipe");
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
	printf("All the while, each side saw its own writes and the shared "
	       "page, and no more.\n");
	return 0;
}
