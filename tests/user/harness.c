/* SPDX-License-Identifier: MIT */
/*
 * harness.c - what tests are written with: children, barriers, pages, and
 * questions to the kernel.
 */
#include "harness.h"

#include <sched.h>

/* How long frames may take to come back after the last exit. */
#define SETTLE_MS 10000

char found_text[256];
int *board;

char *verdict;

/* A process writes to it in warm_up(), to own its data pages. */
static volatile unsigned char warm_data;

/* ---- The kernel ---- */

#ifdef __riscv
long raw_call(long nr, const long args[6])
{
	register long a0 __asm__("a0") = args[0];
	register long a1 __asm__("a1") = args[1];
	register long a2 __asm__("a2") = args[2];
	register long a3 __asm__("a3") = args[3];
	register long a4 __asm__("a4") = args[4];
	register long a5 __asm__("a5") = args[5];
	register long a7 __asm__("a7") = nr;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
			 : "memory");
	return a0;
}
#else
long raw_call(long nr, const long args[6])
{
	long result =
	    syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);

	return result == -1 ? -errno : result;
}
#endif

void long_path(char *path, size_t size)
{
	size_t at;

	for (at = 0; at + 8 <= size; at += 7)
		memcpy(path + at, "/dev/..", 8);
}

long look_up_long_path(void)
{
	static char path[PAGE];

	long_path(path, sizeof(path));
	return raw(SYS_faccessat, AT_FDCWD, (long)path, 0);
}

/* Calf's own calls; other kernels have no such numbers. */
static long calf_call(long nr, long a, long b)
{
#ifdef __riscv
	return raw(nr, a, b);
#else
	(void)nr;
	(void)a;
	(void)b;
	return -ENOSYS;
#endif
}

#ifndef SYS_CALF
#define SYS_calf_stat  244
#define SYS_calf_check 248
#define SYS_calf_fail  249
#endif

struct calf_stat counters(void)
{
	struct calf_stat st;

	memset(&st, 0, sizeof(st));
	(void)calf_call(SYS_calf_stat, (long)&st, sizeof(st));
	return st;
}

/* Does any process run that is neither the caller nor its child? */
static bool others_run(void)
{
	struct calf_ps ps = {0};
	pid_t self = getpid();

	while (calf_call(SYS_calf_ps, ps.pid, (long)&ps) == 1)
		if (ps.state == 'R' && ps.pid != self && ps.ppid != self)
			return true;
	return false;
}

struct calf_stat quiet_counters(void)
{
	while (others_run())
		sched_yield();
	return counters();
}

bool on_calf(void)
{
	return counters().frames_total != 0;
}

int harts(void)
{
	return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

const char *is_short(void (*ask)(void))
{
	uint64_t before = counters().longest_entry;
	struct calf_stat st;
	int status;

	if (before == 0)
		return SKIP("instructions are not counted here");
	status = status_of(ask);
	st = counters();
	if (st.longest_entry > before)
		printf("# at most %lu instructions, for call %lu\n",
		    (unsigned long)st.longest_entry,
		    (unsigned long)st.longest_call);
	if (!exited_with(status, 0))
		return status_verdict(status);
	if (st.longest_entry > CALF_ENTRY_MAX)
		return found("%lu instructions for call %lu",
		    (unsigned long)st.longest_entry,
		    (unsigned long)st.longest_call);
	return NULL;
}

bool on_emulator(void)
{
	long page = (long)((uintptr_t)board & ~(PAGE - 1));

	return !on_calf() && raw(SYS_madvise, page, PAGE, 12345) == 0;
}

const char *needs_riscv(void)
{
#ifdef __riscv
	return NULL;
#else
	return SKIP("this is about instructions of RISC-V");
#endif
}

const char *needs_lending(void)
{
	if (on_emulator())
		return SKIP("the emulator makes a fork of vfork");
	return NULL;
}

bool on_calf_test_build(void)
{
	return calf_call(SYS_calf_fail, 0, 0) >= 0;
}

uint64_t checked_free_frames(void)
{
	long n = calf_call(SYS_calf_check, 0, 0);

	return n < 0 ? counters().frames_free : (uint64_t)n;
}

/*
 * Frames by which servers may have grown. The test build does not count theirs,
 * so there all frames have to be free again. On other builds so many may be
 * missing.
 */
#define SERVERS_GROW 256

static bool frames_are_back(uint64_t before, uint64_t after)
{
	if (on_calf_test_build())
		return after == before;
	return after + SERVERS_GROW >= before;
}

const char *frames_settle(uint64_t before)
{
	long end = now_ms() + SETTLE_MS;
	uint64_t after;

	while (!frames_are_back(before, after = checked_free_frames())) {
		if (now_ms() > end)
			return found("%lu frames were free before, %lu after",
			    (unsigned long)before, (unsigned long)after);
		sleep_ms(5);
	}
	return NULL;
}

long fail_allocation(uint64_t n, int mode)
{
	long failed = calf_call(SYS_calf_fail, (long)n, mode);

	return failed < 0 ? 0 : failed;
}

/* ---- Processes ---- */

void give_up(const char *sentence)
{
	snprintf(verdict, PAGE - BOARD_BYTES, "%s", sentence);
	_exit(FAILED);
}

pid_t must_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up(found("fork failed with errno %d", errno));
	return pid;
}

