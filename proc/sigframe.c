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
#include "abi/wait.h"
#include "arch/timer.h"
#include "fp.h"
#include "lib/string.h"
#include "proc/sched.h"
#include "proc/signal.h"

_Static_assert(sizeof(struct siginfo_abi) == 128, "Linux's layout");
_Static_assert(sizeof(struct ucontext_abi) == 960, "Linux's layout");
_Static_assert(offsetof(struct ucontext_abi, sigmask) == 40, "likewise");
_Static_assert(offsetof(struct ucontext_abi, regs) == 176, "likewise");

void signal_report_rest(struct proc *p)
{
	uint64_t now = timer_now(), ns = 0;
	struct timespec_abi rest;

	if (p->progress.deadline > now)
		ns = timer_to_ns(p->progress.deadline - now);
	rest.seconds = (int64_t)(ns / 1000000000);
	rest.nanos = (int64_t)(ns % 1000000000);
	IGNORE_RESULT(copyout(p->as, p->progress.remain, &rest, sizeof rest));
}

/* The call that was waiting ends, or begins anew after the handler. */
static void interrupt_call(struct proc *p, uint64_t flags)
{
	bool active = p->progress.active;
	uint64_t bytes = active ? p->progress.before + p->progress.bytes : 0;

	if (p->call == CALL_NONE)
		return;
	if (active && p->progress.remain != 0)
		signal_report_rest(p);
	p->progress.active = false;
	if (p->call == CALL_EINTR || !(flags & SA_RESTART) || bytes > 0) {
		p->tf.pc += 4;
		*tf_reg(&p->tf, REG_A0) = bytes > 0 ? bytes : (uint64_t)-EINTR;
	}
	p->call = CALL_NONE;
}

static bool is_on_stack(const struct signal_state *sig, vaddr_t sp)
{
	return sp - sig->stack - 1 < sig->stack_size;
}

static struct stack_abi stack_state(const struct proc *p)
{
	vaddr_t sp = p->tf.x[REG_SP - 1];

	return (struct stack_abi){
	    .sp = p->sig.stack,
	    .size = p->sig.stack_size,
	    .flags = p->sig.stack_size == 0 ? SS_DISABLE
		: is_on_stack(&p->sig, sp)  ? SS_ONSTACK
					    : 0,
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

/* Piece by piece: the frame is too large for the kernel's stack. */
static int copyout_context(struct proc *p, vaddr_t to, uint64_t mask)
{
	struct stack_abi stack = stack_state(p);
	uint64_t zero[2] = {0};
	int err;

	fp_show(p);
	err = copyout(p->as, to, zero, sizeof zero);
	if (err == 0)
		err = copyout(p->as, to + offsetof(struct ucontext_abi, stack),
		    &stack, sizeof stack);
	if (err == 0)
		err =
		    copyout(p->as, to + offsetof(struct ucontext_abi, sigmask),
			&mask, sizeof mask);
	if (err == 0)
		err = copyout(p->as, to + offsetof(struct ucontext_abi, regs),
		    &p->tf, 32 * sizeof(uint64_t));
	if (err == 0)
		err = copyout(p->as, to + offsetof(struct ucontext_abi, f),
		    p->tf.f, sizeof p->tf.f);
	if (err == 0)
		err = copyout(p->as, to + offsetof(struct ucontext_abi, fcsr),
		    &p->tf.fcsr, sizeof(uint32_t));
	return err;
}

/* Makes the process enter its handler. An error if its stack is no good. */
int sigframe_push(struct proc *p, int sig, const struct siginfo_small *info,
    const struct sigaction_abi *act)
{
	struct signal_state *s = &p->sig;
	uint64_t mask = s->has_suspended ? s->suspended : s->blocked;
	vaddr_t sp = p->tf.x[REG_SP - 1], frame;
	int err;

	if ((act->flags & SA_ONSTACK) && s->stack_size != 0 &&
	    !is_on_stack(s, sp))
		sp = s->stack + s->stack_size;
	frame = (sp - sizeof(struct sigframe_abi)) & ~15UL;
	interrupt_call(p, act->flags);
	err = siginfo_copyout(frame, sig, info);
	if (err == 0)
		err = copyout_context(p,
		    frame + offsetof(struct sigframe_abi, uc), mask);
	if (err < 0)
		return err;
	s->has_suspended = false;
	s->awaited = 0;
	p->tf.pc = act->handler;
	*tf_reg(&p->tf, REG_RA) = p->as->trampoline;
	*tf_reg(&p->tf, REG_SP) = frame;
	*tf_reg(&p->tf, REG_A0) = (uint64_t)sig;
	*tf_reg(&p->tf, REG_A1) = frame;
	*tf_reg(&p->tf, REG_A2) = frame + offsetof(struct sigframe_abi, uc);
	mask = s->blocked | act->mask;
	if (!(act->flags & SA_NODEFER))
		mask |= SIGNAL_BIT(sig);
	if (act->flags & SA_RESETHAND)
		s->set &= ~SIGNAL_BIT(sig);
	signal_set_blocked(p, mask);
	return 0;
}

long signal_return(void)
{
	struct proc *p = proc_self();
	struct trapframe *tf = &p->tf;
	vaddr_t uc = *tf_reg(tf, REG_SP) + offsetof(struct sigframe_abi, uc);
	uint64_t mask, regs[32];
	int err;

	err = copyin(p->as, &mask, uc + offsetof(struct ucontext_abi, sigmask),
	    sizeof mask);
	if (err == 0)
		err = copyin(p->as, regs,
		    uc + offsetof(struct ucontext_abi, regs), sizeof regs);
	if (err == 0)
		err = copyin(p->as, tf->f,
		    uc + offsetof(struct ucontext_abi, f), sizeof tf->f);
	if (err == 0) {
		tf->fcsr = 0;
		err = copyin(p->as, &tf->fcsr,
		    uc + offsetof(struct ucontext_abi, fcsr), sizeof(uint32_t));
	}
	if (err < 0) {
		signal_force(p, err == -ENOMEM ? SIGKILL : SIGSEGV,
		    (struct siginfo_small){.code = SEGV_MAPERR});
		return -ENORESULT;
	}
	memcpy(tf, regs, sizeof regs);
	fp_reload(p);
	signal_set_blocked(p, mask);
	return -ENORESULT;
}

long signal_stack(vaddr_t stack, vaddr_t old)
{
	struct proc *p = proc_self();
	struct stack_abi now = stack_state(p), next;
	int err = 0;

	if (stack != 0)
		err = copyin(p->as, &next, stack, sizeof next);
	if (err == 0 && old != 0)
		err = copyout(p->as, old, &now, sizeof now);
	if (err < 0 || stack == 0)
		return err;
	if (now.flags == SS_ONSTACK)
		return -EPERM;
	if (next.flags & ~(SS_DISABLE | SS_ONSTACK))
		return -EINVAL;
	if (!(next.flags & SS_DISABLE) && next.size < 2048)
		return -ENOMEM;
	p->sig.stack = next.sp;
	p->sig.stack_size = next.flags & SS_DISABLE ? 0 : next.size;
	return 0;
}
