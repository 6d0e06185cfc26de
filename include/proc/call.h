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

#include "abi/errno.h"
#include "abi/limits.h"
#include "abi/uio.h"
#include "arch/lock.h"
#include "mm/aspace.h"

extern struct lock sched_lock; /* proc.h */
struct exec;
struct file;
struct group;
struct proc;
struct remote;
struct request;
struct waitq;

/* What a handler returns instead of a result. */
#define CALL_WAITS   (-512L) /* until it is woken: call_wait() */
#define CALL_GOES_ON (-513L) /* it is executed again: call_go_on() */
#define CALL_ENDED   (-514L) /* the registers are as the call wants them */
#define CALL_GIVES   (-515L) /* it waits, and the hart is hart.next's */

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
	KEPT_ROOM,
	/* From here on there may be more to give back than the member. */
	KEPT_TIME,
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
	size_t len;   /* bytes up to the end of the piece at hand */
};

#define VECTOR_PAGE 256 /* pieces that fit into one frame */

/* The pieces of memory that readv and writev were given. */
struct vector {
	struct transfer transfer; /* first: of the piece at hand */
	uint32_t count;
	/* index of the next piece */
	uint32_t index;
	/* bytes of all pieces */
	size_t len;
	struct iovec_abi *pages[IOV_MAX / VECTOR_PAGE]; /* frames, or NULL */
	char *gathered; /* a frame: the bytes of the pieces so far; NULL */
};

/* A wait that ends at a given time. */
struct wait_time {
	uint64_t deadline; /* or TIMER_NEVER */
	vaddr_t remain;    /* where the rest goes if it is interrupted; 0 */
	void *copy;        /* of what is waited for, in a frame; NULL */
};

/* A walk over a list of processes, whose place in it proc.mark keeps. */
struct list_walk {
	uint64_t value;      /* what was found so far */
	pid_t tried;         /* numbers behind the first, that nobody has */
	bool marked;         /* proc.mark is in the list */
	struct group *group; /* whose members they are, kept for the walk */
};

/* Memory that a caller lends to the server of its call. */
struct lease {
	vaddr_t at;
	uint32_t len;
	uint32_t may; /* LEND_READ, LEND_WRITE: the server */
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
	struct exec *exec;   /* [c] that it is a step of; NULL */
	struct proc *server; /* [s] the server that has it in hand, or NULL */
	union {
		uint64_t events; /* [s] it waits for one of these; 0: none */
		struct remote *doubt; /* [s] the note that it is gone: M8 */
	};
	struct file *opened; /* [s] the file that the reply opened; NULL */
	uint16_t number;     /* [c] of the call as which it goes; 0: its own */
	uint16_t raises;     /* [s] port.raises, as it was told of events */
	int8_t error;        /* [s] the error that it ends with; 0: none yet */
	uint8_t stop;        /* [s] the signal that stops it first; 0: none */
	uint8_t deaths;      /* [s] how many servers died with it in hand */
	bool deaf : 1;       /* [s] it was to be stopped, and cannot be */
	bool cloexec : 1;    /* [s] how what is opened is to be installed */
	bool in_doubt : 1;   /* [s] a server that is gone may have done it */
	bool opens : 1; /* [s] it is answered: the caller opens it itself */
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
		struct exec *exec;
		pid_t child; /* of vfork */
		struct list_walk walk;
		struct remote_call remote;
		struct request *room; /* where one goes; request.h */
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

/*
 * As call_wait_locked(), until `deadline` at the latest; TIMER_NEVER: for ever.
 */
long call_wait_until_locked(struct waitq *wq, uint64_t deadline,
    enum on_signal on_signal) REQUIRES(sched_lock);

/* A part is done, and the next is due at once. Returns CALL_GOES_ON. */
long call_go_on(enum on_signal on_signal);

/*
 * The result of a call, unless it only says that user memory was late
 * (mm/aspace.h): then the call goes on after a pause. C5.
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
struct vector *call_vector(void);
struct wait_time *call_time(void);
struct range_op *call_range(void);
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

/*
 * Makes ready what call_interrupt() tells the program. 0, or -ENOMEM; a place
 * that is no good it finds itself.
 */
MUST_USE int call_prepare_interrupt(const struct proc *p);

/* A handler is about to run: the call ends, or will begin anew after it. */
void call_interrupt(struct proc *p, bool restart);

/* The process ends: so does its call, and gives back what it keeps. */
void call_abandon(struct proc *p);

#endif
