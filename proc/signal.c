/* SPDX-License-Identifier: MIT */
/*
 * signal.c - sending signals, and what happens to the one who gets them.
 *
 * A signal is a pending bit set by anyone under sched_lock. It is acted upon
 * by the hart that runs the process, before it returns to user mode: default
 * actions at once, handlers by a frame on the user's stack. There is no
 * SA_RESTORER on riscv64, so handlers return to a page of the kernel's that
 * exec maps into every process.
 */
#include "proc/signal.h"

#include "abi/errno.h"
#include "abi/syscall.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"
#include "sigframe.h"

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
	tlb_code_changed();
}

static struct sigaction_abi action_of(const struct proc *p, int sig)
{
	if (p->sig.set & SIGNAL_BIT(sig))
		return p->sig.actions[sig - 1];
	return (struct sigaction_abi){.handler = SIG_DFL};
}

static bool is_ignored(const struct proc *p, int sig)
{
	uint64_t handler = action_of(p, sig).handler;

	return handler == SIG_IGN ||
	    (handler == SIG_DFL && (SIGNAL_BIT(sig) & IGNORED_BY_DEFAULT));
}

bool signal_is_deaf(const struct proc *p, int sig)
{
	return (p->sig.blocked & SIGNAL_BIT(sig)) != 0 || is_ignored(p, sig);
}

/*
 * What would end or stop process 1 is lost on it, whoever sends it: only a
 * fault of its own, or its exit, takes the machine down.
 */
static bool is_shielded(const struct proc *p, int sig)
{
	return p->pid == INIT_PID && !p->sig.doomed &&
	    action_of(p, sig).handler == SIG_DFL;
}

static void notify_parent(struct proc *p, int code, int status)
    REQUIRES(sched_lock)
{
	struct proc *parent = p->parent;

	if (parent == NULL)
		return;
	if (!(action_of(parent, SIGCHLD).flags & SA_NOCLDSTOP))
		signal_send(parent, SIGCHLD,
		    (struct siginfo_small){code, p->pid, (uint64_t)status});
	waitq_wake_all_locked(&parent->child_event);
}

static void wake_stopped(struct proc *p, int sig) REQUIRES(sched_lock)
{
	if (p->state != PROC_STOPPED)
		return;
	p->work = 1;
	sched_wake(p);
	if (sig != SIGCONT)
		return;
	p->cont_pending = true;
	notify_parent(p, CLD_CONTINUED, SIGCONT);
}

/* It has to know: wakes it from a wait that may be interrupted. */
static void wake_for_signal(struct proc *p, int sig) REQUIRES(sched_lock)
{
	p->work = 1;
	if (p->state == PROC_BLOCKED && p->vfork_wait && sig != SIGKILL)
		return;
	if (p->state == PROC_BLOCKED) {
		p->as_is_lent = p->vfork_wait;
		p->vfork_wait = false;
		sched_wake(p);
	} else {
		sched_notify(p);
	}
}

void signal_send(struct proc *p, int sig, struct siginfo_small info)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (p->state == PROC_ZOMBIE)
		return;
	if (is_shielded(p, sig) && !(p->sig.blocked & bit))
		return;
	if (sig == SIGCONT)
		p->sig.pending &= ~STOP_SIGNALS;
	if (bit & STOP_SIGNALS)
		p->sig.pending &= ~SIGNAL_BIT(SIGCONT);
	if (sig == SIGCONT || sig == SIGKILL)
		wake_stopped(p, sig);
	if (is_ignored(p, sig) && !(p->sig.blocked & bit))
		return;
	if (!(p->sig.pending & bit)) {
		p->sig.pending |= bit;
		p->sig.info[sig - 1] = info;
	}
	if ((p->sig.blocked & ~p->sig.awaited & bit) == 0)
		wake_for_signal(p, sig);
}

unsigned signal_send_group(pid_t pgid, int sig, struct siginfo_small info)
{
	unsigned count = 0;

	list_for_each(link, &proc_all) {
		struct proc *p = list_entry(link, struct proc, all);

		if (p->pgid != pgid)
			continue;
		count++;
		if (sig != 0)
			signal_send(p, sig, info);
	}
	return count;
}

