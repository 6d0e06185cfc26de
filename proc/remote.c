/* SPDX-License-Identifier: MIT */
/*
 * remote.c - calls on remote files, on the caller's side.
 *
 * To which file a call goes, what it lends, and how many of its registers the
 * server is shown is in one table (form.c). From there on all calls are treated
 * alike: the process waits at the port, for a server or for an event. Each time
 * it is woken it executes its call again, until a server has ended the call.
 */
#include "abi/errno.h"
#include "abi/syscall.h"
#include "proc/exec.h"
#include "proc/form.h"
#include "proc/pipe.h"
#include "proc/port.h"
#include "proc/request.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/vector.h"

/*
 * What a signal with a handler means for the call. mmap, and calls that go to
 * the root without a path, like uname, never fail with EINTR: they begin anew.
 */
static enum on_signal on_signal(const struct remote_call *call)
{
	return call_maps(call) || call_forms[call->number].goes == TO_ROOT
	    ? SIGNAL_REPEATS
	    : SIGNAL_RESTARTS;
}

/*
 * Puts the process into the port's queue and wakes a server. Signals have to
 * wait while a program is being loaded, as the loading would have to start from
 * the beginning.
 */
static long wait_for_server(struct proc *self, struct port *port)
    REQUIRES(sched_lock)
{
	struct proc *server;
	const struct remote_call *call = &self->t.call.remote;
	bool held =
	    call->exec != NULL && exec_step(call->exec)->wants != REPLY_IMAGE;
	long result = call_wait_locked(&port->callers,
	    held ? SIGNAL_HELD : on_signal(call));

	server = waitq_first(&port->idle);
	if (server != NULL)
		sched_wake_first(server);
	waitq_wake_all_locked(&port->idle);
	return result;
}

bool port_may_call(const struct proc *self, const struct port *port)
{
	return self->t.serves == 0 || port->level + 1 < self->t.serves;
}

uint64_t remote_last_id;

/*
 * Asks a server, or asks again: everything is checked anew, whatever woke the
 * process.
 */
static long ask(struct proc *self) REQUIRES(sched_lock)
{
	struct remote_call *call = &self->t.call.remote;
	struct port *port = remote_port(call->file);
	int error = call->error;

	if (call->server != NULL)
		port_let_go(call->server);
	call->error = 0;
	if (error != 0)
		return error;
	if (!port->is_served || call->deaths == DEATHS_MAX)
		return -EIO;
	if (!port_may_call(self, port))
		return -EDEADLK;
	if (call->id == 0)
		call->id = ++remote_last_id;
	/*
	 * An event may have been raised and lowered since the reply that named
	 * it.
	 */
	if (call->events != 0 && (port->events & call->events) == 0 &&
	    call->raises == port->raises)
		return call_wait_locked(&port->waiters, on_signal(call));
	call->events = 0;
	TRACE(request_made, "pid request", self->pid, call->id);
	return wait_for_server(self, port);
}

/* Opens a file of the caller's, or a pipe, that the reply has named. */
static int open_here(struct remote_call *call)
{
	const struct opening *opening = &call->opening;
	struct pipe_name name = {remote_port(call->file)->serial,
	    opening->token};

	call->opens = false;
	if (opening->reply == REPLY_PIPE)
		return pipe_open(name, opening->flags, &call->opened);
	if (opening->token < FD_MAX)
		call->opened = fd_get((int)opening->token);
	if (call->opened == NULL)
		return -EBADF;
	file_get(call->opened);
	return 0;
}

/* Ends chdir: the folder that was opened is the process's current folder. */
static long enter(struct remote_call *call)
{
	struct proc *self = proc_self();
	struct file *left = self->dir;

	lock_acquire(&sched_lock);
	self->dir = call->opened;
	lock_release(&sched_lock);
	file_put(left);
	call->opened = NULL;
	return 0;
}

/*
 * Gives the file that was opened a descriptor. If there is none, the call still
 * has the file, and lets it go when it ends.
 */
static long install(struct remote_call *call)
{
	uint64_t number = call->number;
	long result = 0;
	int fd;

	if (number == SYS_chdir || number == SYS_fchdir)
		return enter(call);
	/* Pipes are not from a server: `opening` says why it is opened. */
	if (file_is_pipe(call->opened) && call->opening.reply == REPLY_PIPE)
		result = pipe_await(call->opened);
	if (result != 0)
		return result;
	fd = fd_install(call->opened, 0, call->cloexec);
	if (fd >= 0)
		call->opened = NULL;
	return fd;
}

