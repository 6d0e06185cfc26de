/* SPDX-License-Identifier: MIT */
/*
 * fuzz_calls.c - chooses the next call and its arguments.
 *
 * The numbers come from abi/syscall.h by way of a generated list, so that a
 * new call is made from the day it has a number. A word of letters, below, says
 * what the arguments of a call should look like; without one they are random.
 */
#include "fuzz.h"

#include "abi/clone.h"
#include "abi/ioctl.h"
#include "abi/mman.h"
#include "abi/port.h"

#include <fcntl.h>
#include <poll.h>

static const struct number {
	long nr;
	const char *name;
} numbers[] = {
#include "fuzz_numbers.h"
};

/*
 * A letter for each argument:
 *
 *   f descriptor    d directory, or AT_FDCWD   p address    l length
 *   w path          v iovec      c its length  q pollfd     b small number
 *   P pid           s signal     a sigaction   m sigset     z its size
 *   S stack_t       t timespec   T itimerval   C flags of clone
 *   A page          L length of a mapping      r prot       x flags of mmap
 *   o flags of open F command of fcntl         I of ioctl   W of wait4
 *   u argv          g advice     k clock       n short length 0 zero
 *   X flags of fstatat                         O of pipe2    * anything
 *   R reply of a server                        j port_descriptor
 */
static const struct shape {
	long nr;
	const char *args;
	unsigned weight; /* how often it is chosen, 1 if not here */
} shapes[] = {
    {SYS_umask, "l", 1},
    {SYS_getcwd, "pl", 1},
    {SYS_dup, "f", 1},
    {SYS_dup3, "ffo", 1},
    {SYS_fcntl, "fFb", 1},
    {SYS_ioctl, "fIj", 2},
    {SYS_unlinkat, "dwX", 1},
    {SYS_faccessat, "dwb", 1},
    {SYS_faccessat2, "dwbX", 1},
    {SYS_chdir, "w", 1},
    {SYS_openat, "dwo", 3},
    {SYS_close, "f", 2},
    {SYS_pipe2, "pO", 3},
    {SYS_getdents64, "fpl", 2},
    {SYS_lseek, "flb", 1},
    {SYS_read, "fpl", 6},
    {SYS_write, "fpl", 6},
    {SYS_readv, "fvc", 4},
    {SYS_writev, "fvc", 4},
    {SYS_pread64, "fplb", 2},
    {SYS_pselect6, "bppptp", 2},
    {SYS_ppoll, "qctmz", 3},
    {SYS_readlinkat, "dwpl", 1},
    {SYS_newfstatat, "dwpX", 2},
    {SYS_fstat, "fp", 1},
    {SYS_exit, "b", 1},
    {SYS_exit_group, "b", 1},
    {SYS_set_tid_address, "p", 1},
    {SYS_waitid, "bPpWp", 2},
    {SYS_futex, "pbbtpb", 6},
    {SYS_set_robust_list, "pl", 1},
    {SYS_nanosleep, "tp", 1},
    {SYS_getitimer, "bp", 1},
    {SYS_setitimer, "bTp", 1},
    {SYS_clock_gettime, "kp", 1},
    {SYS_clock_getres, "kp", 1},
    {SYS_clock_nanosleep, "kbtp", 1},
    {SYS_sched_setscheduler, "Pbp", 1},
    {SYS_sched_getscheduler, "P", 1},
    {SYS_sched_getparam, "Pp", 1},
    {SYS_sched_setaffinity, "Plp", 1},
    {SYS_sched_getaffinity, "Plp", 1},
    {SYS_kill, "Ps", 2},
    {SYS_tkill, "Ps", 1},
    {SYS_tgkill, "PPs", 1},
    {SYS_sigaltstack, "Sp", 1},
    {SYS_rt_sigsuspend, "mz", 1},
    {SYS_rt_sigaction, "sapz", 2},
    {SYS_rt_sigprocmask, "bmpz", 1},
    {SYS_rt_sigpending, "pz", 1},
    {SYS_rt_sigtimedwait, "mptz", 2},
    {SYS_rt_sigqueueinfo, "Psp", 2},
    {SYS_rt_sigreturn, "p", 2},
    {SYS_setpriority, "bPb", 1},
    {SYS_getpriority, "bP", 1},
    {SYS_getresuid, "ppp", 1},
    {SYS_times, "p", 1},
    {SYS_reboot, "***", 1},
    {SYS_setpgid, "PP", 1},
    {SYS_getpgid, "P", 1},
    {SYS_getsid, "P", 1},
    {SYS_uname, "p", 1},
    {SYS_getrusage, "bp", 1},
    {SYS_prctl, "bp", 1},
    {SYS_getcpu, "pp", 1},
    {SYS_gettimeofday, "pp", 1},
    {SYS_sysinfo, "p", 1},
    {SYS_brk, "p", 2},
    {SYS_munmap, "AL", 4},
    {SYS_mremap, "ALLb", 1},
    {SYS_clone, "C0ppp", 6},
    {SYS_execve, "wuu", 3},
    {SYS_mmap, "ALrxf0", 12},
    {SYS_mprotect, "ALr", 8},
    {SYS_madvise, "ALg", 6},
    {SYS_riscv_hwprobe, "plb0b", 1},
    {SYS_riscv_flush_icache, "ppb", 1},
    {SYS_wait4, "PpWp", 4},
    {SYS_prlimit64, "Pbpp", 1},
    {SYS_getrandom, "pnb", 1},
    {SYS_calf_stat, "pl", 1},
    {SYS_calf_ps, "Pp", 1},
    {SYS_calf_walk, "Ppp", 2},
    {SYS_calf_next, "Ppp", 2},
    {SYS_calf_fail, "bb", 4},
    {SYS_port_create, "b", 3},
    {SYS_port_open, "fbobb", 4},
    {SYS_port_next, "fRppl", 6},
    {SYS_port_read, "fbbpl", 3},
    {SYS_port_write, "fbbpl", 3},
    {SYS_port_events, "fbb", 2},
    {SYS_port_adopt, "fPP", 2},
    {SYS_ftruncate, "fb", 2},
    {SYS_fsync, "f", 2},
    {SYS_pwrite64, "fplb", 2},
};

