/* SPDX-License-Identifier: MIT */
/*
 * t_fifo.c - the umask and the mode of new files; and pipes that have a name,
 * which several processes open and close.
 */
#include "harness.h"

#include <poll.h>
#include <sys/stat.h>

#define DIR   "/tmp/t_fifo"
#define FIFO  DIR "/fifo"
#define OTHER DIR "/other"

/* ---- The umask ---- */

static mode_t mode_of(const char *path)
{
	struct stat st;

	return raw(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st,
		   AT_SYMLINK_NOFOLLOW) == 0
	    ? st.st_mode & 07777
	    : 0;
}

static void clean(void)
{
	static const char *const paths[] = {FIFO, OTHER, DIR "/file"};

	for (int i = 0; i < COUNT(paths); i++)
		(void)raw(SYS_unlinkat, AT_FDCWD, (long)paths[i], 0);
	(void)raw(SYS_unlinkat, AT_FDCWD, (long)DIR "/dir", AT_REMOVEDIR);
}

static void begin(void)
{
	(void)raw(SYS_mkdirat, AT_FDCWD, (long)"/tmp", 0777);
	(void)raw(SYS_mkdirat, AT_FDCWD, (long)DIR, 0777);
	clean();
}

static long make(const char *path, mode_t mode)
{
	return raw(SYS_mknodat, AT_FDCWD, (long)path, mode, 0);
}

TEST(the_umask_is_told_when_it_is_set)
{
	(void)umask(0);
	MUST(umask(027) == 0, "another");
	MUST(raw(SYS_umask, 07777770) == 027, "the one before");
	MUST(umask(022) == 0770, "it has bits of no mode");
	return NULL;
}

static const char *makes_with_027(void)
{
	int fd = open(DIR "/file", O_CREAT | O_RDWR | O_EXCL, 0666);

	MUST(fd >= 0 && mode_of(DIR "/file") == 0640,
	    found("a file: %o", mode_of(DIR "/file")));
	MUST(raw(SYS_mkdirat, AT_FDCWD, (long)DIR "/dir", 0777) == 0 &&
		mode_of(DIR "/dir") == 0750,
	    found("a folder: %o", mode_of(DIR "/dir")));
	MUST(make(FIFO, S_IFIFO | 0666) == 0 && mode_of(FIFO) == 0640,
	    found("a pipe: %o", mode_of(FIFO)));
	MUST(raw(SYS_fchmod, fd, 0666) == 0 && mode_of(DIR "/file") == 0666,
	    "chmod goes by it");
	close(fd);
	return NULL;
}

TEST(what_is_made_lacks_what_the_umask_has)
{
	begin();
	(void)umask(027);
	TRY(makes_with_027());
	clean();
	return NULL;
}

static const char *has_and_sets_another(void)
{
	begin();
	TRY(makes_with_027());
	MUST(umask(0) == 027, "it has another");
	return NULL;
}

TEST(a_child_has_its_own_which_is_its_parents_at_first)
{
	(void)umask(027);
	TRY(in_child(has_and_sets_another));
	clean();
	MUST(umask(022) == 027, "the child has set its parent's");
	return NULL;
}

TEST(a_program_that_is_executed_has_it)
{
	pid_t pid;

	if (on_emulator())
		return SKIP("it cannot execute this program");
	(void)umask(0135);
	pid = must_fork();
	if (pid == 0) {
		execl(suite_path, suite_path, "umask", "93", NULL);
		_exit(99);
	}
	MUST(exited_with(reap(pid), 0), "it has another");
	return NULL;
}

/* ---- Opening ---- */

/* A pipe with that name, and a cell that says how far a child has come. */
static void begin_fifo(void)
{
	begin();
	(void)make(FIFO, S_IFIFO | 0600);
}

static int open_fifo(int flags)
{
	return open(FIFO, flags);
}

static const char *opens_later(int flags)
{
	int fd;

	sleep_ms(50);
	cell_set(0, 1);
	fd = open_fifo(flags);
	MUST(fd >= 0, "the child cannot open it");
	cell_meet(1, 2);
	close(fd);
	return NULL;
}

static const char *writer_comes(void)
{
	return opens_later(O_WRONLY);
}

static const char *reader_comes(void)
{
	return opens_later(O_RDONLY);
}

static const char *waits_for(test_fn *other, int flags)
{
	pid_t pid;
	int fd;

	begin_fifo();
	pid = child_start(other);
	fd = open_fifo(flags);
	MUST(fd >= 0, "it cannot be opened");
	MUST(cell_get(0) == 1, "nobody was there yet");
	cell_meet(1, 2);
	TRY(child_end(pid));
	close(fd);
	clean();
	return NULL;
}

TEST(a_reader_waits_for_a_writer)
{
	return waits_for(writer_comes, O_RDONLY);
}

