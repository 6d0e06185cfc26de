/* SPDX-License-Identifier: MIT */
/*
 * signal.c - sends signals, and delivers them to the running process.
 *
 * To send a signal is to set a pending bit, under sched_lock. The hart that
 * runs the process delivers it before it returns to user mode: a default action
 * at once, a handler by a frame on the user's stack. There is no SA_RESTORER on
 * riscv64, so handlers return to a page of the kernel's that exec maps into
 * every process.
 */
#include "proc/signal.h"

#include "abi/errno.h"
#include "abi/syscall.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"
#include "proc/victim.h"
#include "proc/walk.h"
#include "sigframe.h"
#include "timers.h"

#define STOP_SIGNALS                                                       \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | \
	    SIGNAL_BIT(SIGTTOU))
#define IGNORED_BY_DEFAULT                                                \
	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | \
	    SIGNAL_BIT(SIGWINCH))

struct frame *signal_trampoline;

void signal_init(void)
{
	uint32_t *code;

	signal_trampoline = (frame_alloc)(FRAME_KERNEL);
	if (signal_trampoline == NULL)
		panic("expected a frame for the signal trampoline");
	code = frame_virt(signal_trampoline);
	memset(code, 0, PAGE_SIZE);
	code[0] = 0x00000893 | SYS_rt_sigreturn << 20; /* li a7, ... */
	code[1] = 0x00000073;                          /* ecall */
}

static struct sigaction_abi action_of(const struct proc *p, int sig)
{
	if (p->sig.set & SIGNAL_BIT(sig))
		return p->sig.actions[sig - 1];
	return (struct sigaction_abi){.handler = HANDLER_DEFAULT};
}

static bool is_ignored(const struct proc *p, int sig)
{
	uint64_t handler = action_of(p, sig).handler;

	return handler == HANDLER_IGNORE ||
	    (handler == HANDLER_DEFAULT &&
		(SIGNAL_BIT(sig) & IGNORED_BY_DEFAULT));
}

bool signal_is_deaf(const struct proc *p, int sig)
{
	return (p->t.blocked & SIGNAL_BIT(sig)) != 0 || is_ignored(p, sig);
}

bool signal_ends(const struct proc *p, int sig)
{
	return action_of(p, sig).handler == HANDLER_DEFAULT &&
	    !(SIGNAL_BIT(sig) & (IGNORED_BY_DEFAULT | STOP_SIGNALS));
}

/*
 * Is this a signal that process 1 has no handler for? It is dropped, so that no
 * process can end or stop process 1. Only a fault of its own, or its exit,
 * turns the machine off.
 */
static bool is_shielded(const struct proc *p, int sig)
{
	return p->pid == INIT_PID && !p->t.doomed &&
	    action_of(p, sig).handler == HANDLER_DEFAULT;
}

static void notify_parent(struct proc *p, int code, int status)
    REQUIRES(sched_lock)
{
	struct proc *parent = p->parent;

	if (!(action_of(parent, SIGCHLD).flags & SA_NOCLDSTOP))
		signal_send(parent, SIGCHLD,
		    (struct siginfo_small){code, p->pid, (uint64_t)status});
	proc_tell_parent(parent);
}

static void wake_stopped(struct proc *p, int sig) REQUIRES(sched_lock)
{
	if (p->t.state != PROC_STOPPED)
		return;
	p->t.work = 1;
	p->group->stopped--;
	sched_wake(p);
	if (sig != SIGCONT)
		return;
	p->cont_pending = true;
	notify_parent(p, CLD_CONTINUED, SIGCONT);
}

/* Makes the process look at the signal, if its call may be interrupted. */
static void wake_for_signal(struct proc *p, int sig) REQUIRES(sched_lock)
{
	if (p->t.state != PROC_BLOCKED) {
		sched_notify(p);
		return;
	}
	p->t.work = 1;
	if (sig == SIGKILL || p->t.call.on_signal != SIGNAL_HELD)
		sched_wake(p);
}

void signal_send(struct proc *p, int sig, struct siginfo_small info)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (p->t.state == PROC_ZOMBIE)
		return;
	if (is_shielded(p, sig) && !(p->t.blocked & bit))
		return;
	if (sig == SIGCONT)
		p->sig.pending &= ~STOP_SIGNALS;
	if (bit & STOP_SIGNALS)
		p->sig.pending &= ~SIGNAL_BIT(SIGCONT);
	if (sig == SIGCONT || sig == SIGKILL)
		wake_stopped(p, sig);
	if (is_ignored(p, sig) && !(p->t.blocked & bit))
		return;
	if (!(p->sig.pending & bit)) {
		p->sig.pending |= bit;
		p->sig.info[sig - 1] = info;
	}
	if ((p->t.blocked & ~p->t.awaited & bit) == 0)
		wake_for_signal(p, sig);
}

