/* SPDX-License-Identifier: MIT */
/*
 * string.c - suites of lib/: strings, formats, lists.
 */
#include "lib/string.h"

#include "arch/hart.h"
#include "arch/machine.h"
#include "ktest.h"
#include "lib/list.h"
#include "lib/print.h"

#define ROOM 320 /* for some blocks of memcpy, and what is around them */

static ALIGNED(8) unsigned char area[3 * ROOM];

static void fill_area(void)
{
	for (unsigned i = 0; i < sizeof area; i++)
		area[i] = (unsigned char)(i * 7 + (i >> 8) + 1);
}

TEST(memset_writes_its_bytes_and_no_other)
{
	for (unsigned at = 0; at < 17; at++) {
		for (unsigned len = 0; len < 40; len++) {
			fill_area();
			MUST(memset(area + ROOM + at, 0x1ff, len) ==
				area + ROOM + at,
			    "it returned another address");
			for (unsigned i = 0; i < sizeof area; i++) {
				unsigned k = i - ROOM - at;

				MUST(area[i] ==
					(k < len ? 0xff
						 : (unsigned char)(i * 7 +
						       (i >> 8) + 1)),
				    found("byte %u of %u at %u", k, len, at));
			}
		}
	}
	return NULL;
}

#define GUARD 0xa5

/* Copies among bytes that have to stay as they are. */
static const char *expect_copied(unsigned to, const unsigned char *from,
    unsigned len)
{
	memset(area, GUARD, ROOM);
	MUST(memcpy(area + to, from, len) == area + to,
	    "it returned another address");
	for (unsigned i = 0; i < ROOM; i++)
		MUST(area[i] == (i - to < len ? from[i - to] : GUARD),
		    found("%u bytes from %lx to %u: byte %u", len,
			(uintptr_t)from & 7, to, i));
	return NULL;
}

static const char *expect_copied_at_every_alignment(void)
{
	fill_area();
	for (unsigned to = 8; to < 16; to++)
		for (unsigned from = 0; from < 8; from++)
			for (unsigned len = 0; len <= 300; len++)
				TRY(expect_copied(to, area + ROOM + from, len));
	return NULL;
}

/* The guard page of another hart's stack follows on this one's. */
static const char *expect_no_load_behind_the_source(void)
{
	const unsigned char *end = (void *)hart_self()->kernel_sp;

	for (unsigned to = 8; to < 16; to++)
		for (unsigned len = 0; len <= 100; len++)
			TRY(expect_copied(to, end - len, len));
	return NULL;
}

TEST(memcpy_copies_at_every_alignment)
{
	size_t (*const words)(void *, const void *, size_t) = words_copy;

	TRY(expect_copied_at_every_alignment());
	TRY(expect_no_load_behind_the_source());
	words_copy = words_shift;
	TRY(expect_copied_at_every_alignment());
	words_copy = words;
	return NULL;
}

/* Does this hart do it, or somebody for it, or is that a trap? */
static bool loads_misaligned(const char *from)
{
	uint64_t vector, word = 0;

	__asm__ volatile("	la	%0, 1f\n"
			 "	csrrw	%0, stvec, %0\n"
			 "	ld	%1, 1(%2)\n"
			 "	.balign	4\n"
			 "1:	csrw	stvec, %0\n"
			 : "=&r"(vector), "+&r"(word)
			 : "r"(from)
			 : "memory");
	return word != 0;
}

/*
 * The word `crooked` says that misaligned loads are done, but by the firmware,
 * or not by all harts.
 */
TEST(memcpy_loads_misaligned_words_where_all_harts_do_it_well)
{
	static const ALIGNED(16) char words[16] = "0123456789";
	const char *value;
	size_t len;

	if (!loads_misaligned(words))
		MUST(words_copy == words_shift, "that would be a trap");
	else if (bootarg_find("crooked", &value, &len))
		MUST(words_copy == words_shift, "they do not");
	else
		MUST(words_copy != words_shift, "it does not");
	return NULL;
}

TEST(comparisons_are_of_unsigned_bytes)
{
	MUST(memcmp("a\x80", "a\x01", 2) > 0, "memcmp is signed");
	MUST(strcmp("\x80", "\x01") > 0, "strcmp is signed");
	MUST(strncmp("\x80", "\x01", 1) > 0, "strncmp is signed");
	MUST(memcmp("ab", "ac", 1) == 0, "memcmp looked too far");
	MUST(memcmp("x", "y", 0) == 0, "memcmp looked at nothing");
	MUST(strcmp("ab", "abc") < 0 && strcmp("abc", "ab") > 0,
	    "a prefix is not smaller");
	MUST(strcmp("", "") == 0, "empty strings differ");
	MUST(strncmp("abX", "abY", 2) == 0, "strncmp looked too far");
	MUST(strncmp("ab", "ab\0c", 4) == 0, "strncmp passed the end");
	return NULL;
}