/* The server replied that the process is in the background (REPLY_STOP). */
static long be_stopped(struct remote_call *call)
{
	int sig = call->stop;
	long result = background_stop(sig);

	if (result == CALL_GOES_ON && proc_self()->t.call.state == CALL_PART)
		return result; /* group_search() goes on */
	call->stop = 0;
	call->deaf = result == 0;
	if (call->deaf)
		result = sig == SIGTTOU ? call_go_on(SIGNAL_RESTARTS) : -EIO;
	return result;
}

long remote_go_on(void)
{
	struct remote_call *call = call_remote();
	bool maps = call_maps(call);
	long result;

	if (unlikely(call->opens)) {
		result = open_here(call);
		if (result < 0)
			return result;
	}
	if (call->opened != NULL)
		return install(call);
	if (call->stop != 0)
		return be_stopped(call);
	lock_acquire(&sched_lock);
	result = ask(proc_self());
	lock_release(&sched_lock);
	return maps ? mapping_end(result) : result;
}

/*
 * Finds memory for what the server is to write, as much as it can write at
 * once, so that a lack of memory is an error of the caller's call. If the
 * caller's buffer ends early, less is lent. If there is no buffer at all, the
 * call is made all the same: the server may have no byte to write.
 */
static int make_ready(const struct call_form *form, struct lease *lease)
{
	uint64_t len = min_u64(lease->len, READY_MAX);
	long n = user_ready(proc_self()->as, lease->at, len, ACCESS_WRITE);

	if (n == -ENOMEM)
		return -ENOMEM;
	if (n > 0 && (uint64_t)n < len && form->lent == LENT_COUNT)
		lease->len = (uint32_t)n;
	return 0;
}

static long begin(struct file *f, struct file *second, uint64_t number,
    struct lease lease)
{
	if (lease.may == 0 || lease.len == 0)
		lease = (struct lease){0};
	if (lease.at > USER_TOP - lease.len)
		return -EFAULT;
	if (lease.may == LEND_WRITE &&
	    make_ready(&call_forms[number], &lease) < 0)
		return -ENOMEM;
	*call_remote() = (struct remote_call){.number = (uint16_t)number,
	    .file = f,
	    .second = second,
	    .lease = lease};
	return remote_go_on();
}

long remote_vector(struct file *f, uint64_t number, struct vector *v)
{
	struct call *call = &proc_self()->t.call;

	call->kept = KEPT_REMOTE;
	call->remote = (struct remote_call){.number = (uint16_t)number,
	    .file = f,
	    .vector = v,
	    .in_pieces = true,
	    .lease = {vector_find(v, 0)->at, (uint32_t)v->len,
		call_forms[number].may}};
	return remote_go_on();
}

long remote_step(struct exec *exec, uint64_t number, struct file *f)
{
	struct proc *self = proc_self();
	struct call *call = &self->t.call;
	bool has_second =
	    number == SYS_execve && remote_port(self->dir) == remote_port(f);

	call->kept = KEPT_REMOTE;
	call->remote = (struct remote_call){.number = (uint16_t)number,
	    .file = f,
	    .second = has_second ? self->dir : NULL,
	    .exec = exec};
	return remote_go_on();
}

long remote_call(struct file *f)
{
	const struct trapframe *tf = &proc_self()->t.tf;
	uint16_t index = call_form_index(tf);
	const struct call_form *form = &call_forms[index];

	if ((form->needs == OPEN_READ && !file_can_read(f)) ||
	    (form->needs == OPEN_WRITE && !file_can_write(f)))
		return -EBADF;
	return begin(f, NULL, index, lease_of(form, tf));
}

long remote_call_as(struct file *f, uint64_t number, vaddr_t at, size_t len)
{
	return begin(f, NULL, number,
	    (struct lease){at, (uint32_t)min_u64(len, LENT_MAX),
		call_forms[number].may});
}

bool remote_is_of_file(void)
{
	const struct trapframe *tf = &proc_self()->t.tf;

	return call_forms[call_form_index(tf)].goes == TO_FILE;
}

/*
 * A call with the number of a note (REQUEST_CLOSED and above) would look like
 * one to the server: no program can make it.
 */
static int place_of_root(uint64_t number, struct file **root)
{
	*root = proc_self()->root;
	return *root != NULL && number < REQUEST_CLOSED ? 0 : -ENOSYS;
}

/*
 * Finds the files at which the one or two paths of a call begin. *second is
 * NULL if there is one path.
 */
