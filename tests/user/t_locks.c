/* SPDX-License-Identifier: MIT */
/*
 * t_locks.c - locks of files: fcntl, for processes and for open files, and
 * flock.
 */
#include "harness.h"

#include "abi/fcntl.h"

#define FILE_PATH "/tmp/t_locks"

static int open_file(int flags)
{
	(void)syscall(SYS_mkdirat, AT_FDCWD, "/tmp", 0777);
	return open(FILE_PATH, flags | O_CREAT, 0600);
}

static long flock_of(int fd, int how)
{
	return syscall(SYS_flock, fd, how);
}

/* The result of fcntl: 0 or a negated errno. */
static int lock(int fd, int command, int type, long from, long len)
{
	struct flock_abi l = {.type = (int16_t)type,
	    .whence = SEEK_SET,
	    .start = from,
	    .len = len};

	return fcntl(fd, command, &l) == 0 ? 0 : -errno;
}

static int lock_all(int fd, int command, int type)
{
	return lock(fd, command, type, 0, 0);
}

/* The exit status of a child that runs `body`; 99 if it was killed. */
static int child_says(int (*body)(int), int fd)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body(fd));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* ---- Processes ---- */

/* Returns the number of the first check that fails, or 0. */
static int meet_parent(int fd)
{
	struct flock_abi l = {.type = F_RDLCK, .start = 15, .len = 100};

	if (lock(fd, F_SETLK, F_RDLCK, 15, 1) != -EAGAIN)
		return 1;
	if (lock(fd, F_SETLK, F_WRLCK, 0, 0) != -EAGAIN)
		return 2;
	if (fcntl(fd, F_GETLK, &l) != 0 || l.type != F_WRLCK || l.start != 10 ||
	    l.len != 10 || l.pid != getppid())
		return 3;
	if (lock(fd, F_SETLK, F_WRLCK, 0, 10) != 0 ||
	    lock(fd, F_SETLK, F_WRLCK, 20, 0) != 0)
		return 4;
	if (lock(fd, F_SETLK, F_UNLCK, 0, 0) != 0)
		return 5;
	return lock(fd, F_SETLK, F_RDLCK, 15, 1) == -EAGAIN ? 0 : 6;
}

TEST(what_one_process_has_locked_another_does_not_get)
{
	int fd = open_file(O_RDWR), where;

	MUST(lock(fd, F_SETLK, F_WRLCK, 10, 10) == 0, "no lock");
	where = child_says(meet_parent, fd);
	MUST(where == 0, found("the child was surprised at %d", where));
	MUST(lock(fd, F_SETLK, F_RDLCK, 0, 100) == 0, "its own is in the way");
	return NULL;
}

static int read_too(int fd)
{
	if (lock_all(fd, F_SETLK, F_RDLCK) != 0)
		return 1;
	return lock_all(fd, F_SETLK, F_WRLCK) == -EAGAIN ? 0 : 2;
}

TEST(many_may_read)
{
	int fd = open_file(O_RDWR);

	MUST(lock_all(fd, F_SETLK, F_RDLCK) == 0, "no lock");
	MUST(child_says(read_too, fd) == 0, "the child was surprised");
	return NULL;
}

static int lock_and_end(int fd)
{
	return lock_all(fd, F_SETLK, F_WRLCK) == 0 ? 0 : 1;
}

TEST(a_lock_goes_with_its_process_also_if_the_file_stays_open)
{
	int fd = open_file(O_RDWR);

	MUST(child_says(lock_and_end, fd) == 0, "no lock");
	MUST(lock_all(fd, F_SETLK, F_WRLCK) == 0, "it is still there");
	return NULL;
}

static int read_one(int fd)
{
	return lock(fd, F_SETLK, F_RDLCK, 0, 1) == 0 ? 0 : 1;
}

#define MANY 1030 /* more than a file may have locks */

TEST(locks_of_processes_that_are_gone_are_not_counted)
{
	int fd = open_file(O_RDWR);

	for (int i = 0; i < MANY; i++)
		MUST(child_says(read_one, fd) == 0, found("child %d", i));
	return NULL;
}

/* ---- Waiting ---- */

