/* SPDX-License-Identifier: MIT */
/*
 * numbers.c - a new process gets a number that no process, group or session
 * has.
 *
 * Four million forks lead back to a number in use; here the last number that
 * was given out is set to what is before it.
 */
#include "ktest.h"
#include "proc/proc.h"
#include "proc/victim.h"

/* A process that never runs. */
static struct proc *born_after(pid_t last, struct group *group)
{
	struct proc *p = proc_create();

	assert(p != NULL && group != NULL);
	lock_acquire(&sched_lock);
	proc_last_pid = last;
	proc_publish(p, &proc_keeper, group);
	lock_release(&sched_lock);
	return p;
}

/* Process 1, which no test has otherwise, is not among the candidates. */
static void gone(struct proc *p)
{
	bool is_candidate = p->pid != INIT_PID;

	lock_acquire(&sched_lock);
	if (is_candidate)
		victim_ends(p);
	p->t.state = PROC_ZOMBIE;
	if (is_candidate)
		victim_ended(p);
	proc_remove(p);
	lock_release(&sched_lock);
	proc_discard(p);
}

/* As the terminal does. */
static void group_keep(struct group *group)
{
	lock_acquire(&sched_lock);
	group->refs++;
	lock_release(&sched_lock);
}

static void group_drop(struct group *group)
{
	struct group *dead;

	lock_acquire(&sched_lock);
	dead = group_put(group);
	lock_release(&sched_lock);
	if (dead != NULL)
		group_free(dead);
}

/* The number that a new process gets if `last` was given out last. */
static pid_t number_after(pid_t last)
{
	struct proc *p = born_after(last, group_create(PID_MAX + 1, NULL));
	pid_t pid = p->pid;

	gone(p);
	return pid;
}

TEST(the_number_of_a_process_is_not_given_out_again)
{
	struct proc *p = born_after(499, group_create(PID_MAX, NULL));
	pid_t next = number_after(499), behind = number_after(500);

	MUST(p->pid == 500, found("the first got %d", p->pid));
	MUST(next != 500, "its number was given out");
	MUST(behind == 501, found("%d came behind it", behind));
	gone(p);
	MUST(number_after(499) == 500, "its number never comes back");
	return NULL;
}

TEST(the_number_of_a_group_without_its_leader_is_not_given_out)
{
	struct group *first = group_create(PID_MAX, NULL);
	struct proc *elder = born_after(550, first);
	struct proc *leader =
	    born_after(599, group_create(600, first->session));
	struct proc *member = born_after(600, leader->group);
	pid_t next;

	gone(leader);
	next = number_after(599);
	MUST(next != 600, "the group has the number");
	gone(member);
	MUST(number_after(599) == 600, "its number never comes back");
	gone(elder);
	return NULL;
}

TEST(the_number_of_a_session_without_its_first_group_is_not_given_out)
{
	struct proc *leader = born_after(699, group_create(700, NULL));
	struct group *second = group_create(750, leader->group->session);
	struct proc *member = born_after(750, second);
	pid_t next;

	gone(leader);
	next = number_after(699);
	MUST(next != 700, "the session has the number");
	gone(member);
	MUST(number_after(699) == 700, "its number never comes back");
	return NULL;
}

TEST(the_number_of_a_group_that_somebody_keeps_is_not_given_out)
{
	struct proc *leader = born_after(799, group_create(800, NULL));
	struct group *group = leader->group;
	pid_t next;

	group_keep(group);
	gone(leader);
	next = number_after(799);
	MUST(next != 800, "the group has the number");
	group_drop(group);
	MUST(number_after(799) == 800, "its number never comes back");
	return NULL;
}

static bool number_is_known(pid_t id)
{
	bool known;

	lock_acquire(&sched_lock);
	known = group_number_is_taken(id);
	lock_release(&sched_lock);
	return known;
}

TEST(numbers_begin_anew_behind_the_last)
{
	pid_t last = number_after(PID_MAX - 2);
	pid_t next = number_after(PID_MAX - 1);

	MUST(last == PID_MAX - 1, found("%d instead of the last", last));
	MUST(next > 0 && next < 10, found("%d behind the last", next));
	return NULL;
}

/* Where a row of numbers is taken, the next one is not that behind the row. */
TEST(a_thousand_numbers_in_use_are_passed_quickly)
{
	static struct proc *row[1000];
	struct group *group = group_create(PID_MAX, NULL);
	pid_t first, second;

	for (unsigned i = 0; i < array_len(row); i++)
		row[i] = born_after(999 + (pid_t)i, group);
	first = number_after(999);
	second = number_after(999);
	for (unsigned i = 0; i < array_len(row); i++)
		gone(row[i]);
	MUST(first > 0 && first < PID_MAX && second > 0 && second < PID_MAX,
	    found("%d and %d are no numbers", first, second));
	MUST(first < 1000 || first >= 2000, found("%d is in use", first));
	MUST(first != 2000 && first != second, "the number can be known");
	return NULL;
}

static bool process_is_known(pid_t pid)
{
	bool known;

	lock_acquire(&sched_lock);
	known = proc_find(pid) != NULL;
	lock_release(&sched_lock);
	return known;
}

#define ALIKE       256U /* numbers, which are multiples of DISTANCE */
#define DISTANCE    1024U
#define MULTIPLE(i) ((pid_t)(((i) + 1) * DISTANCE))

/* Lets every second one go, and then the others. */
TEST(what_has_numbers_that_end_alike_is_found_as_fast)
{
	static struct proc *member[ALIKE];
	bool known = true;

	for (unsigned i = 0; i < ALIKE; i++)
		member[i] = born_after(MULTIPLE(i) - 1,
		    group_create(MULTIPLE(i), NULL));
	for (unsigned i = 0; i < ALIKE; i += 2)
		gone(member[i]);
	for (unsigned i = 0; i < ALIKE; i++)
		known &= process_is_known(MULTIPLE(i)) == (i % 2) &&
		    number_is_known(MULTIPLE(i)) == (i % 2);
	for (unsigned i = 1; i < ALIKE; i += 2)
		gone(member[i]);
	return known ? NULL : "another one left with one";
}

static const struct test list[] = {
    T(the_number_of_a_process_is_not_given_out_again),
    T(the_number_of_a_group_without_its_leader_is_not_given_out),
    T(the_number_of_a_session_without_its_first_group_is_not_given_out),
    T(the_number_of_a_group_that_somebody_keeps_is_not_given_out),
    T(numbers_begin_anew_behind_the_last),
    T(a_thousand_numbers_in_use_are_passed_quickly),
    T(what_has_numbers_that_end_alike_is_found_as_fast),
};
SUITE(numbers, list);
