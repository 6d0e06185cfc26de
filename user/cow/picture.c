/* SPDX-License-Identifier: MIT */
/*
 * picture.c - looking at address spaces, and printing them; see picture.h.
 */
#include "picture.h"

#include <stdio.h>
#include <string.h>

static struct cell cell_of(const struct calf_entry *e)
{
	return (struct cell){true, e->kind, e->flags, e->count, e->pa};
}

static bool entry_is_table(const struct calf_entry *e)
{
	return e->kind == CALF_TABLE || e->kind == CALF_LAZY;
}

/* Of the pages that are sent, only their table is shown. */
static void look_at_table(struct view *view)
{
	struct calf_walk w;

	if (view->pid != 0 && calf_walk(view->pid, TO_SEND, &w) == 0 &&
	    w.depth >= TABLES && entry_is_table(&w.entry[1]))
		view->now[ROW_SENT] = cell_of(&w.entry[1]);
}

/* The tables are on the way to every page, so page A stands for all. */
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
	look_at_table(view);
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

static void print_row(const struct view *parent, const struct view *child,
    int row)
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
	    "table sent",
	};
	const struct cell *p = &parent->now[row], *c = &child->now[row];
	bool same = p->pa != 0 && p->pa == c->pa;
	char left[40], right[40];

	describe_cell(left, sizeof left, parent, row);
	describe_cell(right, sizeof right, child, row);
	printf(" %-14s | %s%s %s\n", names[row], left, same ? "=" : "|", right);
}

void print_picture(struct view *parent, struct view *child)
{
	char name[32] = "no child";

	look(parent);
	look(child);
	if (child->pid != 0)
		snprintf(name, sizeof name, "child, pid %d", child->pid);
	printf("                | parent, pid %-16d| %s\n", parent->pid, name);
	printf("                | %-15s %6s %4s | %-15s %6s %4s\n", "entry",
	    "frame", "refs", "entry", "frame", "refs");
	printf("----------------+-----------------------------"
	       "+-----------------------------\n");
	for (int row = 0; row < ROWS; row++)
		if (row != ROW_SENT || parent->now[row].exists ||
		    child->now[row].exists)
			print_row(parent, child, row);
	printf("\n");
}
