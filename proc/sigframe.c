/* SPDX-License-Identifier: MIT */
/*
 * sigframe.c - the frame that a signal handler runs on: pushed on the user's
 * stack before it, taken back by rt_sigreturn after it.
 *
 * The layout is riscv64 Linux's: siginfo, then ucontext with the mask, the
 * integer registers and the floating point registers.
 */
#include "sigframe.h"

#include "abi/errno.h"
#include "abi/time.h"
#include "arch/timer.h"
#include "fp.h"
#include "lib/string.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/victim.h"

_Static_assert(sizeof(struct siginfo_abi) == 128, "Linux's layout");
_Static_assert(sizeof(struct ucontext_abi) == 960, "Linux's layout");
_Static_assert(offsetof(struct ucontext_abi, head.sigmask) == 40, "likewise");
_Static_assert(offsetof(struct ucontext_abi, regs) == 176, "likewise");

/* Is `sp` on the alternate stack? With SS_AUTODISARM that does not count. */
static bool is_on_stack(const struct proc *p, vaddr_t sp)
{
	return !p->t.stack_disarms && sp - p->t.stack - 1 < p->t.stack_size;
}

static struct stack_abi stack_state(const struct proc *p)
{
	vaddr_t sp = p->t.tf.x[REG_SP - 1];

	return (struct stack_abi){
	    .sp = p->t.stack,
	    .size = p->t.stack_size,
	    .flags = (p->t.stack_size == 0        ? SS_DISABLE
			     : is_on_stack(p, sp) ? SS_ONSTACK
						  : 0) |
		(p->t.stack_disarms ? SS_AUTODISARM : 0),
	};
}

int siginfo_copyout(vaddr_t to, int sig, const struct siginfo_small *small)
{
	struct siginfo_abi info;

	memset(&info, 0, sizeof info);
	info.signo = sig;
	info.code = small->code;
	if (small->code > 0 && small->code < SI_KERNEL && sig != SIGCHLD) {
		info.u.addr = small->value;
	} else {
		info.u.child.pid = small->pid;
		info.u.child.value = small->value;
	}
	return copyout(proc_self()->as, to, &info, sizeof info);
}

/* The size of the part of a ucontext that is laid out as a trap frame is. */
#define CONTEXT_REGS                               \
	(offsetof(struct ucontext_abi, fcsr) + 4 - \
	    offsetof(struct ucontext_abi, regs))

_Static_assert(offsetof(struct ucontext_abi, f) -
	    offsetof(struct ucontext_abi, regs) ==
	TF_F(0),
    "alike");
_Static_assert(offsetof(struct ucontext_abi, fcsr) -
	    offsetof(struct ucontext_abi, regs) ==
	TF_FCSR,
    "alike");

static int copyout_context(struct proc *p, vaddr_t to, uint64_t mask)
{
	struct ucontext_head_abi head = {.stack = stack_state(p),
	    .sigmask = mask};
	int err;

	fp_show(p);
	err = copyout(p->as, to, &head, sizeof head);
	if (err == 0)
		err = copyout(p->as, to + offsetof(struct ucontext_abi, regs),
		    &p->t.tf, CONTEXT_REGS);
	return err;
}

/*
 * A handler that wants it gets the alternate stack. A process that runs on that
 * stack already gets the frame below sp. -EFAULT: the stack is too small.
 */
int sigframe_prepare(struct proc *p, const struct sigaction_abi *act,
    vaddr_t *frame)
{
	vaddr_t sp = p->t.tf.x[REG_SP - 1];
	bool on_stack = is_on_stack(p, sp);

	if ((act->flags & SA_ONSTACK) && p->t.stack_size != 0 && !on_stack) {
		sp = p->t.stack + p->t.stack_size;
		on_stack = true;
	}
	*frame = (sp - sizeof(struct sigframe_abi)) & ~15UL;
	if (on_stack && *frame - p->t.stack >= p->t.stack_size)
		return -EFAULT;
	return user_prepare(p->as, *frame, sizeof(struct sigframe_abi),
	    ACCESS_WRITE);
}

