/* SPDX-License-Identifier: MIT */
/*
 * port.h - ports: how a process serves the system calls of others.
 *
 * A port is where servers take requests; a process that has the descriptor of a
 * port may serve it. A remote file is a file of a port. A system call on one is
 * a request: the caller waits in the port until a server takes it, and is then
 * in the server's hand until the server replies. The message is the caller's
 * registers, and the memory that it lends is what they point to.
 *
 * A server never waits with a request in hand. What it cannot do now it answers
 * by naming events of the port, and the caller waits for one of these and asks
 * again.
 *
 *   M1  A request is in one hand, or in none: thread.client of the server and
 *       remote_call.server of the caller point to each other, or are NULL.
 *   M2  A caller in a hand does not run. Its registers and its memory are
 *       touched while it is blocked, by a hart that has claimed its space.
 *   M3  A server reaches what its caller lends, in the direction in which it is
 *       lent, and no other byte.
 *   M4  A call that was in the hand of a server that is gone is asked again,
 *       with the same id, and no signal ends it in between: it may have been
 *       done. After DEATHS_MAX such servers it ends with EIO. A server that
 *       answers "not now" says that nothing was done, and it begins anew.
 *   M5  No two processes wait for each other: servers only call ports of a
 *       lower level than theirs.
 *   M6  Of the calls on one remote file, one is in a hand at a time: it finds
 *       the position as the one before has left it.
 *   M7  The end of a remote file is told once: its note stays with the port, or
 *       in a hand, until a server that had it in hand asks for what is next.
 *   M8  A call that was in the hand of a server that is gone is asked again, or
 *       its port is told that it is not. A server that takes a call has the
 *       note for that, thread.spare; while the call is in no hand, it has the
 *       note itself, remote_call.doubt. A note that names a port is due, or
 *       will be if the server dies.
 *
 * Locks: [s] sched_lock   [c] constant once created
 */
#ifndef PROC_PORT_H
#define PROC_PORT_H

#include "abi/port.h"
#include "abi/syscall.h"
#include "proc/file.h"

struct port {
	uint64_t serial;      /* [c] no other port ever has this number */
	uint32_t refs;        /* [s] of its descriptor, and of its files */
	uint32_t level;       /* [c] */
	bool is_served;       /* [s] its descriptor is open */
	uint64_t events;      /* [s] the events that are raised */
	uint16_t raises;      /* [s] how often a lowered event was raised */
	struct waitq idle;    /* servers that wait for something to do */
	struct waitq callers; /* callers that are in no hand, in order */
	struct waitq served;  /* callers that are in a hand */
	struct waitq waiters; /* callers that wait for an event; polls */
	struct list notes;    /* [s] remote files that have been closed */
	struct port *next;    /* [o] in proc.closed */
};

struct remote {
	struct port *port; /* [c]; of a call, [s] */
	uint64_t token;    /* [c] the server's name for it; of a call, its id */
	uint64_t readable; /* [c] events that say so; 0: it is always */
	uint64_t writable; /* [c] likewise */
	uint32_t number;   /* [c] of the note: REQUEST_... */
	bool is_in_hand;   /* [s] a call on this file is in a hand */
	struct list behind; /* [s] callers that wait behind that call */
	struct list link;   /* [s] in port.notes */
	uint32_t deaths;    /* [s] of servers that had the note in hand */
	uint32_t files;     /* [s] struct files that stand for it */
};

#define DEATHS_MAX 2

extern const struct file_ops port_ops, remote_ops;

static inline bool file_is_port(const struct file *f)
{
	return f->ops == &port_ops;
}

static inline bool file_is_remote(const struct file *f)
{
	return f->ops == &remote_ops;
}

static inline struct port *remote_port(const struct file *f)
{
	return ((const struct remote *)f->object)->port;
}

/* A new port, and the file that stands for the right to serve it. -ENOMEM. */
MUST_USE int port_create(unsigned level, struct file **f);

/* What a new remote file is to be. */
struct remote_wish {
	uint64_t token;
	uint64_t readable;
	uint64_t writable;
	uint32_t flags; /* flags of open; some mean nothing for a file */
};

/* A new file of the port. -ENOMEM. */
MUST_USE int remote_create(struct port *port, const struct remote_wish *wish,
    struct file **f) EXCLUDES(sched_lock);

/*
 * Another struct file for a remote file, with flags of its own. The server is
 * not told of it: its note comes when the last of them is closed. -ENOMEM.
 */
MUST_USE int remote_again(const struct file *of, uint32_t flags,
    struct file **f) EXCLUDES(sched_lock);

/* Undoes remote_create() or remote_again(); no process has seen the file. */
void remote_discard(struct file *f) EXCLUDES(sched_lock);

/*
 * A note of interrupts, which is of no file, and is told again for each of
 * them. NULL: memory is out.
 */
MUST_USE struct remote *remote_note(struct port *port, uint64_t token)
    EXCLUDES(sched_lock);

/*
 * Frees a remote file or a note. The server has been told what it says, or
 * does not need to be, or there is no server.
 */
