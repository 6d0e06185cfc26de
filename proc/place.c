/* SPDX-License-Identifier: MIT */
/*
 * place.c - finds the remote file at which a path begins.
 *
 * Only the first byte of the path is looked at; the rest is for the server.
 */
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "proc/port.h"

int place_of_byte(uint64_t fd, char first, struct file **from)
{
	const struct proc *self = proc_self();
	bool is_here = (int)fd == AT_FDCWD;

	if (first == '/')
		*from = self->root;
	else
		*from = is_here ? self->dir : fd_get((int)fd);
	if (*from == NULL)
		return is_here || first == '/' ? -ENOENT : -EBADF;
	return file_is_remote(*from) ? 0 : -ENOTDIR;
}

int place_of_path(uint64_t fd, vaddr_t path, struct file **from)
{
	char first;
	int err = copyin(proc_self()->as, &first, path, 1);

	return err < 0 ? err : place_of_byte(fd, first, from);
}

int place_of_times(uint64_t fd, vaddr_t path, struct file **from)
{
	if (path != 0 || (int)fd == AT_FDCWD)
		return place_of_path(fd, path, from);
	*from = fd_get((int)fd);
	if (*from == NULL)
		return -EBADF;
	return file_is_remote(*from) ? 0 : -EINVAL;
}

int remote_root(struct file *f)
{
	struct proc *self = proc_self();
	struct file *root = self->root, *dir = self->dir;

	if (!port_may_call(self, remote_port(f)))
		return -EDEADLK;
	file_get(f);
	file_get(f);
	lock_acquire(&sched_lock);
	self->root = self->dir = f;
	lock_release(&sched_lock);
	if (root != NULL) {
		file_put(root);
		file_put(dir);
	}
	return 0;
}

void remote_place_copy(struct proc *child, const struct proc *parent)
{
	child->root = parent->root;
	child->dir = parent->dir;
	file_get(child->root);
	file_get(child->dir);
}

void remote_place_leave(struct proc *p)
{
	if (p->root == NULL)
		return;
	file_put(p->root);
	file_put(p->dir);
	p->root = p->dir = NULL;
}
