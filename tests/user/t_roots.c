/* SPDX-License-Identifier: MIT */
/*
 * t_roots.c - processes whose paths another process answers: roots and
 * directories after fork, exec and exit, calls that only the server knows,
 * kinds of replies, and lack of memory.
 *
 * t_paths.c is about the calls.
 */
#include "service.h"

#include <sched.h>
#include <sys/stat.h>

#define NEW_TOKEN 1234
#define ROOM      (2 * PAGE)

static unsigned char out[512];

/* ---- Being there ---- */

static void must_be(bool good)
{
	if (!good)
		_exit(1);
}

TEST(a_root_is_a_file_that_may_be_called)
{
	int ends[2];
	pid_t pid;

	TRY(port_make(1));
	MUST(raw(SYS_port_root, 77) == -EBADF, "no descriptor");
	MUST(pipe(ends) == 0, "no pipe");
	MUST(raw(SYS_port_root, ends[0]) == -EINVAL, "no remote file");
	close(ends[0]);
	close(ends[1]);
	MUST(raw(SYS_port_root, port) == -EINVAL, "a port");
	/* A server that would wait for itself. */
	pid = must_fork();
	if (pid == 0) {
		struct request request;

		must_be(port_root(file) == 0);
		fcntl(port, F_SETFL, O_NONBLOCK);
		must_be(port_next(port, NULL, &request, NULL, 0) == -1);
		must_be(raw(SYS_openat, AT_FDCWD, (long)"/", 0, 0) == -EDEADLK);
		must_be(raw(SYS_getcwd, (long)out, 9) == -EDEADLK);
		must_be(raw(SYS_port_root, file) == -EDEADLK);
		_exit(0);
	}
	MUST(exited_with(reap(pid), 0), "it is allowed");
	return NULL;
}

/* A process that does not ask for another root keeps its own. */
TEST(without_a_new_root_all_is_as_it_was)
{
	struct stat st;

	TRY(port_make(1));
	sibling = port_open(port, BESIDE, O_RDONLY, 0, 0);
	port_leave_to(server_start(answer_places));
	MUST(stat("/bin", &st) == 0 && S_ISDIR(st.st_mode), "the archive");
	MUST(raw(SYS_openat, sibling, (long)"/bin/nothing", 0, 0) == -ENOENT,
	    "a path with a slash");
	MUST(calls() == 0, "a server was asked");
	MUST(raw(SYS_openat, sibling, (long)"x", 0, 0) == 42 &&
		heard->last.token == BESIDE,
	    "a directory of a server's");
	return service_end();
}

static const char *is_at(uint64_t root, uint64_t dir)
{
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"/a", 0) == 42 &&
		heard->last.token == root,
	    "another root");
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"a", 0) == 42 &&
		heard->last.token == dir,
	    "another directory");
	return NULL;
}

static const char *inherited(void)
{
	return is_at(TOKEN, DIR_TOKEN);
}

static const char *goes_away(void)
{
	TRY(is_at(TOKEN, DIR_TOKEN));
	MUST(raw(SYS_fchdir, file) == 0, "fchdir");
	return NULL;
}

static void vfork_child(void)
{
	_exit(is_at(TOKEN, DIR_TOKEN) == NULL ? 0 : 1);
}

static void executed_child(void)
{
	execl(suite_path, suite_path, "@executed", NULL);
	_exit(127);
}

static const char *has_children(void)
{
	unsigned char *stack;

	stack = pages_private(16);
	MUST(raw(SYS_chdir, (long)"d") == 0, "chdir");
	MUST(heard->notes == 0, "a note");
	TRY(in_child(inherited));
	MUST(exited_with(reap(vfork_on(stack + 16 * PAGE, vfork_child)), 0),
	    "a vfork child");
	MUST(status_of(executed_child) == 0, "another program");
	TRY(is_at(TOKEN, DIR_TOKEN));
	TRY(in_child(goes_away));
	TRY(is_at(TOKEN, DIR_TOKEN));
	return NULL;
}

