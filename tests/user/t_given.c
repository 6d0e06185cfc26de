/* SPDX-License-Identifier: MIT */
/*
 * t_given.c - what a server is told of the descriptors of other processes, and
 * which files it lets a caller have that are not its own: one that the caller
 * has already, a pipe, or a file of another server.
 */
#include "service.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

/* Cells with the reply to an openat: its flags, the token, and file_flags. */
enum { FLAGS, NUMBER, HOW };

static struct reply give(const struct request *request)
{
	struct reply reply = {0};

	if (request->number == SYS_openat)
		reply = (struct reply){.flags = (uint32_t)cell_get(FLAGS),
		    .token = (uint64_t)cell_get(NUMBER),
		    .file_flags = (uint32_t)cell_get(HOW)};
	return reply;
}

static long open_as(uint32_t flags, int number, int how)
{
	cell_set(FLAGS, (int)flags);
	cell_set(NUMBER, number);
	cell_set(HOW, how);
	return raw(SYS_openat, AT_FDCWD, (long)"/any", 0);
}

/* ---- Own descriptors ---- */

static const char *gets_its_own(void)
{
	int ends[2];
	long fd;
	char byte = 0;

	MUST(pipe(ends) == 0, "no pipe");
	fd = open_as(REPLY_DUP, ends[1], O_CLOEXEC);
	MUST(fd > ends[1] && fcntl((int)fd, F_GETFD) == FD_CLOEXEC,
	    found("it is %ld", fd));
	MUST(write((int)fd, "x", 1) == 1 && read(ends[0], &byte, 1) == 1 &&
		byte == 'x',
	    "it is another");
	close(ends[1]);
	close((int)fd);
	MUST(read(ends[0], &byte, 1) == 0, "somebody has it");
	MUST(open_as(REPLY_DUP, ends[1], 0) == -EBADF, "one that is closed");
	MUST(open_as(REPLY_DUP, 100000, 0) == -EBADF &&
		open_as(REPLY_DUP, -1, 0) == -EBADF,
	    "one that cannot be");
	return NULL;
}

TEST(a_caller_gets_its_own_descriptor_once_more)
{
	return in_root(give, 2 * PAGE, gets_its_own);
}

/* ---- Pipes ---- */

static const char *opens_pipes(void)
{
	char byte = 0;
	long in = open_as(REPLY_PIPE, 7, O_RDONLY | O_NONBLOCK), out, other;

	MUST(in >= 0, found("the first is %ld", in));
	MUST(open_as(REPLY_PIPE, 8, O_WRONLY | O_NONBLOCK) == -ENXIO,
	    "another number is the same pipe");
	/* This number differs in one bit. */
	MUST(open_as(REPLY_PIPE, 7 + 64, O_WRONLY | O_NONBLOCK) == -ENXIO,
	    "a number further on is");
	out = open_as(REPLY_PIPE, 7, O_WRONLY | O_CLOEXEC);
	other = open_as(REPLY_PIPE, 7 + 64, O_RDWR);
	MUST(out >= 0 && other >= 0 && fcntl((int)out, F_GETFD) == FD_CLOEXEC,
	    "the second");
	close((int)other);
	MUST(write((int)out, "x", 1) == 1 && read((int)in, &byte, 1) == 1 &&
		byte == 'x',
	    "the byte");
	close((int)in);
	close((int)out);
	return NULL;
}

TEST(a_pipe_has_a_number)
{
	return in_root(give, 2 * PAGE, opens_pipes);
}

#define PIPES 200

/* Some of the numbers have equal low bits, and some equal high bits. */
static int number_of(int i)
{
	return i % 2 == 0 ? i << 16 : i;
}

static long open_number(int i)
{
	return open_as(REPLY_PIPE, number_of(i), O_RDWR | O_NONBLOCK);
}

