/* SPDX-License-Identifier: MIT */
/*
 * data.c - reads and writes the bytes of a file.
 *
 * They are in pages; a page that is not there stands for zeros. The last page
 * holds zeros behind the end of the file.
 *
 * Pages that are shared with mappers (node.h:tree.unkept) may be behind the
 * end, and may hold anything there: a mapper may store where the file was once.
 * So they are cleared when the end moves behind them.
 */
#include "tree.h"

#include <string.h>

#include "abi/errno.h"
#include "memory.h"

/* A part of a file that is within one page. */
struct piece {
	uint64_t index; /* of the page */
	size_t offset;
	size_t len;
};

static struct piece piece_at(uint64_t at, uint64_t len)
{
	struct piece piece = {.index = at / MEMORY_PAGE,
	    .offset = at % MEMORY_PAGE};
	size_t left = MEMORY_PAGE - piece.offset;

	piece.len = len < left ? (size_t)len : left;
	return piece;
}

/*
 * The page at `index`, and in *array that of the two arrays which has it. NULL:
 * the page is all zero.
 */
static char *find_page(const struct node *node, uint64_t index,
    const struct sparse **array)
{
	char *page = sparse_get(&node->pages, index);

	*array = &node->pages;
	if (page != NULL)
		return page;
	*array = &node->shared;
	return sparse_get(&node->shared, index);
}

static char *page_at(const struct node *node, uint64_t index)
{
	const struct sparse *array;

	return find_page(node, index, &array);
}

/* In a replay, a page that mappers share has the new bytes already. */
static bool is_done(const struct tree *t, const struct node *node,
    uint64_t index)
{
	return t->replays && sparse_get(&node->shared, index) != NULL;
}

uint64_t data_page_count(const struct node *node)
{
	return sparse_count(&node->pages) + sparse_count(&node->shared);
}

size_t data_left(const struct node *node, uint64_t at, size_t len)
{
	if (at >= node->size)
		return 0;
	return len < node->size - at ? len : (size_t)(node->size - at);
}

size_t data_span(const struct node *node, uint64_t at, size_t len,
    const char **bytes)
{
	static const char zeros[MEMORY_PAGE];
	struct piece piece = piece_at(at, len);
	const struct sparse *array;
	const char *page = find_page(node, piece.index, &array);
	size_t span = piece.len;

	*bytes = page != NULL ? page + piece.offset : zeros;
	if (page == NULL || span == len)
		return span;
	span = MEMORY_PAGE *
		sparse_run(array, piece.index,
		    (piece.offset + len + MEMORY_PAGE - 1) / MEMORY_PAGE,
		    MEMORY_PAGE) -
	    piece.offset;
	return span < len ? span : len;
}

size_t data_read(const struct node *node, uint64_t at, void *to, size_t len)
{
	size_t done = 0;

	len = data_left(node, at, len);
	while (done < len) {
		const char *bytes;
		size_t n = data_span(node, at + done, len - done, &bytes);

		memcpy((char *)to + done, bytes, n);
		done += n;
	}
	return done;
}

/*
 * The page for a piece that is to be written; of a new one, all but the piece
 * is cleared.
 */
static char *page_for(struct tree *t, struct node *node, struct piece piece)
{
	char *page = page_at(node, piece.index);
	size_t end = piece.offset + piece.len;

	if (page != NULL)
		return page;
	page = tree_page(t);
	if (page == NULL)
		return NULL;
	memset(page, 0, piece.offset);
	memset(page + end, 0, MEMORY_PAGE - end);
	if (tree_put(t, &node->pages, piece.index, page))
		return page;
	memory_page_free(page);
	return NULL;
}

/* Clears a piece, unless it is all zero. */
static void clear(const struct tree *t, const struct node *node, uint64_t from,
    uint64_t to)
{
	struct piece piece = piece_at(from, to - from);
	char *page = page_at(node, piece.index);

	if (page != NULL && !is_done(t, node, piece.index))
		memset(page + piece.offset, 0, piece.len);
}

/* Clears any range of bytes in pages that are shared. */
static void clear_shared(const struct tree *t, const struct node *node,
    uint64_t from, uint64_t to)
{
	uint64_t index = from / MEMORY_PAGE;

	while (from < to && sparse_next(&node->shared, &index) != NULL) {
		if (from < index * MEMORY_PAGE)
			from = index * MEMORY_PAGE;
		if (from < to)
			clear(t, node, from, to);
		from = ++index * MEMORY_PAGE;
	}
}

void data_grow(const struct tree *t, struct node *node, uint64_t size)
{
	if (size <= node->size)
		return;
	clear_shared(t, node, node->size, size);
	node->size = size;
}

size_t data_write(struct tree *t, struct node *node, uint64_t at,
    const void *from, size_t len)
{
	size_t done = 0;

	if (len > FILE_MAX - at)
		len = FILE_MAX - at;
	clear_shared(t, node, node->size, at);
	while (done < len) {
		struct piece piece = piece_at(at + done, len - done);
		char *page = page_for(t, node, piece);

		if (page == NULL)
			break;
		if (!is_done(t, node, piece.index))
			memcpy(page + piece.offset, (const char *)from + done,
			    piece.len);
		done += piece.len;
	}
	if (done > 0 && at + done > node->size)
		node->size = at + done;
	return done;
}

static uint64_t page_up(uint64_t at)
{
	return (at + MEMORY_PAGE - 1) / MEMORY_PAGE;
}

