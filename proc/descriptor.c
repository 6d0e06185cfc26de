/* SPDX-License-Identifier: MIT */
/*
 * descriptor.c - tells a server what files a process has open.
 */
#include "abi/errno.h"
#include "proc/pipe.h"
#include "proc/port.h"

/* Describes a file to the server of `port`: tokens only of its own files. */
static void tell(const struct file *f, const struct port *port,
    struct port_descriptor *told) REQUIRES(sched_lock)
{
	told->flags = f->flags;
	if (file_is_remote(f) && remote_port(f) == port) {
		told->kind = DESCRIPTOR_OWN;
		told->number = ((const struct remote *)f->object)->token;
	} else if (file_is_remote(f)) {
		told->kind = DESCRIPTOR_OTHER;
		told->number = remote_port(f)->serial;
	} else if (file_is_pipe(f)) {
		told->kind = DESCRIPTOR_PIPE;
		told->number = pipe_number(f);
	} else if (file_is_port(f)) {
		told->kind = DESCRIPTOR_PORT;
		told->number = ((const struct port *)f->object)->serial;
	} else {
		told->kind = DESCRIPTOR_SERIAL;
		told->number = 0;
	}
}

static int tell_program(const struct proc *p, const struct port *port,
    struct port_descriptor *told) REQUIRES(sched_lock)
{
	if (p->program_port != port->serial)
		return -EBADF;
	told->kind = DESCRIPTOR_OWN;
	told->flags = O_RDONLY;
	told->number = p->program;
	return 0;
}

static int describe(const struct port *port, struct port_descriptor *told)
    REQUIRES(sched_lock)
{
	const struct proc *p = proc_find(told->pid);
	const struct file *f = NULL;

	if (p == NULL || p->exiting != EXIT_NOT)
		return -ESRCH;
	if (told->fd == DESCRIPTOR_PROGRAM)
		return tell_program(p, port, told);
	if (told->fd == DESCRIPTOR_DIR)
		f = p->dir;
	while (told->fd >= 0 && told->fd < p->fds.end) {
		f = p->fds.files[told->fd];
		if (f != NULL)
			break;
		told->fd++;
	}
	if (f == NULL)
		return -EBADF;
	tell(f, port, told);
	return 0;
}

long port_describe(const struct port *port, vaddr_t at)
{
	struct aspace *as = proc_self()->as;
	struct port_descriptor told;
	int err = copyin(as, &told, at, sizeof told);

	if (err < 0)
		return err;
	lock_acquire(&sched_lock);
	err = describe(port, &told);
	lock_release(&sched_lock);
	return err < 0 ? err : copyout(as, at, &told, sizeof told);
}