#define PICK(array) ((array)[below(COUNT(array))])

static const struct shape *shape_of(long nr)
{
	int i;

	for (i = 0; i < COUNT(shapes); i++)
		if (shapes[i].nr == nr)
			return &shapes[i];
	return NULL;
}

const char *call_name(long nr)
{
	int i;

	for (i = 0; i < COUNT(numbers); i++)
		if (numbers[i].nr == nr)
			return numbers[i].name;
	return "?";
}

/* ---- Numbers of all sorts ---- */

static uint64_t anything(void)
{
	switch (below(6)) {
	case 0:
		return below(16);
	case 1:
		return -below(200);
	case 2:
		return 1UL << below(64);
	case 3:
		return (1UL << below(64)) - 1;
	case 4:
		return any_address();
	default:
		return roll();
	}
}

static uint64_t a_length(void)
{
	static const uint64_t lengths[] = {0, 1, 2, 4, 7, 8, 16, 64, 120, 128,
	    511, 512, 1024, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE, 65536,
	    65537, 2 * MIB - 1, 2 * MIB, GIB, USER_END, 0x7fffffffffffffffUL,
	    0xffffffffffffffffUL};

	return once_in(4) ? below(3 * PAGE) : PICK(lengths);
}

/* Mostly small: a member that unmaps much does not live long. */
static uint64_t a_mapping_length(void)
{
	static const uint64_t large[] = {2 * MIB, 2 * MIB - PAGE,
	    2 * MIB + PAGE, GIB, GIB - PAGE, GIB + PAGE, 2 * GIB, USER_END,
	    0xffffffffffffffffUL};

	if (once_in(12))
		return once_in(8) ? anything() : PICK(large);
	return below(6) * PAGE + (once_in(4) ? below(PAGE) : 0);
}

static uint64_t a_descriptor(void)
{
	if (once_in(10))
		return anything();
	return once_in(4) ? below(32) : below(12);
}

static uint64_t a_directory(void)
{
	return once_in(3) ? a_descriptor() : (uint64_t)AT_FDCWD;
}

static uint64_t a_pid(void)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return once_in(4) ? anything() : -1UL;
	case 3:
		return (uint64_t)plain(SYS_getpid);
	case 4:
		return (uint64_t)plain(SYS_getppid);
	case 5:
		return -(uint64_t)plain(SYS_getpgid, 0);
	default:
		return (uint64_t)me.kids[below(KIDS)];
	}
}

/* ---- Structures ---- */

