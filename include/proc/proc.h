/* SPDX-License-Identifier: MIT */
/*
 * proc.h - a process: a flow of control, an address space, and what Linux
 * programs expect around them.
 *
 * There is no kernel stack per process. A system call that has to wait has not
 * happened yet: the process is put on a wait queue, and the call is executed
 * again when it wakes up (call.h).
 *
 * One frame holds the whole structure, from fork until the parent has waited.
 *
 * Locks: [s] sched_lock   [A] atomic   [c] constant once created
 *        [o] owned by the hart that runs the process, or that creates it
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include "abi/signal.h"
#include "arch/hart.h"
#include "arch/lock.h"
#include "arch/trapframe.h"
#include "lib/heap.h"
#include "lib/list.h"
#include "mm/aspace.h"
#include "mm/frame.h"
#include "proc/call.h"
#include "proc/group.h"

#define PROC_NAME_LEN 32
#define INIT_PID      1
#define PID_MAX       4194304 /* as on Linux: pids are below */

enum proc_state {
	PROC_READY,   /* on the run queue */
	PROC_RUNNING, /* on a hart, or on the way to or from it */
	PROC_BLOCKED, /* on a wait queue, or asleep until a time */
	PROC_STOPPED, /* by a signal */
	PROC_ZOMBIE,  /* waits to be waited for */
};

struct waitq {
	struct list procs; /* [s] */
	bool polled;       /* a poller has looked in vain; see sched.h */
};

struct timer {
	struct heap_node node; /* [s] among all timers that run */
	uint64_t at;           /* [s] 0: does not run */
	struct proc *proc;     /* [c] */
};

#define FD_INLINE 28
#define FD_MAX    512

/*
 * Servers may ask which files a process has open (descriptor.c): until it
 * begins to end, `files`, what is in there, and `end` change under sched_lock.
 * So do proc.dir, proc.program and proc.program_port.
 */
struct fd_table {
	struct file **files; /* [o] `few`, or a frame of FD_MAX */
	struct file *few[FD_INLINE];
	uint64_t cloexec[FD_MAX / 64];
	uint16_t end;       /* descriptors from here on are closed */
	uint16_t limit;     /* no new ones from here on; RLIMIT_NOFILE */
	uint16_t limit_max; /* FD_MAX at most */
};

/*
 * One flow of control. Several may take turns in one address space, as a
 * process and its vfork children do; so nothing of the memory is in here.
 */
struct thread {
	struct trapframe tf; /* [o] first: trapvec.S */
	uint32_t work;    /* [A] something to do before user mode; trapvec.S */
	uint32_t held;    /* [A] without a space, and a hart still has it */
	struct call call; /* [o], or [s] while it waits; trapvec.S */
	bool fp_used;     /* [o] if not, tf.f is not set, and means zeros */
	uint8_t fp_hart;  /* [o] the hart whose registers may still be tf.f */
	uint8_t serves;   /* [o] 1 + the level of its port; 0: no server */
	bool owes;        /* [s] it owes a reply, also if the caller is gone */

	enum proc_state state; /* [s] */
	struct list link;      /* [s] run queue, wait queue or turn queue */
	struct list mark;      /* [s] its place in a list that it walks */
	struct timer wake;     /* [s] ends a wait */
	const uint32_t *futex; /* [s] the word that it sleeps on */
	uint32_t futex_bits;   /* [s] what it wants to be woken for */
	bool has_saved;        /* [o] `saved` is set */
	bool searches;         /* [s] its mark is in a group; group_search() */
	bool doomed : 1;       /* [o] the forced signal has no handler */
	bool heard : 1;        /* [o] a handler ran: port_next does not wait */
	bool stack_disarms;    /* [o] SS_AUTODISARM: handlers unset `stack` */
	struct aspace *lent;   /* [s] in which a vfork child of it runs */
	struct list lent_link; /* [s] in the stack aspace.lenders */

	struct proc *client;  /* [s] the caller in its hand, or NULL; port.h */
	struct remote *note;  /* [s] the note in its hand, or NULL */
	struct remote *spare; /* [s] the note for its caller, if it dies: M8 */

