/* SPDX-License-Identifier: MIT */
/*
 * fuzz_worker.c - a member of a family: one call after the other, until it is
 * killed, or dies of what it did, or the round is over.
 *
 * A call may do anything to the member that makes it. Calls that would end the
 * run, or other families, are changed: restrain().
 */
#include "fuzz.h"

#include "abi/clone.h"
#include "abi/ioctl.h"
#include "abi/reboot.h"

#include <fcntl.h>
#include <sys/time.h>

/*
 * How many steps lie between two upkeeps, and between two looks at memory. A
 * witness starts after one in so many steps.
 */
#define UPKEEP  16
#define LOOK    64
#define WITNESS 120

/* All pids are below this. */
#define PID_END 4194304UL

/* The result that the stub leaves when it makes no call. */
#define STUB_WAS_REPLACED 0x777

/* The time after which a signal interrupts a call that would wait for ever. */
#define ALARM_MICROS 5000

/* Exit status of a member that died of a bad access. */
#define CRASHED 77

struct member me;

unsigned char signal_stack[SIGNAL_STACK] __attribute__((aligned(8)));

uint64_t roll(void)
{
	me.rng ^= me.rng << 13;
	me.rng ^= me.rng >> 7;
	me.rng ^= me.rng << 17;
	return me.rng * 0x2545f4914f6cdd1dUL;
}

uint64_t below(uint64_t n)
{
	return (roll() >> 16) % n;
}

bool once_in(uint64_t n)
{
	return below(n) == 0;
}

/* ---- Keeping a member going ---- */

_Noreturn void leave(int status)
{
	for (;;)
		(void)plain(SYS_exit, status);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Handles the signal, so that the kernel prints no line about it. */
static void on_crash(int sig)
{
	(void)sig;
	leave(CRASHED);
}

static void handle(int sig, sighandler_t handler)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	act.sa_handler = handler;
	act.sa_flags = SA_ONSTACK;
	(void)plain(SYS_rt_sigaction, sig, (long)&act, 0, 8);
}

static void arm(void)
{
	struct itimerval alarm = {{0, ALARM_MICROS}, {0, ALARM_MICROS}};
	stack_t stack = {signal_stack, 0, sizeof(signal_stack)};
	sigset_t none = 0;

	(void)plain(SYS_calf_fail);
	(void)plain(SYS_sigaltstack, (long)&stack);
	handle(SIGALRM, on_alarm);
	handle(SIGSEGV, on_crash);
	handle(SIGBUS, on_crash);
	handle(SIGILL, on_crash);
	handle(SIGTRAP, on_crash);
	(void)plain(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8);
	(void)plain(SYS_setitimer, ITIMER_REAL, (long)&alarm);
}

static void upkeep(void)
{
	arm();
	stub_restore();
	while (plain(SYS_wait4, -1, 0, WNOHANG) > 0)
		continue;
}

/* ---- What is not let through ---- */

#define REBOOT_MAY_END 3

/* Leaves only commands that do not end the machine. */
static void restrain_reboot(struct call *call)
{
	if ((call->args[0] & 0xffffffff) == (long)REBOOT_MAGIC1 ||
	    once_in(REBOOT_MAY_END)) {
		call->args[0] = (long)REBOOT_MAGIC1;
		call->args[1] = (long)REBOOT_MAGIC2;
		call->args[2] = once_in(2) ? 0 : (long)REBOOT_CAD_ON;
	}
}

/* Only harmless signals may be sent to all processes. */
static void restrain_kill(struct call *call)
{
	static const int harmless[] = {0, SIGCHLD, SIGCONT, SIGURG};

	if ((int)call->args[0] == -1)
		call->args[1] = harmless[below(COUNT(harmless))];
}

static bool is_console(int fd)
{
	unsigned char modes[64];

	return plain(SYS_ioctl, fd, TCGETS, (long)modes) == 0;
}

#define LINE     "# ..............................................\n"
#define LINES_4  LINE LINE LINE LINE
#define LINES_16 LINES_4 LINES_4 LINES_4 LINES_4