static uint64_t a_path(void)
{
	static const char *const paths[] = {"/bin/fuzz", "/init", "/bin",
	    "/bin/", "bin", ".", "..", "/", "", "", "", "", "/dev/null",
	    "/dev/zero", "/dev/random", "/dev/urandom", "/dev/console",
	    "/dev/tty", "/dev", "/data/text", "/data", "/data/empty",
	    "/bin/none", "/bin/fuzz/x", "//bin//.//../bin/fuzz", "fuzz",
	    "text"};
	static char longest[1100];
	const char *path = PICK(paths);

	if (once_in(6))
		return any_address();
	if (once_in(8)) {
		memset(longest, once_in(2) ? '/' : 'a', sizeof(longest) - 1);
		longest[1020 + below(10)] = '\0';
		path = longest;
	}
	return place(path, strlen(path) + 1);
}

static uint64_t an_iovec(void)
{
	uint64_t vector[16];
	int i;

	for (i = 0; i < 16; i += 2) {
		vector[i] = any_address();
		vector[i + 1] = once_in(3) ? a_length() : below(600);
	}
	return place(vector, sizeof(vector));
}

static uint64_t an_argv(void)
{
	uint64_t list[9];
	int i;

	for (i = 0; i < 8; i++)
		list[i] = once_in(3) ? any_address() : place("word", 5);
	list[once_in(8) ? 8 : below(4)] = 0;
	return once_in(6) ? 0 : place(list, sizeof(list));
}

static uint64_t some_polls(void)
{
	struct pollfd polls[6];
	int i;

	for (i = 0; i < COUNT(polls); i++) {
		polls[i].fd = (int)a_descriptor();
		polls[i].events = (short)roll();
		polls[i].revents = 0;
	}
	return place(polls, sizeof(polls));
}

/* Mostly a short time; now and then a very long one, or an invalid one. */
static void a_time(uint64_t *seconds, uint64_t *parts)
{
	*seconds = once_in(6) ? anything() : 0;
	*parts = once_in(6) ? anything() : below(2000000);
}

static uint64_t a_timespec(void)
{
	uint64_t t[2];

	a_time(&t[0], &t[1]);
	return place(t, sizeof(t));
}

static uint64_t an_itimerval(void)
{
	uint64_t t[4];

	a_time(&t[0], &t[1]);
	a_time(&t[2], &t[3]);
	t[1] %= 20000;
	t[3] %= 20000;
	return place(t, sizeof(t));
}

static uint64_t a_handler(void)
{
	uint64_t handler = below(3);

	return handler < 2 ? handler : code_address();
}

/* Handler, flags and mask, as the kernel wants them. */
static uint64_t a_sigaction(void)
{
	static const uint64_t flags[] = {0, SA_NOCLDSTOP, SA_NOCLDWAIT,
	    SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_NODEFER, SA_RESETHAND};
	uint64_t act[3];

	act[0] = a_handler();
	act[1] = PICK(flags) | PICK(flags);
	act[2] = once_in(3) ? roll() : 0;
	return once_in(8) ? 0 : place(act, sizeof(act));
}

static uint64_t a_sigset(void)
{
	uint64_t set = once_in(2) ? 0 : roll();

	return once_in(8) ? 0 : place(&set, sizeof(set));
}

static uint64_t a_stack(void)
{
	uint64_t stack[3];

	stack[0] = any_address();
	stack[1] = below(5);
	stack[2] = once_in(3) ? a_length() : 8192;
	return once_in(4) ? 0 : place(stack, sizeof(stack));
}

/* Mostly a reply with one flag. */
static uint64_t a_reply(void)
{
	struct reply reply;

	memset(&reply, 0, sizeof(reply));
	reply.flags = once_in(8) ? (uint32_t)roll() : 1U << below(10);
	reply.file_flags = (uint32_t)below(4);
	reply.result = (int64_t)below(40) - 20;
	reply.position = below(2 * PAGE);
	reply.token = below(12);
	reply.events = below(8);
	if (once_in(3)) {
		reply.out = (const void *)any_address();
		reply.out_len = a_length();
	}
	return once_in(4) ? 0 : place(&reply, sizeof(reply));
}

/* For PORT_DESCRIPTOR: a process, and the number of a descriptor. */
static uint64_t a_question(void)
{
	struct port_descriptor question = {0};

	question.pid = (int32_t)a_pid();
	question.fd = (int32_t)a_descriptor() - 2;
	return once_in(2) ? any_address() : place(&question, sizeof(question));
}

/* ---- Flags ---- */

static uint64_t mmap_flags(void)
{
	static const uint64_t kinds[] = {MAP_PRIVATE, MAP_PRIVATE, MAP_PRIVATE,
	    MAP_SHARED, MAP_SHARED | MAP_PRIVATE, 0};
	uint64_t flags = PICK(kinds) | (once_in(16) ? 0 : MAP_ANONYMOUS);

	if (!once_in(3))
		flags |= once_in(4) ? MAP_FIXED_NOREPLACE : MAP_FIXED;
	return flags;
}