TEST(a_writer_waits_for_a_reader)
{
	return waits_for(reader_comes, O_WRONLY);
}

TEST(without_waiting_it_opens_to_read_and_not_to_write)
{
	int in, out;

	begin_fifo();
	MUST(open_fifo(O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO,
	    "nobody reads");
	in = open_fifo(O_RDONLY | O_NONBLOCK);
	MUST(in >= 0, "for reading");
	out = open_fifo(O_WRONLY | O_NONBLOCK);
	MUST(out >= 0, "for writing");
	close(in);
	close(out);
	MUST(open_fifo(O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO,
	    "nobody reads any more");
	clean();
	return NULL;
}

TEST(a_process_that_reads_and_writes_does_not_wait)
{
	char byte = 0;
	int fd;

	begin_fifo();
	fd = open_fifo(O_RDWR);
	MUST(fd >= 0, "it cannot be opened");
	MUST(write(fd, "x", 1) == 1 && read(fd, &byte, 1) == 1 && byte == 'x',
	    "the byte");
	/* The emulator makes O_RDONLY of that. */
	MUST(on_emulator() || (open_fifo(O_ACCMODE) == -1 && errno == EINVAL),
	    "neither");
	close(fd);
	clean();
	return NULL;
}

/*
 * A process alone at its pipe opens its end once more: with O_NONBLOCK it does
 * not wait.
 */
TEST(a_process_that_opens_its_own_end_again_does_not_wait)
{
	char path[32];
	int in, again;

	begin_fifo();
	in = open_fifo(O_RDONLY | O_NONBLOCK);
	MUST(in >= 0 && fcntl(in, F_SETFL, 0) == 0, "the first");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", in);
	(void)alarm(2);
	again = open(path, O_RDONLY | O_NONBLOCK);
	(void)alarm(0);
	MUST(again >= 0, found("the second is %d", errno));
	close(again);
	close(in);
	clean();
	return NULL;
}

static const char *comes_and_goes(void)
{
	int fd;

	sleep_ms(20);
	fd = open_fifo(O_WRONLY);
	MUST(fd >= 0, "it cannot be opened");
	close(fd);
	return NULL;
}

TEST(a_writer_that_has_gone_was_there)
{
	char byte;
	pid_t pid;
	int fd;

	begin_fifo();
	pid = child_start(comes_and_goes);
	fd = open_fifo(O_RDONLY);
	MUST(fd >= 0 && read(fd, &byte, 1) == 0, "it is not at its end");
	TRY(child_end(pid));
	close(fd);
	clean();
	return NULL;
}

static void on_alarm(int sig)
{
	(void)sig;
}

static const char *is_interrupted(void)
{
	struct sigaction act = {.sa_handler = on_alarm};
	pid_t parent = getpid();
	pid_t pid;

	(void)sigaction(SIGUSR1, &act, NULL);
	pid = must_fork();
	if (pid == 0)
		for (;;) {
			sleep_ms(20);
			(void)kill(parent, SIGUSR1);
		}
	MUST(open_fifo(O_RDONLY) == -1 && errno == EINTR, "no EINTR");
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return NULL;
}

TEST(a_process_that_gives_up_was_not_there)
{
	pid_t pid;

	begin_fifo();
	TRY(is_interrupted());
	MUST(open_fifo(O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO,
	    "who was interrupted reads");
	pid = must_fork();
	if (pid == 0)
		_exit(open_fifo(O_RDONLY) < 0);
	sleep_ms(20);
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	MUST(open_fifo(O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO,
	    "who was killed reads");
	clean();
	return NULL;
}

/* ---- Bytes ---- */

/* Opens both ends of a pipe without a wait. */
static void open_ends(int *in, int *out)
{
	*in = open_fifo(O_RDONLY | O_NONBLOCK);
	*out = open_fifo(O_WRONLY | O_NONBLOCK);
}

TEST(it_ends_when_the_last_writer_has_gone)
{
	int in, out, more;
	char bytes[8];

	begin_fifo();
	open_ends(&in, &out);
	more = open_fifo(O_WRONLY);
	MUST(write(out, "ab", 2) == 2 && write(more, "c", 1) == 1, "write");
	close(out);
	MUST(read(in, bytes, 8) == 3 && memcmp(bytes, "abc", 3) == 0, "read");
	MUST(read(in, bytes, 8) == -1 && errno == EAGAIN, "it has ended");
	close(more);
	MUST(read(in, bytes, 8) == 0, "it has not ended");
	out = open_fifo(O_WRONLY);
	MUST(read(in, bytes, 8) == -1 && errno == EAGAIN, "it has ended again");
	close(out);
	close(in);
	clean();
	return NULL;
}

TEST(a_writer_without_a_reader_is_told)
{
	int in, out, more;

	begin_fifo();
	open_ends(&in, &out);
	more = open_fifo(O_RDONLY);
	(void)signal(SIGPIPE, SIG_IGN);
	close(in);
	MUST(write(out, "a", 1) == 1, "somebody reads");
	close(more);
	MUST(write(out, "a", 1) == -1 && errno == EPIPE, "nobody reads");
	close(out);
	clean();
	return NULL;
}

TEST(unread_bytes_go_with_the_last_process_that_has_it_open)
{
	int in, out;
	char byte;

	begin_fifo();
	open_ends(&in, &out);
	MUST(write(out, "abc", 3) == 3, "write");
	close(in);
	close(out);
	open_ends(&in, &out);
	MUST(read(in, &byte, 1) == -1 && errno == EAGAIN, "it has bytes");
	close(in);
	close(out);
	clean();
	return NULL;
}

TEST(a_node_is_a_pipe_whatever_its_names)
{
	int in, out, first;
	char byte = 0;

	begin_fifo();
	open_ends(&in, &first);
	MUST(raw(SYS_linkat, AT_FDCWD, (long)FIFO, AT_FDCWD, (long)OTHER, 0) ==
		0,
	    "link");
	(void)raw(SYS_unlinkat, AT_FDCWD, (long)FIFO, 0);
	out = open(OTHER, O_WRONLY | O_NONBLOCK);
	MUST(out >= 0 && write(out, "x", 1) == 1, "by its other name");
	(void)raw(SYS_unlinkat, AT_FDCWD, (long)OTHER, 0);
	MUST(read(in, &byte, 1) == 1 && byte == 'x', "the byte");
	(void)make(FIFO, S_IFIFO | 0600);
	MUST(open_fifo(O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO,
	    "a new one has readers");
	MUST(write(out, "y", 1) == 1 && read(in, &byte, 1) == 1 && byte == 'y',
	    "without a name");
	close(in);
	close(out);
	close(first);
	clean();
	return NULL;
}

static int events_of(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

TEST(poll_says_whether_the_other_side_is_open)
{
	int in, out;
	char byte;

	begin_fifo();
	in = open_fifo(O_RDONLY | O_NONBLOCK);
	MUST(events_of(in) == 0, "nobody has been there");
	out = open_fifo(O_WRONLY);
	MUST(events_of(in) == 0 && events_of(out) == POLLOUT, "empty");
	(void)write(out, "a", 1);
	MUST(events_of(in) == POLLIN, "a byte");
	close(out);
	MUST(events_of(in) == (POLLIN | POLLHUP), "a byte, and the end");
	(void)read(in, &byte, 1);
	MUST(events_of(in) == POLLHUP, "the end");
	out = open_fifo(O_WRONLY);
	MUST(events_of(in) == 0, "another has come");
	close(in);
	MUST(events_of(out) & POLLERR, "nobody reads");
	close(out);
	clean();
	return NULL;
}

#define MANY 20000

static const char *writes_many(void)
{
	int fd = open_fifo(O_WRONLY);

	for (int i = 0; i < MANY; i++)
		MUST(write(fd, &i, sizeof(i)) == sizeof(i), "write");
	close(fd);
	return NULL;
}

TEST(bytes_come_as_they_were_written)
{
	int fd, value;
	pid_t pid;

	begin_fifo();
	pid = child_start(writes_many);
	fd = open_fifo(O_RDONLY);
	for (int i = 0; i < MANY; i++)
		MUST(read_all(fd, &value, sizeof(value)) && value == i,
		    found("%d instead of %d", value, i));
	MUST(read(fd, &value, 1) == 0, "no end");
	TRY(child_end(pid));
	close(fd);
	clean();
	return NULL;
}

static const struct test tests[] = {
    T(the_umask_is_told_when_it_is_set),
    T(what_is_made_lacks_what_the_umask_has),
    T(a_child_has_its_own_which_is_its_parents_at_first),
    T(a_program_that_is_executed_has_it),
    T(a_reader_waits_for_a_writer),
    T(a_writer_waits_for_a_reader),
    T(without_waiting_it_opens_to_read_and_not_to_write),
    T(a_process_that_reads_and_writes_does_not_wait),
    T(a_process_that_opens_its_own_end_again_does_not_wait),
    T(a_writer_that_has_gone_was_there),
    T(a_process_that_gives_up_was_not_there),
    T(it_ends_when_the_last_writer_has_gone),
    T(a_writer_without_a_reader_is_told),
    T(unread_bytes_go_with_the_last_process_that_has_it_open),
    T(a_node_is_a_pipe_whatever_its_names),
    T(poll_says_whether_the_other_side_is_open),
    T(bytes_come_as_they_were_written),
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "umask") == 0)
		return umask(0) == (mode_t)strtol(argv[2], NULL, 10) ? 0 : 1;
	return suite_main(argc, argv, tests, COUNT(tests));
}
