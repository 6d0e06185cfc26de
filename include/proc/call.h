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
 *   C3  A call takes something away (a child's status, a signal, bytes) only
 *       when its result is certain to reach the program.
 *
 * Results are written, and the program counter is moved, by the functions
 * below and by the fast return in arch/trapvec.S, and nowhere else.
 */
#ifndef PROC_CALL_H
#define PROC_CALL_H

#include "abi/errno.h"
#include "abi/limits.h"
#include "arch/lock.h"
#include "mm/aspace.h"

extern struct lock sched_lock; /* proc.h */
struct exec;
struct file;
struct group;
struct proc;
struct remote;
struct request;
struct vector;
struct waitq;

/* What a handler returns instead of a result. */
#define CALL_WAITS   (-512L) /* the process waits: call_wait() */
#define CALL_GOES_ON (-513L) /* it is executed again: call_go_on() */
#define CALL_ENDED   (-514L) /* the handler has set the registers itself */
#define CALL_SENDS   (-515L) /* fast paths only: fast_lend() goes on */

enum call_state {
	CALL_NONE, /* none, or one that is executed for the first time */
	CALL_PART, /* to be executed again at once */
	CALL_WAIT, /* to be executed again when the process is woken */
};

/* What a signal with a handler means for the call. */
enum on_signal {
	SIGNAL_RESTARTS, /* EINTR, or with SA_RESTART begun anew */
	SIGNAL_ENDS,     /* EINTR in any case */
	SIGNAL_REPEATS,  /* begun anew in any case */
	SIGNAL_HELD,     /* signals but SIGKILL wait for the end of the call */
};

/* Which member of the union in struct call means something. */
enum call_kept {
	KEPT_NOTHING,
	KEPT_TRANSFER,
	KEPT_RANGE,
	KEPT_ROOM,
	/* Members from here on may own frames, references or a mark. */
	KEPT_TIME,
	KEPT_VECTOR,
	KEPT_EXEC,
	KEPT_CHILD,
	KEPT_WALK,
	KEPT_REMOTE,
};

/* Bytes moved by read, write and their like. */
struct transfer {
	size_t done;  /* bytes moved since the call began */
	vaddr_t base; /* where the next bytes go, or come from */
	size_t len; /* bytes up to the end of the piece at hand; or prepared */
	struct vector *vector; /* KEPT_VECTOR: the pieces; or NULL */
};

/* A wait that ends at a given time. */
struct wait_time {
	uint64_t deadline; /* or TIMER_NEVER */
	vaddr_t remain;    /* where EINTR stores the time that is left; 0 */
	void *copy;        /* a frame: the descriptors waited for; NULL */
};

/* A walk over a list of processes, whose place in it proc.mark keeps. */
struct list_walk {
	uint64_t value;      /* what was found so far */
	pid_t tried;         /* how many pids proc_next() has tried */
	bool marked;         /* proc.mark is in the list */
	struct group *group; /* a reference, if the list is its members */
};

/* Memory that a caller lends to the server of its call. */
struct lease {
	vaddr_t at;
	uint32_t len;
	uint32_t may; /* what the server may do: LEND_READ, LEND_WRITE */
};

#define LEND_READ  1U
#define LEND_WRITE 2U

/* A reply that says what the caller is to open: REPLY_DUP, REPLY_PIPE. */
struct opening {
	uint64_t token;
	uint32_t reply; /* its flags */
	uint32_t flags; /* O_ACCMODE, O_NONBLOCK */
};

/* A call on a file of a server's: a request; port.h. */
struct remote_call {
	uint64_t id;         /* [c] once it was asked for the first time */
	struct file *file;   /* [c] */
	struct file *second; /* [c] of a call with two paths; NULL */
	union {
		struct lease lease;     /* [c] */
		struct opening opening; /* [s] once `opens` */
	};
	union {
		/*
		 * [c] The kernel's address of a lease that can be written to
		 * and is in one page; or NULL. It is good until the process
		 * runs again, since nobody shares its memory.
		 */
		void *ready;
		struct vector *vector; /* [c] if `in_pieces`: the lease */
	};
	struct exec *exec;   /* [c] of a step of execve; NULL */
	struct proc *server; /* [s] the server that has it in hand, or NULL */
	union {
		uint64_t events; /* [s] it waits for one of these; 0: none */
		struct remote *doubt; /* [s] the note REQUEST_GONE of it: M8 */
	};
	struct file *opened; /* [s] the file that the reply opened; NULL */
	uint16_t number;     /* [c] that the server is told; 0: its own */
	uint16_t raises;     /* [s] port.raises at its last look at events */
	int8_t error;        /* [s] the error that it ends with; 0: none yet */
	uint8_t stop;        /* [s] it is stopped by this signal; 0: none */
	uint8_t deaths;      /* [s] how many servers died with it in hand */
	bool deaf : 1;       /* [s] it blocks or ignores that signal */
	bool cloexec : 1;    /* [s] how what is opened is to be installed */
	bool in_doubt : 1;   /* [s] a server that is gone may have done it */
	bool opens : 1;      /* [s] the caller carries out `opening` itself */
	bool in_pieces : 1;  /* [c] `vector` says where the lease is */
};

/* The pieces of the memory that a call lends; NULL: it is in one. */
static inline struct vector *lease_pieces(const struct remote_call *call)
{
	return call->in_pieces ? call->vector : NULL;
}

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
		struct transfer transfer; /* or KEPT_VECTOR */
		struct wait_time time;
		struct range_op range;
		struct exec *exec;
		pid_t child; /* of vfork */
		struct list_walk walk;
		struct remote_call remote;
		struct request *room; /* where a request goes; request.h */
	};
};

