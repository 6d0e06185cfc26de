/* SPDX-License-Identifier: MIT */
/*
 * fork.c - a process makes another.
 *
 * First everything is allocated that may not be available, then the child is
 * filled in, and then it is made known, which cannot fail. The address space is
 * shared by aspace_fork(), whose cost depends on neither its size nor the
 * number of its mappings.
 */
#include "abi/errno.h"
#include "fp.h"
#include "lib/string.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/space.h"

static void copy_registers(struct proc *child, struct proc *parent,
    const struct fork_args *args)
{
	fp_sync(parent);
	memcpy(&child->t.tf, &parent->t.tf, offsetof(struct trapframe, f));
	if (parent->t.fp_used) {
		memcpy(child->t.tf.f, parent->t.tf.f, sizeof child->t.tf.f);
		child->t.tf.fcsr = parent->t.tf.fcsr;
		child->t.fp_used = true;
	}
	*tf_reg(&child->t.tf, REG_A0) = 0;
	if (args->stack != 0)
		*tf_reg(&child->t.tf, REG_SP) = args->stack;
	if (args->set_tls)
		*tf_reg(&child->t.tf, REG_TP) = args->tls;
}

static void copy_rest(struct proc *child, struct proc *parent,
    const struct fork_args *args)
{
	child->is_system = parent->is_system;
	child->umask = parent->umask;
	child->program = parent->program;
	child->program_port = parent->program_port;
	if (likely(parent->root != NULL))
		remote_place_copy(child, parent);
	child->exit_signal = (uint8_t)args->exit_signal;
	child->t.set_tid = args->child_tid;
	child->t.clear_tid = args->clear_tid;
	child->t.work = args->child_tid != 0;
	memcpy(child->name, parent->name, sizeof child->name);
	signal_copy(child, parent);
	fd_table_copy(&child->fds, &parent->fds);
}

/* Makes the parent wait until the child has left the space that it runs in. */
static long wait_for_child(struct proc *child, struct proc *parent)
    REQUIRES(sched_lock)
{
	struct call *call = &parent->t.call;

	call->kept = KEPT_CHILD;
	call->child = child->pid;
	space_lend(parent, child->as);
	return call_wait_locked(NULL, SIGNAL_HELD);
}

/*
 * Frees a child that no process has seen. Its tables are shared with the
 * parent, so they are freed quickly.
 */
static void discard(struct proc *child)
{
	fd_table_close(&child->fds);
	remote_place_leave(child);
	if (child->as != NULL)
		aspace_discard(child->as);
	proc_discard(child);
}

/* Makes everything that may not be available. NULL: memory is out. */
static struct proc *allocate(struct proc *parent, bool share_memory)
{
	struct proc *child = proc_create();
	bool done;

	if (child == NULL)
		return NULL;
	done = fd_table_prepare(&child->fds, &parent->fds);
	if (done && !share_memory) {
		child->as = aspace_fork(parent->as);
		done = child->as != NULL;
	}
	if (done)
		return child;
	discard(child);
	return NULL;
}

/*
 * Finds where the child's pid goes in the parent's memory; NULL if nowhere. As
 * on Linux, an address that cannot be written to is not an error. False if
 * memory is out.
 */
static bool find_parent_tid(struct proc *parent, vaddr_t at, pid_t **tid)
{
	void *kernel = NULL;
	int err = -EFAULT;

	if (at != 0 && at % sizeof **tid == 0)
		err = user_page(parent->as, at, ACCESS_WRITE, &kernel);
	*tid = err == 0 ? kernel : NULL;
	return err != -ENOMEM;
}

/*
 * If a signal has come meanwhile, the child is discarded, and the call begins
 * anew after the signal: a signal to the parent's group could not reach the
 * child, which was no member yet, and must not miss it.
 */
long proc_fork(const struct fork_args *args)
{
	struct proc *parent = proc_self(), *child;
	pid_t *tid;
	long result;

	child = allocate(parent, args->share_memory);
	if (child == NULL)
		return -ENOMEM;
	/* The parent runs next: it need not fault on its code and its stack. */
	if (!args->share_memory) {
		aspace_own_paths(parent->as, parent->t.tf.pc,
		    *tf_reg(&parent->t.tf, REG_SP));
	}
	if (!find_parent_tid(parent, args->parent_tid, &tid)) {
		discard(child);
		return -ENOMEM;
	}
	copy_registers(child, parent, args);
	copy_rest(child, parent, args);

	lock_acquire(&sched_lock);
	if (signal_is_due(parent)) {
		result = call_wait_locked(NULL, SIGNAL_REPEATS);
		lock_release(&sched_lock);
		discard(child);
		return result;
	}
	proc_publish(child, parent, parent->group);
	result = child->pid;
	if (tid != NULL)
		*tid = child->pid;
	if (args->share_memory)
		space_share(parent, child);
	if (args->wait)
		result = wait_for_child(child, parent);
	sched_wake(child);
	lock_release(&sched_lock);
	return result;
}
