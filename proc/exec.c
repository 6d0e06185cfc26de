/* SPDX-License-Identifier: MIT */
/*
 * exec.c - a process becomes another program.
 *
 * The new address space is complete before the old one is let go, so an error
 * changes nothing. It is a fork of the program's frozen image (image.c), whose
 * stack is given its first contents (args.c).
 *
 * Programs are files of servers, and the call asks a server about one in steps.
 * While it waits for an answer, struct exec belongs to the request (call.h:
 * remote_call.exec), and to the call again when the answer has come.
 */
#include "proc/exec.h"

#include "abi/errno.h"
#include "abi/syscall.h"
#include "args.h"
#include "fp.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/port.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/space.h"

/*
 * What a call of execve has made so far; in a frame of its own. The comment of
 * each phase completes its name.
 */
struct exec {
	enum {
		EXEC_FIND,    /* the program */
		EXEC_FOUND,   /* a server has */
		EXEC_MEASURE, /* the arguments */
		EXEC_FORK,    /* the image, if it is in the cache */
		EXEC_PLAN,    /* the image, if it is not */
		EXEC_OPENED,  /* by the server */
		EXEC_PLANNED, /* by the server */
		EXEC_BUILD,   /* the image */
		EXEC_FILL,    /* a page of it, from the server */
		EXEC_PUT,     /* the arguments, into the new space */
		EXEC_CLOSE,   /* files; from here on nothing fails */
	} phase;
	struct image_key key;
	struct image *image; /* being built */
	struct strings from;
	struct program prog;
	char *path; /* a frame; so are from.words, if there are any */

	struct step step;
	struct file *begin; /* where the path begins */
	struct file *file;  /* the program, open to be loaded; or NULL */
};

_Static_assert(sizeof(struct exec) <= PAGE_SIZE, "one frame");

#define EXEC_MORE 1

_Static_assert(EXEC_MORE == ARGS_MORE && EXEC_MORE == IMAGE_MORE, "one word");

struct step *exec_step(struct exec *exec)
{
	return &exec->step;
}

static void free_frame_of(const void *bytes)
{
	if (bytes != NULL)
		frame_put(frame_of_virt(bytes));
}

/* ---- What a server is asked, and answers: struct step ---- */

/* Returns the bytes of an answer, which belong to the caller from then on. */
static char *take_bytes(struct step *step)
{
	char *bytes = step->bytes;

	step->bytes = NULL;
	return bytes;
}

/* Asks the server. The phase after this one deals with the answer. */
static int ask(struct exec *exec, uint64_t number, struct file *f,
    struct step step)
{
	free_frame_of(take_bytes(&exec->step));
	exec->step = step;
	exec->phase++;
	return (int)remote_step(exec, number, f);
}

static int ask_for_path(struct exec *exec, uint32_t wants, uint32_t flags)
{
	return ask(exec, SYS_execve, exec->begin,
	    (struct step){.wants = wants, .flags = flags});
}

static bool words_are_valid(const struct step *step, unsigned *count)
{
	for (size_t i = 0; i < step->bytes_len; i++)
		*count += step->bytes[i] == '\0';
	return *count <= WORDS_MAX && step->bytes[step->bytes_len - 1] == '\0';
}

/*
 * Takes the answer about the program. It replaces an earlier one if the program
 * has been changed since, and the arguments are measured once more.
 */
static int take_found(struct exec *exec)
{
	struct step *step = &exec->step;
	unsigned word_count = 0;

	if (step->result < 0)
		return (int)step->result;
	free_frame_of(exec->from.words);
	exec->from.words = NULL;
	if (step->bytes != NULL && !words_are_valid(step, &word_count))
		return -EIO;
	exec->key =
	    (struct image_key){remote_port(exec->begin)->serial, step->token};
	exec->from.words_len = step->bytes != NULL ? step->bytes_len : 0;
	exec->from.words = take_bytes(step);
	exec->from.word_count = word_count;
	exec->prog = (struct program){
	    .bytes = strlen(exec->path) + 1 + exec->from.words_len};
	exec->phase = EXEC_MEASURE;
	return 0;
}

static int take_opened(struct exec *exec)
{
	if (exec->step.result < 0)
		return (int)exec->step.result;
	if (exec->file != NULL)
		file_put(exec->file);
	exec->file = exec->step.opened;
	exec->step.opened = NULL;
	return ask(exec, SYS_execveat, exec->file,
	    (struct step){.len = sizeof(struct program_plan)});
}

/*
 * Takes the plan. If it is that of another program, as the file has changed,
 * the program is looked for once more.
 */
static int take_plan(struct exec *exec)
{
	struct step *step = &exec->step;
	struct program_plan *plan = (void *)step->bytes;
	int err;

	if (step->result < 0)
		return (int)step->result;
	if (plan == NULL || step->bytes_len != sizeof *plan)
		return -EIO;
	if (plan->token != exec->key.token) {
		free_frame_of(take_bytes(step));
		exec->phase = EXEC_FIND;
		return EXEC_MORE;
	}
	err = image_begin(&exec->key, plan, &exec->image);
	if (err < 0)
		return err;
	step->bytes = NULL;
	exec->phase = EXEC_BUILD;
	return 0;
}