void signal_force(struct proc *p, int sig, struct siginfo_small info)
{
	uint64_t bit = SIGNAL_BIT(sig);

	lock_acquire(&sched_lock);
	if ((p->t.blocked & bit) ||
	    action_of(p, sig).handler == HANDLER_IGNORE) {
		p->t.blocked &= ~bit;
		p->sig.set &= ~bit;
	}
	p->t.doomed = action_of(p, sig).handler == HANDLER_DEFAULT;
	p->t.forced = bit;
	p->sig.pending |= bit;
	p->sig.info[sig - 1] = info;
	p->t.work = 1;
	lock_release(&sched_lock);
}

void signal_set_blocked(struct proc *p, uint64_t mask)
{
	lock_acquire(&sched_lock);
	p->t.blocked = mask & ~NOT_MASKABLE;
	if (signal_is_due(p))
		p->t.work = 1;
	lock_release(&sched_lock);
}

static void stop_locked(struct proc *p, int sig) REQUIRES(sched_lock)
{
	p->t.state = PROC_STOPPED;
	p->group->stopped++;
	p->stop_signal = (uint8_t)sig;
	p->stop_reported = false;
	p->cont_pending = false;
	notify_parent(p, CLD_STOPPED, sig);
}

/*
 * Takes the signal and stops until SIGCONT, to go on from trap_resume(). A
 * process of an orphaned group is stopped by SIGSTOP only. The signal stays
 * pending until it is known whether the group is orphaned. The process does not
 * stop if SIGCONT has cancelled the signal meanwhile, or SIGKILL is pending.
 */
static void stop_self(struct proc *p, int sig)
{
	bool known = true, orphaned = false, stops;
	struct siginfo_small info;

	lock_acquire(&sched_lock);
	if (sig != SIGSTOP)
		known = group_search(p, p->group, &orphaned);
	stops = known && signal_take(p, sig, &info) && !orphaned &&
	    !(p->sig.pending & SIGNAL_BIT(SIGKILL));
	if (stops)
		stop_locked(p, sig);
	lock_release(&sched_lock);
	if (stops)
		schedule();
}

static int lowest_signal(uint64_t set)
{
	int sig = 1;

	if (set == 0)
		return 0;
	for (; (set & 0xff) == 0; set >>= 8)
		sig += 8;
	for (; (set & 1) == 0; set >>= 1)
		sig++;
	return sig;
}

/* Signals that an instruction can raise; they are first even if sent. */
#define SYNCHRONOUS                                                      \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | \
	    SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

/*
 * SIGKILL comes first; then a signal that the process's own instruction has
 * raised, so that the handler finds pc at that instruction; then the other
 * SYNCHRONOUS ones; then the lowest number.
 */
int signal_first(const struct proc *p, uint64_t set)
{
	uint64_t due = p->sig.pending & set, forced = due & p->t.forced;

	if (due & SIGNAL_BIT(SIGKILL))
		return SIGKILL;
	if (forced == 0)
		forced = due & SYNCHRONOUS;
	return lowest_signal(forced != 0 ? forced : due);
}

bool signal_take(struct proc *p, int sig, struct siginfo_small *info)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (!(p->sig.pending & bit))
		return false;
	p->sig.pending &= ~bit;
	p->t.forced &= ~bit;
	*info = p->sig.info[sig - 1];
	if (sig == SIGALRM)
		alarm_taken(p);
	return true;
}

/* The signal that is delivered next, and its action; 0: none is due. */
static int next_due(struct proc *p, struct sigaction_abi *act)
{
	int sig;

	lock_acquire(&sched_lock);
	sig = signal_first(p, ~(p->t.blocked | p->t.awaited));
	if (sig != 0)
		*act = action_of(p, sig);
	lock_release(&sched_lock);
	return sig;
}

/*
 * Takes the signal; false if another one has cancelled it. A signal that ends
 * the process stays pending until proc_exit() has begun, so that the twin of
 * the process is spared meanwhile.
 */
static bool take(struct proc *p, int sig, struct siginfo_small *info)
{
	bool taken;

	lock_acquire(&sched_lock);
	if (signal_ends(p, sig) && !is_shielded(p, sig))
		taken = (p->sig.pending & SIGNAL_BIT(sig)) != 0;
	else
		taken = signal_take(p, sig, info);
	lock_release(&sched_lock);
	return taken;
}

/*
 * The handler's frame cannot be pushed: that is SIGSEGV, as for a bad access of
 * the process's own, or if memory is out, SIGKILL.
 */
static void deliver_failed(struct proc *p, int sig, int err)
{
	if (err == -ENOMEM)
		proc_exit(STATUS_SIGNALED(SIGKILL));
	else if (sig == SIGSEGV)
		proc_exit(STATUS_SIGNALED(SIGSEGV));
	else
		signal_force(p, SIGSEGV,
		    (struct siginfo_small){.code = SI_KERNEL});
}

static void act_by_default(struct proc *p, int sig)
{
	if (!is_ignored(p, sig) && !is_shielded(p, sig))
		proc_exit(STATUS_SIGNALED(sig));
}

static bool is_stop(const struct proc *p, int sig,
    const struct sigaction_abi *act)
{
	return (SIGNAL_BIT(sig) & STOP_SIGNALS) &&
	    act->handler == HANDLER_DEFAULT && !is_shielded(p, sig);
}

