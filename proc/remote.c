/* SPDX-License-Identifier: MIT */
/*
 * remote.c - calls on remote files, as the caller sees them.
 *
 * What a caller lends, and how much of its registers means something, is in one
 * table by the number of the call. From then on it does not matter which call
 * it is: the process waits in its port, for a server or for an event, and
 * executes its call again when it is woken, until a server has ended it.
 */
#include "abi/errno.h"
#include "abi/ioctl.h"
#include "abi/stat.h"
#include "abi/syscall.h"
#include "proc/port.h"
#include "proc/sched.h"

/* What a call lends: how many bytes, where argument `at` points to. */
enum lent {
	LENT_NOTHING,
	LENT_COUNT, /* as many as the argument behind says */
	LENT_STAT,  /* struct stat_abi */
	LENT_STATX,
	LENT_STATFS,
	LENT_TIMES,
	LENT_IOCTL, /* what the command in argument 1 says */
};

/* Where a call goes: to what is open in argument 0, or where a path begins. */
enum goes {
	TO_FILE,
	TO_PATH,      /* in argument 0 */
	TO_PATH_AT,   /* a directory in argument 0, a path in 1 */
	TO_FILE_OR,   /* the same; or to the directory, if the path is NULL */
	TO_TWO_PATHS, /* as TO_PATH_AT, and once more in 2 and 3 */
	TO_LINK_AT,   /* a text in argument 0, a directory in 1, a path in 2 */
};

struct call_form {
	uint8_t args; /* 0: not a call that servers are asked */
	uint8_t goes; /* enum goes */
	uint8_t lent; /* enum lent */
	uint8_t at;
	uint8_t may;
	uint8_t needs; /* OPEN_READ, OPEN_WRITE: how the file is open */
};

#define OPEN_READ  1
#define OPEN_WRITE 2

#define STATX_SIZE  256
#define STATFS_SIZE 120
#define TIMES_SIZE  32

#define NO_LEASE LENT_NOTHING, 0, 0, 0

static const struct call_form forms[] = {
    [SYS_read] = {3, TO_FILE, LENT_COUNT, 1, LEND_WRITE, OPEN_READ},
    [SYS_write] = {3, TO_FILE, LENT_COUNT, 1, LEND_READ, OPEN_WRITE},
    [SYS_lseek] = {3, TO_FILE, NO_LEASE},
    [SYS_fstat] = {2, TO_FILE, LENT_STAT, 1, LEND_WRITE, 0},
    [SYS_pread64] = {4, TO_FILE, LENT_COUNT, 1, LEND_WRITE, OPEN_READ},
    [SYS_pwrite64] = {4, TO_FILE, LENT_COUNT, 1, LEND_READ, OPEN_WRITE},
    [SYS_getdents64] = {3, TO_FILE, LENT_COUNT, 1, LEND_WRITE, 0},
    [SYS_ioctl] = {3, TO_FILE, LENT_IOCTL, 2, 0, 0},
    [SYS_ftruncate] = {2, TO_FILE, NO_LEASE},
    [SYS_fsync] = {1, TO_FILE, NO_LEASE},
    [SYS_fdatasync] = {1, TO_FILE, NO_LEASE},
    [SYS_fallocate] = {4, TO_FILE, NO_LEASE},
    [SYS_fstatfs] = {2, TO_FILE, LENT_STATFS, 1, LEND_WRITE, 0},
    [SYS_fchmod] = {2, TO_FILE, NO_LEASE},
    [SYS_fchown] = {3, TO_FILE, NO_LEASE},
    [SYS_flock] = {2, TO_FILE, NO_LEASE},
    [SYS_fchdir] = {1, TO_FILE, NO_LEASE},
    [SYS_getcwd] = {2, TO_FILE, LENT_COUNT, 0, LEND_WRITE, 0},
    [SYS_chdir] = {1, TO_PATH, NO_LEASE},
    [SYS_truncate] = {2, TO_PATH, NO_LEASE},
    [SYS_statfs] = {2, TO_PATH, LENT_STATFS, 1, LEND_WRITE, 0},
    [SYS_openat] = {4, TO_PATH_AT, NO_LEASE},
    [SYS_mkdirat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_mknodat] = {4, TO_PATH_AT, NO_LEASE},
    [SYS_unlinkat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_faccessat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_faccessat2] = {4, TO_PATH_AT, NO_LEASE},
    [SYS_fchmodat] = {3, TO_PATH_AT, NO_LEASE},
    [SYS_fchownat] = {5, TO_PATH_AT, NO_LEASE},
    [SYS_readlinkat] = {4, TO_PATH_AT, LENT_COUNT, 2, LEND_WRITE, 0},
    [SYS_newfstatat] = {4, TO_PATH_AT, LENT_STAT, 2, LEND_WRITE, 0},
    [SYS_statx] = {5, TO_PATH_AT, LENT_STATX, 4, LEND_WRITE, 0},
    [SYS_utimensat] = {4, TO_FILE_OR, LENT_TIMES, 2, LEND_READ, 0},
    [SYS_linkat] = {5, TO_TWO_PATHS, NO_LEASE},
    [SYS_renameat2] = {5, TO_TWO_PATHS, NO_LEASE},
    [SYS_symlinkat] = {3, TO_LINK_AT, NO_LEASE},
};

