/* SPDX-License-Identifier: MIT */
/*
 * exec.c - a process becomes another program.
 *
 * The new address space is complete before the old one is let go, so an error
 * changes nothing. It is a fork of the program's frozen image (image.c), whose
 * stack is given its first contents (args.c).
 */
#include "proc/exec.h"

#include "abi/errno.h"
#include "args.h"
#include "exit.h"
#include "fp.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/sched.h"
#include "proc/signal.h"

static int program_build(struct program *prog, const struct node *node,
    const struct strings *from)
{
	int err = args_measure(prog, from);

	if (err < 0)
		return err;
	err = image_fork(node, &prog->info, &prog->as);
	if (err < 0)
		return err;
	err = args_put(prog, from);
	if (err < 0)
		aspace_discard(prog->as);
	return err;
}

static void enter_program(struct proc *p, const struct program *prog,
    const char *path)
{
	const char *name = path;

	for (; *path != '\0'; path++)
		if (*path == '/')
			name = path + 1;
	memset(p->tf.x, 0, sizeof p->tf.x);
	p->tf.pc = prog->info.entry;
	*tf_reg(&p->tf, REG_SP) = prog->sp;
	str_copy(p->name, name, sizeof p->name);
	p->clear_tid = 0;
	lock_acquire(&sched_lock);
	p->as = prog->as;
	lock_release(&sched_lock);
}

static int find_program(const struct node *cwd, const char *path,
    const struct node **node)
{
	int err = initrd_lookup(cwd, path, true, node);

	if (err < 0)
		return err;
	if (!node_is(*node, MODE_FILE) || !((*node)->mode & 0111))
		return -EACCES;
	return 0;
}

long proc_exec(vaddr_t path_at, vaddr_t argv, vaddr_t envp)
{
	struct proc *p = proc_self();
	char *path = path_buffer();
	struct strings from = {path, p->as, argv, envp, NULL};
	struct program prog = {0};
	struct aspace *old = p->as;
	const struct node *node;
	int err = copyinstr(old, path, path_at, PATH_MAX);

	if (err == 0)
		err = find_program(p->cwd, path, &node);
	if (err == 0)
		err = program_build(&prog, node, &from);
	if (err < 0)
		return err;

	enter_program(p, &prog, path);
	signal_exec(p);
	fd_table_exec(&p->fds);
	fp_reset(p);
	aspace_switch(p->as);
	lock_acquire(&sched_lock);
	p->did_exec = true;
	vfork_release(p);
	lock_release(&sched_lock);
	if (aspace_put(old))
		p->old = old;
	return -ENORESULT;
}

static const char *exec_error(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such file";
	case -EACCES:
		return "not an executable file";
	case -ENOEXEC:
		return "not a static RISC-V ELF program, or a damaged one";
	case -ENOMEM:
		return "not enough memory";
	default:
		return "cannot be started";
	}
}

static void open_console(struct fd_table *table)
{
	struct file *f = file_create(&tty_ops, O_RDWR);

	if (f == NULL)
		panic("expected memory for the console");
	for (int fd = 0; fd < 3; fd++) {
		table->files[fd] = f;
		if (fd > 0)
			file_get(f);
	}
	table->end = 3;
	table->cloexec[0] = 0;
}

void proc_start_init(const char *path, const char *args)
{
	struct strings from = {.path = path, .args = args};
	struct program prog = {0};
	struct proc *p = proc_create();
	const struct node *node;
	int err = find_program(NULL, path, &node);

	if (p == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = program_build(&prog, node, &from);
	if (err < 0)
		panic("expected a program to start as process 1, found %s: %s",
		    path, exec_error(err));
	memset(&p->tf, 0, sizeof p->tf);
	enter_program(p, &prog, path);
	p->exit_signal = SIGCHLD;
	fd_table_init(&p->fds);
	open_console(&p->fds);
	proc_init_task = p;
	lock_acquire(&sched_lock);
	proc_publish(p, NULL);
	p->pgid = p->sid = p->pid;
	sched_wake(p);
	lock_release(&sched_lock);
}
