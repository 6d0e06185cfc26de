/* SPDX-License-Identifier: MIT */
/*
 * sparse.c - see sparse.h.
 *
 * There are only the tables that the items need: if an item is put and taken
 * again, no table is left behind.
 */
#include "sparse.h"

#include <string.h>

#include "memory.h"

/* How many indexes a table of that level covers; 0 for all. */
static uint64_t reach(unsigned level)
{
	return level < SPARSE_LEVELS ? 1UL << SPARSE_BITS * level : 0;
}

static bool is_within(uint64_t index, unsigned levels)
{
	return reach(levels) == 0 || index < reach(levels);
}

static unsigned slot_of(uint64_t index, unsigned level)
{
	return index >> SPARSE_BITS * (level - 1) & (SPARSE_SLOTS - 1);
}

uint64_t sparse_count(const struct sparse *s)
{
	const struct sparse_table *table = s->root;

	if (s->levels == 0)
		return s->root != NULL;
	return table->items;
}

void *sparse_get(const struct sparse *s, uint64_t index)
{
	void *at = s->root;

	if (!is_within(index, s->levels))
		return NULL;
	for (unsigned level = s->levels; level > 0 && at != NULL; level--)
		at = ((struct sparse_table *)at)->slots[slot_of(index, level)];
	return at;
}

/*
 * The table of the lowest level that covers the index; NULL if there is none.
 */
static const struct sparse_table *leaf_of(const struct sparse *s,
    uint64_t index)
{
	const struct sparse_table *table = s->levels > 0 ? s->root : NULL;

	if (!is_within(index, s->levels))
		return NULL;
	for (unsigned level = s->levels; level > 1 && table != NULL; level--)
		table = table->slots[slot_of(index, level)];
	return table;
}

size_t sparse_run(const struct sparse *s, uint64_t index, size_t count,
    size_t size)
{
	const struct sparse_table *leaf;
	const char *next = (const char *)sparse_get(s, index) + size;
	size_t n = 1;

	while (n < count && (leaf = leaf_of(s, index + n)) != NULL) {
		unsigned slot = slot_of(index + n, 1);

		for (; slot < SPARSE_SLOTS && n < count; slot++, n++) {
			if (leaf->slots[slot] != next)
				return n;
			next += size;
		}
	}
	return n;
}

/* --- putting -------------------------------------------------------------- */

static void tables_free(struct sparse_table *list)
{
	while (list != NULL) {
		struct sparse_table *next = list->next;

		memory_free(list, sizeof *list);
		list = next;
	}
}

/* Allocates a list of so many tables; false if there is no memory for all. */
static bool tables_alloc(unsigned count, struct sparse_table **list)
{
	*list = NULL;
	for (; count > 0; count--) {
		struct sparse_table *table = memory_alloc(sizeof *table);

		if (table == NULL) {
			tables_free(*list);
			return false;
		}
		memset(table, 0, sizeof *table);
		table->next = *list;
		*list = table;
	}
	return true;
}

static struct sparse_table *table_from(struct sparse_table **list,
    unsigned level)
{
	struct sparse_table *table = *list;

	*list = table->next;
	table->next = NULL;
	table->level = level;
	return table;
}

/* How many tables have to be made before `index` has a slot. */
static unsigned tables_missing(const struct sparse *s, uint64_t index,
    unsigned levels)
{
	const struct sparse_table *table = s->root;
	unsigned level = s->levels;

	if (s->root == NULL)
		return levels;
	/* Tables are missing above the root, and from there down beside it. */
	if (levels > s->levels)
		return levels - s->levels + levels - 1;
	for (; level > 1; level--) {
		table = table->slots[slot_of(index, level)];
		if (table == NULL)
			return level - 1;
	}
	return 0;
}

/* Puts tables above the root. */
static void grow(struct sparse *s, unsigned levels, struct sparse_table **fresh)
{
	uint64_t items = sparse_count(s);

	if (s->root == NULL)
		s->levels = levels;
	while (s->levels < levels) {
		struct sparse_table *above = table_from(fresh, s->levels + 1);

		above->items = items;
		above->slots[0] = s->root;
		s->root = above;
		s->levels++;
	}
}

bool sparse_put(struct sparse *s, uint64_t index, void *item)
{
	unsigned levels = s->levels;
	struct sparse_table *fresh, *table;
	void **slot = &s->root;

	while (!is_within(index, levels))
		levels++;
	if (!tables_alloc(tables_missing(s, index, levels), &fresh))
		return false;
	grow(s, levels, &fresh);
	for (unsigned level = levels; level > 0; level--) {
		if (*slot == NULL)
			*slot = table_from(&fresh, level);
		table = *slot;
		table->items++;
		slot = &table->slots[slot_of(index, level)];
	}
	*slot = item;
	return true;
}

/* --- taking --------------------------------------------------------------- */

static uint64_t items_of(const void *at, unsigned level)
{
	const struct sparse_table *table = at;

	return level == 0 ? 1 : table->items;
}

/* Removes tables at the top as long as the rest covers all items. */
static void lower(struct sparse *s)
{
	while (s->levels > 0 && s->root != NULL) {
		struct sparse_table *table = s->root;
		void *first = table->slots[0];

		if (first == NULL ||
		    items_of(first, s->levels - 1) < table->items)
			return;
		memory_free(table, sizeof *table);
		s->root = first;
		s->levels--;
	}
	if (s->root == NULL)
		s->levels = 0;
}

