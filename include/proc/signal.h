/* SPDX-License-Identifier: MIT */
/*
 * signal.h - signals: sent under sched_lock by anybody, delivered by the hart
 * that runs the process, on its way to user mode.
 */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include "proc/proc.h"

#define SIGNAL_BIT(sig) (1UL << ((sig)-1))

/* Is there a signal that a wait has to be interrupted for? */
static inline bool signal_is_due(const struct proc *p) REQUIRES(sched_lock)
{
	return (p->sig.pending & ~(p->t.blocked | p->t.awaited)) != 0;
}

/* Is the signal blocked or ignored? */
bool signal_is_deaf(const struct proc *p, int sig) REQUIRES(sched_lock);

/* Does the signal end a process that does not block it? */
bool signal_ends(const struct proc *p, int sig) REQUIRES(sched_lock);

/* Marks it pending, and wakes the process if it has to know. */
void signal_send(struct proc *p, int sig, struct siginfo_small info)
    REQUIRES(sched_lock);

struct signal {
	int sig; /* 0: none, only to see whether it could be sent */
	struct siginfo_small info;
};

/*
 * To a part of the members of a group. True when all have it; see walk_part().
 */
bool signal_send_group(struct proc *walker, struct group *group,
    struct signal signal) REQUIRES(sched_lock);

/*
 * The running process is in the background of its session, and wants what only
 * the foreground may: it gets the signal, SIGTTIN or SIGTTOU, and its call is
 * executed again after that (CALL_GOES_ON). -EIO: nobody would continue it. 0:
 * it blocks or ignores the signal.
 */
MUST_USE long background_stop(int sig) EXCLUDES(sched_lock);

/*
 * A signal that the process brought upon itself, by a bad access say: neither
 * blocked nor ignored, it ends the process if it has no handler for it.
 */
void signal_force(struct proc *p, int sig, struct siginfo_small info)
    EXCLUDES(sched_lock);

/*
 * Delivers a signal that is due to the running process, which may end by it.
 * True: there was none. False: there may be more, and it has work to do.
 */
MUST_USE bool signal_deliver(struct proc *p) EXCLUDES(sched_lock);

/* fork: the child's signal state. exec: handlers are gone. */
void signal_copy(struct proc *child, struct proc *parent);
void signal_exec(struct proc *p);

/*
 * Another mask for as long as a call waits: the call that is executed again
 * still has it, a handler that ends the call finds the old one to return to,
 * and a call that ends otherwise takes it back.
 */
void signal_lend_mask(uint64_t mask);
void signal_return_mask(void);

/* The system calls. */
long signal_action(int sig, vaddr_t action, vaddr_t old);
long signal_mask(int how, vaddr_t set, vaddr_t old);
long signal_pending(vaddr_t set, size_t size);
long signal_suspend(vaddr_t set);
long signal_wait(uint64_t set, vaddr_t info, uint64_t deadline);
long signal_queue(pid_t pid, int sig, vaddr_t info);
long signal_return(void);
long signal_stack(vaddr_t stack, vaddr_t old);
long signal_kill(pid_t pid, int sig);

/* Sends a signal to a group, whatever its number. */
long signal_kill_group(pid_t pgid, int sig);
long signal_tgkill(pid_t pid, int sig);

/* The page that handlers return to. Once, at boot. */
void signal_init(void);
extern struct frame *signal_trampoline;

#endif
