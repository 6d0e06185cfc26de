/* SPDX-License-Identifier: MIT */
/*
 * unit_lib.c - lib/ against the C library of the build machine. Functions that
 * both have are called calf_NAME here.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/heap.h"
#include "lib/list.h"
#include "lib/print.h"
#include "sim.h"
#include "unit.h"

void *calf_memcpy(void *dst, const void *src, size_t len);
void *calf_memset(void *dst, int byte, size_t len);
int calf_memcmp(const void *a, const void *b, size_t len);
size_t calf_strlen(const char *s);
int calf_strcmp(const char *a, const char *b);
int calf_strncmp(const char *a, const char *b, size_t len);
extern size_t (*words_copy)(void *dst, const void *src, size_t len);
size_t words_shift(void *dst, const void *src, size_t len);
void str_copy(char *dst, const char *src, size_t size);

#define SIZE 320
#define WORD sizeof(uint64_t)

static unsigned char ours[SIZE], theirs[SIZE], source[SIZE];

static void fill_random(void)
{
	for (unsigned i = 0; i < SIZE; i++) {
		source[i] = (unsigned char)sim_random();
		ours[i] = theirs[i] = (unsigned char)sim_random();
	}
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

TEST(memory_functions_agree_with_the_c_library)
{
	for (unsigned i = 0; i < 200000; i++) {
		size_t to = sim_below(32), from = sim_below(32);
		size_t len = sim_below(i % 2 ? 64 : SIZE - 32);
		void *end;

		fill_random();
		end = calf_memcpy(ours + to, source + from, len);
		memcpy(theirs + to, source + from, len);
		if (end != ours + to || memcmp(ours, theirs, SIZE) != 0)
			return found("memcpy %zu %zu %zu", to, from, len);
		calf_memset(ours + to, (int)i, len);
		memset(theirs + to, (int)i, len);
		if (memcmp(ours, theirs, SIZE) != 0)
			return found("memset %zu %zu", to, len);
	}
	return NULL;
}

/*
 * Copies from and to objects that end where the copy ends, so that ASan notices
 * more.
 */
static const char *expect_nothing_touched_behind(void)
{
	for (size_t len = 0; len < 200; len++) {
		for (size_t skew = 0; skew < 8 * WORD; skew++) {
			size_t from = skew % WORD, to = skew / WORD;
			unsigned char *a = malloc(from + len);
			unsigned char *b = malloc(to + len);

			for (size_t i = 0; i < len; i++)
				a[from + i] = (unsigned char)sim_random();
			calf_memcpy(b + to, a + from, len);
			if (memcmp(b + to, a + from, len) != 0)
				return found("%zu bytes at %zu to %zu", len,
				    from, to);
			free(a);
			free(b);
		}
	}
	return NULL;
}

/* As arch/misaligned.S does it. */
static size_t copy_misaligned(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len & -WORD);
	return len & -WORD;
}

TEST(memcpy_touches_nothing_behind_what_it_copies)
{
	const char *wrong = expect_nothing_touched_behind();

	words_copy = copy_misaligned;
	if (wrong == NULL)
		wrong = expect_nothing_touched_behind();
	words_copy = words_shift;
	return wrong;
}

TEST(comparisons_agree_with_the_c_library)
{
	for (unsigned i = 0; i < 200000; i++) {
		char a[12], b[12];
		size_t len = sim_below(12);

		for (unsigned at = 0; at < 12; at++) {
			a[at] = (char)("\0ab\xff"[sim_below(4)]);
			b[at] = sim_below(8) ? a[at] : (char)sim_random();
		}
		a[11] = b[11] = '\0';
		if (sign(calf_memcmp(a, b, len)) != sign(memcmp(a, b, len)))
			return "memcmp";
		if (sign(calf_strcmp(a, b)) != sign(strcmp(a, b)))
			return "strcmp";
		if (sign(calf_strncmp(a, b, len)) != sign(strncmp(a, b, len)))
			return "strncmp";
		if (calf_strlen(a) != strlen(a))
			return "strlen";
	}
	return NULL;
}

TEST(str_copy_always_terminates)
{
	for (size_t len = 0; len < 10; len++) {
		for (size_t size = 1; size < 12; size++) {
			char from[16] = {0}, to[16];

			memset(from, 'x', len);
			memset(to, '#', sizeof to);
			str_copy(to, from, size);
			if (strlen(to) != (len < size - 1 ? len : size - 1))
				return found("%zu in %zu", len, size);
			if (to[size] != '#')
				return "it wrote beyond the end";
		}
	}
	return NULL;
}

static const char *same_text(const char *fmt, ...) PRINTF(1, 2);

static const char *same_text(const char *fmt, ...)
{
	static char a[80], b[80];
	va_list args;
	size_t n;

	va_start(args, fmt);
	n = str_vformat(a, sizeof a, fmt, args);
	va_end(args);
	va_start(args, fmt);
	(void)vsnprintf(b, sizeof b, fmt, args);
	va_end(args);
	if (strcmp(a, b) != 0 || n != strlen(b))
		return found("\"%s\" instead of \"%s\"", a, b);
	return NULL;
}

#define TRY(expr)                            \
	do {                                 \
		const char *problem_ = expr; \
		if (problem_ != NULL)        \
			return problem_;     \
	} while (0)

