/* SPDX-License-Identifier: MIT */
/*
 * t_tables.c - calls whose memory lies in many tables that fork has shared.
 *
 * The kernel copies a few such tables without a pause and then makes the call
 * wait its turn. The result of a call may not show that: it moves as many
 * bytes, fails as seldom, and does its work once. t_entry.c tests how long such
 * calls stay in the kernel.
 */
#include "service.h"

#include <sched.h>
#include <sys/time.h>
#include <sys/uio.h>

#define TABLE (512 * PAGE)

/* Pages on both sides of an address at which another table begins. */
static unsigned char *border_of(size_t span)
{
	uintptr_t at = (uintptr_t)reserve(2 * span, span) + span;
	unsigned char *p = (unsigned char *)at;

	if (mprotect(p - 4 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE) != 0)
		give_up("no memory at the border of a table");
	memset(p - 4 * PAGE, 1, 8 * PAGE);
	return p;
}

static unsigned char *border(void)
{
	return border_of(TABLE);
}

/* At this border, tables of level 1 meet as well. */
static unsigned char *high_border(void)
{
	return border_of(GIB);
}

#define USED_UP 2
static unsigned char *used_up[USED_UP];

/* A process that shares all tables from now on, and sleeps. */
static pid_t share_tables(void)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	sleep_ms(2);
	return pid;
}

static void end_sharing(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
}

/*
 * Lets the kernel copy as many tables as it does without a pause. No server is
 * asked, as that would be a pause.
 */
static void use_up(void)
{
	int i;

	for (i = 0; i < USED_UP; i++)
		(void)raw(SYS_clock_gettime, CLOCK_MONOTONIC,
		    (long)(used_up[i] - 8));
}

static void prepare(void)
{
	int i;

	for (i = 0; i < USED_UP; i++)
		used_up[i] = high_border();
}

/* ---- Bytes ---- */

#define BYTES 200

static int fds[2];

static void fill_pipe(void)
{
	unsigned char bytes[BYTES];

	memset(bytes, 'b', BYTES);
	if (pipe(fds) != 0 || write(fds[1], bytes, BYTES) != BYTES)
		give_up("no pipe with something in it");
}

TEST(a_read_from_a_pipe_gets_all_there_is)
{
	unsigned char *to;
	pid_t pid;
	long n;

	prepare();
	to = border() - BYTES / 2;
	fill_pipe();
	pid = share_tables();
	*to = 0; /* the first table need not be copied later */
	use_up();
	n = read(fds[0], to, BYTES);
	end_sharing(pid);
	MUST(n == BYTES, found("%ld bytes", n));
	return all_bytes(to, BYTES, 'b') ? NULL : "other bytes";
}

#define PIECES 4

static void pieces_make(struct iovec pieces[PIECES])
{
	int i;

	for (i = 0; i < PIECES; i++) {
		unsigned char *to = i > 0 ? border() : malloc(BYTES);

		to -= i > 0 ? BYTES / PIECES / 2 : 0;
		pieces[i] = (struct iovec){to, BYTES / PIECES};
		memset(to, 'b', BYTES / PIECES);
	}
}

TEST(a_vector_is_filled)
{
	struct iovec pieces[PIECES];
	pid_t pid;
	long n;
	int i;

	prepare();
	pieces_make(pieces);
	fill_pipe();
	pid = share_tables();
	memset(pieces[0].iov_base, 0, BYTES / PIECES);
	use_up();
	n = readv(fds[0], pieces, PIECES);
	end_sharing(pid);
	MUST(n == BYTES, found("%ld bytes", n));
	for (i = 0; i < PIECES; i++)
		MUST(all_bytes(pieces[i].iov_base, BYTES / PIECES, 'b'),
		    "other bytes");
	return NULL;
}

TEST(a_vector_goes_into_a_pipe_as_a_whole)
{
	struct iovec pieces[PIECES];
	unsigned char back[2 * BYTES];
	pid_t pid;
	long n;

	prepare();
	pieces_make(pieces);
	MUST(pipe(fds) == 0, "no pipe");
	pid = share_tables();
	use_up();
	n = writev(fds[1], pieces, PIECES);
	end_sharing(pid);
	MUST(n == BYTES, found("%ld bytes", n));
	n = read(fds[0], back, sizeof(back));
	MUST(n == BYTES, found("%ld bytes have come", n));
	return all_bytes(back, BYTES, 'b') ? NULL : "other bytes";
}

#define ROWS 12

