/* SPDX-License-Identifier: MIT */
/*
 * sys_port.c - the calls that servers make (abi/port.h), and the calls that
 * only servers can answer.
 */
#include "abi/errno.h"
#include "abi/syscall.h"
#include "abi/unistd.h"
#include "io.h"
#include "proc/port.h"
#include "proc/request.h"
#include "proc/sched.h"
#include "proc/twin.h"
#include "syscalls.h"

/* The file that stands for the right to serve a port. */
static int port_file(const struct trapframe *tf, struct file **f)
{
	*f = fd_get(tf_int(tf, 0));
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

/*
 * The process serves the port from now on. Of all the ports that it serves, the
 * lowest level counts.
 */
static void serve(const struct port *port)
{
	struct thread *t = &proc_self()->t;

	if (t->serves == 0 || port->level + 1 < t->serves)
		t->serves = (uint8_t)(port->level + 1);
}

/* Sends the reply that is at `at`. */
static long reply_from(struct port *port, vaddr_t at)
{
	const struct aspace *as = proc_self()->as;
	const struct reply *ready;
	struct reply reply;
	long result = 0;

	if (at == 0)
		return -EINVAL;
	ready = words_ready(as, at, sizeof reply, ACCESS_READ);
	if (likely(ready != NULL))
		reply = *ready;
	else
		result = copyin(proc_self()->as, &reply, at, sizeof reply);
	if (result == 0)
		result = port_reply(port, &reply);
	if (result != 0)
		return result;
	if (reply.out_len > 0)
		call_forget();
	return reply.out_len > PAGE_SIZE ? call_go_on(SIGNAL_RESTARTS) : 0;
}

/* Makes sure of the room before it takes a request, which so arrives (C3). */
static long take_next(struct file *f, const struct trapframe *tf)
{
	struct aspace *as = proc_self()->as;
	vaddr_t to = tf_arg(tf, 2);
	struct request request;
	struct inbox inbox = {.room = room_of(proc_self()),
	    .in = tf_arg(tf, 3),
	    .size = tf_arg(tf, 4)};
	long result;
	int err;

	if (likely(inbox.room != NULL))
		return port_take(f, inbox.room, &inbox);
	err = user_prepare(as, to, sizeof request, ACCESS_WRITE);
	if (err < 0)
		return err;
	result = port_take(f, &request, &inbox);
	if (result != 0)
		return result;
	err = copyout(as, to, &request, sizeof request);
	assert(err == 0);
	return 0;
}

/*
 * Looks at the process's own hand without a lock: while a process runs, only it
 * puts anything there.
 */
long sys_port_next(const struct trapframe *tf)
{
	struct proc *self = proc_self();
	struct file *f;
	long result = port_file(tf, &f);

	if (result == 0)
		result = port_need_spare();
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
	return take_next(f, tf);
}

/*
 * A call has one lease, number 0. Signals wait until all bytes are copied, as a
 * server takes fewer bytes to mean that its caller has no more.
 */
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
	n = call_or_later(n, SIGNAL_HELD);
	if (n == CALL_GOES_ON)
		return n;
	if (n <= 0)
		return moved(t, n);
	t->done += (size_t)n;
	return t->done < len ? call_go_on(SIGNAL_HELD) : (long)t->done;
}

long sys_port_read(const struct trapframe *tf)
{
	return use_lease(tf, LEND_READ);
}

long sys_port_write(const struct trapframe *tf)
{
	return use_lease(tf, LEND_WRITE);
}

/*
 * Callers that wait for one of the raised events make their calls again. They
 * do so even if the event is lowered before they run, for example because
 * another caller came first.
 */
static void raise_events(struct port *port, uint64_t raised)
    REQUIRES(sched_lock)
{
	if (raised & ~port->events)
		port->raises++;
	port->events |= raised;
	list_for_each(link, &port->waiters.procs) {
		struct remote_call *call =
		    &list_entry(link, struct proc, t.link)->t.call.remote;

		call->raises = port->raises;
		if (call->events & raised)
			call->events = 0;
	}
	waitq_wake_all_locked(&port->waiters);
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
	port->events &= ~lowered;
	if (raised != 0)
		raise_events(port, raised);
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
	TRACE(server_adopted, "before", tf_arg(tf, 1));
	return port_adopt(f->object, (pid_t)tf_arg(tf, 1),
	    (pid_t)tf_arg(tf, 2));
}

/* The error of a call that only a server answers, on a file of the kernel's. */
static int refusal(const struct trapframe *tf)
{
	switch (tf_number(tf)) {
	case SYS_getdents64:
	case SYS_fchdir:
		return -ENOTDIR;
	case SYS_lseek:
		return (uint32_t)tf_arg(tf, 2) > SEEK_END ? -EINVAL : -ESPIPE;
	case SYS_pread64:
	case SYS_pwrite64:
		return -ESPIPE;
	default:
		return -EINVAL;
	}
}

static long file_call(const struct trapframe *tf)
{
	struct file *f = fd_get(tf_int(tf, 0));
	uint64_t number = tf_number(tf);

	if ((number == SYS_pread64 || number == SYS_pwrite64) &&
	    (int64_t)tf_arg(tf, 3) < 0)
		return -EINVAL;
	if (f == NULL)
		return -EBADF;
	return file_is_remote(f) ? remote_call(f) : refusal(tf);
}

long sys_remote(const struct trapframe *tf)
{
	return remote_is_of_file() ? file_call(tf) : remote_path_call();
}

long sys_refused(const struct trapframe *tf)
{
	(void)tf;
	return -ENOSYS;
}

long sys_port_root(const struct trapframe *tf)
{
	struct file *f = fd_get(tf_int(tf, 0));

	if (f == NULL)
		return -EBADF;
	return file_is_remote(f) ? remote_root(f) : -EINVAL;
}