static uint64_t form_number(const struct call_form *form)
{
	return (uint64_t)(form - forms);
}

/* Linux's limit for one transfer. */
#define LENT_MAX 0x7ffff000UL

/*
 * Commands of ioctl say which way bytes go, and how many; those of terminals
 * are older than that, and lend what is enough for any of them, both ways.
 */
#define IOCTL_IN(command)   ((command) >> 30 & 1)
#define IOCTL_OUT(command)  ((command) >> 31 & 1)
#define IOCTL_SIZE(command) ((command) >> 16 & 0x3fff)
#define IOCTL_TTY           0x54 /* bits 8 to 31 of those */
#define IOCTL_TTY_SIZE      64

static struct lease lease_of_ioctl(uint32_t command, vaddr_t at)
{
	if (command >> 8 == IOCTL_TTY)
		return (
		    struct lease){at, IOCTL_TTY_SIZE, LEND_READ | LEND_WRITE};
	return (struct lease){at, IOCTL_SIZE(command),
	    (IOCTL_IN(command) ? LEND_READ : 0) |
		(IOCTL_OUT(command) ? LEND_WRITE : 0)};
}

static struct lease lease_of(const struct call_form *form,
    const struct trapframe *tf)
{
	static const uint16_t sizes[] = {[LENT_STAT] = sizeof(struct stat_abi),
	    [LENT_STATX] = STATX_SIZE,
	    [LENT_STATFS] = STATFS_SIZE,
	    [LENT_TIMES] = TIMES_SIZE,
	    [LENT_IOCTL] = 0};
	vaddr_t at = tf_arg(tf, form->at);
	uint64_t len = sizes[form->lent];

	if (form->lent == LENT_IOCTL)
		return lease_of_ioctl((uint32_t)tf_arg(tf, 1), at);
	if (form->lent == LENT_COUNT)
		len = min_u64(tf_arg(tf, form->at + 1U), LENT_MAX);
	return (struct lease){at, (uint32_t)len, form->may};
}

static struct port *port_of(const struct file *f)
{
	return ((const struct remote *)f->object)->port;
}

/*
 * Puts it where a server finds it. Once it has been in a hand, it is the first,
 * and signals wait (M4).
 */
static long wait_for_server(struct proc *self, struct port *port)
    REQUIRES(sched_lock)
{
	bool again = self->t.call.remote.deaths > 0;
	long result = call_wait_locked(&port->callers,
	    again ? SIGNAL_HELD : SIGNAL_RESTARTS);

	if (result == CALL_WAITS && again) {
		list_unlink(&self->t.link);
		list_push_front(&port->callers.procs, &self->t.link);
	}
	waitq_wake_all_locked(&port->idle);
	return result;
}

