/* SPDX-License-Identifier: MIT */
/*
 * call.h - a system call that has not ended.
 *
 * A handler of a system call returns its result, a negated errno, or one of
 * the values below. Until a call has ended, the registers of its process
 * are those with which it began, and the kernel executes it again from them:
 * once the process has been woken, or at once if only a part was done. The
 * process does not go through user mode for that, so the call that is executed
 * again is the same call, whatever happens to the program's memory meanwhile.
 *
 * What a call has done so far is kept in struct call. Invariants:
 *
 *   C1  A process in user mode has no call: nothing waits, nothing is kept.
 *   C2  A call that is executed again has the number and the arguments with
 *       which it began.
 *   C3  What a call takes (a child's news, a signal, bytes) it takes when
 *       nothing can keep the result from arriving any more.
 *
 * Results are written, and the program counter is moved, by the functions
 * below and by the fast return in arch/trapvec.S, and nowhere else.
 */
#ifndef PROC_CALL_H
#define PROC_CALL_H

#include "abi/limits.h"
#include "abi/uio.h"
#include "arch/lock.h"
#include "mm/aspace.h"
#include "proc/initrd.h"

extern struct lock sched_lock; /* proc.h */
struct call_form;
struct exec;
struct file;
struct group;
struct proc;
struct waitq;

/* What a handler returns instead of a result. */
#define CALL_WAITS   (-512L) /* until it is woken: call_wait() */
#define CALL_GOES_ON (-513L) /* it is executed again: call_go_on() */
#define CALL_ENDED   (-514L) /* the registers are as the call wants them */

enum call_state {
	CALL_NONE, /* none, or one that is executed for the first time */
	CALL_PART, /* to be executed again at once */
	CALL_WAIT, /* to be executed again when the process is woken */
};

/* What a signal with a handler means for the call. */
enum on_signal {
	SIGNAL_RESTARTS, /* EINTR, or begun anew if the handler says so */
	SIGNAL_ENDS,     /* EINTR in any case */
	SIGNAL_REPEATS,  /* begun anew in any case */
	SIGNAL_HELD,     /* it waits for the end of the call, if not SIGKILL */
};

/* Which member of the union in struct call means something. */
enum call_kept {
	KEPT_NOTHING,
	KEPT_TRANSFER,
	KEPT_RANGE,
	/* From here on there may be more to give back than the member. */
	KEPT_TIME,
	KEPT_LOOKUP,
	KEPT_VECTOR,
	KEPT_EXEC,
	KEPT_CHILD,
	KEPT_WALK,
	KEPT_REMOTE,
};

/* Bytes moved by read, write and their like. */
struct transfer {
	size_t done;  /* all in all */
	vaddr_t base; /* where the next bytes go, or come from */
	size_t len;   /* how many, up to the end of the piece at hand */
};

#define VECTOR_PAGE 256 /* pieces that fit into one frame */

/* The pieces of memory that readv and writev were given. */
struct vector {
	struct transfer transfer; /* first: of the piece at hand */
	uint32_t count;
	uint32_t index;                                 /* of the next piece */
	size_t len;                                     /* of all pieces */
	struct iovec_abi *pages[IOV_MAX / VECTOR_PAGE]; /* frames, or NULL */
	char *gathered; /* a frame: the bytes of the pieces so far; NULL */
};

/* A wait that ends at a given time. */
struct wait_time {
	uint64_t deadline; /* or TIMER_NEVER */
	vaddr_t remain;    /* where the rest goes if it is interrupted; 0 */
	void *copy;        /* of what is waited for, in a frame; NULL */
};

/* A path that is looked up in parts. */
struct path_lookup {
	struct lookup_rest rest;
	char *path; /* in a frame */
};

/* A walk over a list of processes, whose place in it proc.mark keeps. */
struct list_walk {
	uint64_t value;      /* what was found so far */
	bool marked;         /* proc.mark is in the list */
	struct group *group; /* whose members they are, kept for the walk */
};

/* Memory that a caller lends to who serves its call. */
struct lease {
	vaddr_t at;
	uint32_t len;
	uint32_t may; /* LEND_READ, LEND_WRITE: the server */
};

#define LEND_READ  1U
#define LEND_WRITE 2U

/* A call on a file of a server's: a request; port.h. */
struct remote_call {
	uint64_t id; /* [c] once it was asked for the first time */
	const struct call_form *form; /* [c] as which it goes; remote.c */
	struct file *file;            /* [c] */
	struct file *second;          /* [c] of a call with two paths; NULL */
	struct lease lease;           /* [c] */
	struct proc *server;          /* [s] who has it in hand, or NULL */
	uint64_t events;     /* [s] it waits for one of these; 0: none */
	struct file *opened; /* [s] by the reply: the result; NULL */
	bool cloexec;        /* [s] how that is to be installed */
	uint8_t deaths;      /* [s] of servers with it in hand */
	int error;           /* [s] it ends with that; 0: none yet */
};

struct call {
	union {
		struct {
			uint8_t state;     /* enum call_state */
			uint8_t on_signal; /* enum on_signal */
			uint8_t kept;      /* enum call_kept */
		};
		uint32_t word; /* all of it; trapvec.S writes 0 */
	};
	union {
		struct transfer transfer;
		struct vector vector;
		struct wait_time time;
		struct range_op range;
		struct path_lookup lookup;
		struct exec *exec;
		pid_t child; /* of vfork */
		struct list_walk walk;
		struct remote_call remote;
	};
};

/*
 * Puts the running process on a queue (NULL: on none) and returns CALL_WAITS,
 * for the handler to return. The caller may hold the lock of what is waited
 * for until after this call. If a signal is due that the call would be
 * interrupted for, the process is not queued, and CALL_GOES_ON is returned: it
 * finds the signal first.
 */
long call_wait(struct waitq *wq, enum on_signal on_signal) EXCLUDES(sched_lock);
long call_wait_locked(struct waitq *wq, enum on_signal on_signal)
    REQUIRES(sched_lock);

/* The same until `deadline` at the latest, or for ever with TIMER_NEVER. */
long call_wait_until_locked(struct waitq *wq, uint64_t deadline,
    enum on_signal on_signal) REQUIRES(sched_lock);

/* A part is done, and the next is due at once. Returns CALL_GOES_ON. */
long call_go_on(enum on_signal on_signal);

/*
 * What the running call keeps from one execution to the next: all zero at
 * first, but for a range operation and a request, which are set as a whole. A
 * call keeps things of one kind only.
 */
struct transfer *call_transfer(void);
struct vector *call_vector(void);
struct wait_time *call_time(void);
struct range_op *call_range(void);
struct path_lookup *call_lookup(void);
struct list_walk *call_walk(void);
struct remote_call *call_remote(void);
struct exec **call_exec(void);

/*
 * Gives back what the running call keeps: for a handler that ends and has kept
 * more than words, or could not begin.
 */
void call_forget(void);

/*
 * The call ends with this result. `p` is the running process, or one that
 * waits, under sched_lock: then it still has to be woken.
 */
void call_finish(struct proc *p, long result);

/*
 * Tells the program how much of the time that it gave is left, if it wants to
 * know. -EFAULT or -ENOMEM.
 */
MUST_USE int call_report_rest(const struct proc *p);

/* Tells the running program a time. -EFAULT or -ENOMEM. */
MUST_USE int timespec_copyout(vaddr_t to, uint64_t ns);

/* A handler is about to run: the call ends, or will begin anew after it. */
void call_interrupt(struct proc *p, bool restart);

/* The process ends: so does its call, and gives back what it keeps. */
void call_abandon(struct proc *p);

#endif
