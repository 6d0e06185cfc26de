/* SPDX-License-Identifier: MIT */
/*
 * t_entry.c - no program keeps a hart in the kernel for long, whatever it asks
 * for. With interrupts off nothing else happens on that hart.
 *
 * A test build counts the instructions of each stay in the kernel and keeps the
 * largest number. Each test asks for much, and says whether that number has
 * risen above what is promised. Elsewhere there is nothing to be compared.
 */
#include "harness.h"

#include <poll.h>
#include <sched.h>
#include <sys/uio.h>

/* What is promised: docs/design.md. */
#define LONGEST 1000000UL

/* Cells. */
enum { READY, GO };

#define PIECES 1024
#define PIECE  65536UL

static struct iovec pieces[PIECES];
static unsigned char buffer[PIECE + 8];

/*
 * The names say what is asked for; the claim is the same for all.
 *
 * Runs `ask` in a process of its own, so that its end counts as well. NULL if
 * no stay in the kernel was longer than promised, meanwhile.
 */
static const char *is_short(void (*ask)(void))
{
	uint64_t before = longest_entry(), after;
	struct calf_stat st;
	int status;

	if (before == 0)
		return SKIP("instructions are not counted here");
	status = status_of(ask);
	st = counters();
	after = st.longest_entry;
	if (!exited_with(status, 0))
		return status_verdict(status);
	if (after > before && after > LONGEST)
		return found("%lu instructions for call %lu",
		    (unsigned long)after, (unsigned long)st.longest_call);
	return NULL;
}