static int begins(const struct call_form *form, const struct trapframe *tf,
    struct file **first, struct file **second)
{
	uint64_t a = tf_arg(tf, 0), b = tf_arg(tf, 1), c = tf_arg(tf, 2);
	int err;

	*second = NULL;
	switch (form->goes) {
	case TO_ROOT:
		return place_of_root(tf_number(tf), first);
	case TO_PATH:
		return place_of_path((uint64_t)AT_FDCWD, a, first);
	case TO_FILE_OR:
		return place_of_times(a, b, first);
	case TO_LINK_AT:
		return place_of_path(b, c, first);
	case TO_TWO_PATHS:
		err = place_of_path(c, tf_arg(tf, 3), second);
		if (err < 0)
			return err;
		FALLTHROUGH;
	default:
		return place_of_path(a, b, first);
	}
}

long remote_path_call(void)
{
	const struct trapframe *tf = &proc_self()->t.tf;
	uint16_t index = call_form_index(tf);
	const struct call_form *form = &call_forms[index];
	struct file *first = NULL, *second;
	int err = begins(form, tf, &first, &second);

	if (err < 0)
		return err;
	/*
	 * Otherwise the server would create or truncate a file for which there
	 * is no descriptor.
	 */
	if (index == SYS_openat && fd_table_is_full())
		return -EMFILE;
	if (second != NULL && remote_port(first) != remote_port(second))
		return -EXDEV;
	return begin(first, second, index, lease_of(form, tf));
}

unsigned remote_strings(const struct proc *client, vaddr_t strings[STRINGS_MAX])
{
	const struct trapframe *tf = &client->t.tf;

	switch (call_forms[client->t.call.remote.number].goes) {
	case TO_PATH:
		strings[0] = tf_arg(tf, 0);
		return 1;
	case TO_PATH_AT:
		strings[0] = tf_arg(tf, 1);
		return 1;
	case TO_FILE_OR:
		strings[0] = tf_arg(tf, 1);
		return strings[0] != 0;
	case TO_TWO_PATHS:
		strings[0] = tf_arg(tf, 1);
		strings[1] = tf_arg(tf, 3);
		return 2;
	case TO_LINK_AT:
		strings[0] = tf_arg(tf, 0);
		strings[1] = tf_arg(tf, 2);
		return 2;
	default:
		return 0;
	}
}

void remote_abandon(struct proc *p)
{
	struct remote_call *call = &p->t.call.remote;
	struct exec *exec = call->exec;
	struct vector *vector = lease_pieces(call);
	struct remote *told;
	struct file *opened;

	lock_acquire(&sched_lock);
	told = port_call_is_gone(call);
	if (call->server != NULL)
		port_let_go(call->server);
	opened = call->opened;
	lock_release(&sched_lock);
	if (told != NULL)
		remote_free(told);
	if (opened != NULL)
		file_put(opened);
	if (exec != NULL)
		exec_abandon(p, exec);
	if (vector != NULL)
		vector_free(vector);
}

/*
 * Changes the arguments that the server is shown where they differ from those
 * of the caller. readv, for example, is shown as a read of as many bytes as all
 * its pieces have, and a count is never more than what is lent. A step of
 * execve has no arguments of its caller's: it asks for a piece of the file.
 */
static void describe_args(const struct proc *client,
    const struct call_form *form, struct request *request)
{
	const struct remote_call *call = &client->t.call.remote;
	uint64_t *arg = request->arg;

	if (call->exec != NULL) {
		arg[2] = exec_step(call->exec)->len;
		arg[3] = exec_step(call->exec)->offset;
		return;
	}
	if (tf_number(&client->t.tf) != request->number)
		arg[1] = call->lease.at;
	if (form->lent == LENT_COUNT)
		arg[form->at + 1] = call->lease.len;
}

void remote_describe(const struct proc *client, struct request *request)
{
	const struct remote_call *call = &client->t.call.remote;
	const struct call_form *form = &call_forms[call->number];

	remote_tell(client, call->exec != NULL ? 0 : form->args, request);
	if (call->number == 0)
		request->number = tf_number(&client->t.tf);
	if (call->second != NULL)
		request->second =
		    ((const struct remote *)call->second->object)->token;
	if (call_maps(call))
		request->position = bag_filled(client->as);
	if (call->exec != NULL)
		request->flags |= exec_step(call->exec)->flags;
	describe_args(client, form, request);
	TRACE(request_taken, "client request", client->pid, call->id);
}
