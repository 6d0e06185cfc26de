/* SPDX-License-Identifier: MIT */
/*
 * list.h - a circular doubly linked list whose links live in its members.
 *
 * A list head is a link that points to itself when the list is empty. A link
 * that is on no list may hold anything; list_remove() leaves it pointing to
 * itself, so removing twice does no harm.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/compiler.h"
#include "lib/types.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert(struct list *prev, struct list *link)
{
	struct list *next = prev->next;

	link->prev = prev;
	link->next = next;
	next->prev = link;
	prev->next = link;
}

static inline void list_push_front(struct list *head, struct list *link)
{
	list_insert(head, link);
}

static inline void list_push_back(struct list *head, struct list *link)
{
	list_insert(head->prev, link);
}

/* Takes a link off that is going to be on another list, or to be on none. */
static inline void list_unlink(struct list *link)
{
	struct list *prev = link->prev, *next = link->next;

	prev->next = next;
	next->prev = prev;
}

/*
 * Takes a link off a list and leaves it on none, so that it can be asked if
 * it is on one, and can be removed again.
 */
static inline void list_remove(struct list *link)
{
	list_unlink(link);
	list_init(link);
}

/* Moves all members of a list to the end of another. */
static inline void list_splice_back(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/*
 * Moves all of `from` to the beginning of `to`. In a ring, that is before the
 * first.
 */
static inline void list_splice_front(struct list *to, struct list *from)
{
	list_splice_back(to->next, from);
}

#define list_entry(link, type, member) container_of(link, type, member)

#define list_for_each(link, head)                              \
	for (struct list *link = (head)->next; link != (head); \
	     link = link->next)

/* list_for_each() with a body that may remove `link`. */
#define list_for_each_safe(link, head)                                    \
	for (struct list *link = (head)->next, *link##_next = link->next; \
	     link != (head); link = link##_next, link##_next = link->next)

#endif
