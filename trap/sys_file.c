/* SPDX-License-Identifier: MIT */
/*
 * sys_file.c - system calls on open descriptors.
 */
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/unistd.h"
#include "io.h"
#include "lib/string.h"
#include "proc/device.h"
#include "proc/file.h"
#include "proc/pipe.h"
#include "proc/port.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "syscalls.h"

/* Executes a call again: goes on with the bytes that are not moved yet. */
static NOINLINE long transfer_rest(const struct io *io, vaddr_t at, size_t len)
{
	struct transfer *t = call_transfer();
	unsigned how = io_wait(io) | (t->done > 0 ? IO_REST : 0);
	long n = io_part(io, at + t->done, len - t->done, how);

	if (n == CALL_WAITS || n == CALL_GOES_ON)
		return n;
	if (n > 0)
		t->done += (size_t)n;
	if (n > 0 && t->done < len && io_goes_on(io))
		return call_go_on(SIGNAL_RESTARTS);
	return t->done > 0 ? (long)t->done : n;
}

/* The first part has moved `n` bytes, and more are left. */
static NOINLINE long transfer_more(size_t n)
{
	call_transfer()->done = n;
	return call_go_on(SIGNAL_RESTARTS);
}

INLINE long transfer(int fd, vaddr_t at, size_t len, bool is_write)
{
	struct io io;
	long n = io_begin(&io, fd, is_write);

	if (n < 0)
		return n;
	if (unlikely(file_is_remote(io.f)))
		return remote_call(io.f);
	len = min_u64(len, TRANSFER_MAX);
	if (!is_user_buffer(at, len))
		return -EFAULT;
	if (unlikely(call_is_repeated()))
		return transfer_rest(&io, at, len);
	n = io_part(&io, at, len, io_wait(&io));
	if (unlikely(n > 0 && (size_t)n < len && io_goes_on(&io)))
		return transfer_more((size_t)n);
	return n;
}

long sys_read(const struct trapframe *tf)
{
	return transfer(tf_int(tf, 0), tf_arg(tf, 1), tf_arg(tf, 2), false);
}

long sys_write(const struct trapframe *tf)
{
	return transfer(tf_int(tf, 0), tf_arg(tf, 1), tf_arg(tf, 2), true);
}

#define GRND_RANDOM   2U
#define GRND_INSECURE 4U
#define GRND_ALL      7U
#define RANDOM_PART   512UL /* bytes that are made without a pause */
#define RANDOM_WHOLE  256UL /* no signal ends a call for so few: getrandom(2) */

/* Fills in a part of the buffer: to the end of a page at most. */
static long random_part(vaddr_t at, size_t len)
{
	size_t n = min_u64(len, PAGE_SIZE - (at & PAGE_MASK));
	void *kernel;
	int err = user_page(proc_self()->as, at, ACCESS_WRITE, &kernel);

	if (err < 0)
		return err;
	n = min_u64(n, RANDOM_PART);
	random_bytes(kernel, n);
	return (long)n;
}

long sys_getrandom(const struct trapframe *tf)
{
	unsigned flags = (unsigned)tf_arg(tf, 2);
	size_t len = min_u64(tf_arg(tf, 1), TRANSFER_MAX);
	struct transfer *t = call_transfer();
	long n = 0;

	if ((flags & ~GRND_ALL) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
		(GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (!is_user_buffer(tf_arg(tf, 0), tf_arg(tf, 1)))
		return -EFAULT;
	if (len > 0)
		n = random_part(tf_arg(tf, 0) + t->done, len - t->done);
	if (n > 0)
		t->done += (size_t)n;
	if (n > 0 && t->done < len)
		return call_go_on(
		    len <= RANDOM_WHOLE ? SIGNAL_HELD : SIGNAL_RESTARTS);
	return moved(t, n);
}

long sys_close(const struct trapframe *tf)
{
	return fd_close(tf_int(tf, 0));
}

static long duplicate(int fd, int lowest, bool cloexec)
{
	struct file *f = fd_get(fd);
	int result;

	if (f == NULL)
		return -EBADF;
	file_get(f);
	result = fd_install(f, lowest, cloexec);
	if (result < 0)
		file_put(f);
	return result;
}

long sys_dup(const struct trapframe *tf)
{
	return duplicate(tf_int(tf, 0), 0, false);
}

long sys_dup3(const struct trapframe *tf)
{
	int from = tf_int(tf, 0), to = tf_int(tf, 1);
	int flags = tf_int(tf, 2);
	struct file *f = fd_get(from);
	int result;

	if (from == to || (flags & ~O_CLOEXEC) != 0)
		return -EINVAL;
	if (f == NULL || (unsigned)to >= proc_self()->fds.limit)
		return -EBADF;
	file_get(f);
	result = fd_replace(to, f, flags & O_CLOEXEC);
	if (result < 0)
		file_put(f);
	return result;
}

long sys_pipe2(const struct trapframe *tf)
{
	int flags = tf_int(tf, 1);
	bool cloexec = flags & O_CLOEXEC;
	struct file *ends[2];
	int fds[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = user_prepare(proc_self()->as, tf_arg(tf, 0), sizeof fds,
	    ACCESS_WRITE);
	if (err == 0)
		err = pipe_create((uint32_t)flags, ends);
	if (err < 0)
		return err;
	fds[0] = fd_install(ends[0], 0, cloexec);
	if (fds[0] < 0) {
		file_put(ends[0]);
		file_put(ends[1]);
		return fds[0];
	}
	fds[1] = fd_install(ends[1], 0, cloexec);
	if (fds[1] < 0) {
		(void)fd_close(fds[0]);
		file_put(ends[1]);
		return fds[1];
	}
	err = copyout(proc_self()->as, tf_arg(tf, 0), fds, sizeof fds);
	assert(err == 0);
	return 0;
}

long sys_fcntl(const struct trapframe *tf)
{
	int fd = tf_int(tf, 0);
	struct file *f = fd_get(fd);
	int command = tf_int(tf, 1);
	uint64_t arg = tf_arg(tf, 2);

	if (f == NULL)
		return -EBADF;
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= proc_self()->fds.limit)
			return -EINVAL;
		return duplicate(fd, (int)arg, command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_is_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		f->flags = (f->flags & ~(uint32_t)O_NONBLOCK) |
		    (uint32_t)(arg & O_NONBLOCK);
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return file_is_remote(f) ? remote_call(f) : -EINVAL;
	default:
		return -EINVAL;
	}
}

long sys_ioctl(const struct trapframe *tf)
{
	struct file *f = fd_get(tf_int(tf, 0));

	if (f == NULL)
		return -EBADF;
	if (file_is_remote(f))
		return remote_call(f);
	if (file_is_port(f) && tf_arg(tf, 1) == PORT_SIGNAL)
		return signal_kill_group((pid_t)tf_arg(tf, 2),
		    (int)(tf_arg(tf, 2) >> 32));
	if (file_is_port(f) && tf_arg(tf, 1) == PORT_DESCRIPTOR)
		return port_describe(f->object, tf_arg(tf, 2));
	if (file_is_port(f) && tf_arg(tf, 1) == PORT_SESSION)
		return port_session_of((pid_t)tf_arg(tf, 2));
	if (file_is_device(f))
		return device_ioctl(f, (uint32_t)tf_arg(tf, 1), tf_arg(tf, 2));
	return -ENOTTY;
}