/*
 * Delivers a signal. The frame for its handler is made ready before the signal
 * is taken (C3): it stays pending if memory has to be freed first, or is late.
 */
static void deliver(struct proc *p, int sig, const struct sigaction_abi *act)
{
	bool has_handler =
	    act->handler != HANDLER_DEFAULT && act->handler != HANDLER_IGNORE;
	struct siginfo_small info;
	vaddr_t frame = 0;
	int err = 0;

	if (is_stop(p, sig, act)) {
		stop_self(p, sig);
		return;
	}
	if (has_handler)
		err = sigframe_prepare(p, act, &frame);
	if (has_handler && err == 0)
		err = call_prepare_interrupt(p);
	if (err == -ENOMEM && memory_comes(p))
		return;
	if (!take(p, sig, &info))
		return;
	if (err < 0)
		deliver_failed(p, sig, err);
	else if (has_handler)
		sigframe_push(p, frame, sig, &info, act);
	else
		act_by_default(p, sig);
}

/*
 * The child writes its tid into its own memory (CLONE_CHILD_SETTID). False: to
 * be called again after a pause.
 */
static bool write_tid(struct proc *p)
{
	int err = copyout(p->as, p->t.set_tid, &p->pid, sizeof p->pid);

	if (err == -ENOMEM && memory_comes(p))
		return false;
	p->t.set_tid = 0;
	if (err == -ENOMEM)
		proc_exit(STATUS_SIGNALED(SIGKILL));
	return true;
}

bool signal_deliver(struct proc *p)
{
	struct sigaction_abi act;
	int sig = 0;

	if (p->t.set_tid != 0) {
		p->t.work = 1;
		if (!write_tid(p))
			return false;
	}
	if (p->exiting == EXIT_NOT)
		sig = next_due(p, &act);
	if (sig != 0) {
		p->t.work = 1;
		deliver(p, sig, &act);
	} else if (p->t.searches) {
		group_search_end(p);
	}
	return sig == 0;
}

void signal_copy(struct proc *child, struct proc *parent)
{
	uint64_t set = parent->sig.set;

	child->sig.set = set;
	child->t.blocked = parent->t.blocked;
	child->t.stack = parent->t.stack;
	child->t.stack_size = parent->t.stack_size;
	child->t.stack_disarms = parent->t.stack_disarms;
	for (unsigned i = 0; set != 0; i++, set >>= 1)
		if (set & 1)
			child->sig.actions[i] = parent->sig.actions[i];
}

void signal_exec(struct proc *p)
{
	lock_acquire(&sched_lock);
	for (int sig = 1; sig <= SIGNAL_LAST && p->sig.set >> (sig - 1) != 0;
	     sig++)
		if (action_of(p, sig).handler != HANDLER_IGNORE)
			p->sig.set &= ~SIGNAL_BIT(sig);
	p->t.stack = p->t.stack_size = 0;
	p->t.heard = false;
	lock_release(&sched_lock);
}

long signal_action(int sig, vaddr_t action, vaddr_t old)
{
	struct proc *p = proc_self();
	struct sigaction_abi act, before;
	int err = 0;

	if (action != 0)
		err = copyin(p->as, &act, action, sizeof act);
	if (err < 0)
		return err;
	if (sig < 1 || sig > SIGNAL_LAST)
		return -EINVAL;
	if (action != 0 && (SIGNAL_BIT(sig) & NOT_MASKABLE))
		return -EINVAL;
	before = action_of(p, sig);
	if (old != 0)
		err = copyout(p->as, old, &before, sizeof before);
	if (err < 0 || action == 0)
		return err;
	act.mask &= ~NOT_MASKABLE;
	act.flags &= SA_KNOWN; /* so a program learns what there is */
	lock_acquire(&sched_lock);
	p->sig.actions[sig - 1] = act;
	p->sig.set |= SIGNAL_BIT(sig);
	if (is_ignored(p, sig))
		p->sig.pending &= ~SIGNAL_BIT(sig);
	if (sig == SIGALRM && !(p->sig.pending & SIGNAL_BIT(sig)))
		alarm_taken(p);
	lock_release(&sched_lock);
	return 0;
}

long signal_mask(int how, vaddr_t set, vaddr_t old)
{
	struct proc *p = proc_self();
	uint64_t mask = 0, before = p->t.blocked;
	int err = 0;

	if (set != 0)
		err = copyin(p->as, &mask, set, sizeof mask);
	if (err == 0 && set != 0 && (unsigned)how > SIG_SETMASK)
		err = -EINVAL;
	if (err == 0 && old != 0)
		err = copyout(p->as, old, &before, sizeof before);
	if (err < 0 || set == 0)
		return err;
	if (how == SIG_BLOCK)
		mask |= before;
	else if (how == SIG_UNBLOCK)
		mask = before & ~mask;
	signal_set_blocked(p, mask);
	return 0;
}

/* Copies the first `size` bytes of the set. */
long signal_pending(vaddr_t set, size_t size)
{
	struct proc *p = proc_self();
	uint64_t pending = p->sig.pending & p->t.blocked;

	return copyout(p->as, set, &pending, size);
}
