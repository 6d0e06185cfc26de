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
#include "arch/machine.h"
#include "args.h"
#include "fp.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/space.h"

/* What a call of execve has made so far; in a frame of its own. */
struct exec {
	enum {
		EXEC_FIND,    /* the program */
		EXEC_MEASURE, /* the arguments */
		EXEC_FORK,    /* the image, if it is in the cache */
		EXEC_BUILD,   /* the image, if it is not */
		EXEC_PUT,     /* the arguments, into the new space */
		EXEC_CLOSE,   /* files; from here on nothing fails */
	} phase;
	struct lookup_rest rest;
	const struct node *node;
	struct image *image; /* being built */
	struct strings from;
	struct program prog;
	char *path; /* a frame */
};

_Static_assert(sizeof(struct exec) <= PAGE_SIZE, "one frame");

#define EXEC_MORE 1

_Static_assert(EXEC_MORE == ARGS_MORE && EXEC_MORE == IMAGE_MORE &&
	EXEC_MORE == LOOKUP_MORE,
    "one word");

/* The first process is not found from a directory of its own. */
static int find_program(struct exec *exec)
{
	const struct node *cwd =
	    exec->from.as != NULL ? proc_self()->cwd : NULL;
	int err =
	    initrd_lookup(cwd, exec->from.path, true, &exec->rest, &exec->node);

	if (err != 0)
		return err;
	if (!node_is(exec->node, MODE_FILE) || !(exec->node->mode & 0111))
		return -EACCES;
	exec->phase = EXEC_MEASURE;
	return 0;
}

/* Does the next part. EXEC_MORE: it was long enough. */
static int exec_part(struct exec *exec)
{
	struct program *prog = &exec->prog;
	int err = 0;

	switch (exec->phase) {
	case EXEC_FIND:
		return find_program(exec);
	case EXEC_MEASURE:
		err = args_measure(prog, &exec->from);
		if (err == 0)
			exec->phase = EXEC_FORK;
		return err;
	case EXEC_FORK:
		err = image_fork(exec->node, &prog->info, &prog->as);
		if (err == 0)
			exec->phase = EXEC_PUT;
		else if (err == IMAGE_MORE)
			exec->phase = EXEC_BUILD;
		return err < 0 ? err : 0;
	case EXEC_BUILD:
		err = image_build(exec->node, &exec->image);
		if (err < 0)
			return err;
		if (err == 0)
			exec->phase = EXEC_FORK;
		return EXEC_MORE;
	default:
		err = args_put(prog, &exec->from);
		if (err == 0)
			exec->phase = EXEC_CLOSE;
		return err;
	}
}

static void enter_program(struct proc *p, const struct program *prog,
    const char *path)
{
	const char *name = path;

	for (; *path != '\0'; path++)
		if (*path == '/')
			name = path + 1;
	memset(p->t.tf.x, 0, sizeof p->t.tf.x);
	p->t.tf.pc = prog->info.entry;
	*tf_reg(&p->t.tf, REG_SP) = prog->sp;
	str_copy(p->name, name, sizeof p->name);
	p->t.clear_tid = 0;
	lock_acquire(&sched_lock);
	p->as = prog->as;
	p->did_exec = true;
	lock_release(&sched_lock);
}

/* The state of a new call. */
static int exec_begin(struct exec **begun, vaddr_t path, vaddr_t argv,
    vaddr_t envp)
{
	struct proc *p = proc_self();
	struct frame *state = frame_alloc(FRAME_KERNEL), *text;
	struct exec *exec;

	if (state == NULL)
		return -ENOMEM;
	exec = frame_virt(state);
	*exec = (struct exec){.from = {.as = p->as, .vector = {argv, envp}}};
	*begun = exec;
	text = frame_alloc(FRAME_KERNEL);
	if (text == NULL)
		return -ENOMEM;
	exec->path = frame_virt(text);
	exec->from.path = exec->path;
	return copyinstr(p->as, exec->path, path, PATH_MAX);
}

void exec_abandon(struct proc *p, struct exec *exec)
{
	if (exec->image != NULL)
		image_abandon(p, exec->image);
	if (exec->prog.as != NULL)
		space_put(p, exec->prog.as);
	if (exec->path != NULL)
		frame_put(frame_of_virt(exec->path));
	frame_put(frame_of_virt(exec));
}

/* Nothing is left to fail. */
static void exec_enter(struct proc *p, struct exec *exec)
{
	struct aspace *old = p->as;

	enter_program(p, &exec->prog, exec->path);
	exec->prog.as = NULL;
	call_abandon(p);
	signal_exec(p);
	port_leave(p);
	fp_reset(p);
	aspace_claim(p->as);
	aspace_switch(p->as);
	space_quit(p, old);
}

long proc_exec(vaddr_t path, vaddr_t argv, vaddr_t envp)
{
	struct exec **kept = call_exec(), *exec;
	struct proc *p = proc_self();
	int err = 0;

	if (*kept == NULL)
		err = exec_begin(kept, path, argv, envp);
	exec = *kept;
	if (err < 0) {
		/* Begun anew, should it be tried again. */
		if (exec != NULL)
			exec_abandon(p, exec);
		*kept = NULL;
		return err;
	}
	while (err == 0 && exec->phase < EXEC_CLOSE)
		err = exec_part(exec);
	if (err == 0 && !fd_table_exec_part(&p->fds))
		err = EXEC_MORE;
	if (err != 0)
		return err < 0 ? err : call_go_on(SIGNAL_HELD);
	exec_enter(p, exec);
	return CALL_ENDED;
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

/* Nobody waits for anything yet: one part after the other. */
static int exec_all(struct exec *exec)
{
	int err = 0;

	while (err >= 0 && exec->phase < EXEC_CLOSE)
		err = exec_part(exec);
	return err < 0 ? err : 0;
}

void proc_start_init(const char *path, const char *args)
{
	struct exec exec = {.from = {.path = path, .args = args}};
	struct proc *p = proc_create();
	size_t len;
	struct group *group = session_create(INIT_PID);
	int err = 0;

	(void)bootarg_find("--", &exec.from.rest, &len);
	if (p == NULL || group == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = exec_all(&exec);
	if (err < 0)
		panic("expected a program to start as process 1, found %s: %s",
		    path, exec_error(err));
	enter_program(p, &exec.prog, path);
	p->exit_signal = SIGCHLD;
	fd_table_init(&p->fds);
	open_console(&p->fds);
	proc_init_task = p;
	lock_acquire(&sched_lock);
	proc_publish(p, NULL, group);
	sched_wake(p);
	lock_release(&sched_lock);
}