void remote_free(struct remote *remote) EXCLUDES(sched_lock);

/*
 * Makes sure that the running process, a server, has its note thread.spare.
 * -ENOMEM.
 */
MUST_USE int port_need_spare(void);

/*
 * The call ends without an answer. If a server that is gone may have done it,
 * its port gets the note REQUEST_GONE. If a server has it in hand, the port
 * gets the note when that server dies before it has replied. Returns a note
 * for the caller to free, or NULL.
 */
MUST_USE struct remote *port_call_is_gone(struct remote_call *call)
    REQUIRES(sched_lock);

/*
 * A server dies, or stops serving: its request becomes one in doubt. Returns as
 * port_call_is_gone().
 */
MUST_USE struct remote *port_use_spare(struct proc *server)
    REQUIRES(sched_lock);

/*
 * The running process has replied, so there is no call that is in doubt if it
 * dies now: its note thread.spare names no port any more.
 */
void port_keep_spare(void) EXCLUDES(sched_lock);

/* Frees a part of what the closed ports in proc.closed have left. */
void port_clear_part(struct proc *p) EXCLUDES(sched_lock);

/* ---- The caller's side: remote.c ---- */

/* Is the call of the running process one on what is open in argument 0? */
bool remote_is_of_file(void);

/*
 * The call of the running process is one on `f`, a remote file. CALL_WAITS, or
 * CALL_GOES_ON; -EBADF, -EFAULT.
 */
long remote_call(struct file *f) EXCLUDES(sched_lock);

/*
 * As remote_call(), but asks the server for call `number`, which lends `len`
 * bytes at `at`.
 */
long remote_call_as(struct file *f, uint64_t number, vaddr_t at, size_t len)
    EXCLUDES(sched_lock);

#define READY_MAX (64UL << 10) /* bytes for which memory is found first */

/*
 * As remote_call_as(), but lends the pieces of `v`, which has bytes, and takes
 * it over from the call. Memory that is to be written is ready, as far as
 * READY_MAX.
 */
long remote_vector(struct file *f, uint64_t number, struct vector *v)
    EXCLUDES(sched_lock);

/*
 * The call of the running process is one with a path, or two, or one that the
 * kernel does not know. -EXDEV: the two paths begin at files of different
 * ports; -EBADF; -ENOSYS: the call is not known, and the process has no root;
 * -ENOENT: the path needs a root; and as remote_call().
 */
long remote_path_call(void) EXCLUDES(sched_lock);

/* May the process wait for a server of this port? M5. */
bool port_may_call(const struct proc *self, const struct port *port);

/*
 * From now on the paths of the running process begin at `f`, a remote file:
 * it becomes proc.root and proc.dir, which are always set together. -EDEADLK:
 * the process may not call that port.
 */
MUST_USE int remote_root(struct file *f) EXCLUDES(sched_lock);

/*
 * Finds the remote file at which a path of the running process begins, by the
 * first byte of the path. If the program changes the path later, it is looked
 * up from there all the same. -EBADF, -ENOTDIR, -EFAULT, -ENOMEM; -ENOENT: the
 * process has no root.
 */
MUST_USE int place_of_path(uint64_t fd, vaddr_t path, struct file **from);

/* As place_of_path(), for a path whose first byte is known. */
MUST_USE int place_of_byte(uint64_t fd, char first, struct file **from);

/* As place_of_path(), for utimensat(2), whose path may be NULL: -EINVAL. */
MUST_USE int place_of_times(uint64_t fd, vaddr_t path, struct file **from);

/* Gives a child its parent's root and current folder. */
void remote_place_copy(struct proc *child, const struct proc *parent);

/* Gives up the root and the current folder of a process. */
void remote_place_leave(struct proc *p) EXCLUDES(sched_lock);

/*
 * Executes the call again, as what it waited for has come. Returns as
 * remote_call(); or a descriptor, or an errno of the server's or the kernel's.
 */
long remote_go_on(void) EXCLUDES(sched_lock);

/*
 * A step of an execve: what the kernel asks a server, and the answer. An execve
 * has several, and their answers are for the kernel and not for the program.
 */
struct step {
	uint32_t wants;  /* [c] REPLY_IMAGE, REPLY_FILE, or 0: bytes */
	uint32_t flags;  /* [c] of the request: REQUEST_LOAD */
	uint64_t offset; /* [c] where in the file the wanted bytes begin */
	size_t len;      /* [c] how many, a page at most; 0: none of a file */

	long result;         /* [s] 0 or an error; what follows is there if 0 */
	uint64_t token;      /* [s] REPLY_IMAGE */
	char *bytes;         /* [s] in a frame, or NULL */
	size_t bytes_len;    /* [s] */
	struct file *opened; /* [s] REPLY_FILE, else NULL */
};

/*
 * The running process asks the server of `f` for the step of its execve, as the
 * call `number` on `f`. The execve is executed again when the server has
 * answered. CALL_WAITS, CALL_GOES_ON, or an error that ends it.
 */