/* Has the pipe of that number its own byte in it? The byte is put back. */
static bool is_number(int i)
{
	long fd = open_number(i);
	unsigned char byte = 0;
	bool found = fd >= 0 && read((int)fd, &byte, 1) == 1 && byte == i &&
	    write((int)fd, &byte, 1) == 1;

	close((int)fd);
	return found;
}

static const char *opens_and_closes_many(void)
{
	static int fds[PIPES];
	int i, k;

	for (i = 0; i < PIPES; i++) {
		unsigned char byte = (unsigned char)i;

		fds[i] = (int)open_number(i);
		MUST(fds[i] >= 0 && write(fds[i], &byte, 1) == 1,
		    found("number %d: %d", i, fds[i]));
	}
	for (i = 0; i < PIPES; i++) {
		int gone = i * 77 % PIPES;

		close(fds[gone]);
		fds[gone] = -1;
		for (k = 0; k < PIPES; k += 7)
			MUST(is_number(k) == (fds[k] >= 0),
			    found("number %d, without %d", k, gone));
	}
	return NULL;
}

TEST(pipes_of_many_numbers_are_found_whichever_are_closed)
{
	return in_root(give, 2 * PAGE, opens_and_closes_many);
}

static const char *opens_reader(void)
{
	return open_as(REPLY_PIPE, 7, O_RDONLY | O_NONBLOCK) >= 0
	    ? NULL
	    : "it cannot be opened";
}

static const char *opens_writer(void)
{
	return open_as(REPLY_PIPE, 7, O_WRONLY | O_NONBLOCK) == -ENXIO
	    ? NULL
	    : "it is another port's pipe";
}

static const char *opens_both(void)
{
	int here = file, there = sibling;

	MUST(port_root(here) == 0, "port_root");
	TRY(opens_reader());
	MUST(port_root(there) == 0, "port_root");
	return opens_writer();
}

/* Two servers reply with the same numbers, at two ports. */
TEST(the_numbers_of_another_port_are_others)
{
	pid_t one, other;
	int first;

	TRY(port_make(1));
	one = server_start(give);
	close(port);
	first = file;
	TRY(port_make(1));
	other = must_fork();
	if (other == 0) {
		close(first);
		serve(give, 2 * PAGE);
	}
	close(port);
	sibling = file;
	file = first;
	TRY(in_child(opens_both));
	close(sibling);
	close(file);
	(void)kill(one, SIGKILL);
	(void)kill(other, SIGKILL);
	(void)reap(one);
	(void)reap(other);
	return NULL;
}

/* ---- Only in reply to an open ---- */

_Noreturn static void serve_wrongly(void)
{
	struct reply dup = {.flags = REPLY_DUP}, pipe = {.flags = REPLY_PIPE};
	struct reply wrong = {.flags = REPLY_PIPE, .file_flags = O_ACCMODE};
	struct reply good = {.result = -ENOENT};
	struct request request;
	char path[2 * PAGE];

	close(file);
	while (port_next(port, &good, &request, path, sizeof(path)) == 0 &&
	    request.number != REQUEST_CLOSED) {
		if (request.number != SYS_openat)
			wrong = dup;
		if (port_next(port, &wrong, &request, path, 1) == 0 ||
		    errno != EINVAL)
			give_up("a reply that is wrong");
		if (request.number != SYS_openat &&
		    (port_next(port, &pipe, &request, path, 1) == 0 ||
			errno != EINVAL))
			give_up("a pipe for a folder");
	}
	_exit(0);
}

static const char *goes_there(void)
{
	MUST(port_root(file) == 0, "port_root");
	MUST(raw(SYS_openat, AT_FDCWD, (long)"/", 0) == -ENOENT, "openat");
	MUST(raw(SYS_chdir, (long)"/") == -ENOENT, "chdir");
	MUST(raw(SYS_fchdir, file) == -ENOENT, "fchdir");
	MUST(raw(SYS_fsync, file) == -ENOENT, "fsync");
	return NULL;
}

