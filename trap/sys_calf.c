/* SPDX-License-Identifier: MIT */
/*
 * sys_calf.c - the calls that show what this kernel is about (abi/calf.h), and
 * in test builds the two that check it and make it fail.
 */
#include "abi/calf.h"
#include "abi/errno.h"
#include "arch/hart.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/inspect.h"
#include "proc/exec.h"
#include "proc/sched.h"
#include "proc/space.h"
#include "syscalls.h"

/* Since it was last asked for. */
static void take_longest(struct calf_stat *st)
{
#ifdef CALF_TEST
	for (unsigned i = 0; i < hart_count; i++) {
		struct hart *hart = &harts[i];

		if (hart->longest > st->longest_entry) {
			st->longest_entry = hart->longest;
			st->longest_call = hart->longest_call;
		}
		hart->longest = 0;
	}
#endif
	(void)st;
}

long sys_calf_stat(const struct trapframe *tf)
{
	struct stats sum = stats_sum();
	struct calf_stat st = {
	    .frames_total = frame_total_count(),
	    .frames_free = frame_free_count(),
	    .processes = proc_count,
	    .harts = hart_count,
	    .forks = sum.forks,
	    .page_copies = sum.page_copies,
	    .page_reuses = sum.page_reuses,
	    .page_zeros = sum.page_zeros,
	    .table_copies = sum.table_copies,
	    .table_reuses = sum.table_reuses,
	    .execs = sum.execs,
	    .page_faults = sum.page_faults,
	    .oom_kills = sum.oom_kills,
	    .switches = sum.switches,
	    .wakes = sum.wakes,
	};
	size_t size = min_u64(tf_arg(tf, 1), sizeof st);
	int err;

	take_longest(&st);
	err = copyout(proc_self()->as, tf_arg(tf, 0), &st, size);
	return err < 0 ? err : (long)size;
}

static uint8_t state_letter(const struct proc *p)
{
	switch (p->t.state) {
	case PROC_BLOCKED:
		return 'S';
	case PROC_STOPPED:
		return 'T';
	case PROC_ZOMBIE:
		return 'Z';
	default:
		return 'R';
	}
}

long sys_calf_ps(const struct trapframe *tf)
{
	struct calf_ps ps;
	struct proc *p;
	int err;

	memset(&ps, 0, sizeof ps);
	(void)call_walk();
	lock_acquire(&sched_lock);
	if (!proc_next((pid_t)tf_arg(tf, 0), &p)) {
		lock_release(&sched_lock);
		return call_go_on(SIGNAL_HELD);
	}
	if (p != NULL) {
		ps.pid = p->pid;
		ps.ppid = p->parent != NULL ? p->parent->pid : 0;
		ps.pgid = p->group->id;
		ps.state = state_letter(p);
		ps.hart = (uint8_t)p->t.tf.hart->index;
		ps.time_ticks = p->t.time_ticks;
		str_copy(ps.name, p->name, sizeof ps.name);
	}
	lock_release(&sched_lock);
	if (p == NULL)
		return 0;
	err = copyout(proc_self()->as, tf_arg(tf, 1), &ps, sizeof ps);
	return err < 0 ? err : 1;
}

/* Another process's address space, kept from going away. */
static struct aspace *aspace_of(pid_t pid)
{
	struct aspace *as = NULL;
	struct proc *p;

	lock_acquire(&sched_lock);
	p = pid == 0 ? proc_self() : proc_find(pid);
	if (p != NULL)
		as = p->as;
	if (as != NULL)
		aspace_get(as);
	lock_release(&sched_lock);
	return as;
}

long sys_calf_walk(const struct trapframe *tf)
{
	struct aspace *as;
	struct calf_walk walk;

	if (tf_arg(tf, 1) >= USER_TOP)
		return -EINVAL;
	as = aspace_of((pid_t)tf_arg(tf, 0));
	if (as == NULL)
		return -ESRCH;
	inspect_walk(as, tf_arg(tf, 1), &walk);
	space_put(proc_self(), as);
	return copyout(proc_self()->as, tf_arg(tf, 2), &walk, sizeof walk);
}

long sys_calf_next(const struct trapframe *tf)
{
	struct aspace *as = aspace_of((pid_t)tf_arg(tf, 0));
	struct calf_run run;
	bool found;
	int err;

	if (as == NULL)
		return -ESRCH;
	found = inspect_next(as, tf_arg(tf, 1), &run);
	space_put(proc_self(), as);
	if (!found)
		return 0;
	err = copyout(proc_self()->as, tf_arg(tf, 2), &run, sizeof run);
	return err < 0 ? err : 1;
}

#ifdef CALF_TEST
long sys_calf_check(const struct trapframe *tf)
{
	long free;

	(void)tf;
	/* Their memory is to be back before it is counted. */
	if (image_reclaim(proc_self()))
		return call_go_on(SIGNAL_HELD);
	hart_stop_others();
	free = (long)aspace_audit();
	hart_resume_others();
	hart_pause_begin(); /* an audit is none of what a program may ask for */
	return free;
}

long sys_calf_fail(const struct trapframe *tf)
{
	struct frame_failure *failure = &proc_self()->failure;
	long failed = (long)failure->failed;

	if (tf_arg(tf, 1) == CALF_FAIL_SITES)
		return (long)alloc_site_report();
	*failure = (struct frame_failure){
	    .countdown = tf_arg(tf, 0),
	    .from = tf_arg(tf, 1) == CALF_FAIL_FROM,
	};
	return failed;
}
#else
long sys_calf_check(const struct trapframe *tf)
{
	(void)tf;
	return -ENOSYS;
}

long sys_calf_fail(const struct trapframe *tf)
{
	(void)tf;
	return -ENOSYS;
}
#endif