void signal_force(struct proc *p, int sig, struct siginfo_small info)
{
	uint64_t bit = SIGNAL_BIT(sig);

	info.pid = p->pid;
	lock_acquire(&sched_lock);
	if ((p->sig.blocked & bit) || action_of(p, sig).handler == SIG_IGN) {
		p->sig.blocked &= ~bit;
		p->sig.set &= ~bit;
	}
	p->sig.doomed = action_of(p, sig).handler == SIG_DFL;
	p->sig.pending |= bit;
	p->sig.info[sig - 1] = info;
	p->work = 1;
	p->progress.active = false; /* the call that it came from is given up */
	lock_release(&sched_lock);
}

void signal_set_blocked(struct proc *p, uint64_t mask)
{
	lock_acquire(&sched_lock);
	p->sig.blocked = mask & ~NOT_MASKABLE;
	if (signal_is_due(p))
		p->work = 1;
	lock_release(&sched_lock);
}

/* Stops until SIGCONT. A signal that ends it all is not overslept. */
static void stop_self(struct proc *p, int sig)
{
	lock_acquire(&sched_lock);
	if (p->sig.pending & (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGCONT))) {
		lock_release(&sched_lock);
		return;
	}
	p->state = PROC_STOPPED;
	p->stop_signal = sig;
	p->stop_reported = false;
	p->cont_pending = false;
	notify_parent(p, CLD_STOPPED, sig);
	lock_release(&sched_lock);
	schedule();
}

static int lowest_signal(uint64_t set)
{
	int sig = 0;

	while (set != 0 && !(set & SIGNAL_BIT(sig + 1)))
		sig++;
	return set != 0 ? sig + 1 : 0;
}

int signal_take(struct proc *p, uint64_t set, struct siginfo_small *info)
{
	uint64_t due = p->sig.pending & set;
	int sig = due & SIGNAL_BIT(SIGKILL) ? SIGKILL : lowest_signal(due);

	if (sig != 0) {
		p->sig.pending &= ~SIGNAL_BIT(sig);
		*info = p->sig.info[sig - 1];
	}
	return sig;
}

static int take_due(struct proc *p, struct siginfo_small *info)
{
	int sig;

	lock_acquire(&sched_lock);
	sig = signal_take(p, ~p->sig.blocked, info);
	lock_release(&sched_lock);
	return sig;
}

static void deliver(struct proc *p, int sig, struct siginfo_small *info)
{
	struct sigaction_abi act = action_of(p, sig);
	int err;

	if (is_ignored(p, sig) || is_shielded(p, sig))
		return;
	if (act.handler == SIG_DFL) {
		if (!(SIGNAL_BIT(sig) & STOP_SIGNALS))
			proc_exit(STATUS_SIGNALED(sig));
		stop_self(p, sig);
		return;
	}
	err = sigframe_push(p, sig, info, &act);
	if (err < 0)
		proc_exit(STATUS_SIGNALED(err == -ENOMEM ? SIGKILL : SIGSEGV));
}

/* The child's part of fork that needs its own memory. */
static void write_tid(struct proc *p)
{
	vaddr_t to = p->set_tid;

	p->set_tid = 0;
	if (copyout(p->as, to, &p->pid, sizeof p->pid) == -ENOMEM)
		proc_exit(STATUS_SIGNALED(SIGKILL));
}

void signal_deliver(struct proc *p)
{
	struct siginfo_small info;
	int sig;

	if (p->set_tid != 0)
		write_tid(p);
	while ((sig = take_due(p, &info)) != 0)
		deliver(p, sig, &info);
}

void signal_copy(struct proc *child, struct proc *parent)
{
	uint64_t set = parent->sig.set;

	child->sig.set = set;
	child->sig.blocked = parent->sig.blocked;
	child->sig.stack = parent->sig.stack;
	child->sig.stack_size = parent->sig.stack_size;
	for (unsigned i = 0; set != 0; i++, set >>= 1)
		if (set & 1)
			child->sig.actions[i] = parent->sig.actions[i];
}

