/* SPDX-License-Identifier: MIT */
/*
 * t_entry.c - no program keeps a hart in the kernel for long, whatever calls it
 * makes. With interrupts off nothing else happens on that hart.
 *
 * A test build that is given a bound counts the instructions of each stay in
 * the kernel and keeps the largest number. Each test makes a call with much
 * work, and fails if that number is above the limit. On other kernels nothing
 * is compared.
 */
#include "service.h"

#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define PIECES 1024
#define PIECE  65536UL

static struct iovec pieces[PIECES];
static unsigned char buffer[PIECE + 8];

static int must_open(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		fd = open(path, O_RDONLY);
	if (fd < 0)
		give_up(found("%s: errno %d", path, errno));
	return fd;
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

SHORT(vectors_of_a_file)
{
	int fd = open("/t_entry", O_RDWR | O_CREAT | O_TRUNC, 0600), i;
	unsigned char *p = pages_private(PIECES);

	vector_of(8);
	(void)!writev(fd, pieces, PIECES);
	for (i = 0; i < PIECES; i++)
		pieces[i] = (struct iovec){p + (size_t)i * PAGE, 8};
	(void)raw(SYS_preadv, fd, (long)pieces, PIECES, 0, 0);
	(void)unlink("/t_entry");
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

#define NO_PROGRAM 99

/* The status of a child that executes with these arguments. */
static int exec_with(const char *const *argv)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		close(1);
		(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
		_exit(NO_PROGRAM);
	}
	return reap(pid);
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
	(void)exec_with(argv);
	for (; i < 39; i++)
		argv[i] = word;
	(void)exec_with(argv);
}

SHORT(programs_with_many_arguments)
{
	const char **argv = (const char **)(void *)pages_private(400);
	int i;

	for (i = 0; i < 180000; i++)
		argv[i] = "w";
	argv[0] = suite_path;
	(void)exec_with(argv);
}

/* ---- Memory in tables that fork has shared ---- */

#define TABLE (512 * PAGE)

/* An address whose memory, before it and from it on, fills two tables. */
static unsigned char *border(void)
{
	uintptr_t at = (uintptr_t)pages_private(3 * 512);
	unsigned char *p;
	size_t i;

	p = (unsigned char *)((at + TABLE - 1) / TABLE * TABLE);
	for (i = 0; i < 2 * 512; i++)
		p[i * PAGE] = 1;
	return p + TABLE;
}

/* A border that fills the tables of the next level as well. */
static unsigned char *high_border(void)
{
	uintptr_t at = (uintptr_t)pages_private(3 * GIB / PAGE);
	unsigned char *p;
	size_t i;

	p = (unsigned char *)((at + 2 * GIB - 1) / GIB * GIB);
	for (i = 0; i < GIB / TABLE; i++)
		p[i * TABLE] = p[-(ptrdiff_t)((i + 1) * TABLE)] = 1;
	for (i = 0; i < 512; i++)
		p[i * PAGE] = p[-(ptrdiff_t)((i + 1) * PAGE)] = 1;
	return p;
}

/* From here on a first access to any table copies it. */
static pid_t share_tables(void)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	return pid;
}

static void end_sharing(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
}

static void zero_time(unsigned char *at)
{
	static const struct timespec zero;

	memcpy(at, &zero, sizeof(zero));
}

SHORT(a_selection_in_many_shared_tables)
{
	unsigned char *b[6];
	uintptr_t mask[2];
	pid_t pid;
	int i;

	for (i = 0; i < 6; i++) {
		b[i] = border() - 8;
		memset(b[i], 0, 64);
	}
	mask[0] = (uintptr_t)b[5] + 4;
	mask[1] = 8;
	memcpy(b[4], mask, sizeof(mask));
	zero_time(b[3]);
	pid = share_tables();
	if (raw(SYS_pselect6, 512, (long)b[0], (long)b[1], (long)b[2],
		(long)b[3], (long)b[4]) != 0)
		give_up("pselect6 found something");
	end_sharing(pid);
}