	uint64_t started;    /* [o] when its hart began to run it */
	uint64_t time_ticks; /* [o] spent on harts; [s] of a zombie */

	uint64_t blocked; /* [o] signals; written under sched_lock */
	uint64_t saved;   /* [o] mask to put back when the call ends */
	uint64_t forced;  /* [o] the signal that its own instruction raised */
	uint64_t awaited; /* [s] signals that the call takes, not a handler */
	vaddr_t stack;    /* [o] sigaltstack; size 0: none */
	uint64_t stack_size;

	vaddr_t set_tid;   /* [o] CLONE_CHILD_SETTID, until done */
	vaddr_t clear_tid; /* [o] CLONE_CHILD_CLEARTID */
};

struct signal_state {
	uint64_t pending; /* [s] sent and not yet delivered */
	uint64_t set;     /* [o] written under sched_lock: actions[] is valid */
	struct sigaction_abi actions[SIGNAL_LAST];
	struct siginfo_small info[SIGNAL_LAST]; /* [s] of the pending ones */
};

/* How far the end of a process has come. */
enum exit_phase {
	EXIT_NOT,
	EXIT_FILES,
	EXIT_MEMORY,
	EXIT_CHILDREN,
	EXIT_GROUP,
	EXIT_SUSPECTS,
	EXIT_LAST,
};

/*
 * A new process has zeros from t.fp_used to sig.set: proc_create(). What is
 * behind that is large, and means something only where another field says so.
 */
struct proc {
	struct thread t;
	struct aspace *as; /* [o] changed under sched_lock; NULL when exiting */
	struct aspace *dead; /* [o] to be torn down on this process's time */
	struct port *closed; /* [o] whose notes are freed on its time */

	pid_t pid;               /* [c] */
	enum exit_phase exiting; /* [o] begins under sched_lock */
	struct group *group;     /* [s] NULL before fork and after wait */
	struct list group_link;  /* [s] in its members */
	union {
		struct list
		    candidate; /* [s] until it begins to end; victim.h */
		struct {
			struct group *suspects; /* [o] orphaned, perhaps */
			struct group *suspect;  /* [o] the one at hand; NULL */
		};
		uint64_t ended_seen; /* [s] of no candidate; victim.c */
	};
	struct proc *parent;      /* [s] that of init is proc_keeper */
	struct proc *twin;        /* [s] twin.h; NULL: there is none */
	struct list children;     /* [s] */
	struct list sibling;      /* [s] in parent's children */
	struct list all;          /* [s] every process, in order of creation */
	struct tree number;       /* [s] in the trees by pid */
	struct waitq child_event; /* [s] a child changed its state */
	bool child_news;          /* [s] a child did, since the last search */
	bool hangs_up;            /* [o] the suspect at hand is orphaned */
	bool auto_reaped;         /* [s] its parent does not wait for it */
	bool did_exec;            /* [s] */
	bool is_system;           /* [s] forked from the first program */

	bool stop_reported;   /* [s] */
	bool cont_pending;    /* [s] SIGCONT not yet reported */
	uint8_t death_signal; /* [s] comes when the parent ends; 0: none */
	uint8_t exit_signal;  /* [s] what the parent gets; 0: none */
	uint8_t stop_signal;  /* [s] */
	uint16_t umask;       /* [o] servers are told; exec keeps it */
	int exit_status;      /* [s] as wait4 reports it */

	struct timer alarm;    /* [s] ITIMER_REAL */
	uint64_t alarm_period; /* [s] 0: once */
	uint64_t alarm_last; /* [s] its last expiry, if SIGALRM is not taken */

	uint64_t child_ticks; /* [s] of children waited for */

	struct file *root;        /* [o] where paths like "/x" begin; NULL */
	struct file *dir;         /* [o] where paths like "x" begin; NULL */
	uint64_t program;         /* [o] the server's token for its program */
	uint64_t program_port;    /* [o] serial of the server's port; 0: none */
	char name[PROC_NAME_LEN]; /* [o] */
#ifdef CALF_TEST
	struct frame_failure failure; /* [o] */
#endif

