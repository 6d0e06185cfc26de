/* SPDX-License-Identifier: MIT */
/*
 * data.c - reads and writes the bytes of a file.
 *
 * They are in pages; a page that is not there stands for zeros. The last page
 * holds zeros behind the end of the file.
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
	const char *page = sparse_get(&node->pages, piece.index);
	size_t span = piece.len;

	*bytes = page != NULL ? page + piece.offset : zeros;
	if (page == NULL || span == len)
		return span;
	span = MEMORY_PAGE *
		sparse_run(&node->pages, piece.index,
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
	char *page = sparse_get(&node->pages, piece.index);
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

size_t data_write(struct tree *t, struct node *node, uint64_t at,
    const void *from, size_t len)
{
	size_t done = 0;

	if (len > FILE_MAX - at)
		len = FILE_MAX - at;
	while (done < len) {
		struct piece piece = piece_at(at + done, len - done);
		char *page = page_for(t, node, piece);

		if (page == NULL)
			break;
		memcpy(page + piece.offset, (const char *)from + done,
		    piece.len);
		done += piece.len;
	}
	if (done > 0 && at + done > node->size)
		node->size = at + done;
	return done;
}

/* Clears a piece, unless it is zero already. */
static void clear(struct node *node, uint64_t from, uint64_t to)
{
	struct piece piece = piece_at(from, to - from);
	char *page = sparse_get(&node->pages, piece.index);

	if (page != NULL)
		memset(page + piece.offset, 0, piece.len);
}

static uint64_t page_up(uint64_t at)
{
	return (at + MEMORY_PAGE - 1) / MEMORY_PAGE;
}

void data_truncate(struct tree *t, struct node *node, uint64_t size)
{
	/* Pages that were allocated behind the end go too. */
	if (size <= node->size) {
		sparse_cut(&node->pages, page_up(size), &t->scrap);
		if (size % MEMORY_PAGE > 0)
			clear(node, size, page_up(size) * MEMORY_PAGE);
	}
	node->size = size;
}

void data_punch(struct node *node, uint64_t from, uint64_t to)
{
	uint64_t first = page_up(from), end = to / MEMORY_PAGE;

	if (first > end) {
		clear(node, from, to);
		return;
	}
	if (from < first * MEMORY_PAGE)
		clear(node, from, first * MEMORY_PAGE);
	if (to > end * MEMORY_PAGE)
		clear(node, end * MEMORY_PAGE, to);
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
 * Is that more than there can be, even if all pages of the file are in the
 * range? To find it out page by page would keep all callers waiting. What a log
 * says was possible, so it is not asked there.
 */
static bool is_too_much(const struct tree *t, const struct node *node,
    uint64_t from, uint64_t to)
{
	uint64_t pages = page_up(to) - from / MEMORY_PAGE;
	uint64_t have = sparse_count(&node->pages);

	return !t->replays && pages > have && pages - have > tree_pages_free(t);
}

int data_allocate(struct tree *t, struct node *node, uint64_t from, uint64_t to)
{
	struct fresh *last = NULL;
	uint64_t index = sparse_gap(&node->pages, from / MEMORY_PAGE);
	bool done = !is_too_much(t, node, from, to);

	while (done && index < page_up(to)) {
		struct piece none = {.index = index};
		struct fresh *page = (struct fresh *)page_for(t, node, none);

		if (page != NULL) {
			*page = (struct fresh){last, index};
			last = page;
		}
		done = page != NULL;
		index = sparse_gap(&node->pages, index);
	}
	settle(node, last, done);
	return done ? 0 : -ENOSPC;
}

size_t data_pages(const struct node *node, uint64_t at, void **pages,
    size_t count)
{
	size_t done = 0;

	for (; done < count && at < node->size; done++, at += MEMORY_PAGE)
		pages[done] = sparse_get(&node->pages, at / MEMORY_PAGE);
	return done;
}

uint64_t data_next(const struct node *node, uint64_t at)
{
	uint64_t index = at / MEMORY_PAGE;

	if (sparse_get(&node->pages, index) != NULL)
		return at;
	if (sparse_next(&node->pages, &index) == NULL)
		return node->size;
	return index * MEMORY_PAGE;
}

uint64_t data_gap(const struct node *node, uint64_t at)
{
	uint64_t index = at / MEMORY_PAGE;

	if (sparse_get(&node->pages, index) == NULL)
		return at;
	return sparse_gap(&node->pages, index) * MEMORY_PAGE;
}