SHORT(a_poll_in_many_shared_tables)
{
	struct pollfd *polls;
	unsigned char *b[3];
	pid_t pid;
	int i;

	for (i = 0; i < 3; i++)
		b[i] = border() - 8;
	many_pipes();
	polls = (struct pollfd *)(void *)(b[0] - 2040);
	for (i = 0; i < 500; i++)
		polls[i] = (struct pollfd){i, POLLPRI, 0};
	zero_time(b[1]);
	memset(b[2] + 4, 0, 8);
	pid = share_tables();
	if (raw(SYS_ppoll, (long)polls, 500, (long)b[1], (long)(b[2] + 4), 8) <
	    0)
		give_up("ppoll fails");
	end_sharing(pid);
}

SHORT(a_large_read_into_shared_tables)
{
	unsigned char *to = high_border() - PIECE / 2 + 100;
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0 || write(fds[1], buffer, PIECE) != (ssize_t)PIECE)
		give_up("no full pipe");
	pid = share_tables();
	if (read(fds[0], to, PIECE) != (ssize_t)PIECE)
		give_up("not all was read at once");
	end_sharing(pid);
}

SHORT(programs_with_arguments_in_shared_tables)
{
	static const char *argv[24];
	pid_t pid;
	int i;

	argv[0] = suite_path;
	for (i = 1; i < 13; i += 2) {
		char *b = (char *)border();

		argv[i] = strcpy(b, "?");
		argv[i + 1] = strcpy(b - 8, "?");
	}
	pid = share_tables();
	if (exited_with(exec_with(argv), NO_PROGRAM))
		give_up("the program did not run");
	end_sharing(pid);
}

/* Serves requests with two paths. */
static void serve_two_paths(void)
{
	struct request *request = (void *)(border() - 64);
	unsigned char *in = border() - 4;
	struct reply answer = result(0);
	pid_t pid;

	close(file);
	pid = share_tables();
	sleep_ms(50);
	if (port_next(port, NULL, request, in, 4096) != 0)
		give_up("port_next fails");
	(void)port_next(port, &answer, request, in, 4096);
	end_sharing(pid);
	_exit(0);
}

SHORT(a_request_with_paths_in_shared_tables)
{
	char *from, *to;
	pid_t pid;

	if (port_make(1) != NULL || port_root(file) != 0)
		give_up("no port");
	from = strcpy((char *)border() - 6, "/from/here");
	to = strcpy((char *)border() - 4, "/to/there");
	pid = must_fork();
	if (pid == 0)
		serve_two_paths();
	port_leave_to(pid);
	if (raw(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0) !=
	    0)
		give_up("renameat2 fails");
	_exit(0);
}

/* ---- Signals ---- */

static void handle(int sig)
{
	(void)sig;
}

