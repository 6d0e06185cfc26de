/* SPDX-License-Identifier: MIT */
/*
 * sys_calf.c - the calls that only this kernel has, about its memory and its
 * processes (abi/calf.h); in test builds also one that checks the kernel, and
 * one that lets allocations fail.
 */
#include "abi/calf.h"
#include "abi/errno.h"
#include "arch/hart.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/inspect.h"
#include "mm/slab.h"
#include "proc/exec.h"
#include "proc/sched.h"
#include "proc/space.h"
#include "proc/walk.h"
#include "syscalls.h"

static void tell_longest(struct calf_stat *st)
{
#ifdef CALF_TEST
	for (unsigned i = 0; i < hart_count; i++) {
		const struct hart *hart = &harts[i];

		if (hart->longest > st->longest_entry) {
			st->longest_entry = hart->longest;
			st->longest_call = hart->longest_call;
		}
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
	    .switches = sum.switches + sum.handovers,
	    .wakes = sum.wakes,
	    .handovers = sum.handovers,
	    .table_passes = sum.table_passes,
	};
	size_t size = min_u64(tf_arg(tf, 1), sizeof st);
	int err =
	    user_prepare(proc_self()->as, tf_arg(tf, 0), size, ACCESS_WRITE);

	if (err < 0)
		return err;
#ifdef CALF_NO_FAST_PATHS
	st.handovers = UINT64_MAX;
#endif
	tell_longest(&st);
	err = copyout(proc_self()->as, tf_arg(tf, 0), &st, size);
	assert(err == 0);
	return (long)size;
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

/* The process's space, which stays until space_put(); or NULL. */
static struct aspace *space_of(const struct proc *p) REQUIRES(sched_lock)
{
	if (p->as != NULL)
		aspace_get(p->as);
	return p->as;
}

long sys_calf_ps(const struct trapframe *tf)
{
	struct aspace *as = NULL;
	struct calf_ps ps;
	struct proc *p;
	int err = user_prepare(proc_self()->as, tf_arg(tf, 1), sizeof ps,
	    ACCESS_WRITE);

	if (err < 0)
		return err;
	memset(&ps, 0, sizeof ps);
	(void)call_walk();
	lock_acquire(&sched_lock);
	if (!proc_next((pid_t)tf_arg(tf, 0), &p)) {
		lock_release(&sched_lock);
		return call_go_on(SIGNAL_HELD);
	}
	if (p != NULL) {
		ps.pid = p->pid;
		ps.ppid = p->parent->pid;
		ps.pgid = p->group->id;
		ps.state = state_letter(p);
		ps.hart = (uint8_t)p->t.tf.hart->index;
		ps.time_ticks = p->t.time_ticks;
		ps.child_ticks = p->child_ticks;
		str_copy(ps.name, p->name, sizeof ps.name);
		as = space_of(p);
	}
	lock_release(&sched_lock);
	if (p == NULL)
		return 0;
	if (as != NULL) {
		ps.args_len =
		    (uint32_t)inspect_args(as, ps.args, sizeof ps.args);
		space_put(proc_self(), as);
	}
	err = copyout(proc_self()->as, tf_arg(tf, 1), &ps, sizeof ps);
	return err < 0 ? err : 1;
}

static struct aspace *aspace_of(pid_t pid)
{
	struct aspace *as = NULL;
	struct proc *p;

	lock_acquire(&sched_lock);
	p = pid == 0 ? proc_self() : proc_find(pid);
	if (p != NULL)
		as = space_of(p);
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
/*
 * Marks the spaces of system processes for the audit, which does not count
 * their memory as used. Returns the number of these processes: each has a frame
 * beside its space as well.
 */
static uint64_t mark_system_spaces(void)
{
	uint64_t count = 0;

	lock_acquire(&sched_lock);
	list_for_each(link, &proc_all) {
		struct proc *p = list_entry(link, struct proc, all);

		if (list_is_mark(link) || !p->is_system)
			continue;
		count++;
		if (p->as != NULL)
			p->as->is_system = true;
	}
	lock_release(&sched_lock);
	return count;
}

long sys_calf_check(const struct trapframe *tf)
{
	uint64_t system;
	long free;

	(void)tf;
	/* Cached programs give their memory back before it is counted. */
	if (image_reclaim(proc_self()))
		return call_go_on(SIGNAL_HELD);
	system = mark_system_spaces();
	hart_stop_others();
	free = (long)(system + aspace_audit() + slab_excess());
	hart_resume_others();
	hart_pause_begin(); /* the audit does not count as time in the kernel */
	return free;
}

long sys_calf_fail(const struct trapframe *tf)
{
	struct frame_failure *failure = &proc_self()->failure;
	long failed = (long)failure->failed;

	if (tf_arg(tf, 1) == CALF_FAIL_SITES)
		return (long)alloc_site_report();
	*failure = (struct frame_failure){
	    .countdown = (uint32_t)tf_arg(tf, 0),
	    .from = tf_arg(tf, 1) == CALF_FAIL_FROM,
	};
	return failed;
}
#endif