static int take_piece(struct exec *exec)
{
	struct step *step = &exec->step;
	const struct image_piece piece = {step->offset, step->len};
	int err;

	if (step->result < 0)
		return (int)step->result;
	if (step->bytes == NULL || step->bytes_len != piece.len)
		return -EIO;
	err = image_fill(exec->image, &piece, step->bytes);
	if (err < 0)
		return err;
	free_frame_of(take_bytes(step));
	exec->phase = EXEC_BUILD;
	return 0;
}

/* ---- The phases ---- */

static int fork_image(struct exec *exec)
{
	struct program *prog = &exec->prog;
	int err = image_fork(&exec->key, &prog->info, &prog->as);

	if (err == 0)
		exec->phase = EXEC_PUT;
	else if (err == IMAGE_MORE)
		exec->phase = EXEC_PLAN;
	return err;
}

static int build_image(struct exec *exec)
{
	struct image_piece piece;
	int err = image_lay_out(exec->image);

	if (err != 0)
		return err;
	if (!image_wants(exec->image, &piece)) {
		image_add(exec->image);
		exec->image = NULL;
		exec->phase = EXEC_FORK;
		return EXEC_MORE;
	}
	return ask(exec, SYS_pread64, exec->file,
	    (struct step){.offset = piece.offset, .len = piece.len});
}

/* Does a part of this work on the arguments; the phase ends when it is done. */
static int args_part(struct exec *exec,
    int (*part)(struct program *prog, const struct strings *from))
{
	int err = part(&exec->prog, &exec->from);

	if (err == 0)
		exec->phase++;
	return err;
}

/* Does the next part. EXEC_MORE: it took long enough for a pause. */
static int exec_part(struct exec *exec)
{
	switch (exec->phase) {
	case EXEC_FIND:
		return ask_for_path(exec, REPLY_IMAGE, 0);
	case EXEC_FOUND:
		return take_found(exec);
	case EXEC_MEASURE:
		return args_part(exec, args_measure);
	case EXEC_FORK:
		return fork_image(exec);
	case EXEC_PLAN:
		return ask_for_path(exec, REPLY_FILE, REQUEST_LOAD);
	case EXEC_OPENED:
		return take_opened(exec);
	case EXEC_PLANNED:
		return take_plan(exec);
	case EXEC_BUILD:
		return build_image(exec);
	case EXEC_FILL:
		return take_piece(exec);
	default:
		return args_part(exec, args_put);
	}
}

void enter_program(struct proc *p, const struct program *prog, const char *path)
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
	TRACE(process_executes, "pid frame:root", p->pid,
	    frame_trace(p->as->root));
	TRACE(process_named, "pid text:name", p->pid, TRACE_TEXT(p->name));
}

/* Makes the state of a new call. */
static int exec_begin(struct exec **begun, vaddr_t path, vaddr_t argv,
    vaddr_t envp)
{
	struct proc *p = proc_self();
	struct frame *state = frame_alloc(FRAME_KERNEL), *text;
	struct exec *exec;
	int err;

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
	err = copyinstr(p->as, exec->path, path, PATH_MAX);
	if (err < 0)
		return err;
	return place_of_byte((uint64_t)AT_FDCWD, exec->path[0], &exec->begin);
}

void exec_abandon(struct proc *p, struct exec *exec)
{
	if (exec->image != NULL)
		image_abandon(p, exec->image);
	if (exec->prog.as != NULL)
		space_put(p, exec->prog.as);
	if (exec->step.opened != NULL)
		file_put(exec->step.opened);
	if (exec->file != NULL)
		file_put(exec->file);
	free_frame_of(exec->step.bytes);
	free_frame_of(exec->from.words);
	free_frame_of(exec->path);
	frame_put(frame_of_virt(exec));
}

/* Enters the new program. From here on nothing can fail. */
static void exec_enter(struct proc *p, struct exec *exec)
{
	struct aspace *old = p->as;

	enter_program(p, &exec->prog, exec->path);
	lock_acquire(&sched_lock);
	p->program = exec->key.token;
	p->program_port = exec->key.port;
	lock_release(&sched_lock);
	if (unlikely(p->is_system))
		proc_disown(p);
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
	if (err < 0) {
		/* If the call is tried again, it begins anew. */
		call_forget();
		return err;
	}
	exec = *kept;
	while (err == 0 && exec->phase < EXEC_CLOSE)
		err = exec_part(exec);
	if (err == 0 && !fd_table_exec_part(&p->fds))
		err = EXEC_MORE;
	if (err != 0)
		return err < 0 ? err : call_go_on(SIGNAL_HELD);
	exec_enter(p, exec);
	return CALL_ENDED;
}