/* Each frame takes a piece of the stack, all of which has to be copied. */
static void take_all_signals(void)
{
	struct sigaction act = {.sa_handler = handle};
	sigset_t all, none;
	int sig;

	sigfillset(&all);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	for (sig = 1; sig <= 64; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		(void)sigaction(sig, &act, NULL);
		(void)kill(getpid(), sig);
	}
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void write_below(void)
{
	volatile unsigned char deep[32 * PAGE];
	size_t i;

	for (i = 0; i < sizeof(deep); i += PAGE)
		deep[i] = 1;
}

SHORT(all_signals_at_once)
{
	pid_t pid;

	write_below();
	pid = must_fork();
	if (pid == 0) {
		take_all_signals();
		_exit(0);
	}
	(void)reap(pid);
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
	for (i = 0; i + 8 < 4096; i += 8)
		memcpy(path + i, "/dev/../", 8);
	path[i] = '\0';
	(void)!open(path, O_RDONLY);
	for (i = 0; i < 4095; i++)
		path[i] = "/.."[i % 3];
	(void)!open(path, O_RDONLY);
}

/*
 * Lists a folder from its beginning, and again from the position that was
 * reached.
 */
static long list(int fd)
{
	static char entries[PIECE];
	long listed = 0, n;

	while (
	    (n = raw(SYS_getdents64, fd, (long)entries, sizeof(entries))) > 0)
		listed += n;
	(void)lseek(fd, lseek(fd, 0, SEEK_CUR) - 1, SEEK_SET);
	(void)raw(SYS_getdents64, fd, (long)entries, sizeof(entries));
	return listed;
}

SHORT(a_large_directory)
{
	(void)list(must_open("/bin"));
}

static void use_many_files(void)
{
	struct stat st;

	if (list(must_open("/many")) < 30000 * 24)
		give_up("it has fewer");
	if (chdir("/many") != 0)
		give_up("it cannot be entered");
	(void)must_open("00000");
	(void)must_open("/many/../many/29999");
	if (open("30000", O_RDONLY) != -1 || stat("15000", &st) != 0)
		give_up("it has others");
}

/* tests/user/many_files.py has made them. */
TEST(a_directory_of_thirty_thousand_files)
{
	if (access("/many", F_OK) != 0)
		return SKIP("it is not there");
	return is_short(use_many_files);
}

static void execute_once(const char *path)
{
	pid_t pid = vfork();

	if (pid == 0) {
		(void)execl(path, path, (char *)NULL);
		_exit(1);
	}
	if (!exited_with(reap(pid), 0))
		give_up(found("%s cannot be executed", path));
}

static void execute_many_files(void)
{
	char path[16];
	int i;

	for (i = 0; i < 28000; i++) {
		snprintf(path, sizeof(path), "/many/%05d", i);
		execute_once(path);
	}
}

TEST(thousands_of_programs_one_after_the_other)
{
	if (access("/many", F_OK) != 0)
		return SKIP("they are not there");
	return is_short(execute_many_files);
}

/* ---- Pipes with a name ---- */

#define PIPES_EACH 480
#define OPENERS    14

/* Numbers whose lowest bits are alike. */
static struct reply give_pipes(const struct request *request)
{
	static uint64_t last;
	struct reply reply = {0};

	if (request->number == SYS_openat)
		reply = (struct reply){.flags = REPLY_PIPE,
		    .file_flags = O_RDWR | O_NONBLOCK,
		    .token = ++last << 16};
	return reply;
}

static void open_pipes(void)
{
	int i;

	for (i = 0; i < PIPES_EACH; i++)
		if (raw(SYS_openat, AT_FDCWD, (long)"/any", O_RDWR) < 0)
			give_up(found("pipe %d", i));
	(void)cell_add(0, 1);
	cell_await(1, 1);
	_exit(0);
}

static const char *open_many_pipes(void)
{
	int i;

	cell_set(0, 0);
	cell_set(1, 0);
	for (i = 0; i < OPENERS; i++)
		if (must_fork() == 0)
			open_pipes();
	cell_await(0, OPENERS);
	cell_set(1, 1);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	return NULL;
}

static void ask_for_many_pipes(void)
{
	const char *wrong = in_root(give_pipes, 2 * PAGE, open_many_pipes);

	if (wrong != NULL)
		give_up(wrong);
}

TEST(pipes_with_names_that_are_nearly_alike)
{
	if (!on_calf())
		return SKIP("there are no ports");
	return is_short(ask_for_many_pipes);
}

TEST(to_ask_for_the_longest_stay_does_not_change_it)
{
	uint64_t longest = counters().longest_entry;

	if (longest == 0)
		return SKIP("instructions are not counted here");
	MUST(counters().longest_entry >= longest, "it is forgotten");
	return NULL;
}

static const struct test tests[] = {
    T(to_ask_for_the_longest_stay_does_not_change_it),
    T(vectors_of_small_pieces),
    T(vectors_of_large_pieces),
    T(vectors_into_fresh_memory),
    T(vectors_of_a_file),
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
    T(a_selection_in_many_shared_tables),
    T(a_poll_in_many_shared_tables),
    T(a_large_read_into_shared_tables),
    T(programs_with_arguments_in_shared_tables),
    T(a_request_with_paths_in_shared_tables),
    T(all_signals_at_once),
    T(long_paths),
    T(a_large_directory),
    T(a_directory_of_thirty_thousand_files),
    T(thousands_of_programs_one_after_the_other),
    T(pipes_with_names_that_are_nearly_alike),
};

SUITE(tests)