TEST(children_and_new_programs_are_where_their_parent_is)
{
	return in_root(answer_places, ROOM, has_children);
}

/* Checks, in an executed program, the root that it has. */
static int executed(void)
{
	bool good = raw(SYS_mkdirat, AT_FDCWD, (long)"/a", 0) == 42 &&
	    raw(SYS_openat, AT_FDCWD, (long)"/bin", 0, 0) == 42;

	return good ? 0 : 1;
}

static void await_notes(int n)
{
	while (__atomic_load_n(&heard->notes, __ATOMIC_ACQUIRE) < n)
		sched_yield();
}

static const char *wait_for_word(void)
{
	cell_await(1, 1);
	return NULL;
}

static const char *leaves(void)
{
	pid_t pid;

	MUST(raw(SYS_chdir, (long)"d") == 0, "chdir");
	pid = child_start(wait_for_word);
	MUST(raw(SYS_chdir, (long)"e") == 0, "chdir");
	TRY(in_child(inherited));
	MUST(heard->notes == 0, "the child is in it");
	cell_set(1, 1);
	TRY(child_end(pid));
	await_notes(1);
	MUST(heard->closed == DIR_TOKEN, "another one");
	MUST(raw(SYS_chdir, (long)"f") == 0, "chdir");
	await_notes(2);
	return NULL;
}

TEST(a_directory_is_closed_when_the_last_one_leaves_it)
{
	return in_root(answer_places, ROOM, leaves);
}

/* The last user of a root is one that was killed. */
TEST(a_root_is_closed_when_its_last_user_is_killed)
{
	pid_t pid;

	TRY(service_start(answer_places));
	pid = must_fork();
	if (pid == 0) {
		if (port_root(file) != 0 || raw(SYS_chdir, (long)"d") != 0)
			_exit(1);
		close(file);
		cell_set(0, 1);
		for (;;)
			pause();
	}
	cell_await(0, 1);
	close(file);
	file = -1;
	MUST(heard->notes == 0, "a note too early");
	kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "not killed");
	return service_end();
}

/* ---- Calls that the kernel does not know ---- */

#define UNKNOWN 777 /* the number of no call */
#define LAST    65535

static struct reply answer_unknown(const struct request *request)
{
	static const char answer[600] = "the answer";

	if (request->number == SYS_chdir)
		return answer_places(request);
	if (request->number == SYS_uname)
		return (
		    struct reply){.result = 5, .out = answer, .out_len = 390};
	return result(42);
}

static const char *is_unknown(long number)
{
	MUST(raw(number, 1, 2, 3, 4, 5, 6) == 42, found("call %ld", number));
	MUST(heard->last.number == (uint64_t)number &&
		heard->last.token == TOKEN && heard->last.in_len == 0,
	    found("what call %ld is", number));
	for (uint64_t i = 0; i < 6; i++)
		MUST(heard->last.arg[i] == i + 1,
		    found("an argument of call %ld", number));
	return NULL;
}

static const char *asks(void)
{
	static const long nobody_is_asked[] = {LAST + 1, LAST + 2, -1,
	    SYS_execveat, SYS_rseq};
	int before;

	MUST(raw(SYS_chdir, (long)"d") == 0, "chdir");
	TRY(is_unknown(UNKNOWN));
	TRY(is_unknown(LAST));
	TRY(is_unknown(SYS_getuid));
	before = calls();
	for (unsigned i = 0; i < COUNT(nobody_is_asked); i++)
		MUST(raw(nobody_is_asked[i], file, 0, 0, 0, 0) == -ENOSYS,
		    found("call %ld", nobody_is_asked[i]));
	MUST(calls() == before && heard->notes == 0, "it was asked");
	return NULL;
}

TEST(what_the_kernel_does_not_know_goes_to_the_root)
{
	return in_root(answer_unknown, ROOM, asks);
}