/* Comments in the report, which is in the TAP format. */
static const char console_text[] = LINES_16 LINES_16;
static const uint64_t console_vector[][2] = {
    {(uint64_t)console_text, 700},
    {(uint64_t)console_text + 700, 1},
    {(uint64_t)console_text + 701, 800},
};

/*
 * The console is for the report. So a call that writes to it gets memory that
 * cannot be read; or now and then comments, more than the terminal takes in one
 * part.
 */
static void restrain_write(struct call *call)
{
	bool tells = once_in(8);

	if (!is_console((int)call->args[0]))
		return;
	if (call->nr == SYS_write) {
		call->args[1] =
		    tells ? (long)console_text : (long)bad_address();
		if (tells)
			call->args[2] = (long)below(sizeof(console_text));
	} else if (tells) {
		call->args[1] = (long)console_vector;
		call->args[2] = COUNT(console_vector);
	} else {
		call->args[0] = 1;
	}
}

static bool is_question(unsigned ioctl)
{
	return ioctl == TCGETS || ioctl == TIOCGPGRP || ioctl == TIOCGWINSZ;
}

/* Settings that other families can read get no words of this family's. */
static void restrain_setting(struct call *call, int pointer)
{
	static const char text[64] = "setting";

	call->args[pointer] =
	    once_in(3) ? (long)bad_address() : (long)place(text, sizeof(text));
}

/* Is it certainly a process of this family? */
static bool is_kin(pid_t pid)
{
	int i;

	for (i = 0; i < KIDS; i++)
		if (me.kids[i] == pid)
			return true;
	return pid == (pid_t)plain(SYS_getpid);
}

#define PR_SET_NAME 15

static void restrain(struct call *call)
{
	switch (call->nr) {
	case SYS_ioctl:
		if (is_console((int)call->args[0]) &&
		    !is_question((unsigned)call->args[1]))
			restrain_setting(call, 2);
		break;
	case SYS_prctl:
		if ((int)call->args[0] == PR_SET_NAME)
			restrain_setting(call, 1);
		break;
	case SYS_rt_sigqueueinfo:
		if (!is_kin((pid_t)call->args[0]))
			restrain_setting(call, 2);
		break;
	case SYS_reboot:
		restrain_reboot(call);
		break;
	case SYS_kill:
		restrain_kill(call);
		break;
	case SYS_write:
	case SYS_writev:
		restrain_write(call);
		break;
	default:
		break;
	}
}

/* ---- Calls that need preparation ---- */

static bool is_full(void)
{
	struct calf_stat st;

	return plain(SYS_calf_stat, (long)&st, sizeof(st)) < 0 ||
	    st.processes >= board->members;
}

/*
 * The process that runs in this memory. A lender waits until its borrowers have
 * left, so no process ever finds another one's number here. Any other value was
 * stored by one of its own calls.
 */
#define RUNNER 0x5ace0000000000UL

static volatile uint64_t runner;

static void claim_space(void)
{
	runner = RUNNER + (uint64_t)plain(SYS_getpid);
}

static void check_space(void)
{
	uint64_t self = (uint64_t)plain(SYS_getpid), other = runner - RUNNER;

	if (other != self && other > 0 && other < PID_END)
		fail("%lu and %lu ran in one address space", self, other);
}

static void become_child(uint64_t rng)
{
	me.rng = rng | 1;
	me.steps = 0;
	memset(me.kids, 0, sizeof(me.kids));
	claim_space();
	arm();
}

static void remember_kid(long pid)
{
	(void)__atomic_add_fetch(&board->children, 1, __ATOMIC_RELAXED);
	me.kids[me.next_kid++ % KIDS] = (pid_t)pid;
}

/* Makes the call, which forks. Parent and child both return from here. */
static long fork_as(const struct call *call)
{
	uint64_t rng = roll();
	long pid = once_in(4) ? make_call_by(STUB_AT, call, me.family)
			      : make_call(call, me.family);

	if (pid == 0)
		become_child(rng);
	else
		claim_space();
	if (pid > 0 && pid != STUB_WAS_REPLACED)
		remember_kid(pid);
	return pid;
}

