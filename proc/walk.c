/* SPDX-License-Identifier: MIT */
/*
 * walk.c - walks over lists of processes, a part at a time.
 */
#include "proc/walk.h"

#define WALK_PART 64 /* members that are looked at without a pause */

bool walk_part(struct proc *walker, bool *marked, struct list *head,
    size_t offset, walk_fn *visit, void *arg)
{
	struct list *mark = &walker->t.mark, *link = head->next, *next;

	if (*marked) {
		link = mark->next;
		list_remove(mark);
		*marked = false;
	}
	for (unsigned n = 0; link != head; link = next, n++) {
		next = link->next;
		if (n == WALK_PART) {
			list_insert(link->prev, mark);
			*marked = true;
			return false;
		}
		if (!list_is_mark(link) &&
		    !visit((void *)((char *)link - offset), arg))
			break;
	}
	return true;
}

void walk_begin_anew(struct proc *walker, bool *marked)
{
	if (*marked)
		list_remove(&walker->t.mark);
	*marked = false;
}

void walk_abandon(struct proc *p)
{
	struct list_walk *walk = &p->t.call.walk;
	struct group *dead = NULL;

	lock_acquire(&sched_lock);
	walk_begin_anew(p, &walk->marked);
	if (walk->group != NULL)
		dead = group_put(walk->group);
	walk->group = NULL;
	lock_release(&sched_lock);
	if (dead != NULL)
		group_free(dead);
}