	struct signal_state sig;
	struct fd_table fds;
};

/*
 * Guards the states of processes, queues, the family tree, groups, ports and
 * pending signals, and no memory of processes.
 */
extern struct lock sched_lock;

/* The process that this hart runs. */
static inline struct proc *proc_self(void)
{
	return hart_self()->proc;
}

/* Has the running call been executed before, and kept something? */
static inline bool call_is_repeated(void)
{
	return proc_self()->t.call.kept != KEPT_NOTHING;
}

/*
 * Makes a process without address space, files or family, which no other
 * process can find yet. NULL if memory is out. proc_discard() frees it.
 */
MUST_USE struct proc *proc_create(void);
void proc_discard(struct proc *p);

/* Gives a new process a pid, a parent and a group. Cannot fail. */
void proc_publish(struct proc *p, struct proc *parent, struct group *group)
    REQUIRES(sched_lock);

/* Removes a zombie from its lists and its group: no process can find it. */
void proc_remove(struct proc *p) REQUIRES(sched_lock);

struct proc *proc_find(pid_t pid) REQUIRES(sched_lock);

/* A child of `parent` has changed its state. */
void proc_tell_parent(struct proc *parent) REQUIRES(sched_lock);

/*
 * Looks for the process with the smallest pid above `after`, at a part of the
 * processes at a time: the running call keeps a walk. True when *next is that
 * process, or NULL if there is none.
 */
MUST_USE bool proc_next(pid_t after, struct proc **next) REQUIRES(sched_lock);

extern struct list proc_all;        /* [s] */
extern unsigned proc_count;         /* [s] not counting system processes */
extern pid_t proc_last_pid;         /* [s] given out last */
extern struct proc *proc_init_task; /* [c] process 1, once started */

/*
 * The parent of process 1, and of system processes that have lost theirs. It is
 * no process, has the pid 0, and waits for no child.
 */
extern struct proc proc_keeper;

/*
 * The system process `p`, the running one, has executed another program: it is
 * no system process any more. The keeper becomes the parent of those of its
 * children that are.
 */
void proc_disown(struct proc *p) EXCLUDES(sched_lock);

/*
 * Turns the machine off with a status as wait4 reports it: that of process 1,
 * or that of a system process for which there is no memory.
 */
NORETURN void init_exit(int status);

/*
 * Begins to end the running process, with a status as wait4 reports it: it does
 * not return to user mode. proc_exit_part() does the rest.
 */
void proc_exit(int status);

/* Does a part of the end of the running process; the last does not return. */
void proc_exit_part(struct proc *p) EXCLUDES(sched_lock);

#define STATUS_EXITED(code)  (((code)&0xff) << 8)
#define STATUS_SIGNALED(sig) (sig)
#define STATUS_CONTINUED     0xffff

/* fork, vfork, and the clone() calls that mean one of these. */
struct fork_args {
	bool share_memory; /* vfork: no copy of the address space */
	bool wait;         /* vfork: the parent waits for exec or exit */
	bool set_tls;
	int exit_signal;
	vaddr_t stack; /* 0: the parent's */
	vaddr_t tls;
	vaddr_t parent_tid, child_tid, clear_tid; /* 0: none */
};

/*
 * Returns the child's pid; -ENOMEM, and nothing has changed; CALL_WAITS: the
 * parent waits for its vfork child; or CALL_GOES_ON: a signal goes first.
 */
long proc_fork(const struct fork_args *args);

/* wait4(2). CALL_WAITS: no child is ready yet, the caller is on the queue. */
long proc_wait(pid_t pid, vaddr_t status, int options, vaddr_t rusage);

/* waitid(2); `pid` is what wait4 would be given. Returns as proc_wait(). */
long proc_waitid(pid_t pid, vaddr_t info, int options, vaddr_t rusage);

/* Tells the running program what was used: the time, and nothing else. */
MUST_USE int rusage_copyout(vaddr_t to, uint64_t ticks);

#endif