long remote_step(struct exec *exec, uint64_t number, struct file *f)
    EXCLUDES(sched_lock);

/*
 * Gives back what a remote call of a process has, as the call ends: takes it
 * out of its server's hand, and frees what was opened for it.
 */
void remote_abandon(struct proc *p) EXCLUDES(sched_lock);

extern uint64_t remote_last_id; /* [s] the last id that a call was given */

/* Fills in what a server is told of a request. */
void remote_describe(const struct proc *client, struct request *request)
    REQUIRES(sched_lock);

/* Finds the strings that come along with a request. Returns how many. */
#define STRINGS_MAX 2
unsigned remote_strings(const struct proc *client, vaddr_t strings[STRINGS_MAX])
    REQUIRES(sched_lock);

/* A server's largest error; those above, as CALL_WAITS, are the kernel's. */
#define ERRNO_LAST 511

/* ---- Mappings: mapping.c ---- */

/* Is the call an mmap? Then the caller's space has a bag. */
static inline bool call_maps(const struct remote_call *call)
{
	return call->number == SYS_mmap;
}

/*
 * Ends the requests of a mapping with this result, on the caller's side. An
 * error drops the bag first. CALL_WAITS or CALL_GOES_ON.
 */
long mapping_end(long result);

/* Does the reply name pages for a mapping? */
static inline bool reply_maps(const struct reply *reply)
{
	return reply->flags == REPLY_PAGES || reply->flags == REPLY_RUN;
}

/* Puts a part of the pages of a reply into the bag. 0: all are there. */
MUST_USE long mapping_send(const struct reply *reply) EXCLUDES(sched_lock);

/*
 * Answers the request of a mapping: when the caller is woken, it asks for more
 * pages, or maps its bag, or drops it.
 */
void mapping_answer(struct proc *client, const struct reply *reply)
    REQUIRES(sched_lock);

/* ---- The server's side: serve.c, and reply.c ---- */

/*
 * Answers the request that the running process has in hand, if it still has
 * one; a file that is opened by it is one of `port`. 0; or nothing has happened
 * but that bytes may have been copied: -EINVAL for a reply that makes no sense,
 * -EFAULT or -ENOMEM, CALL_GOES_ON.
 */
MUST_USE long port_reply(struct port *port, const struct reply *reply)
    EXCLUDES(sched_lock);

/* Where port_take() puts a request. */
struct inbox {
	struct request *room; /* the kernel's address, room_of(); or NULL */
	vaddr_t in;           /* for the bytes that come along */
	size_t size;          /* how many of those fit */
};

/*
 * Takes the next request or note into the running process's hand, which is
 * empty, with what comes along. 0; or nothing has happened: -EAGAIN,
 * CALL_WAITS, CALL_GOES_ON, -EFAULT, -ENOMEM.
 */
MUST_USE long port_take(struct file *f, struct request *request,
    const struct inbox *inbox) EXCLUDES(sched_lock);

#define LEASE_PART (8UL << 10) /* bytes that are copied without a pause */

/* A copy that a server asks for, between its memory and what it was lent. */
struct lease_use {
	uint32_t may;    /* LEND_READ: to read what was lent; LEND_WRITE */
	uint64_t offset; /* where in the lease it begins */
	vaddr_t own;     /* where the bytes go, or come from */
	size_t len;
};

/*
 * Does a part of the copy. Returns how many bytes, 0 at the end; -ESRCH: there
 * is no caller; -EINVAL: nothing was lent for that; -EFAULT or -ENOMEM on
 * either side; CALL_GOES_ON.
 */
MUST_USE long port_copy_part(const struct lease_use *use) EXCLUDES(sched_lock);

/*
 * Fills in a struct port_descriptor of the running process's (abi/port.h).
 * -ESRCH, -EBADF; -EFAULT, -ENOMEM.
 */
long port_describe(const struct port *port, vaddr_t at) EXCLUDES(sched_lock);

/* The session of a group; 0: only a process has that number; -ESRCH. */
long port_session_of(pid_t pgid) EXCLUDES(sched_lock);

/* The process has read the note in its hand, and the note is done. */
void port_note_done(struct proc *p) EXCLUDES(sched_lock);

/*
 * The running process serves no more: what it has in hand goes to others. For
 * its end and for exec.
 */
void port_leave(struct proc *p) EXCLUDES(sched_lock);

/*
 * Gives the request in hand back to its caller, as it cannot be served, for
 * example because the caller lacks memory: the caller's own call then ends with
 * `error`. If that is 0, the caller asks again. The server owes it no reply.
 */
void port_refuse(int error) EXCLUDES(sched_lock);

/* Puts the request of `client` into the hand of `server`, which is empty. */
void port_put_in_hand(struct proc *server, struct proc *client)
    REQUIRES(sched_lock);

/* Empties the hand of `server`. */
void port_let_go(struct proc *server) REQUIRES(sched_lock);

/*
 * Empties the hand. Returns the caller that was in it, if it waits for an
 * answer; or NULL.
 */
struct proc *port_empty_hand(struct proc *server) REQUIRES(sched_lock);

#endif
