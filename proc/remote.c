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
	LENT_COUNT, /* as many as argument 2 says */
	LENT_STAT,  /* struct stat_abi */
	LENT_STATFS,
	LENT_IOCTL, /* what the command in argument 1 says */
};

struct call_form {
	uint8_t args; /* 0: not a call that servers are asked */
	uint8_t lent; /* enum lent; at argument 1, of an ioctl at 2 */
	uint8_t may;
	uint8_t needs; /* OPEN_READ, OPEN_WRITE: how the file is open */
};

#define OPEN_READ  1
#define OPEN_WRITE 2

#define STATFS_SIZE 120

static const struct call_form forms[] = {
    [SYS_read] = {3, LENT_COUNT, LEND_WRITE, OPEN_READ},
    [SYS_write] = {3, LENT_COUNT, LEND_READ, OPEN_WRITE},
    [SYS_lseek] = {3, LENT_NOTHING, 0, 0},
    [SYS_fstat] = {2, LENT_STAT, LEND_WRITE, 0},
    [SYS_pread64] = {4, LENT_COUNT, LEND_WRITE, OPEN_READ},
    [SYS_pwrite64] = {4, LENT_COUNT, LEND_READ, OPEN_WRITE},
    [SYS_getdents64] = {3, LENT_COUNT, LEND_WRITE, 0},
    [SYS_ioctl] = {3, LENT_IOCTL, 0, 0},
    [SYS_ftruncate] = {2, LENT_NOTHING, 0, 0},
    [SYS_fsync] = {1, LENT_NOTHING, 0, 0},
    [SYS_fdatasync] = {1, LENT_NOTHING, 0, 0},
    [SYS_fallocate] = {4, LENT_NOTHING, 0, 0},
    [SYS_fstatfs] = {2, LENT_STATFS, LEND_WRITE, 0},
    [SYS_fchmod] = {2, LENT_NOTHING, 0, 0},
    [SYS_fchown] = {3, LENT_NOTHING, 0, 0},
    [SYS_flock] = {2, LENT_NOTHING, 0, 0},
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
	uint64_t len = 0;

	switch (form->lent) {
	case LENT_COUNT:
		len = min_u64(tf_arg(tf, 2), LENT_MAX);
		break;
	case LENT_STAT:
		len = sizeof(struct stat_abi);
		break;
	case LENT_STATFS:
		len = STATFS_SIZE;
		break;
	case LENT_IOCTL:
		return lease_of_ioctl((uint32_t)tf_arg(tf, 1), tf_arg(tf, 2));
	default:
		break;
	}
	return (struct lease){tf_arg(tf, 1), (uint32_t)len, form->may};
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

/* What has been opened stays with the call until it has a descriptor. */
static long install(struct remote_call *call)
{
	int fd = fd_install(call->opened, 0, call->cloexec);

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

static long begin(struct file *f, const struct call_form *form,
    struct lease lease)
{
	if (lease.may == 0 || lease.len == 0)
		lease = (struct lease){0};
	if (lease.at > USER_TOP - lease.len)
		return -EFAULT;
	*call_remote() =
	    (struct remote_call){.form = form, .file = f, .lease = lease};
	return remote_go_on();
}

long remote_call(struct file *f)
{
	const struct trapframe *tf = &proc_self()->t.tf;
	uint64_t number = tf->x[REG_A7 - 1];
	const struct call_form *form;

	if (number >= array_len(forms) || forms[number].args == 0)
		return -ENOSYS;
	form = &forms[number];
	if ((form->needs == OPEN_READ && !file_can_read(f)) ||
	    (form->needs == OPEN_WRITE && !file_can_write(f)))
		return -EBADF;
	return begin(f, form, lease_of(form, tf));
}

long remote_call_as(struct file *f, uint64_t number, vaddr_t at, size_t len)
{
	const struct call_form *form = &forms[number];

	assert(number < array_len(forms) && form->args != 0);
	return begin(f, form,
	    (struct lease){at, (uint32_t)min_u64(len, LENT_MAX), form->may});
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

	*request = (struct request){
	    .id = call->id,
	    .number = form_number(call->form),
	    .token = ((const struct remote *)f->object)->token,
	    .position = f->pos,
	    .flags = f->flags,
	    .pid = client->pid,
	    .pgid = client->group->id,
	    .sid = client->group->session->id,
	    .umask = 022,
	};
	describe_args(client, request->arg);
}