static const char *lends(void)
{
	unsigned char *page = pages_private(1);
	uint64_t mask[2] = {0x0123456789abcdef, 5};

	memset(page, 'x', PAGE);
	MUST(raw(SYS_uname, (long)page) == 5, "uname");
	MUST(strcmp((char *)page, "the answer") == 0 && page[389] == '\0' &&
		page[390] == 'x',
	    "what was lent to be written");
	MUST(raw(SYS_uname, 8) == -EFAULT, "a bad address");
	MUST(raw(SYS_sched_setaffinity, 0, sizeof(mask), (long)mask) == 42 &&
		heard->last.in_len == sizeof(mask[0]) &&
		memcmp(heard->bytes, mask, sizeof(mask[0])) == 0,
	    "what was lent to be read");
	return NULL;
}

TEST(a_call_to_the_root_lends_what_linux_says)
{
	return in_root(answer_unknown, ROOM, lends);
}

enum { ASKED = 3, GO, SIGNALS };

static struct reply answer_when_told(const struct request *request)
{
	if (request->number == SYS_fsync)
		port_events(port, READABLE, 0);
	if (request->number != UNKNOWN || cell_get(GO))
		return result(42);
	cell_set(ASKED, 1);
	return later(READABLE);
}

static void on_signal(int sig)
{
	(void)sig;
	cell_add(SIGNALS, 1);
}

static void signal_parent(void)
{
	cell_await(ASKED, 1);
	sleep_ms(20);
	kill(getppid(), SIGUSR1);
	cell_await(SIGNALS, 1);
	cell_set(GO, 1);
	(void)raw(SYS_fsync, file);
}

static const char *is_signalled(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = change_later(signal_parent);
	MUST(raw(UNKNOWN) == 42, "it was interrupted");
	MUST(cell_get(SIGNALS) == 1, "no signal");
	reap(pid);
	return NULL;
}

/* Also without SA_RESTART: uname and calls like it have no EINTR. */
TEST(a_signal_does_not_interrupt_a_call_to_the_root)
{
	return in_root(answer_when_told, ROOM, is_signalled);
}

/* ---- Replies ---- */

/* Opens by NEW_TOKEN what is "open", and says of all else that it is not. */
static struct reply answer_open(const struct request *request)
{
	if (request->number == SYS_fsync)
		return result((long)request->token);
	if (request->in_len > 0 && strcmp((char *)heard->bytes, "open") == 0)
		return (struct reply){.flags = REPLY_FILE,
		    .token = NEW_TOKEN,
		    .file_flags = (uint32_t)request->arg[2]};
	return result(-ENOENT);
}

static const char *opens(void)
{
	int fd, ends[2], next = dup(0);

	fd = openat(AT_FDCWD, "open", O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && raw(SYS_fsync, fd) == NEW_TOKEN, "the file");
	MUST(fcntl(fd, F_GETFD) == FD_CLOEXEC, "it is not closed by exec");
	MUST(openat(AT_FDCWD, "no", O_RDONLY) == -1 && errno == ENOENT, "no");
	MUST(chdir("no") == -1 && errno == ENOENT, "chdir");
	MUST(chdir("open") == 0, "chdir");
	MUST(raw(SYS_fchdir, fd) == -ENOENT, "fchdir");
	MUST(pipe(ends) == 0, "no pipe");
	MUST(raw(SYS_fchdir, ends[0]) == -ENOTDIR &&
		raw(SYS_fchdir, -1) == -EBADF,
	    "fchdir of what is none");
	close(next);
	close(fd);
	MUST(dup(0) == next, "chdir has taken a descriptor");
	await_notes(1);
	return NULL;
}

TEST(open_gives_a_descriptor_and_chdir_none)
{
	return in_root(answer_open, ROOM, opens);
}

/* Replies "not now" once: the call is made again with its path. */
static struct reply answer_later(const struct request *request)
{
	if (request->number == SYS_fsync) {
		port_events(port, READABLE, 0);
		return result(0);
	}
	return calls() == 1 ? later(READABLE) : result(42);
}

static void let_it_go_on(void)
{
	(void)raw(SYS_fsync, file);
}

static const char *waits(void)
{
	pid_t pid;

	pid = change_later(let_it_go_on);
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)"wait", 0) == 42, "the result");
	MUST(calls() == 3 && strcmp((char *)heard->bytes, "wait") == 0,
	    "what it was asked");
	reap(pid);
	return NULL;
}