/*
 * Puts the running process on a queue (NULL: on none) and returns CALL_WAITS,
 * for the handler to return. The caller may hold the lock of what is waited
 * for until after this call. If a signal is due that would interrupt the call,
 * the process is not queued, and the result is CALL_GOES_ON: the signal is
 * delivered first.
 */
long call_wait(struct waitq *wq, enum on_signal on_signal) EXCLUDES(sched_lock);
long call_wait_locked(struct waitq *wq, enum on_signal on_signal)
    REQUIRES(sched_lock);

/*
 * As call_wait_locked(), until `deadline` at the latest; TIMER_NEVER: for ever.
 */
long call_wait_until_locked(struct waitq *wq, uint64_t deadline,
    enum on_signal on_signal) REQUIRES(sched_lock);

/* A part is done, and the next is due at once. Returns CALL_GOES_ON. */
long call_go_on(enum on_signal on_signal);

/*
 * Returns the result of a call as it is, unless it is an -ENOMEM which means
 * that user memory was late (mm/aspace.h): then the call goes on after a pause.
 * C5.
 */
INLINE long call_or_later(long result, enum on_signal on_signal)
{
	if (unlikely(result == -ENOMEM) && user_is_late())
		return call_go_on(on_signal);
	return result;
}

/*
 * What the running call keeps from one execution to the next: all zero at
 * first, but for a range operation and a request, which are set as a whole. A
 * call keeps things of one kind only.
 */
struct transfer *call_transfer(void);
struct transfer *call_vector(void);
struct wait_time *call_time(void);
struct range_op *call_range(void);
struct list_walk *call_walk(void);
struct remote_call *call_remote(void);
struct exec **call_exec(void);

/*
 * Gives back what the running call keeps, and the call keeps nothing from then
 * on.
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

/*
 * Makes the memory ready to which call_interrupt() writes. 0, or -ENOMEM. An
 * address that cannot be written to is left for call_interrupt() to find.
 */
MUST_USE int call_prepare_interrupt(const struct proc *p);

/* A handler is about to run: the call ends, or will begin anew after it. */
void call_interrupt(struct proc *p, bool restart);

/* Ends the call of a process without a result, and gives back what it keeps. */
void call_abandon(struct proc *p);

#endif