TEST(pipes_and_own_descriptors_are_answers_to_an_open_only)
{
	pid_t pid;

	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve_wrongly();
	close(port);
	TRY(in_child(goes_there));
	close(file);
	MUST(exited_with(reap(pid), 0), "the server");
	return NULL;
}

/* ---- What a server is told ---- */

static struct port_descriptor told;

/* Asks for a descriptor. 0 or a negated errno. */
static long describe(int pid, int fd)
{
	told = (struct port_descriptor){.pid = pid, .fd = fd};
	return raw(SYS_ioctl, port, PORT_DESCRIPTOR, (long)&told);
}

static bool is(uint32_t kind, int fd, uint32_t flags)
{
	return told.kind == kind && told.fd == fd && told.flags == flags;
}

TEST(a_server_is_told_what_is_open)
{
	int ends[2], self = getpid(), ours;
	struct stat st;

	TRY(port_make(1));
	MUST(pipe(ends) == 0 && fstat(ends[1], &st) == 0, "no pipe");
	ours = port_open(port, 5, O_WRONLY, 0, 0);
	MUST(describe(self, ours) == 0 && is(DESCRIPTOR_OWN, ours, O_WRONLY) &&
		told.number == 5,
	    "a file of its own");
	MUST(describe(self, ends[1]) == 0 &&
		is(DESCRIPTOR_PIPE, ends[1], O_WRONLY) &&
		told.number == st.st_ino,
	    "a pipe");
	MUST(describe(self, port) == 0 && is(DESCRIPTOR_PORT, port, O_RDWR),
	    "a port");
	MUST(describe(self, 0) == 0 && told.kind == DESCRIPTOR_OTHER &&
		told.number != 0,
	    "the terminal");
	MUST(dup2(ours, 200) == 200 && describe(self, ours + 1) == 0 &&
		is(DESCRIPTOR_OWN, 200, O_WRONLY),
	    found("the next is %d", told.fd));
	MUST(describe(self, 201) == -EBADF && describe(self, 511) == -EBADF &&
		describe(self, INT32_MAX) == -EBADF,
	    "there is none");
	return NULL;
}

TEST(a_server_is_told_no_token_of_another)
{
	int theirs, before;

	TRY(port_make(1));
	theirs = port_open(port, 0x5555, O_RDONLY, 0, 0);
	before = port;
	TRY(port_make(1));
	MUST(describe(getpid(), theirs) == 0 && told.kind == DESCRIPTOR_OTHER &&
		told.number != 0x5555,
	    "the token");
	close(before);
	return NULL;
}

static const char *is_elsewhere(void)
{
	MUST(describe(getpid(), DESCRIPTOR_DIR) == 0 &&
		told.kind == DESCRIPTOR_OTHER,
	    "where it was");
	MUST(port_root(file) == 0, "port_root");
	MUST(describe(getpid(), DESCRIPTOR_DIR) == 0 &&
		told.kind == DESCRIPTOR_OWN && told.number == TOKEN,
	    "where it is");
	MUST(describe(getpid(), DESCRIPTOR_PROGRAM) == -EBADF,
	    "a program of another server");
	MUST(describe(getpid(), -3) == -EBADF, "anything else");
	return NULL;
}

TEST(a_server_is_told_where_processes_are)
{
	TRY(port_make(1));
	return in_child(is_elsewhere);
}

TEST(nothing_is_told_of_a_process_that_does_not_exist)
{
	pid_t pid;

	TRY(port_make(1));
	MUST(describe(0, 0) == -ESRCH && describe(-1, 0) == -ESRCH &&
		describe(INT32_MAX, 0) == -ESRCH,
	    "a number");
	pid = must_fork();
	if (pid == 0)
		_exit(0);
	while (describe(pid, 0) == 0)
		sleep_ms(1);
	MUST(describe(pid, 0) == -ESRCH &&
		describe(pid, DESCRIPTOR_DIR) == -ESRCH,
	    "a zombie");
	(void)reap(pid);
	MUST(raw(SYS_ioctl, port, PORT_DESCRIPTOR, 8) == -EFAULT, "nowhere");
	return NULL;
}