#define SHORT(name)                          \
	static void ask_##name(void);        \
	TEST(name)                           \
	{                                    \
		return is_short(ask_##name); \
	}                                    \
	static void ask_##name(void)

static int must_open(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		fd = open(path, O_RDONLY);
	if (fd < 0)
		give_up(found("%s: errno %d", path, errno));
	return fd;
}

/* As many processes as there is memory for, each of which runs `fn`. */
static int crowd(void (*fn)(void))
{
	uint64_t most = counters().frames_free / 24;
	int i, n = most > 1500 ? 1500 : (int)most;

	cell_set(READY, 0);
	for (i = 0; i < n; i++) {
		if (must_fork() != 0)
			continue;
		fn();
		_exit(0);
	}
	return n;
}

static void disperse(void)
{
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

/* In a group of its own, for disperse(). */
static int crowd_in_group(void (*fn)(void))
{
	(void)setpgid(0, 0);
	return crowd(fn);
}

static void sleep_long(void)
{
	(void)cell_add(READY, 1);
	sleep_ms(100000);
}

/* ---- Vectors and devices ---- */

static void vector_of(size_t len)
{
	int i;

	for (i = 0; i < PIECES; i++)
		pieces[i] = (struct iovec){buffer, len};
}

SHORT(vectors_of_small_pieces)
{
	int null = must_open("/dev/null"), zero = must_open("/dev/zero");

	vector_of(1);
	(void)!writev(null, pieces, PIECES);
	(void)!readv(zero, pieces, PIECES);
}

SHORT(vectors_of_large_pieces)
{
	int null = must_open("/dev/null"), zero = must_open("/dev/zero");
	int random = must_open("/dev/urandom");

	vector_of(PIECE);
	(void)!writev(null, pieces, PIECES);
	(void)!readv(zero, pieces, PIECES);
	(void)!readv(random, pieces, 64);
}

SHORT(vectors_into_fresh_memory)
{
	int zero = must_open("/dev/zero"), i;
	unsigned char *p = pages_private(64 * PIECE / PAGE);

	for (i = 0; i < 64; i++)
		pieces[i] = (struct iovec){p + (size_t)i * PIECE, PIECE};
	(void)!readv(zero, pieces, 64);
}

SHORT(large_reads_of_devices)
{
	int zero = must_open("/dev/zero"), random = must_open("/dev/urandom");

	(void)!read(zero, buffer, PIECE);
	(void)!read(random, buffer, PIECE);
	(void)!read(random, buffer + 1, PIECE);
#ifdef __riscv
	(void)raw(SYS_getrandom, (long)buffer, PIECE, 0);
#endif
}

SHORT(large_reads_of_files)
{
	int fd = must_open(suite_path);
	off_t size = lseek(fd, 0, SEEK_END);
	unsigned char *p = pages_private((size_t)size / PAGE + 2);

	(void)lseek(fd, 0, SEEK_SET);
	(void)!pread(fd, p, (size_t)size, 0);
	(void)!pread(fd, p + 3, (size_t)size, 0);
	(void)!read(fd, p + 5, (size_t)size);
}

SHORT(large_pieces_through_pipes)
{
	int fds[2];

	if (pipe2(fds, O_NONBLOCK) != 0)
		give_up("no pipe");
	(void)!write(fds[1], buffer + 1, PIECE);
	(void)!read(fds[0], buffer + 4, PIECE);
	vector_of(64);
	(void)!writev(fds[1], pieces, PIECES);
	(void)!readv(fds[0], pieces, PIECES);
}

/* ---- Descriptors ---- */

static void many_pipes(void)
{
	int fds[2];

	while (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0)
		(void)!write(fds[1], buffer, PAGE);
}

SHORT(ends_with_all_descriptors_open)
{
	many_pipes();
}

static void exec_something(void)
{
	const char *argv[] = {suite_path, "no such test", NULL};

	(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
}

SHORT(exec_that_closes_all_descriptors)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		close(1);
		many_pipes();
		exec_something();
		_exit(0);
	}
	(void)reap(pid);
}

SHORT(polls_and_selections_of_all_descriptors)
{
	static struct pollfd polls[512];
	static uint64_t sets[3][8];
	struct timespec now = {0, 0};
	int i;

	many_pipes();
	for (i = 0; i < 512; i++)
		polls[i] = (struct pollfd){i, POLLIN | POLLOUT, 0};
	memset(sets, 0xff, sizeof(sets));
	(void)raw(SYS_ppoll, (long)polls, 500, (long)&now, 0, 8);
	(void)raw(SYS_pselect6, 500, (long)sets[0], (long)sets[1],
	    (long)sets[2], (long)&now, 0);
	if (must_fork() == 0)
		_exit(0);
	(void)waitpid(-1, NULL, 0);
}

/* ---- Memory ---- */

/* Tables with one small mapping each, and gaps of a page between pages. */
SHORT(a_gap_among_many_small_mappings)
{
	unsigned char *p = reserve(20000 * PAGE, 2 * MIB);
	size_t i;

	for (i = 0; i < 20000; i += 2)
		(void)munmap(p + i * PAGE, PAGE);
	for (i = 0; i < 4; i++)
		(void)mmap(NULL, PAGE << (i + 1), PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Right below the first gap, so that the search passes all of it. */
SHORT(a_gap_behind_many_entries)
{
	size_t n = counters().frames_free / 4, i;
	unsigned char *top = pages_private(1), *p;

	n = n > 6000 ? 6000 : n;
	p = mmap(top - n * 2 * MIB, n * 2 * MIB, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		give_up("no address space");
	for (i = 0; i < n; i++)
		if (mprotect(p + i * 2 * MIB, PAGE, PROT_READ) != 0)
			break;
	(void)munmap(top, PAGE);
	for (i = 0; i < 4; i++)
		(void)mmap(NULL, PAGE << (i + 1), PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)mmap(NULL, GIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

SHORT(ranges_of_many_tables)
{
	unsigned char *p = pages_private(512 * 512);
	size_t i;

	for (i = 0; i < 512; i++)
		p[i * 2 * MIB] = 1;
	(void)mprotect(p, GIB, PROT_READ);
	if (must_fork() == 0) {
		(void)mprotect(p, GIB, PROT_READ | PROT_WRITE);
		(void)madvise(p, GIB, 4);
		_exit(0);
	}
	(void)waitpid(-1, NULL, 0);
	(void)munmap(p, GIB);
}

SHORT(shared_memory_that_there_is_not)
{
	size_t bytes = counters().frames_free * PAGE;

	(void)mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)mmap(NULL, bytes - bytes / 64, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)mmap(NULL, 1UL << 36, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

SHORT(the_end_of_much_memory)
{
	size_t n = counters().frames_free / 2, i;
	unsigned char *p = pages_private(n);

	for (i = 0; i < n; i++)
		p[i * PAGE] = 1;
}

/* ---- Arguments of programs ---- */

#define WORD_BYTES 100000UL

static void exec_with(const char *const *argv)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		close(1);
		(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
		_exit(0);
	}
	(void)reap(pid);
}

SHORT(programs_with_large_arguments)
{
	static const char *argv[40];
	char *word = (char *)pages_private(WORD_BYTES / PAGE + 1);
	int i;

	memset(word, 'w', WORD_BYTES);
	argv[0] = suite_path;
	for (i = 1; i < 20; i++)
		argv[i] = word;
	exec_with(argv);
	for (; i < 39; i++)
		argv[i] = word;
	exec_with(argv);
}

SHORT(programs_with_many_arguments)
{
	const char **argv = (const char **)(void *)pages_private(400);
	int i;

	for (i = 0; i < 180000; i++)
		argv[i] = "w";
	argv[0] = suite_path;
	exec_with(argv);
}

/* ---- Many processes ---- */

SHORT(signals_to_all_processes)
{
	int n = crowd_in_group(sleep_long);

	cell_await(READY, n);
	(void)kill(-1, 0);
	(void)kill(-1, SIGURG);
	(void)kill(-1, SIGCONT);
	(void)kill(0, SIGURG);
#ifdef __riscv
	(void)raw(SYS_getpriority, 1, 0);
#endif
	disperse();
}

static void end_at_once(void)
{
}

SHORT(children_that_nobody_waited_for)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		(void)crowd(end_at_once);
		sleep_ms(50);
		_exit(0);
	}
	(void)reap(pid);
}

static void sleep_until_told(void)
{
	(void)cell_add(READY, 1);
	while (cell_get(GO) == 0)
		sleep_ms(20);
}

SHORT(children_that_outlive_their_parent)
{
	pid_t pid = must_fork();

	cell_set(GO, 0);
	if (pid == 0) {
		cell_await(READY, crowd(sleep_until_told));
		_exit(0);
	}
	(void)reap(pid);
	cell_set(GO, 1);
	while (counters().processes > 8)
		sleep_ms(5);
}

static void wait_on_word(void)
{
	(void)cell_add(READY, 1);
#ifdef __riscv
	(void)raw(SYS_futex, (long)&board[GO], 0, 0, 0);
#endif
}

SHORT(sleepers_that_are_woken_together)
{
	int n;

	cell_set(GO, 0);
	n = crowd_in_group(wait_on_word);
	cell_await(READY, n);
	sleep_ms(20);
	cell_set(GO, 1);
#ifdef __riscv
	(void)raw(SYS_futex, (long)&board[GO], 1, 1000000);
#endif
	disperse();
}

static struct timespec when;

static void sleep_until_then(void)
{
	(void)cell_add(READY, 1);
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

SHORT(sleepers_whose_time_is_the_same)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec += 2;
	(void)crowd_in_group(sleep_until_then);
	disperse();
}

/* The last to go to sleep is the first in the list. */
SHORT(a_short_sleep_before_many_long_ones)
{
	int n = crowd_in_group(sleep_long);

	cell_await(READY, n);
	sleep_ms(20);
	sleep_ms(1);
	disperse();
}

/* ---- Paths ---- */

SHORT(long_paths)
{
	static char path[4200];
	size_t i;

	memset(path, '/', sizeof(path) - 1);
	(void)!open(path, O_RDONLY);
	path[4095] = '\0';
	(void)!open(path, O_RDONLY);
	for (i = 1; i < 4090; i += 2)
		path[i] = '.';
	(void)!open(path, O_RDONLY);
	memset(path, 'a', sizeof(path) - 1);
	(void)!open(path, O_RDONLY);
}

static const struct test tests[] = {
    T(vectors_of_small_pieces),
    T(vectors_of_large_pieces),
    T(vectors_into_fresh_memory),
    T(large_reads_of_devices),
    T(large_reads_of_files),
    T(large_pieces_through_pipes),
    T(ends_with_all_descriptors_open),
    T(exec_that_closes_all_descriptors),
    T(polls_and_selections_of_all_descriptors),
    T(a_gap_among_many_small_mappings),
    T(a_gap_behind_many_entries),
    T(ranges_of_many_tables),
    T(shared_memory_that_there_is_not),
    T(the_end_of_much_memory),
    T(programs_with_large_arguments),
    T(programs_with_many_arguments),
    T(signals_to_all_processes),
    T(children_that_nobody_waited_for),
    T(children_that_outlive_their_parent),
    T(sleepers_that_are_woken_together),
    T(sleepers_whose_time_is_the_same),
    T(a_short_sleep_before_many_long_ones),
    T(long_paths),
};

SUITE(tests)