TEST(str_copy_truncates_and_terminates)
{
	char buf[8];

	memset(buf, 'z', sizeof buf);
	str_copy(buf, "abcdef", 4);
	MUST(memcmp(buf, "abc\0zzzz", 8) == 0, "abcdef into 4 bytes");
	str_copy(buf, "abcdef", 1);
	MUST(buf[0] == '\0' && buf[1] == 'b', "abcdef into 1 byte");
	str_copy(buf, "", sizeof buf);
	MUST(buf[0] == '\0', "an empty string");
	str_copy(buf, "1234567", sizeof buf);
	MUST(strcmp(buf, "1234567") == 0, "one that just fits");
	MUST(strlen(buf) == 7 && strlen("") == 0, "a wrong length");
	return NULL;
}

static const struct test string_tests[] = {
    T(memset_writes_its_bytes_and_no_other),
    T(memcpy_copies_at_every_alignment),
    T(memcpy_loads_misaligned_words_where_all_harts_do_it_well),
    T(comparisons_are_of_unsigned_bytes),
    T(str_copy_truncates_and_terminates),
};
SUITE(string, string_tests);

/* Formats, and compares text and length. */
#define EXPECT_FORMAT(text, ...)                                             \
	do {                                                                 \
		char out_[ROOM];                                             \
		size_t len_ = str_format(out_, sizeof out_, __VA_ARGS__);    \
		if (strcmp(out_, (text)) != 0 || len_ != strlen(text))       \
			return found("'%s', %lu long, not '%s'", out_, len_, \
			    (text));                                         \
	} while (0)

TEST(numbers_are_printed_in_their_base)
{
	EXPECT_FORMAT("0 -1 2147483647 -2147483648", "%d %d %d %d", 0, -1,
	    2147483647, -2147483647 - 1);
	EXPECT_FORMAT("-9223372036854775808", "%ld",
	    (long)(-9223372036854775807L - 1));
	EXPECT_FORMAT("4294967295 18446744073709551615", "%u %lu", ~0U, ~0UL);
	EXPECT_FORMAT("deadbeef ffffffffffffffff 0", "%x %lx %x", 0xdeadbeefU,
	    ~0UL, 0U);
	EXPECT_FORMAT("0xffffffc080200000", "%p", (void *)0xffffffc080200000UL);
	return NULL;
}

TEST(text_is_printed_as_it_is)
{
	const char *volatile nothing = NULL;

	EXPECT_FORMAT("abc|x|%|(null)", "%s|%c|%%|%s", "abc", 'x', nothing);
	EXPECT_FORMAT("", "%s", "");
	return NULL;
}

TEST(a_format_is_cut_off_where_the_buffer_ends)
{
	char buf[6] = "zzzzz";

	MUST(str_format(buf, 4, "%d", 123456) == 6, "a wrong length");
	MUST(strcmp(buf, "123") == 0 && buf[4] == 'z', found("'%s'", buf));
	MUST(str_format(buf, 1, "%s", "abc") == 3, "a wrong length for 1");
	MUST(buf[0] == '\0' && buf[1] == '2', "more than the terminator");
	return NULL;
}

static const struct test print_tests[] = {
    T(numbers_are_printed_in_their_base),
    T(text_is_printed_as_it_is),
    T(a_format_is_cut_off_where_the_buffer_ends),
};
SUITE(print, print_tests);

struct item {
	int value;
	struct list link;
};

static struct item items[4] = {{.value = 0}, {.value = 1}, {.value = 2},
    {.value = 3}};

/* The values in the list as a decimal number, both ways round. */
static int forwards(struct list *head)
{
	int sum = 0;

	list_for_each(link, head)
		sum = sum * 10 + list_entry(link, struct item, link)->value;
	return sum;
}

static int backwards(struct list *head)
{
	int sum = 0;

	for (struct list *l = head->prev; l != head; l = l->prev)
		sum = sum * 10 + list_entry(l, struct item, link)->value;
	return sum;
}

TEST(members_keep_the_order_they_were_put_in)
{
	struct list head;

	list_init(&head);
	MUST(list_is_empty(&head), "a new list is not empty");
	list_push_back(&head, &items[2].link);
	list_push_back(&head, &items[3].link);
	list_push_front(&head, &items[1].link);
	MUST(forwards(&head) == 123 && backwards(&head) == 321,
	    found("%d and %d", forwards(&head), backwards(&head)));
	list_remove(&items[2].link);
	MUST(forwards(&head) == 13 && backwards(&head) == 31, "after one left");
	list_remove(&items[2].link);
	MUST(forwards(&head) == 13, "removing twice did harm");
	list_insert(&items[1].link, &items[2].link);
	MUST(forwards(&head) == 123, "after an insertion");
	return NULL;
}

TEST(members_may_leave_while_the_list_is_walked)
{
	struct list head;
	int seen = 0;

	list_init(&head);
	for (unsigned i = 0; i < array_len(items); i++)
		list_push_back(&head, &items[i].link);
	list_for_each_safe(link, &head) {
		seen++;
		list_remove(link);
	}
	MUST(seen == 4 && list_is_empty(&head), found("%d seen", seen));
	return NULL;
}

static const struct test list_tests[] = {
    T(members_keep_the_order_they_were_put_in),
    T(members_may_leave_while_the_list_is_walked),
};
SUITE(list, list_tests);