/* ---- Memory that is lent: vfork ---- */

static void step(void);

/* `me` of each lender, while its borrower uses `me` for itself. */
#define LENDERS 3

static struct member lent[LENDERS];
static volatile int lenders;

/* Sends a signal to its parent or to a child, often SIGKILL. */
static void harass(void)
{
	static const int signals[] = {SIGKILL, SIGKILL, SIGTERM, SIGUSR1,
	    SIGALRM, SIGCONT};
	long pid = once_in(2) ? plain(SYS_getppid) : me.kids[below(KIDS)];

	if (pid > 1)
		(void)plain(SYS_kill, pid, signals[below(COUNT(signals))]);
}

static const struct call lend_call = {0, SYS_clone,
    {CLONE_VM | CLONE_VFORK | SIGCHLD}};

static long vfork_as(const struct call *call);

/* The borrower ends here: it must not return into its lender's stack frames. */
static __attribute__((noinline, noreturn)) void borrow(void)
{
	uint64_t steps = below(8);

	claim_space();
	memset(me.kids, 0, sizeof(me.kids));
	for (; steps > 0; steps--) {
		if (once_in(4))
			harass();
		if (once_in(4) && !is_full())
			(void)vfork_as(&lend_call);
		step();
		check_space();
	}
	if (once_in(8))
		*(volatile long *)bad_address() = 1;
	leave(0);
}

/* The child runs in our memory, further down on our stack, while we wait. */
__attribute__((noinline)) static long vfork_as(const struct call *call)
{
	int lender = lenders;
	long pid;

	if (lender == LENDERS)
		return 0;
	lent[lender] = me;
	lenders = lender + 1;
	pid = make_call(call, me.family);
	if (pid == 0)
		borrow();
	lenders = lender;
	me = lent[lender];
	(void)roll();
	claim_space();
	if (pid > 0)
		remember_kid(pid);
	return pid;
}

static long do_clone(struct call *call)
{
	if (is_full()) {
		call->nr = SYS_wait4;
		call->args[0] = -1;
		call->args[1] = 0;
		call->args[2] = WNOHANG;
		call->args[3] = 0;
		return make_call(call, me.family);
	}
	if ((call->args[0] & CLONE_VM) && call->args[1] == 0)
		return vfork_as(call);
	return fork_as(call);
}

/* Forks for a call that may not return. True in the child, else false. */
static bool in_child(void)
{
	static const struct call fork_call = {0, SYS_clone, {SIGCHLD}};

	return !is_full() && fork_as(&fork_call) == 0;
}

static long do_exec(const struct call *call)
{
	long result;

	if (!in_child())
		return 0;
	result = make_call(call, me.family);
	if (once_in(2))
		leave(0);
	return result;
}

/* A signal frame that is well formed leads here. */
_Noreturn void fuzz_resumed(void);
__asm__(".text\n"
	".globl fuzz_resumed\n"
	"fuzz_resumed:\n"
	"	li	a7, 93\n"
	"	ecall\n"
	"	j	fuzz_resumed\n");

/* siginfo, and what comes before the registers in a ucontext. */
#define FRAME_PC    ((128 + 176) / 8)
#define FRAME_MASK  ((128 + 40) / 8)
#define FRAME_WORDS ((128 + 960) / 8)

static void do_sigreturn(const struct call *call)
{
	static uint64_t frame[FRAME_WORDS];
	uintptr_t at;
	int i;

	if (!in_child())
		return;
	for (i = 0; i < FRAME_WORDS; i++)
		frame[i] = once_in(3) ? code_address() : roll();
	if (!once_in(3))
		frame[FRAME_PC] = (uintptr_t)fuzz_resumed;
	if (once_in(2))
		frame[FRAME_MASK] = 0;
	at =
	    once_in(4) ? (uintptr_t)call->args[0] : place(frame, sizeof(frame));
	__asm__ volatile("mv	t0, %0\n"
			 "mv	t1, %1\n"
			 "mv	sp, %2\n"
			 "li	a7, 139\n"
			 "ecall\n"
			 "j	fuzz_resumed\n"
			 :
			 : "r"(call->number), "r"(board->seed), "r"(at)
			 : "t0", "t1", "a7", "memory");
	__builtin_unreachable();
}