TEST(formats_agree_with_the_c_library)
{
	static const int ints[] = {0, 1, -1, 42, -42, INT_MAX, INT_MIN};
	static const long longs[] = {0, 7, -7, LONG_MAX, LONG_MIN};

	for (unsigned i = 0; i < array_len(ints); i++)
		TRY(same_text("%d|%u|%x", ints[i], ints[i], ints[i]));
	for (unsigned i = 0; i < array_len(longs); i++)
		TRY(same_text("%ld|%lu|%lx", longs[i], longs[i], longs[i]));
	TRY(same_text("%s|%s", "abc", ""));
	TRY(same_text("%c%c%%", 'x', 'y'));
	TRY(same_text("%p", (void *)same_text));
	return NULL;
}

TEST(formatting_stops_at_the_end_of_the_buffer)
{
	for (size_t size = 1; size < 10; size++) {
		char buf[16];
		size_t n;

		memset(buf, '#', sizeof buf);
		n = str_format(buf, size, "%d-%s", 123, "abc");
		if (n != 7)
			return found("length %zu", n);
		if (strncmp(buf, "123-abc", size - 1) != 0 ||
		    strlen(buf) != (size - 1 < 7 ? size - 1 : 7))
			return found("\"%s\" in %zu bytes", buf, size);
		if (buf[size] != '#')
			return "it wrote beyond the end";
	}
	return NULL;
}

struct item {
	struct list link;
	unsigned number;
};

TEST(lists_keep_their_order)
{
	struct list head;
	struct item items[5];
	unsigned expected[] = {4, 2, 0, 1}, n = 0;

	list_init(&head);
	for (unsigned i = 0; i < 5; i++) {
		items[i].number = i;
		if (i % 2 == 0)
			list_push_front(&head, &items[i].link);
		else
			list_push_back(&head, &items[i].link);
	}
	list_remove(&items[3].link);
	list_remove(&items[3].link);
	list_for_each(link, &head) {
		if (list_entry(link, struct item, link)->number !=
		    expected[n++])
			return found("wrong item at %u", n - 1);
	}
	list_for_each_safe(link, &head) {
		list_remove(link);
	}
	return n == 4 && list_is_empty(&head) ? NULL : "wrong length";
}

#define NODES 300

static struct heap heap;
static struct heap_node nodes[NODES];
static bool is_in[NODES];

/* The members from a node on, or more than NODES if one breaks the rules. */
static unsigned heap_check(const struct heap_node *node)
{
	const struct heap_node *left = node->left, *right = node->right;
	uint64_t left_rank = left != NULL ? left->rank : 0;
	uint64_t right_rank = right != NULL ? right->rank : 0;
	unsigned count = 1;

	if (left_rank < right_rank || node->rank != right_rank + 1)
		return NODES + 1;
	if (left != NULL) {
		if (left->parent != node || left->key < node->key)
			return NODES + 1;
		count += heap_check(left);
	}
	if (right != NULL) {
		if (right->parent != node || right->key < node->key)
			return NODES + 1;
		count += heap_check(right);
	}
	return count;
}

static uint64_t smallest_key(void)
{
	uint64_t key = UINT64_MAX;

	for (unsigned i = 0; i < NODES; i++)
		if (is_in[i] && nodes[i].key < key)
			key = nodes[i].key;
	return key;
}

static const char *heap_is_right(unsigned count)
{
	const struct heap_node *first = heap.first;

	if (count == 0)
		return first == NULL ? NULL : "an empty heap has a first node";
	if (first == NULL || first->parent != NULL)
		return "there is no first node";
	if (first->key != smallest_key())
		return "the first node is not the smallest";
	return heap_check(first) == count ? NULL : "a node breaks the rules";
}

TEST(heaps_agree_with_a_search_for_the_smallest)
{
	unsigned count = 0;

	for (unsigned n = 0; n < 100000; n++) {
		/* Mostly growing and mostly shrinking, by turns. */
		unsigned i = sim_below(NODES), bias = n / 1000 % 2;
		bool put = sim_below(4) < 1 + 2 * bias;
		const char *wrong;

		if (put == is_in[i])
			continue;
		is_in[i] = put;
		count += put ? 1U : -1U;
		nodes[i].key = put ? sim_below(1 + n % 500) : nodes[i].key;
		if (put)
			heap_insert(&heap, &nodes[i]);
		else
			heap_remove(&heap, &nodes[i]);
		wrong = heap_is_right(count);
		if (wrong != NULL)
			return found("%s after %u steps", wrong, n);
	}
	return NULL;
}

static const struct test tests[] = {
    LISTED(memory_functions_agree_with_the_c_library),
    LISTED(memcpy_touches_nothing_behind_what_it_copies),
    LISTED(comparisons_agree_with_the_c_library),
    LISTED(str_copy_always_terminates),
    LISTED(formats_agree_with_the_c_library),
    LISTED(formatting_stops_at_the_end_of_the_buffer),
    LISTED(lists_keep_their_order),
    LISTED(heaps_agree_with_a_search_for_the_smallest),
};

unsigned unit_lib_tests(struct test *list)
{
	memcpy(list, tests, sizeof tests);
	return array_len(tests);
}