/* May the process wait for a server of this port? M5. */
static bool may_call(const struct proc *self, const struct port *port)
{
	return self->t.serves == 0 || port->level + 1 < self->t.serves;
}

static uint64_t next_id GUARDED_BY(sched_lock);

/* Whatever it was woken by, it looks at everything anew. */
static long ask(struct proc *self) REQUIRES(sched_lock)
{
	struct remote_call *call = &self->t.call.remote;
	struct port *port = port_of(call->file);
	int error = call->error;

	if (call->server != NULL)
		port_let_go(call->server);
	call->error = 0;
	if (error != 0)
		return error;
	if (!port->is_served || call->deaths == DEATHS_MAX)
		return -EIO;
	if (!may_call(self, port))
		return -EDEADLK;
	if (call->id == 0)
		call->id = ++next_id;
	if (call->events != 0 && (port->events & call->events) == 0)
		return call_wait_locked(&port->waiters, SIGNAL_RESTARTS);
	call->events = 0;
	return wait_for_server(self, port);
}

/* What has been opened is where the process is. */
static long enter(struct remote_call *call)
{
	struct proc *self = proc_self();

	file_put(self->dir);
	self->dir = call->opened;
	call->opened = NULL;
	return 0;
}

/* What has been opened stays with the call until it has a place. */
static long install(struct remote_call *call)
{
	uint64_t number = form_number(call->form);
	int fd;

	if (number == SYS_chdir || number == SYS_fchdir)
		return enter(call);
	fd = fd_install(call->opened, 0, call->cloexec);
	if (fd >= 0)
		call->opened = NULL;
	return fd;
}

long remote_go_on(void)
{
	struct remote_call *call = call_remote();
	long result;

	if (call->opened != NULL)
		return install(call);
	lock_acquire(&sched_lock);
	result = ask(proc_self());
	lock_release(&sched_lock);
	return result;
}

static long begin(struct file *f, struct file *second,
    const struct call_form *form, struct lease lease)
{
	if (lease.may == 0 || lease.len == 0)
		lease = (struct lease){0};
	if (lease.at > USER_TOP - lease.len)
		return -EFAULT;
	*call_remote() = (struct remote_call){.form = form,
	    .file = f,
	    .second = second,
	    .lease = lease};
	return remote_go_on();
}

/* That of the running process's call; NULL: servers are not asked. */
static const struct call_form *form_of(const struct trapframe *tf)
{
	uint64_t number = tf->x[REG_A7 - 1];

	return number < array_len(forms) && forms[number].args != 0
	    ? &forms[number]
	    : NULL;
}

long remote_call(struct file *f)
{
	const struct trapframe *tf = &proc_self()->t.tf;
	const struct call_form *form = form_of(tf);

	if (form == NULL)
		return -ENOSYS;
	if ((form->needs == OPEN_READ && !file_can_read(f)) ||
	    (form->needs == OPEN_WRITE && !file_can_write(f)))
		return -EBADF;
	return begin(f, NULL, form, lease_of(form, tf));
}

long remote_call_as(struct file *f, uint64_t number, vaddr_t at, size_t len)
{
	const struct call_form *form = &forms[number];

	assert(number < array_len(forms) && form->args != 0);
	return begin(f, NULL, form,
	    (struct lease){at, (uint32_t)min_u64(len, LENT_MAX), form->may});
}

/*
 * The remote file that a path begins at; NULL if it is not one. Whatever
 * becomes of the path later, that is where it is looked up.
 */
static int begin_of_path(uint64_t fd, vaddr_t path, struct file **from)
{
	const struct proc *self = proc_self();
	bool is_here = (int)fd == AT_FDCWD;
	struct file *dir = is_here ? self->dir : fd_get((int)fd);
	bool is_remote = dir != NULL && file_is_remote(dir);
	char first;
	int err;

	*from = NULL;
	if (self->root == NULL && !is_remote)
		return 0;
	err = copyin(self->as, &first, path, 1);
	if (err < 0)
		return err;
	if (first == '/')
		*from = self->root;
	else if (is_remote)
		*from = dir;
	return dir == NULL && first != '/' && !is_here ? -EBADF : 0;
}