pid_t child_start(test_fn *fn)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		const char *sentence = fn();

		if (sentence != NULL)
			give_up(sentence);
		_exit(0);
	}
	return pid;
}

int reap(pid_t pid)
{
	int status = -1;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got != pid)
		give_up(found("waitpid(%d) returned %d", (int)pid, (int)got));
	return status;
}

const char *status_verdict(int status)
{
	if (exited_with(status, 0))
		return NULL;
	if (exited_with(status, FAILED))
		return found("%s", verdict);
	if (WIFSIGNALED(status))
		return found("killed by signal %d", WTERMSIG(status));
	return found("ended with status 0x%x", (unsigned)status);
}

const char *child_end(pid_t pid)
{
	return status_verdict(reap(pid));
}

const char *in_child(test_fn *fn)
{
	return child_end(child_start(fn));
}

int status_of(void (*fn)(void))
{
	pid_t pid = must_fork();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	return reap(pid);
}

bool exited_with(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

bool killed_by(int status, int sig)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

/* The child must not return over the frame that the parent needs. */
#ifdef __riscv
pid_t vfork_on(void *top, void (*fn)(void))
{
	register long a0 __asm__("a0") = CLONE_VM | CLONE_VFORK | SIGCHLD;
	register long a1 __asm__("a1") = (long)top;
	register long a2 __asm__("a2") = 0;
	register long a3 __asm__("a3") = 0;
	register long a4 __asm__("a4") = 0;
	register long a7 __asm__("a7") = SYS_clone;
	register void (*s2)(void) __asm__("s2") = fn;

	__asm__ volatile("	ecall\n"
			 "	bnez	a0, 1f\n"
			 "	jr	s2\n"
			 "1:\n"
			 : "+r"(a0)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7), "r"(s2)
			 : "memory");
	return (pid_t)a0;
}
#else
static int enter(void *fn)
{
	((void (*)(void))fn)();
	return 0;
}

pid_t vfork_on(void *top, void (*fn)(void))
{
	return clone(enter, top, CLONE_VM | CLONE_VFORK | SIGCHLD, fn);
}
#endif

static pid_t spinners[64];
static int spinner_count;

pid_t spinner_start(void)
{
	pid_t pid = must_fork();

	while (pid == 0)
		continue;
	return pid;
}

void spinners_start(void)
{
	while (spinner_count <= harts() && spinner_count < COUNT(spinners))
		spinners[spinner_count++] = spinner_start();
}

void spinners_end(void)
{
	for (; spinner_count > 0; spinner_count--) {
		pid_t pid = spinners[spinner_count - 1];

		(void)kill(pid, SIGKILL);
		(void)reap(pid);
	}
}

const char *expect_signal(void (*fn)(void), int sig)
{
	int status = status_of(fn);

	if (killed_by(status, sig))
		return NULL;
	return found("status 0x%x instead of signal %d", (unsigned)status, sig);
}

static const char *expect_no_access(volatile char *p, bool store)
{
	pid_t pid = must_fork();
	int status;

	if (pid == 0) {
		if (store)
			*p = 1;
		else
			(void)*p;
		_exit(0);
	}
	status = reap(pid);
	if (killed_by(status, SIGSEGV))
		return NULL;
	return found("a %s at %p gave status 0x%x instead of SIGSEGV",
	    store ? "store" : "load", (void *)p, (unsigned)status);
}

const char *expect_no_load(const volatile void *p)
{
	return expect_no_access((volatile char *)(uintptr_t)p, false);
}