/* Pieces across the borders of many tables, more than are copied at once. */
static long pieces_at_borders(struct iovec pieces[ROWS])
{
	for (int i = 0; i < ROWS; i++)
		pieces[i] = (struct iovec){border() - 9, 20 + (size_t)i};
	return ROWS * 20 + ROWS * (ROWS - 1) / 2;
}

static void fill_pieces(const struct iovec pieces[ROWS], int first)
{
	for (int i = 0; i < ROWS; i++)
		memset(pieces[i].iov_base, first + i, pieces[i].iov_len);
}

TEST(a_vector_goes_into_a_file_and_comes_back)
{
	struct iovec pieces[ROWS];
	long len = pieces_at_borders(pieces), n;
	pid_t pid;
	int fd;

	prepare();
	fd = open("/t_tables", O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && unlink("/t_tables") == 0, "no file");
	fill_pieces(pieces, 'a');
	pid = share_tables();
	use_up();
	n = writev(fd, pieces, ROWS);
	end_sharing(pid);
	MUST(n == len, found("%ld bytes are written", n));
	fill_pieces(pieces, 'A');
	pid = share_tables();
	use_up();
	n = raw(SYS_preadv, fd, (long)pieces, ROWS, 0, 0);
	end_sharing(pid);
	MUST(n == len, found("%ld bytes are read", n));
	for (int i = 0; i < ROWS; i++)
		MUST(all_bytes(pieces[i].iov_base, pieces[i].iov_len, 'a' + i),
		    found("other bytes in piece %d", i));
	close(fd);
	return NULL;
}

/* How many bytes the entries of /bin take, read by calls of few bytes. */
static long list_bin(unsigned char *to, bool shared)
{
	int fd = open("/bin", O_RDONLY | O_DIRECTORY);
	long n, sum = 0;

	do {
		pid_t pid = shared ? share_tables() : 0;

		*to = 0;
		if (shared)
			use_up();
		n = raw(SYS_getdents64, fd, (long)to, 400);
		if (shared)
			end_sharing(pid);
		sum += n;
	} while (n > 0);
	close(fd);
	return n < 0 ? n : sum;
}

TEST(each_entry_of_a_directory_is_told_of_once)
{
	unsigned char buffer[400];
	long plain = list_bin(buffer, false), sum;

	MUST(plain > 0, "no entries");
	prepare();
	sum = list_bin(border() - 200, true);
	return sum == plain ? NULL : found("%ld instead of %ld", sum, plain);
}

/* ---- Signals ---- */

static pid_t sharer;
static volatile int handled;

static void handle(int sig)
{
	(void)sig;
	handled++;
}

/* This handler shares the tables of its signal frame. */
static void handle_and_share(int sig)
{
	handle(sig);
	sharer = share_tables();
	use_up();
}

/* Handlers run on a stack whose end is `above` a border of tables. */
static void handle_at_border(size_t above, void (*fn)(int))
{
	unsigned char *b = high_border();
	stack_t stack = {.ss_sp = b - 3 * PAGE, .ss_size = 3 * PAGE + above};
	struct sigaction act = {.sa_handler = fn, .sa_flags = SA_ONSTACK};

	if (sigaltstack(&stack, NULL) != 0 ||
	    sigaction(SIGALRM, &act, NULL) != 0)
		give_up("no handler");
}

TEST(a_sleep_that_is_interrupted_tells_the_rest)
{
	struct itimerval soon = {.it_value = {.tv_usec = 50000}};
	struct timespec *rest, ten = {10, 0};
	pid_t pid;
	long n;

	prepare();
	handle_at_border(640, handle);
	rest = (struct timespec *)(void *)(high_border() - 8);
	memset(rest, 0, sizeof(*rest));
	pid = share_tables();
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0, "no timer");
	n = raw(SYS_nanosleep, (long)&ten, (long)rest);
	end_sharing(pid);
	MUST(handled == 1, "no signal");
	MUST(n == -EINTR, found("%ld", n));
	return rest->tv_sec == 9 ? NULL : "the rest is another";
}

static void return_from_shared_frame(void)
{
	handle_at_border(640, handle_and_share);
	(void)raw(SYS_kill, getpid(), SIGALRM);
	end_sharing(sharer);
	_exit(handled == 1 ? 0 : 1);
}

TEST(a_handler_returns_from_a_frame_that_has_been_shared)
{
	prepare();
	return status_verdict(status_of(return_from_shared_frame));
}