static int begin_of_times(uint64_t fd, vaddr_t path, struct file **from)
{
	struct file *f = fd_get((int)fd);

	if (path != 0 || (int)fd == AT_FDCWD)
		return begin_of_path(fd, path, from);
	*from = f != NULL && file_is_remote(f) ? f : NULL;
	return 0;
}

/* Where its paths begin, both NULL if that is nothing of a server's. */
static int begins(const struct call_form *form, const struct trapframe *tf,
    struct file **first, struct file **second)
{
	uint64_t a = tf_arg(tf, 0), b = tf_arg(tf, 1), c = tf_arg(tf, 2);
	int err;

	*second = NULL;
	switch (form->goes) {
	case TO_PATH:
		return begin_of_path((uint64_t)AT_FDCWD, a, first);
	case TO_FILE_OR:
		return begin_of_times(a, b, first);
	case TO_LINK_AT:
		return begin_of_path(b, c, first);
	case TO_TWO_PATHS:
		err = begin_of_path(c, tf_arg(tf, 3), second);
		if (err < 0)
			return err;
		FALLTHROUGH;
	default:
		return begin_of_path(a, b, first);
	}
}

long remote_path_call(void)
{
	const struct trapframe *tf = &proc_self()->t.tf;
	const struct call_form *form = form_of(tf);
	struct file *first, *second;
	int err;

	assert(form != NULL);
	err = begins(form, tf, &first, &second);
	if (err < 0)
		return err;
	if (first == NULL && second == NULL)
		return -ENOSYS;
	if (form->goes == TO_TWO_PATHS &&
	    (first == NULL || second == NULL ||
		port_of(first) != port_of(second)))
		return -EXDEV;
	return begin(first, second, form, lease_of(form, tf));
}

unsigned remote_strings(const struct proc *client, vaddr_t strings[STRINGS_MAX])
{
	const struct trapframe *tf = &client->t.tf;

	switch (client->t.call.remote.form->goes) {
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

int remote_root(struct file *f)
{
	struct proc *self = proc_self();

	if (!may_call(self, port_of(f)))
		return -EDEADLK;
	file_get(f);
	file_get(f);
	remote_place_leave(self);
	self->root = self->dir = f;
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

void remote_abandon(struct proc *p)
{
	struct remote_call *call = &p->t.call.remote;
	struct file *opened;

	lock_acquire(&sched_lock);
	if (call->server != NULL)
		port_let_go(call->server);
	opened = call->opened;
	lock_release(&sched_lock);
	if (opened != NULL)
		file_put(opened);
}

/*
 * The arguments as the server is told them: a call that goes as another one has
 * that one's memory, and what is in registers beyond the last is nobody's
 * business.
 */
static void describe_args(const struct proc *client, uint64_t arg[6])
{
	const struct remote_call *call = &client->t.call.remote;
	const struct call_form *form = call->form;

	for (unsigned i = 0; i < form->args; i++)
		arg[i] = tf_arg(&client->t.tf, i);
	if (client->t.tf.x[REG_A7 - 1] == form_number(form))
		return;
	arg[1] = call->lease.at;
	if (form->lent == LENT_COUNT)
		arg[2] = call->lease.len;
}

void remote_describe(const struct proc *client, struct request *request)
{
	const struct remote_call *call = &client->t.call.remote;
	const struct file *f = call->file;

	const struct file *second = call->second;

	*request = (struct request){
	    .id = call->id,
	    .number = form_number(call->form),
	    .token = ((const struct remote *)f->object)->token,
	    .second = second != NULL
		? ((const struct remote *)second->object)->token
		: 0,
	    .position = f->pos,
	    .flags = f->flags,
	    .pid = client->pid,
	    .pgid = client->group->id,
	    .sid = client->group->session->id,
	    .umask = 022,
	};
	describe_args(client, request->arg);
}