/* A child that has a lock of all, by a file of its own, until it is killed. */
static pid_t locker(void)
{
	int ready[2];
	char byte = 1;
	pid_t pid;

	if (pipe(ready) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		int fd = open_file(O_RDWR);

		if (lock_all(fd, F_SETLK, F_WRLCK) == 0)
			(void)!write(ready[1], &byte, 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	return pid;
}

static int wait_for_it(int fd)
{
	return lock_all(fd, F_SETLKW, F_WRLCK) == 0 ? 0 : 1;
}

static void short_sleep(void)
{
	struct timespec ts = {0, 50000000};

	(void)nanosleep(&ts, NULL);
}

TEST(a_process_that_waits_goes_on_when_the_lock_is_given_up)
{
	int fd = open_file(O_RDWR), status;
	pid_t pids[3];

	MUST(lock_all(fd, F_SETLK, F_WRLCK) == 0, "no lock");
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(wait_for_it(open_file(O_RDWR)));
	}
	short_sleep();
	for (int i = 0; i < 3; i++)
		MUST(waitpid(pids[i], &status, WNOHANG) == 0, "it is over");
	MUST(lock_all(fd, F_SETLK, F_UNLCK) == 0, "it stays");
	for (int i = 0; i < 3; i++)
		MUST(waitpid(pids[i], &status, 0) == pids[i] && status == 0,
		    found("status %x", status));
	return NULL;
}

TEST(a_process_that_waits_goes_on_when_the_other_is_killed)
{
	int fd = open_file(O_RDWR), status;
	pid_t holder = locker(), waiter = fork();

	if (waiter == 0)
		_exit(wait_for_it(fd));
	short_sleep();
	MUST(waitpid(waiter, &status, WNOHANG) == 0, "it is over");
	kill(holder, SIGKILL);
	MUST(waitpid(waiter, &status, 0) == waiter && status == 0,
	    found("status %x", status));
	waitpid(holder, &status, 0);
	return NULL;
}

static void handler(int sig)
{
	(void)sig;
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction action = {.sa_handler = handler};
	int fd = open_file(O_RDWR), result;
	pid_t holder = locker();

	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	result = lock_all(fd, F_SETLKW, F_WRLCK);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	MUST(result == -EINTR, found("it ends with %d", result));
	return NULL;
}

/* ---- Open files, beside a plain model ---- */

#define BYTES 24

static unsigned seed = 1;

static int below(int n)
{
	seed = seed * 1103515245 + 12345;
	return (int)(seed >> 16) % n;
}

static signed char model[2][BYTES]; /* the type of each one's lock */

static bool may_have(int who, int type, int from, int to)
{
	for (int i = from; i < to && type != F_UNLCK; i++)
		if (model[!who][i] != F_UNLCK &&
		    (type == F_WRLCK || model[!who][i] == F_WRLCK))
			return false;
	return true;
}

/* F_OFD_GETLK by the other file tells the first lock, from end to end. */
static const char *first_is_told(int fd, int who)
{
	struct flock_abi l = {.type = F_WRLCK};
	int from = 0, to;

	while (from < BYTES && model[who][from] == F_UNLCK)
		from++;
	to = from;
	while (to < BYTES && model[who][to] == model[who][from])
		to++;
	MUST(fcntl(fd, F_OFD_GETLK, &l) == 0, "not told");
	MUST(from == BYTES ? l.type == F_UNLCK
			   : l.type == model[who][from] && l.start == from &&
		    l.len == to - from,
	    found("type %d from %lu, %lu bytes; not from %d, %d bytes", l.type,
		(unsigned long)l.start, (unsigned long)l.len, from, to - from));
	return NULL;
}

static const char *as_the_model(const int *fds, int who, int type)
{
	int from = below(BYTES), len = 1 + below(BYTES - from);
	int expect = may_have(who, type, from, from + len) ? 0 : -EAGAIN;
	int result = lock(fds[who], F_OFD_SETLK, type, from, len);

	MUST(result == expect,
	    found("%d, not %d, of type %d from %d, %d bytes", result, expect,
		type, from, len));
	if (result == 0)
		memset(model[who] + from, type, (size_t)len);
	for (int i = 0; i < BYTES; i++) {
		struct flock_abi l = {.type = F_WRLCK, .start = i, .len = 1};

		MUST(fcntl(fds[!who], F_OFD_GETLK, &l) == 0 &&
			l.type == model[who][i],
		    found("byte %d is %d, not %d", i, l.type, model[who][i]));
	}
	return first_is_told(fds[!who], who);
}

TEST(each_byte_is_locked_as_a_model_says)
{
	int fds[2] = {open_file(O_RDWR), open_file(O_RDWR)};

	memset(model, F_UNLCK, sizeof model);
	for (int i = 0; i < 400; i++)
		TRY(as_the_model(fds, below(2), below(3)));
	close(fds[0]);
	MUST(lock_all(fds[1], F_OFD_SETLK, F_WRLCK) == 0,
	    "what is closed has a lock");
	return NULL;
}

TEST(an_open_file_is_locked_for_all_who_have_it)
{
	int fd = open_file(O_RDWR), other = open_file(O_RDWR);

	MUST(flock_of(fd, LOCK_EX | LOCK_NB) == 0, "no lock");
	MUST(flock_of(other, LOCK_SH | LOCK_NB) == -1 && errno == EAGAIN,
	    "another gets it too");
	MUST(lock_all(other, F_SETLK, F_WRLCK) == 0, "fcntl minds");
	MUST(flock_of(fd, LOCK_SH) == 0 &&
		flock_of(other, LOCK_SH | LOCK_NB) == 0,
	    "two cannot read");
	MUST(flock_of(dup(fd), LOCK_UN) == 0 &&
		flock_of(other, LOCK_EX | LOCK_NB) == 0,
	    "a duplicate is another");
	close(other);
	MUST(flock_of(fd, LOCK_EX | LOCK_NB) == 0, "what is closed has a lock");
	return NULL;
}

TEST(what_makes_no_sense_is_refused)
{
	int fd = open_file(O_RDWR), out = open_file(O_WRONLY);
	struct flock_abi l = {.type = F_RDLCK, .whence = 7};

	MUST(fcntl(fd, F_SETLK, &l) == -1 && errno == EINVAL, "whence");
	MUST(lock_all(fd, F_SETLK, 3) == -EINVAL, "type");
	MUST(lock_all(fd, F_GETLK, F_UNLCK) == -EINVAL, "asked for none");
	MUST(lock(fd, F_SETLK, F_RDLCK, -1, 1) == -EINVAL, "before the file");
	MUST(lock(fd, F_SETLK, F_RDLCK, 5, -6) == -EINVAL, "back before it");
	MUST(lock(fd, F_SETLK, F_RDLCK, 5, -5) == 0, "back to it");
	MUST(lock(fd, F_SETLK, F_RDLCK, INT64_MAX, 2) == -EOVERFLOW, "beyond");
	MUST(lock_all(out, F_SETLK, F_RDLCK) == -EBADF, "to read, as writer");
	MUST(lock_all(out, F_SETLK, F_WRLCK) == 0, "to write, as writer");
	MUST(fcntl(fd, F_SETLK, 8) == -1 && errno == EFAULT, "no memory");
	MUST(flock_of(fd, 3) == -1 && errno == EINVAL, "an operation");
	l = (struct flock_abi){.type = F_WRLCK, .pid = 1};
	MUST(fcntl(fd, F_OFD_SETLK, &l) == -1 && errno == EINVAL, "a pid");
	return NULL;
}

static const struct test tests[] = {
    T(what_one_process_has_locked_another_does_not_get),
    T(many_may_read),
    T(a_lock_goes_with_its_process_also_if_the_file_stays_open),
    T(locks_of_processes_that_are_gone_are_not_counted),
    T(a_process_that_waits_goes_on_when_the_lock_is_given_up),
    T(a_process_that_waits_goes_on_when_the_other_is_killed),
    T(a_signal_ends_the_wait),
    T(each_byte_is_locked_as_a_model_says),
    T(an_open_file_is_locked_for_all_who_have_it),
    T(what_makes_no_sense_is_refused),
};

SUITE(tests)