/*
 * Lowers the counts of all tables on the path to `index`, and removes those
 * that are empty.
 */
static void settle(struct sparse *s, struct sparse_table **path, uint64_t index,
    const uint64_t *gone)
{
	uint64_t sum = 0;

	for (unsigned level = 1; level <= s->levels; level++) {
		struct sparse_table *table = path[level];

		sum += gone[level];
		if (table == NULL)
			continue;
		table->items -= sum;
		if (table->items > 0)
			continue;
		memory_free(table, sizeof *table);
		if (level == s->levels)
			s->root = NULL;
		else
			path[level + 1]->slots[slot_of(index, level + 1)] =
			    NULL;
	}
	lower(s);
}

void *sparse_take(struct sparse *s, uint64_t index)
{
	struct sparse_table *path[SPARSE_LEVELS + 1] = {NULL};
	static const uint64_t gone[SPARSE_LEVELS + 1] = {[1] = 1};
	void *item, *at = s->root;

	if (sparse_get(s, index) == NULL)
		return NULL;
	for (unsigned level = s->levels; level > 0; level--) {
		path[level] = at;
		at = path[level]->slots[slot_of(index, level)];
	}
	item = at;
	if (s->levels == 0)
		s->root = NULL;
	else
		path[1]->slots[slot_of(index, 1)] = NULL;
	settle(s, path, index, gone);
	return item;
}

/* --- searching ------------------------------------------------------------ */

static bool is_passed(const void *at, unsigned level, bool for_gap)
{
	const struct sparse_table *table = at;

	if (!for_gap)
		return at == NULL;
	if (at == NULL)
		return false;
	return level == 0 || table->items == reach(level);
}

/*
 * Finds the first index from `index` on whose item is not NULL, or for a gap is
 * NULL. False if there is none in reach of the tables; *index is then behind
 * that.
 */
static bool search(const struct sparse *s, uint64_t *index, bool for_gap)
{
	while (is_within(*index, s->levels)) {
		const void *at = s->root;
		unsigned level = s->levels;
		uint64_t step;

		while (
		    level > 0 && at != NULL && !is_passed(at, level, for_gap)) {
			const struct sparse_table *table = at;

			at = table->slots[slot_of(*index, level)];
			level--;
		}
		if (!is_passed(at, level, for_gap))
			return true;
		step = reach(level);
		if (step == 0 || *index + step < *index)
			return false;
		*index = (*index | (step - 1)) + 1;
	}
	return false;
}

void *sparse_next(const struct sparse *s, uint64_t *index)
{
	uint64_t at = *index;

	if (!search(s, &at, false))
		return NULL;
	*index = at;
	return sparse_get(s, at);
}

uint64_t sparse_gap(const struct sparse *s, uint64_t index)
{
	(void)search(s, &index, true);
	return index;
}

/* --- cutting -------------------------------------------------------------- */

static void scrap_add(struct scrap *scrap, void *at, unsigned level)
{
	struct sparse_table *table = at;

	if (level == 0) {
		scrap->free(at);
		return;
	}
	table->next = scrap->first;
	scrap->first = table;
	scrap->items += table->items;
}

/* Cuts off all slots behind `border`. Returns how many items that were. */
static uint64_t cut_behind(struct sparse_table *table, unsigned border,
    struct scrap *scrap)
{
	uint64_t items = 0;

	for (unsigned i = border + 1; i < SPARSE_SLOTS; i++) {
		if (table->slots[i] == NULL)
			continue;
		items += items_of(table->slots[i], table->level - 1);
		scrap_add(scrap, table->slots[i], table->level - 1);
		table->slots[i] = NULL;
	}
	return items;
}

void sparse_cut(struct sparse *s, uint64_t index, struct scrap *scrap)
{
	struct sparse_table *path[SPARSE_LEVELS + 1] = {NULL};
	uint64_t gone[SPARSE_LEVELS + 2] = {0};
	unsigned level = s->levels;
	void **slot = &s->root;

	if (!is_within(index, level))
		return;
	/* Goes down along the border, until a whole table can be removed. */
	for (; *slot != NULL && (reach(level) == 0 || index % reach(level) > 0);
	     level--) {
		path[level] = *slot;
		gone[level] =
		    cut_behind(path[level], slot_of(index, level), scrap);
		slot = &path[level]->slots[slot_of(index, level)];
	}
	if (*slot != NULL) {
		gone[level + 1] += items_of(*slot, level);
		scrap_add(scrap, *slot, level);
		*slot = NULL;
	}
	settle(s, path, index, gone);
}

void scrap_free(struct scrap *scrap, uint64_t budget)
{
	while (scrap->first != NULL && budget > 0) {
		struct sparse_table *table = scrap->first;

		scrap->first = table->next;
		scrap->items -= table->items;
		for (unsigned i = 0; i < SPARSE_SLOTS; i++)
			if (table->slots[i] != NULL)
				scrap_add(scrap, table->slots[i],
				    table->level - 1);
		memory_free(table, sizeof *table);
		budget -= budget < SPARSE_SLOTS ? budget : SPARSE_SLOTS;
	}
}