const char *expect_no_store(volatile void *p)
{
	return expect_no_access(p, true);
}

int cell_get(int i)
{
	return __atomic_load_n(&board[i], __ATOMIC_ACQUIRE);
}

void cell_set(int i, int value)
{
	__atomic_store_n(&board[i], value, __ATOMIC_RELEASE);
}

int cell_add(int i, int value)
{
	return __atomic_add_fetch(&board[i], value, __ATOMIC_ACQ_REL);
}

void cell_await(int i, int value)
{
	while (cell_get(i) < value) {
		/* The process that was to set the cell may have given up. */
		if (verdict[0] != '\0')
			_exit(FAILED);
		sched_yield();
	}
}

void cell_meet(int i, int n)
{
	(void)cell_add(i, 1);
	cell_await(i, n);
}

void warm_up(void)
{
	volatile unsigned char deep[4 * PAGE];
	size_t i;

	for (i = 0; i < sizeof(deep); i += PAGE / 2)
		deep[i] = 1;
	warm_data = deep[0];
	errno = 0;
	memset(found_text, 0, sizeof(found_text));
	(void)counters();
	sched_yield();
}

void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL);
}

pid_t change_later(void (*change)(void))
{
	pid_t pid = must_fork();

	if (pid != 0)
		return pid;
	sleep_ms(60);
	change();
	_exit(0);
}

bool read_all(int fd, void *to, size_t len)
{
	char *p = to;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

long now_ms(void)
{
	struct timespec t = {0, 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- Memory ---- */

static unsigned char *map(size_t bytes, int prot, int kind)
{
	void *p = mmap(NULL, bytes, prot, kind | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		give_up(found("mmap of %lu bytes failed with errno %d",
		    (unsigned long)bytes, errno));
	return p;
}

unsigned char *pages_private(size_t n)
{
	return map(n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

unsigned char *pages_shared(size_t n)
{
	return map(n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
}

unsigned char *reserve(size_t bytes, size_t align)
{
	uintptr_t p = (uintptr_t)map(bytes + align, PROT_NONE,
	    MAP_PRIVATE | MAP_NORESERVE);

	return (unsigned char *)((p + align - 1) / align * align);
}

static uint64_t stamp_word(size_t page, unsigned seed)
{
	return (page + 1) * 0x9e3779b97f4a7c15u ^ seed * 0x2545f4914f6cdd1du;
}

/* First, middle and last word: a page copied in part shows in one of them. */
static const size_t stamp_at[] = {0, PAGE / 2, PAGE - sizeof(uint64_t)};

void stamp(void *p, size_t n, unsigned seed)
{
	size_t i;
	int k;

	for (i = 0; i < n; i++)
		for (k = 0; k < COUNT(stamp_at); k++) {
			char *at = (char *)p + i * PAGE + stamp_at[k];

			*(volatile uint64_t *)at = stamp_word(i, seed);
		}
}

bool stamped(const void *p, size_t n, unsigned seed)
{
	size_t i;
	int k;

	for (i = 0; i < n; i++)
		for (k = 0; k < COUNT(stamp_at); k++) {
			const char *at =
			    (const char *)p + i * PAGE + stamp_at[k];

			if (*(const volatile uint64_t *)at !=
			    stamp_word(i, seed))
				return false;
		}
	return true;
}

bool all_bytes(const void *p, size_t len, unsigned char value)
{
	const volatile unsigned char *b = p;
	uint64_t word = value * 0x0101010101010101u;

	for (; len > 0 && ((uintptr_t)b & 7) != 0; b++, len--)
		if (*b != value)
			return false;
	for (; len >= 8; b += 8, len -= 8)
		if (*(const volatile uint64_t *)(const volatile void *)b !=
		    word)
			return false;
	for (; len > 0; b++, len--)
		if (*b != value)
			return false;
	return true;
}

void to_foreground(void)
{
	signal(SIGTTOU, SIG_IGN);
	if (tcsetpgrp(0, getpgrp()) != 0)
		give_up("not to the foreground");
}

const char *reads(size_t size, const char *wanted)
{
	static char got[200];
	ssize_t n = read(0, got, size < sizeof(got) ? size : sizeof(got) - 1);

	MUST(n >= 0, found("errno %d instead of %s", errno, wanted));
	got[n] = '\0';
	return strcmp(got, wanted) == 0 ? NULL : found("%s", got);
}

uint64_t rnd(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du >> 16;
}

void block_signal(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		give_up("sigprocmask failed");
}