static void stack_set(struct proc *p, const struct stack_abi *next)
{
	bool off = next->flags & SS_DISABLE;

	p->t.stack = off ? 0 : next->sp;
	p->t.stack_size = off ? 0 : next->size;
	p->t.stack_disarms = (next->flags & SS_AUTODISARM) != 0;
}

void sigframe_push(struct proc *p, vaddr_t frame, int sig,
    const struct siginfo_small *info, const struct sigaction_abi *act)
{
	vaddr_t uc = frame + offsetof(struct sigframe_abi, uc);
	uint64_t mask;
	int err;

	call_interrupt(p, act->flags & SA_RESTART);
	mask = p->t.has_saved ? p->t.saved : p->t.blocked;
	err = siginfo_copyout(frame, sig, info);
	if (err == 0)
		err = copyout_context(p, uc, mask);
	assert(err == 0);
	p->t.has_saved = false;
	*tf_reg(&p->t.tf, REG_RA) = p->as->trampoline;
	*tf_reg(&p->t.tf, REG_SP) = frame;
	*tf_reg(&p->t.tf, REG_A0) = (uint64_t)sig;
	*tf_reg(&p->t.tf, REG_A1) = frame;
	*tf_reg(&p->t.tf, REG_A2) = uc;
	p->t.tf.pc = act->handler;
	if (p->t.stack_disarms)
		stack_set(p, &(struct stack_abi){.flags = SS_DISABLE});
	mask = p->t.blocked | act->mask;
	if (!(act->flags & SA_NODEFER))
		mask |= SIGNAL_BIT(sig);
	if (act->flags & SA_RESETHAND)
		p->sig.actions[sig - 1].handler = HANDLER_DEFAULT;
	signal_set_blocked(p, mask);
}

/* 0, or the error if `next` cannot become the alternate stack. */
static int stack_check(const struct proc *p, const struct stack_abi *next)
{
	int32_t mode = next->flags & ~SS_AUTODISARM;

	if (is_on_stack(p, p->t.tf.x[REG_SP - 1]))
		return -EPERM;
	if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
		return -EINVAL;
	return mode != SS_DISABLE && next->size < MINSIGSTKSZ ? -ENOMEM : 0;
}

/* Copies all of it or nothing: the registers are changed when it is ready. */
static int copyin_context(struct proc *p, vaddr_t uc,
    struct ucontext_head_abi *head)
{
	int err =
	    user_prepare(p->as, uc, sizeof(struct ucontext_abi), ACCESS_READ);

	if (err == 0)
		err = copyin(p->as, head, uc, sizeof *head);
	if (err < 0)
		return err;
	p->t.tf.fcsr = 0;
	return copyin(p->as, &p->t.tf, uc + offsetof(struct ucontext_abi, regs),
	    CONTEXT_REGS);
}

long signal_return(void)
{
	struct proc *p = proc_self();
	vaddr_t uc =
	    *tf_reg(&p->t.tf, REG_SP) + offsetof(struct sigframe_abi, uc);
	struct ucontext_head_abi head;
	int err = copyin_context(p, uc, &head);

	/* Before memory_comes(), which may yield: then it is executed again. */
	if (err == -ENOMEM)
		(void)call_go_on(SIGNAL_HELD);
	if (err == -ENOMEM && memory_comes(p))
		return CALL_GOES_ON;
	if (err < 0) {
		signal_force(p, err == -ENOMEM ? SIGKILL : SIGSEGV,
		    (struct siginfo_small){.code = SEGV_MAPERR});
		return CALL_ENDED;
	}
	fp_reload(p);
	if (stack_check(p, &head.stack) == 0)
		stack_set(p, &head.stack);
	signal_set_blocked(p, head.sigmask);
	return CALL_ENDED;
}

long signal_stack(vaddr_t stack, vaddr_t old)
{
	struct proc *p = proc_self();
	struct stack_abi now = stack_state(p), next;
	int err = 0;

	if (stack != 0) {
		err = copyin(p->as, &next, stack, sizeof next);
		if (err == 0)
			err = stack_check(p, &next);
	}
	if (err == 0 && old != 0)
		err = copyout(p->as, old, &now, sizeof now);
	if (err == 0 && stack != 0)
		stack_set(p, &next);
	return err;
}