/* ---- Numbers of processes ---- */

TEST(a_child_is_told_its_number)
{
	pid_t pid, child;
	int *tid, status;

	prepare();
	tid = (int *)(void *)high_border();
	*tid = 0;
	pid = share_tables();
	use_up();
	child = (pid_t)raw(SYS_clone, SIGCHLD | CLONE_CHILD_SETTID, 0, 0, 0,
	    (long)tid);
	if (child == 0)
		_exit(*tid == getpid() ? 0 : 1);
	MUST(child > 0, "no child");
	(void)waitpid(child, &status, 0);
	end_sharing(pid);
	return exited_with(status, 0) ? NULL : found("status %x", status);
}

static volatile int *tid_to_clear;

static void leave_at_once(void)
{
	(void)raw(SYS_set_tid_address, (long)tid_to_clear);
	use_up();
	_exit(0);
}

TEST(the_number_of_a_process_that_leaves_is_cleared)
{
	unsigned char *stack = pages_private(4);
	pid_t pid, child;

	TRY(needs_lending());
	prepare();
	tid_to_clear = (volatile int *)(void *)high_border();
	*tid_to_clear = 1;
	pid = share_tables();
	child = vfork_on(stack + 4 * PAGE, leave_at_once);
	end_sharing(pid);
	(void)reap(child);
	return *tid_to_clear == 0 ? NULL : "it is not cleared";
}

/* ---- Requests ---- */

static unsigned char reply_bytes[BYTES];

static struct reply answer_with_bytes(const struct request *request)
{
	(void)request;
	use_up();
	memset(reply_bytes, 'b', BYTES);
	return (struct reply){.result = BYTES,
	    .out = reply_bytes,
	    .out_len = BYTES};
}

static struct reply write_bytes(const struct request *request)
{
	long n;

	(void)request;
	memset(reply_bytes, 'b', BYTES);
	use_up();
	n = raw(SYS_port_write, port, 0, 0, (long)reply_bytes, BYTES);
	return result(n);
}

static const char *read_by(answer_fn *fn)
{
	unsigned char *to;
	long n;

	prepare();
	to = border() - BYTES / 2;
	TRY(service_start(fn));
	n = CALL(SYS_read, (long)to, BYTES);
	TRY(service_end());
	MUST(n == BYTES, found("%ld", n));
	return all_bytes(to, BYTES, 'b') ? NULL : "other bytes";
}

TEST(a_reply_brings_all_its_bytes)
{
	return read_by(answer_with_bytes);
}

TEST(a_server_writes_all_it_wants_to)
{
	return read_by(write_bytes);
}

/* Takes a request that waits already, into memory of many shared tables. */
static void serve_late(void)
{
	struct request *request = (void *)(high_border() - 64);
	unsigned char *in = high_border() - BYTES / 2;
	struct reply answer;
	pid_t pid;

	close(file);
	pid = share_tables();
	sleep_ms(50);
	if (port_next(port, NULL, request, in, BYTES) != 0)
		give_up(found("port_next fails: %d", errno));
	answer = result(request->in_len == BYTES && all_bytes(in, BYTES, 'b'));
	(void)port_next(port, &answer, request, in, BYTES);
	end_sharing(pid);
	_exit(0);
}

TEST(a_request_comes_with_all_its_bytes)
{
	unsigned char *from;
	pid_t pid;
	long n;

	TRY(port_make(1));
	prepare();
	from = border() - BYTES / 2;
	memset(from, 'b', BYTES);
	pid = must_fork();
	if (pid == 0)
		serve_late();
	port_leave_to(pid);
	n = CALL(SYS_write, (long)from, BYTES);
	TRY(service_end());
	return n == 1 ? NULL : found("%ld", n);
}

static const struct test tests[] = {
    T(a_read_from_a_pipe_gets_all_there_is),
    T(a_vector_is_filled),
    T(a_vector_goes_into_a_pipe_as_a_whole),
    T(a_vector_goes_into_a_file_and_comes_back),
    T(each_entry_of_a_directory_is_told_of_once),
    T(a_sleep_that_is_interrupted_tells_the_rest),
    T(a_handler_returns_from_a_frame_that_has_been_shared),
    T(a_child_is_told_its_number),
    T(the_number_of_a_process_that_leaves_is_cleared),
    T(a_reply_brings_all_its_bytes),
    T(a_server_writes_all_it_wants_to),
    T(a_request_comes_with_all_its_bytes),
};

SUITE(tests)