void data_truncate(struct tree *t, struct node *node, uint64_t size)
{
	/* Pages that were allocated behind the end are freed, too. */
	if (size <= node->size) {
		sparse_cut(&node->pages, page_up(size), &t->scrap);
		if (size % MEMORY_PAGE > 0)
			clear(t, node, size, page_up(size) * MEMORY_PAGE);
	}
	data_grow(t, node, size);
	node->size = size;
}

void data_punch(const struct tree *t, struct node *node, uint64_t from,
    uint64_t to)
{
	uint64_t first = page_up(from), end = to / MEMORY_PAGE;

	if (first > end) {
		clear(t, node, from, to);
		return;
	}
	if (from < first * MEMORY_PAGE)
		clear(t, node, from, first * MEMORY_PAGE);
	if (to > end * MEMORY_PAGE)
		clear(t, node, end * MEMORY_PAGE, to);
	clear_shared(t, node, first * MEMORY_PAGE, end * MEMORY_PAGE);
	while (sparse_next(&node->pages, &first) != NULL && first < end)
		memory_page_free(sparse_take(&node->pages, first));
}

/* A page of an allocation that is not complete yet. */
struct fresh {
	struct fresh *previous;
	uint64_t index;
};

/*
 * If the allocation is complete its pages are cleared; if not, they are taken
 * away again.
 */
static void settle(struct node *node, struct fresh *last, bool done)
{
	while (last != NULL) {
		struct fresh *previous = last->previous;

		if (done)
			memset(last, 0, sizeof *last);
		else
			memory_page_free(
			    sparse_take(&node->pages, last->index));
		last = previous;
	}
}

/*
 * Are these more pages than there can be, even if all pages of the file are in
 * the range? To find that out page by page would keep all callers waiting. In a
 * replay there was enough memory, so it is not checked again.
 */
static bool is_too_much(const struct tree *t, const struct node *node,
    uint64_t from, uint64_t to)
{
	uint64_t pages = page_up(to) - from / MEMORY_PAGE;
	uint64_t have = data_page_count(node);

	return !t->replays && pages > have && pages - have > tree_pages_free(t);
}

/* The first index from `index` on without a page. */
static uint64_t gap_from(const struct node *node, uint64_t index)
{
	const struct sparse *array;

	while (find_page(node, index, &array) != NULL)
		index = sparse_gap(array, index);
	return index;
}

int data_allocate(struct tree *t, struct node *node, uint64_t from, uint64_t to)
{
	struct fresh *last = NULL;
	uint64_t index = gap_from(node, from / MEMORY_PAGE);
	bool done = !is_too_much(t, node, from, to);

	while (done && index < page_up(to)) {
		struct piece none = {.index = index};
		struct fresh *page = (struct fresh *)page_for(t, node, none);

		if (page != NULL) {
			*page = (struct fresh){last, index};
			last = page;
		}
		done = page != NULL;
		index = gap_from(node, index);
	}
	settle(node, last, done);
	return done ? 0 : -ENOSPC;
}

size_t data_pages(const struct node *node, uint64_t at, void **pages,
    size_t count)
{
	size_t done = 0;

	for (; done < count && at < node->size; done++, at += MEMORY_PAGE)
		pages[done] = page_at(node, at / MEMORY_PAGE);
	return done;
}

/* Moves `count` pages from `index` on, none of which is shared. */
static bool share(struct tree *t, struct node *node, uint64_t index,
    uint64_t count)
{
	char *shared = memory_shared(count);

	if (shared == NULL)
		return false;
	t->unkept = true;
	for (; count > 0; count--, index++, shared += MEMORY_PAGE) {
		void *page = sparse_get(&node->pages, index);

		if (!tree_put(t, &node->shared, index, shared))
			break;
		if (page == NULL)
			continue;
		memcpy(shared, page, MEMORY_PAGE);
		memory_page_free(sparse_take(&node->pages, index));
	}
	for (uint64_t left = count; left > 0; left--, shared += MEMORY_PAGE)
		memory_shared_free(shared);
	return count == 0;
}

bool data_share(struct tree *t, struct node *node, uint64_t at, size_t count,
    uint64_t all)
{
	uint64_t index = at / MEMORY_PAGE, end = page_up(node->size);
	uint64_t last_of_all = index + all < end ? index + all : end;

	if (index < end && is_too_much(t, node, at, last_of_all * MEMORY_PAGE))
		return false;
	if (end > index + count)
		end = index + count;
	while (index < end) {
		uint64_t next = sparse_gap(&node->shared, index), last = next;

		if (sparse_next(&node->shared, &last) == NULL || last > end)
			last = end;
		if (next < last && !share(t, node, next, last - next))
			return false;
		index = last > next ? last : next;
	}
	return true;
}

size_t data_shared_pages(const struct node *node, uint64_t at, void **pages,
    size_t count)
{
	size_t done = 0;

	for (; done < count && at < node->size; done++, at += MEMORY_PAGE) {
		pages[done] = sparse_get(&node->shared, at / MEMORY_PAGE);
		if (pages[done] == NULL)
			break;
	}
	return done;
}

uint64_t data_next(const struct node *node, uint64_t at)
{
	uint64_t index = at / MEMORY_PAGE, shared = index;

	if (page_at(node, index) != NULL)
		return at;
	if (sparse_next(&node->pages, &index) == NULL)
		index = page_up(node->size);
	if (sparse_next(&node->shared, &shared) != NULL && shared < index)
		index = shared;
	return index * MEMORY_PAGE;
}

uint64_t data_gap(const struct node *node, uint64_t at)
{
	uint64_t index = at / MEMORY_PAGE;

	if (page_at(node, index) == NULL)
		return at;
	return gap_from(node, index) * MEMORY_PAGE;
}
