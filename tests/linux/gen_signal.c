/* SPDX-License-Identifier: MIT */
/*
 * gen_signal.c - faults that are caught, handlers, masks, signals to oneself.
 */
#include "genprog.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int access_load1(unsigned long at, uint64_t *value);
int access_load8(unsigned long at, uint64_t *value);
int access_store1(unsigned long at, uint64_t value);
int access_store8(unsigned long at, uint64_t value);
unsigned long access_call(unsigned long at);

/*
 * The kernel's struct sigaction, and the mask once more: qemu-user 7.2 expects
 * a field before the mask that riscv64 does not have.
 */
struct action {
	unsigned long handler;
	unsigned long flags;
	unsigned long mask;
	unsigned long mask_again;
};

/*
 * The signals that programs use. They are ignored or handled, and kill nothing:
 * the program has to know which process dies.
 */
static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH, SIGPIPE};

static volatile bool accessing;
static struct fault last_fault;

static const char *index_of(pid_t pid)
{
	static char text[8] = "P?";

	for (int i = 0; i < world->procs; i++)
		if (world->streams[i].pid == pid) {
			text[1] = (char)('0' + i);
			return text;
		}
	return "nobody";
}

static void handle(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("handler %d code %d from %s", sig, info->si_code,
	    index_of(info->si_pid));
}

static void handle_fault(int sig, siginfo_t *info, void *context)
{
	unsigned long *regs = ((ucontext_t *)context)->uc_mcontext.__gregs;

	last_fault =
	    (struct fault){sig, info->si_code, (unsigned long)info->si_addr};
	if (!accessing) {
		say("fault %d code %d at %lx that nobody expected", sig,
		    info->si_code, relative(last_fault.address));
		_exit(99);
	}
	accessing = false;
	regs[REG_PC] = regs[REG_RA];
	regs[REG_A0] = 1;
}

static const struct fault *result(unsigned long faulted)
{
	accessing = false;
	return faulted == 1 ? &last_fault : NULL;
}

const struct fault *try_load(unsigned long at, int size, uint64_t *value)
{
	accessing = true;
	return result((unsigned long)(size == 8 ? access_load8(at, value)
						: access_load1(at, value)));
}

const struct fault *try_store(unsigned long at, int size, uint64_t value)
{
	accessing = true;
	return result((unsigned long)(size == 8 ? access_store8(at, value)
						: access_store1(at, value)));
}

const struct fault *try_call(unsigned long at)
{
	accessing = true;
	return result(access_call(at));
}

static long set_action(int sig, const struct action *act, struct action *old)
{
	return SYS(SYS_rt_sigaction, sig, act, old, sizeof(long));
}

void signals_start(void)
{
	struct action act = {.handler = (unsigned long)handle_fault,
	    .flags = SA_SIGINFO};
	struct action ignore = {.handler = (unsigned long)SIG_IGN};

	(void)set_action(SIGSEGV, &act, NULL);
	(void)set_action(SIGBUS, &act, NULL);
	(void)set_action(SIGILL, &act, NULL);
	for (int i = 0; i < COUNT(signals); i++)
		(void)set_action(signals[i], &ignore, NULL);
}

static const char *name_of(unsigned long handler)
{
	if (handler == (unsigned long)handle)
		return "handle";
	if (handler == (unsigned long)SIG_DFL)
		return "default";
	return handler == (unsigned long)SIG_IGN ? "ignore" : "other";
}

static void action_badly(void)
{
	static const int bad[] = {0, -1, 65, SIGKILL, SIGSTOP};
	struct action act = {.handler = (unsigned long)SIG_IGN};
	int sig = bad[pick(COUNT(bad))];

	say("sigaction %d = %ld", sig, set_action(sig, &act, NULL));
}

/* Not compared: the old mask, which qemu-user puts elsewhere. */
void op_action(void)
{
	static const unsigned long flags[] = {0, 0, SA_RESTART, SA_NODEFER,
	    SA_RESTART | SA_NODEFER};
	int sig = signals[pick(COUNT(signals))];
	struct action old = {0}, act = {0};
	long got;

	if (chance(6)) {
		action_badly();
		return;
	}
	act.handler =
	    (unsigned long)(chance(4) ? (void *)SIG_IGN : (void *)handle);
	act.flags = SA_SIGINFO | flags[pick(COUNT(flags))];
	act.mask = chance(2) ? 1UL << (SIGUSR1 - 1) | 1UL << (SIGUSR2 - 1) : 0;
	act.mask_again = act.mask;
	got = set_action(sig, &act, &old);
	say("sigaction %d %s %lx = %ld, was %s %lx", sig, name_of(act.handler),
	    act.flags, got, name_of(old.handler), old.flags);
}

void op_mask(void)
{
	uint64_t set = 0, old = 0, pending = 0;
	int how = (int)pick(4); /* one of the four does not exist */
	long got;

	for (int i = 0; i < COUNT(signals); i++)
		if (chance(2))
			set |= 1UL << (signals[i] - 1);
	if (chance(8))
		set |= 1UL << (SIGKILL - 1);
	got = SYS(SYS_rt_sigpending, &pending, sizeof(pending));
	say("sigpending = %ld: %lx", got, (unsigned long)pending);
	got = SYS(SYS_rt_sigprocmask, how, &set, &old, sizeof(set));
	say("sigprocmask %d %lx = %ld, was %lx", how, (unsigned long)set, got,
	    (unsigned long)old);
}

void op_raise(void)
{
	int sig = signals[pick(COUNT(signals))];
	pid_t pid = getpid();

	switch (pick(8)) {
	case 0:
		say("kill 65 = %ld", SYS(SYS_kill, pid, 65));
		break;
	case 1:
		say("kill -1 = %ld", SYS(SYS_kill, pid, -1));
		break;
	case 2:
		say("kill nobody = %ld", SYS(SYS_kill, 0x3ffffff, sig));
		break;
	case 3:
		say("kill with 0 = %ld", SYS(SYS_kill, pid, 0));
		break;
	case 4:
		say("tgkill %d...", sig);
		say("... = %ld", SYS(SYS_tgkill, pid, pid, sig));
		break;
	default:
		say("kill %d...", sig);
		say("... = %ld", SYS(SYS_kill, pid, sig));
		break;
	}
}