void signal_exec(struct proc *p)
{
	lock_acquire(&sched_lock);
	for (int sig = 1; sig <= NSIG && p->sig.set >> (sig - 1) != 0; sig++)
		if (action_of(p, sig).handler != SIG_IGN)
			p->sig.set &= ~SIGNAL_BIT(sig);
	p->sig.stack_size = 0;
	lock_release(&sched_lock);
}

long signal_action(int sig, vaddr_t action, vaddr_t old)
{
	struct proc *p = proc_self();
	struct sigaction_abi act, before;
	int err = 0;

	if (sig < 1 || sig > NSIG)
		return -EINVAL;
	if (action != 0 && (SIGNAL_BIT(sig) & NOT_MASKABLE))
		return -EINVAL;
	if (action != 0)
		err = copyin(p->as, &act, action, sizeof act);
	before = action_of(p, sig);
	if (err == 0 && old != 0)
		err = copyout(p->as, old, &before, sizeof before);
	if (err < 0 || action == 0)
		return err;
	act.mask &= ~NOT_MASKABLE;
	lock_acquire(&sched_lock);
	p->sig.actions[sig - 1] = act;
	p->sig.set |= SIGNAL_BIT(sig);
	if (is_ignored(p, sig))
		p->sig.pending &= ~SIGNAL_BIT(sig);
	lock_release(&sched_lock);
	return 0;
}

long signal_mask(int how, vaddr_t set, vaddr_t old)
{
	struct proc *p = proc_self();
	uint64_t mask = 0, before = p->sig.blocked;
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

long signal_pending(vaddr_t set)
{
	struct proc *p = proc_self();
	uint64_t pending = p->sig.pending & p->sig.blocked;

	return copyout(p->as, set, &pending, sizeof pending);
}

/* kill(-1): everybody but process 1 and the caller. */
static unsigned send_to_all(int sig, struct siginfo_small info)
    REQUIRES(sched_lock)
{
	unsigned count = 0;

	list_for_each(link, &proc_all) {
		struct proc *p = list_entry(link, struct proc, all);

		if (p->pid == INIT_PID || p == proc_self())
			continue;
		count++;
		if (sig != 0)
			signal_send(p, sig, info);
	}
	return count;
}

long signal_kill(pid_t pid, int sig)
{
	struct proc *self = proc_self(), *p;
	struct siginfo_small info = {SI_USER, self->pid, 0};
	unsigned count;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	lock_acquire(&sched_lock);
	if (pid > 0) {
		p = proc_find(pid);
		count = p != NULL;
		if (p != NULL && sig != 0)
			signal_send(p, sig, info);
	} else if (pid == -1) {
		count = send_to_all(sig, info);
	} else {
		count =
		    signal_send_group(pid == 0 ? self->pgid : -pid, sig, info);
	}
	lock_release(&sched_lock);
	return count > 0 ? 0 : -ESRCH;
}

long signal_tgkill(pid_t pid, int sig)
{
	struct siginfo_small info = {SI_TKILL, proc_self()->pid, 0};
	struct proc *p;

	if (pid <= 0 || sig < 0 || sig > NSIG)
		return -EINVAL;
	lock_acquire(&sched_lock);
	p = proc_find(pid);
	if (p != NULL && sig != 0)
		signal_send(p, sig, info);
	lock_release(&sched_lock);
	return p != NULL ? 0 : -ESRCH;
}

long signal_queue(pid_t pid, int sig, vaddr_t from)
{
	struct proc *self = proc_self(), *p;
	struct siginfo_abi info;
	struct siginfo_small small;
	int err = copyin(self->as, &info, from, sizeof info);

	if (err < 0)
		return err;
	/* Nobody passes for the kernel, or for kill. */
	if ((info.code >= 0 || info.code == SI_TKILL) && pid != self->pid)
		return -EPERM;
	small = (struct siginfo_small){info.code, info.u.child.pid,
	    info.u.child.value};
	lock_acquire(&sched_lock);
	p = proc_find(pid);
	if (p == NULL)
		err = -ESRCH;
	else if (sig < 0 || sig > NSIG)
		err = -EINVAL;
	else if (sig != 0)
		signal_send(p, sig, small);
	lock_release(&sched_lock);
	return err;
}