static uint64_t clone_flags(void)
{
	static const uint64_t some[] = {CLONE_SETTLS, CLONE_PARENT_SETTID,
	    CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_VFORK};
	uint64_t flags = once_in(6) ? below(70) : SIGCHLD;

	while (once_in(3))
		flags |= PICK(some);
	if (once_in(4))
		flags |= CLONE_VM | CLONE_VFORK;
	return once_in(12) ? anything() : flags;
}

/*
 * No flags with which a file could be written or made. Another family would
 * read what is put into the file, or into its name, and that would look as if
 * it had read the memory of the first family.
 */
static uint64_t open_flags(void)
{
	static const uint64_t some[] = {O_EXCL, O_DIRECTORY, O_CLOEXEC,
	    O_NONBLOCK, O_TRUNC};
	uint64_t flags = 0;

	while (once_in(2))
		flags |= PICK(some);
	return flags;
}

static uint64_t at_flags(void)
{
	static const uint64_t some[] = {0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH,
	    AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR};

	return PICK(some);
}

static uint64_t ioctl_command(void)
{
	static const uint64_t some[] = {TCGETS, TCSETS, TCSETSW, TCSETSF,
	    TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ, TIOCSWINSZ, TIOCSCTTY,
	    PORT_SESSION, PORT_DESCRIPTOR, PORT_DESCRIPTOR};

	return PICK(some);
}

/* ---- Arguments by letter ---- */

static uint64_t structure(char letter)
{
	switch (letter) {
	case 'w':
		return a_path();
	case 'v':
		return an_iovec();
	case 'q':
		return some_polls();
	case 'a':
		return a_sigaction();
	case 'm':
		return a_sigset();
	case 'S':
		return a_stack();
	case 't':
		return a_timespec();
	case 'T':
		return an_itimerval();
	case 'R':
		return a_reply();
	case 'j':
		return a_question();
	default:
		return an_argv();
	}
}

static uint64_t number(char letter)
{
	switch (letter) {
	case 'f':
		return a_descriptor();
	case 'd':
		return a_directory();
	case 'l':
		return a_length();
	case 'n':
		return once_in(64) ? a_length() : below(200);
	case 'L':
		return a_mapping_length();
	case 'c':
		return once_in(8) ? a_length() : below(10);
	case 'b':
		return below(6);
	case 'P':
		return a_pid();
	case 's':
		return once_in(8) ? anything() : below(66);
	case 'z':
		return 8;
	case 'r':
		return below(8);
	case 'g':
		return once_in(3) ? below(27) : 4;
	case 'k':
		return below(9);
	case 'W':
		return once_in(6) ? anything() : below(12) | WNOHANG;
	case 'F':
		return once_in(8) ? 1030 : below(8);
	default:
		return 0;
	}
}

static uint64_t argument(char letter)
{
	if (letter == '*' || once_in(24))
		return anything();
	if (strchr("wvqamStTRju", letter) != NULL)
		return once_in(12) ? any_address() : structure(letter);
	switch (letter) {
	case 'p':
		return any_address();
	case 'A':
		return once_in(24) ? any_address() : any_page();
	case 'x':
		return mmap_flags();
	case 'C':
		return clone_flags();
	case 'o':
		return open_flags();
	case 'X':
		return at_flags();
	case 'O':
		return open_flags() & (O_CLOEXEC | O_NONBLOCK);
	case 'I':
		return ioctl_command();
	default:
		return number(letter);
	}
}

/* ---- The next call ---- */

static long choose_number(void)
{
	unsigned sum = 0;
	int i;

	if (once_in(64))
		return (long)(once_in(3) ? anything() : below(512));
	for (i = 0; i < COUNT(shapes); i++)
		sum += shapes[i].weight;
	/* Each number has weight 1, and a shape adds its own weight. */
	sum = (unsigned)below(sum + COUNT(numbers));
	if (sum < (unsigned)COUNT(numbers))
		return numbers[sum].nr;
	sum -= COUNT(numbers);
	for (i = 0; sum >= shapes[i].weight; i++)
		sum -= shapes[i].weight;
	return shapes[i].nr;
}

void choose_call(struct call *call)
{
	const struct shape *shape;
	size_t i, len = 0;

	call->nr = choose_number();
	shape = shape_of(call->nr);
	if (shape != NULL)
		len = strlen(shape->args);
	for (i = 0; i < 6; i++)
		call->args[i] =
		    (long)(i < len && !once_in(100) ? argument(shape->args[i])
						    : anything());
}
