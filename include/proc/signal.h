/* SPDX-License-Identifier: MIT */
/*
 * signal.h - signals: sent under sched_lock by any hart, delivered by the one
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

/*
 * Makes the signal pending, unless `p` ignores it, and wakes `p` if it has to
 * act on it. A signal that cancels others (SIGCONT, for example) does so.
 */
void signal_send(struct proc *p, int sig, struct siginfo_small info)
    REQUIRES(sched_lock);

/*
 * The running process is in the background of its session, and asks for what
 * only the foreground may do: it gets the signal, SIGTTIN or SIGTTOU, and its
 * call is executed again after that (CALL_GOES_ON). -EIO: no process would
 * continue it. 0: it blocks or ignores the signal.
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
 * True: none was due. False: more may be due, and t.work is set.
 */
MUST_USE bool signal_deliver(struct proc *p) EXCLUDES(sched_lock);

/* For fork: the child gets the parent's mask, actions and alternate stack. */
void signal_copy(struct proc *child, struct proc *parent);

/* For exec: actions become the default, unless they ignore their signal. */
void signal_exec(struct proc *p);

/*
 * Gives the running process another mask for as long as its call waits. When
 * the call is executed again, the mask is still in place. A handler that ends
 * the call returns to the old mask. A call that ends otherwise puts the old
 * mask back by signal_return_mask().
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

/* Sends a signal to a group, also to group 1, which kill(2) cannot name. */
long signal_kill_group(pid_t pgid, int sig);
long signal_tgkill(pid_t pid, int sig);

/* Makes the page that handlers return to. Once, at boot. */
void signal_init(void);
extern struct frame *signal_trampoline;

#endif