static long perform(struct call *call)
{
	switch (call->nr) {
	case SYS_clone:
		return do_clone(call);
	case SYS_execve:
		return do_exec(call);
	case SYS_rt_sigreturn:
		do_sigreturn(call);
		return 0;
	case SYS_exit:
	case SYS_exit_group:
		return make_call(call, me.family);
	default:
		return once_in(4) ? make_call_by(STUB_AT, call, me.family)
				  : make_call(call, me.family);
	}
}

/* ---- One step ---- */

static uint64_t stir(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * 0x100000001b3UL ^ hash >> 29;
}

static struct made *record(const struct call *call)
{
	struct made *made = &board->last[call->number % LAST_CALLS];

	made->call = *call;
	made->family = me.family;
	made->pid = (pid_t)plain(SYS_getpid);
	made->done = false;
	return made;
}

/* Without a lock, so the hash is exact on one hart, and only there compared. */
static void record_result(struct made *made, const struct call *call,
    long result)
{
	uint64_t hash = stir(board->hash, call->number);
	int i;

	for (i = 0; i < 6; i++)
		hash = stir(hash, (uint64_t)call->args[i]);
	hash = stir(hash, (uint64_t)call->nr);
	board->hash = stir(hash, (uint64_t)result);
	if (made->call.number != call->number)
		return;
	made->result = result;
	made->done = true;
}

/* Lets the kernel check itself, and tells it after which call. */
static void check_after(const struct call *call)
{
	struct call check = {call->number, SYS_calf_check, {call->nr}};
	int i;

	if (call->number % board->every != 0)
		return;
	for (i = 1; i < 6; i++)
		check.args[i] = call->args[i - 1];
	(void)make_call(&check, me.family);
	(void)__atomic_add_fetch(&board->checks, 1, __ATOMIC_RELAXED);
}

static void step(void)
{
	struct call call;
	struct made *made;
	long result;

	if (once_in(8))
		meddle();
	choose_call(&call);
	if ((call.nr == SYS_exit || call.nr == SYS_exit_group) && !once_in(4))
		return;
	restrain(&call);
	call.number = __atomic_fetch_add(&board->calls, 1, __ATOMIC_RELAXED);
	if (call.number >= board->limit)
		leave(0);
	made = record(&call);
	claim_space();
	result = perform(&call);
	check_space();
	record_result(made, &call, result);
	check_after(&call);
}

/* Opens descriptors up to where their table grows, or can grow no more. */
static void fill_descriptors(void)
{
	static const int ends[] = {30, 31, 32, 509, 510, 511};
	int end = ends[below(COUNT(ends))], fd;

	do
		fd = dup(0);
	while (fd >= 0 && fd < end);
}

static void open_files(void)
{
	int fds[2];

	(void)close(0);
	(void)close(1);
	(void)close(2);
	(void)open("/dev/zero", O_RDWR);
	(void)open("/dev/null", O_RDWR);
	(void)open("/dev/console", O_RDWR);
	(void)pipe(fds);
	(void)pipe2(fds, O_NONBLOCK);
	(void)open("/data/text", O_RDONLY);
	(void)open("/bin", O_RDONLY | O_DIRECTORY);
	(void)open("/dev/random", O_RDONLY);
	(void)open("/dev/urandom", O_RDONLY);
	if (once_in(3))
		fill_descriptors();
}

void family_run(uint64_t family)
{
	me.family = family;
	me.tag = TAG(family);
	claim_space();
	me.rng = (board->seed + 1) * 0x9e3779b97f4a7c15UL ^
	    (family + 1) * 0xd1342543de82ef95UL;
	if (me.rng == 0)
		me.rng = 1;
	arm();
	open_files();
	world_build();
	for (;;) {
		step();
		if (++me.steps % UPKEEP == 0)
			upkeep();
		if (me.steps % LOOK == 0)
			world_look();
		if (once_in(WITNESS))
			witness();
	}
}