/* ---- A file of another server ---- */

static struct reply answer_seven(const struct request *request)
{
	(void)request;
	return result(7);
}

/* A server that replies to every request with a file of the other server. */
_Noreturn static void pass_on(int other_port)
{
	const struct reply reply = {.flags = REPLY_PASS,
	    .token = (uint64_t)file,
	    .file_flags = O_RDWR};
	struct request request = {0};
	char in[64];

	while (port_next(other_port, request.id == 0 ? NULL : &reply, &request,
		   in, sizeof in) == 0)
		continue;
	_exit(0);
}

TEST(a_file_that_is_passed_on_is_closed_with_the_last)
{
	int other, way;
	pid_t pid;
	long fd;

	TRY(service_start(answer_seven));
	other = port_create(1);
	way = port_open(other, 1, O_RDWR, 0, 0);
	MUST(other >= 0 && way >= 0, "no other port");
	pid = must_fork();
	if (pid == 0)
		pass_on(other);
	close(other);
	for (int i = 0; i < 3; i++) {
		fd = raw(SYS_openat, way, (long)"any", O_RDWR, 0);
		MUST(fd >= 0, found("it is %ld", fd));
		MUST(raw(SYS_fsync, fd) == 7, "it is another");
		close((int)fd);
		MUST(CALL(SYS_fsync, 0) == 7 && heard->notes == 0,
		    "its server was told that nobody has it");
	}
	fd = raw(SYS_openat, way, (long)"any", O_RDWR, 0);
	kill(pid, SIGKILL);
	reap(pid);
	close(way);
	close(file);
	MUST(raw(SYS_fsync, fd) == 7, "it went with another");
	file = (int)fd;
	return service_end();
}

/*
 * Each reply that would allow more is refused with EINVAL. The caller is told
 * how many were.
 */
_Noreturn static void pass_more(int other, int narrow)
{
	struct reply reply = {.flags = REPLY_PASS, .token = (uint64_t)narrow};
	struct request request = {0};
	int refused = 0;
	char in[64];

	(void)port_next(other, NULL, &request, in, sizeof in);
	for (uint32_t how = O_WRONLY; how <= O_RDWR; how++) {
		reply.file_flags = how;
		refused +=
		    port_next(other, &reply, &request, in, sizeof in) < 0 &&
		    errno == EINVAL;
	}
	reply = (struct reply){.result = refused};
	(void)port_next(other, &reply, &request, in, sizeof in);
	_exit(0);
}

TEST(a_file_that_is_passed_on_allows_no_more_than_before)
{
	int other, way, narrow;
	pid_t pid;
	long n;

	TRY(port_make(1));
	other = port_create(1);
	way = port_open(other, 1, O_RDWR, 0, 0);
	narrow = port_open(other, 2, O_RDONLY, 0, 0);
	MUST(other >= 0 && way >= 0 && narrow >= 0, "no other port");
	pid = must_fork();
	if (pid == 0)
		pass_more(other, narrow);
	close(other);
	n = raw(SYS_openat, way, (long)"any", O_RDWR, 0);
	close(way);
	close(narrow);
	kill(pid, SIGKILL);
	reap(pid);
	return n == 2 ? NULL : found("%ld", n);
}

static const struct test tests[] = {
    T(a_caller_gets_its_own_descriptor_once_more),
    T(a_pipe_has_a_number),
    T(pipes_of_many_numbers_are_found_whichever_are_closed),
    T(the_numbers_of_another_port_are_others),
    T(pipes_and_own_descriptors_are_answers_to_an_open_only),
    T(a_server_is_told_what_is_open),
    T(a_server_is_told_no_token_of_another),
    T(a_server_is_told_where_processes_are),
    T(nothing_is_told_of_a_process_that_does_not_exist),
    T(a_file_that_is_passed_on_is_closed_with_the_last),
    T(a_file_that_is_passed_on_allows_no_more_than_before),
};

SUITE(tests)
