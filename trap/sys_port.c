/* SPDX-License-Identifier: MIT */
/*
 * sys_port.c - the calls of servers (abi/port.h), and those that only files of
 * a server know.
 */
#include "abi/errno.h"
#include "io.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "syscalls.h"

/* The file that stands for the right to serve a port. */
static int port_file(const struct trapframe *tf, struct file **f)
{
	*f = fd_get((int)tf_arg(tf, 0));
	if (*f == NULL)
		return -EBADF;
	return file_is_port(*f) ? 0 : -EINVAL;
}

static long install(struct file *f, bool cloexec)
{
	int fd = fd_install(f, 0, cloexec);

	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_port_create(const struct trapframe *tf)
{
	uint64_t level = tf_arg(tf, 0);
	struct file *f;
	int err;

	if (level > PORT_LEVEL_MAX)
		return -EINVAL;
	err = port_create((unsigned)level, &f);
	return err < 0 ? err : install(f, true);
}

#define OPEN_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CLOEXEC)

long sys_port_open(const struct trapframe *tf)
{
	struct remote_wish wish = {.token = tf_arg(tf, 1),
	    .flags = (uint32_t)tf_arg(tf, 2),
	    .readable = tf_arg(tf, 3),
	    .writable = tf_arg(tf, 4)};
	struct file *port, *f;
	int err = port_file(tf, &port);

	if (err < 0)
		return err;
	if ((tf_arg(tf, 2) & ~(uint64_t)OPEN_FLAGS) ||
	    (wish.flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	err = remote_create(port->object, &wish, &f);
	return err < 0 ? err : install(f, wish.flags & O_CLOEXEC);
}

/* From now on; of all the ports that it serves, the lowest level counts. */
static void serve(const struct port *port)
{
	struct thread *t = &proc_self()->t;

	if (t->serves == 0 || port->level + 1 < t->serves)
		t->serves = (uint8_t)(port->level + 1);
}

/* Sends the reply that is at `at`. */
static long reply_from(struct port *port, vaddr_t at)
{
	struct reply reply;
	long result;

	if (at == 0)
		return -EINVAL;
	result = copyin(proc_self()->as, &reply, at, sizeof reply);
	if (result == 0)
		result = port_reply(port, &reply);
	if (result != 0)
		return result;
	if (reply.out_len > 0)
		call_forget();
	return reply.out_len > PAGE_SIZE ? call_go_on(SIGNAL_RESTARTS) : 0;
}

/*
 * What is taken is sure to arrive (C3): there is room for it before. What is in
 * the hand is looked at without a lock: only this process puts anything there.
 */
long sys_port_next(const struct trapframe *tf)
{
	struct proc *self = proc_self();
	vaddr_t to = tf_arg(tf, 2);
	struct request request;
	struct file *f;
	long result = port_file(tf, &f);
	int err;

	if (result < 0)
		return result;
	serve(f->object);
	if (self->t.owes)
		result = reply_from(f->object, tf_arg(tf, 1));
	if (result != 0)
		return result;
	if (call_is_repeated())
		call_forget();
	if (self->t.note != NULL)
		port_note_done(self);
	err = user_prepare(self->as, to, sizeof request, ACCESS_WRITE);
	if (err < 0)
		return err;
	result = port_take(f, &request, tf_arg(tf, 3), tf_arg(tf, 4));
	if (result != 0)
		return result;
	err = copyout(self->as, to, &request, sizeof request);
	assert(err == 0);
	return 0;
}

/* There is one lease for a call, number 0. */
static long use_lease(const struct trapframe *tf, uint32_t may)
{
	size_t len = min_u64(tf_arg(tf, 4), TRANSFER_MAX);
	struct transfer *t;
	struct file *f;
	long n = port_file(tf, &f);

	if (n < 0)
		return n;
	if (tf_arg(tf, 1) != 0)
		return -EINVAL;
	t = call_transfer();
	n = port_copy_part(&(struct lease_use){may, tf_arg(tf, 2) + t->done,
	    tf_arg(tf, 3) + t->done, len - t->done});
	if (n == CALL_GOES_ON)
		return n;
	if (n <= 0)
		return moved(t, n);
	t->done += (size_t)n;
	return t->done < len ? call_go_on(SIGNAL_RESTARTS) : (long)t->done;
}

long sys_port_read(const struct trapframe *tf)
{
	return use_lease(tf, LEND_READ);
}

long sys_port_write(const struct trapframe *tf)
{
	return use_lease(tf, LEND_WRITE);
}

long sys_port_events(const struct trapframe *tf)
{
	uint64_t raised = tf_arg(tf, 1), lowered = tf_arg(tf, 2);
	struct port *port;
	struct file *f;
	int err = port_file(tf, &f);

	if (err < 0)
		return err;
	port = f->object;
	lock_acquire(&sched_lock);
	port->events = (port->events & ~lowered) | raised;
	if (raised != 0)
		waitq_wake_all_locked(&port->waiters);
	lock_release(&sched_lock);
	return 0;
}

long sys_port_adopt(const struct trapframe *tf)
{
	struct file *f;
	int err = port_file(tf, &f);

	if (err < 0)
		return err;
	serve(f->object);
	return port_adopt(f->object, (pid_t)tf_arg(tf, 1),
	    (pid_t)tf_arg(tf, 2));
}

long sys_remote(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));

	return f != NULL && file_is_remote(f) ? remote_call(f) : -ENOSYS;
}

long sys_port_root(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));

	if (f == NULL)
		return -EBADF;
	return file_is_remote(f) ? remote_root(f) : -EINVAL;
}