TEST(a_call_with_a_path_can_wait)
{
	return in_root(answer_later, ROOM, waits);
}

/* The working directory is another port's: nothing is told of it. */
static struct reply answer_elsewhere(const struct request *request)
{
	if (request->number != SYS_execve)
		return result(-ENOSYS);
	return result(
	    request->token != TOKEN || request->second != 0 ? -EPERM : -EIO);
}

static const char *has_another_directory(void)
{
	int other = port_create(1), dir = port_open(other, 5, O_RDONLY, 0, 0);
	pid_t pid = must_fork();

	if (pid == 0) {
		struct request request;
		struct reply reply = {.flags = REPLY_FILE, .token = 5};

		(void)port_next(other, NULL, &request, NULL, 0);
		(void)port_next(other, &reply, &request, NULL, 0);
		_exit(0);
	}
	close(other);
	MUST(raw(SYS_fchdir, dir) == 0, "fchdir");
	MUST(raw(SYS_execve, (long)"/x", 0, 0) == -EIO, "it is told the token");
	close(dir);
	kill(pid, SIGKILL);
	(void)reap(pid);
	return NULL;
}

TEST(a_server_is_not_told_a_directory_of_another_server)
{
	return in_root(answer_elsewhere, ROOM, has_another_directory);
}

/* ---- Want of memory ---- */

/* The n-th allocation of the server fails, for each n. */
_Noreturn static void serve_in_want(void)
{
	static struct reply reply;
	static struct request request;
	unsigned char *in = pages_private(64);
	long failed = 1;

	close(file);
	for (int n = 1;
	     request.token != TOKEN || request.number != REQUEST_CLOSED; n++) {
		/*
		 * Fresh memory each time, up to a call for which all is there.
		 */
		if (n < 60)
			in += PAGE;
		(void)raw(SYS_calf_fail, n % 6, 0);
		while (port_next(port, &reply, &request, in, 2 * PAGE) != 0)
			if (errno != ENOMEM)
				_exit(1);
		failed = raw(SYS_calf_fail, 0, 0);
		cell_add(2, (int)failed);
		reply = (struct reply){.result = -EINVAL};
		if (request.in_len == 5 && strcmp((char *)in, "path") == 0)
			reply = (struct reply){.flags = REPLY_FILE,
			    .token = DIR_TOKEN};
	}
	_exit(0);
}

static const char *goes_on_asking(void)
{
	int i;

	MUST(port_root(file) == 0, "port_root");
	for (i = 0; i < 30; i++)
		MUST(raw(SYS_chdir, (long)"path") == 0, found("call %d", i));
	return NULL;
}

TEST(a_server_without_memory_is_asked_again)
{
	pid_t pid;

	if (!on_calf_test_build())
		return SKIP("allocations fail on demand in Calf's test build");
	TRY(port_make(1));
	pid = must_fork();
	if (pid == 0)
		serve_in_want();
	port_leave_to(pid);
	TRY(in_child(goes_on_asking));
	MUST(cell_get(2) > 0, "nothing has failed");
	return service_end();
}

static const struct test tests[] = {
    T(a_root_is_a_file_that_may_be_called),
    T(without_a_new_root_all_is_as_it_was),
    T(children_and_new_programs_are_where_their_parent_is),
    T(a_directory_is_closed_when_the_last_one_leaves_it),
    T(a_root_is_closed_when_its_last_user_is_killed),
    T(what_the_kernel_does_not_know_goes_to_the_root),
    T(a_call_to_the_root_lends_what_linux_says),
    T(a_signal_does_not_interrupt_a_call_to_the_root),
    T(open_gives_a_descriptor_and_chdir_none),
    T(a_call_with_a_path_can_wait),
    T(a_server_is_not_told_a_directory_of_another_server),
    T(a_server_without_memory_is_asked_again),
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "@executed") == 0)
		return executed();
	return suite_main(argc, argv, tests, COUNT(tests));
}
