/* SPDX-License-Identifier: MIT */
/*
 * t_pipe.c - pipes: order, blocking, ends, and many at both ends.
 */
#include "harness.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/uio.h>

/* The bytes that POSIX promises to write in one piece. */
#define ATOMIC 4096

static int fds[2];

static void pipe_make(void)
{
	if (pipe(fds) != 0)
		give_up("no pipe");
}

/* Bytes that depend on their place in a stream. */
static unsigned char stream_byte(size_t at)
{
	return (unsigned char)(at * 7 + (at >> 8) * 13 + (at >> 16));
}

static bool write_all(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Writes a stream in pieces of `piece` bytes. */
static void stream_write(int fd, size_t total, size_t piece)
{
	static unsigned char buffer[3 * PAGE];
	size_t at;
	size_t i;

	for (at = 0; at < total; at += piece) {
		size_t n = total - at < piece ? total - at : piece;

		for (i = 0; i < n; i++)
			buffer[i] = stream_byte(at + i);
		if (!write_all(fd, buffer, n))
			give_up("write failed");
	}
}

/* Reads to the end of file; NULL if it was a stream of `total` bytes. */
static const char *stream_read(int fd, size_t total, size_t piece)
{
	static unsigned char buffer[3 * PAGE];
	size_t at = 0;
	ssize_t n;
	ssize_t i;

	while ((n = read(fd, buffer, piece)) > 0)
		for (i = 0; i < n; i++, at++)
			if (buffer[i] != stream_byte(at))
				return found("byte %d is wrong", (int)at);
	MUST(n == 0, "read failed");
	MUST(at == total, found("%d bytes instead of %d", (int)at, (int)total));
	return NULL;
}

/* ---- Streams ---- */

static const char *stream(size_t total, size_t out, size_t in)
{
	const char *sentence;
	pid_t pid;

	pipe_make();
	pid = must_fork();
	if (pid == 0) {
		close(fds[0]);
		stream_write(fds[1], total, out);
		_exit(0);
	}
	close(fds[1]);
	sentence = stream_read(fds[0], total, in);
	close(fds[0]);
	TRY(sentence);
	return child_end(pid);
}

TEST(a_mebibyte_passes_in_order)
{
	TRY(stream(MIB, 4096, 4096));
	TRY(stream(MIB, 12288, 1000));
	TRY(stream(MIB, 777, 12288));
	return stream(2000, 1, 3);
}

#define STAGES 10

/* Passes on what it reads, in pieces of its own size. */
_Noreturn static void stage(int in, int out, size_t piece)
{
	static char buffer[PAGE];
	ssize_t n;

	while ((n = read(in, buffer, piece)) > 0)
		if (!write_all(out, buffer, (size_t)n))
			_exit(1);
	_exit(n == 0 ? 0 : 2);
}

TEST(a_pipeline_of_ten_passes_everything)
{
	pid_t pids[STAGES];
	int in;
	int i;

	pipe_make();
	pids[0] = must_fork();
	if (pids[0] == 0) {
		close(fds[0]);
		stream_write(fds[1], 100000, 3000);
		_exit(0);
	}
	for (i = 1; i < STAGES; i++) {
		in = fds[0];
		close(fds[1]);
		pipe_make();
		pids[i] = must_fork();
		if (pids[i] == 0) {
			close(fds[0]);
			stage(in, fds[1], 500 + (size_t)i * 317);
		}
		close(in);
	}
	close(fds[1]);
	TRY(stream_read(fds[0], 100000, 2048));
	for (i = 0; i < STAGES; i++)
		MUST(exited_with(reap(pids[i]), 0), "a stage failed");
	return NULL;
}

/* ---- Blocking ---- */

TEST(a_full_pipe_holds_the_writer_back)
{
	static char page[PAGE];
	pid_t pid;
	int written;
	int i;

	pipe_make();
	pid = must_fork();
	if (pid == 0) {
		for (i = 0; i < 100; i++) {
			if (write(fds[1], page, PAGE) != (ssize_t)PAGE)
				_exit(1);
			cell_set(0, i + 1);
		}
		_exit(0);
	}
	cell_await(0, 1);
	sleep_ms(100);
	written = cell_get(0);
	MUST(written < 100, "a pipe has no limit");
	for (i = 0; i < 100; i++)
		MUST(read_all(fds[0], page, PAGE), "read failed");
	MUST(exited_with(reap(pid), 0), "the writer failed");
	return NULL;
}

TEST(an_empty_pipe_holds_the_reader_back)
{
	char byte = 0;
	pid_t pid;

	pipe_make();
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(30);
		cell_set(0, 1);
		(void)write(fds[1], "e", 1);
		_exit(0);
	}
	MUST(read(fds[0], &byte, 1) == 1 && byte == 'e', "read failed");
	MUST(cell_get(0) == 1, "read returned too early");
	(void)reap(pid);
	return NULL;
}

TEST(read_takes_what_there_is)
{
	char bytes[100];

	pipe_make();
	MUST(write(fds[1], "hello", 5) == 5, "write failed");
	MUST(read(fds[0], bytes, 0) == 0, "0 bytes");
	MUST(read(fds[0], bytes, 2) == 2, "2 bytes");
	MUST(read(fds[0], bytes, sizeof(bytes)) == 3, "the rest");
	MUST(memcmp(bytes, "llo", 3) == 0, "other bytes");
	MUST(write(fds[1], "", 0) == 0, "writing nothing failed");
	return NULL;
}

TEST(end_of_file_comes_with_the_last_writer)
{
	char byte;
	pid_t pid;
	int other;

	pipe_make();
	other = dup(fds[1]);
	pid = must_fork();
	if (pid == 0) {
		cell_await(0, 1);
		(void)write(other, "1", 1);
		sleep_ms(30); /* the reader sleeps when the end comes */
		_exit(0);
	}
	close(fds[1]);
	close(other);
	cell_set(0, 1);
	MUST(read(fds[0], &byte, 1) == 1, "the end came too early");
	MUST(read(fds[0], &byte, 1) == 0, "no end of file");
	MUST(read(fds[0], &byte, 1) == 0, "the end came once only");
	(void)reap(pid);
	return NULL;
}

/* The reader goes while a writer sleeps on the full pipe. */
TEST(a_sleeping_writer_learns_that_nobody_reads)
{
	static char bytes[PAGE];
	pid_t pid;

	pipe_make();
	pid = must_fork();
	if (pid == 0) {
		(void)signal(SIGPIPE, SIG_IGN);
		close(fds[0]);
		cell_set(0, 1);
		while (write(fds[1], bytes, PAGE) > 0)
			;
		_exit(errno == EPIPE ? 32 : 1);
	}
	cell_await(0, 1);
	sleep_ms(50);
	close(fds[0]);
	MUST(exited_with(reap(pid), 32), "no EPIPE");
	return NULL;
}

TEST(a_sleeping_reader_can_be_killed)
{
	char byte;
	pid_t pid;

	pipe_make();
	pid = must_fork();
	if (pid == 0)
		_exit((int)read(fds[0], &byte, 1));
	sleep_ms(20);
	MUST(kill(pid, SIGKILL) == 0, "kill failed");
	MUST(killed_by(reap(pid), SIGKILL), "it ended otherwise");
	MUST(write(fds[1], "k", 1) == 1, "the pipe was damaged");
	MUST(read(fds[0], &byte, 1) == 1 && byte == 'k', "read failed");
	return NULL;
}

/* ---- Many ---- */

#define WRITERS  8
#define MESSAGES 40

/* Writers side by side; here the pipe can only be read from then on. */
static void start_writers(void (*writer)(int), pid_t pids[WRITERS])
{
	pipe_make();
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			writer(i);
	}
	close(fds[1]);
}

/* Messages of one writer: all bytes alike, of a length that varies. */
_Noreturn static void write_messages(int me)
{
	static unsigned char message[ATOMIC];
	uint64_t seed = (uint64_t)me + 1;
	int i;

	memset(message, me, sizeof(message));
	for (i = 0; i < MESSAGES; i++) {
		unsigned len = (unsigned)(rnd(&seed) % 900 + 100);

		message[1] = (unsigned char)(len >> 8);
		message[2] = (unsigned char)len;
		if (write(fds[1], message, len) != (ssize_t)len)
			_exit(1);
	}
	_exit(0);
}

TEST(small_writes_of_many_do_not_mix)
{
	static unsigned char message[ATOMIC];
	pid_t pids[WRITERS];
	int count = 0;
	int i;

	start_writers(write_messages, pids);
	sleep_ms(50); /* the pipe fills up, and not by whole messages */
	while (read_all(fds[0], message, 3)) {
		size_t len = (size_t)message[1] << 8 | message[2];

		MUST(len >= 100 && len < 1000, "a length is wrong");
		MUST(read_all(fds[0], message + 3, len - 3), "it ends early");
		MUST(all_bytes(message + 3, len - 3, message[0]),
		    "two writers' bytes are mixed");
		count++;
	}
	for (i = 0; i < WRITERS; i++)
		MUST(exited_with(reap(pids[i]), 0), "a writer failed");
	MUST(count == WRITERS * MESSAGES, "messages are missing");
	return NULL;
}

/* Writes records in three pieces, up to as many bytes as go in as a whole. */
_Noreturn static void write_vectors(int me)
{
	static unsigned char message[ATOMIC];
	struct iovec pieces[3] = {{message, 1}, {message + 1, 1000}, {NULL, 0}};
	int i;

	memset(message, me, sizeof(message));
	for (i = 0; i < 4 * MESSAGES; i++) {
		pieces[2].iov_base = message + 1001;
		pieces[2].iov_len = sizeof(message) - 1001;
		if (writev(fds[1], pieces, 3) != ATOMIC)
			_exit(1);
	}
	_exit(0);
}

TEST(small_vectors_of_many_do_not_mix)
{
	static unsigned char message[ATOMIC];
	pid_t pids[WRITERS];
	int count = 0;
	int i;

	start_writers(write_vectors, pids);
	while (read_all(fds[0], message, ATOMIC)) {
		MUST(all_bytes(message, ATOMIC, message[0]),
		    "two writers' bytes are mixed");
		count++;
	}
	for (i = 0; i < WRITERS; i++)
		MUST(exited_with(reap(pids[i]), 0), "a writer failed");
	MUST(count == WRITERS * 4 * MESSAGES, "messages are missing");
	return NULL;
}

/* With room for a part of it, a vector goes in as a whole or not at all. */
TEST(a_small_vector_waits_for_room)
{
	static unsigned char page[PAGE];
	struct iovec pieces[2] = {{page, 5}, {page, PAGE - 5}};
	struct iovec bad[2] = {{page, 5}, {NULL, 5}};
	int flags;

	pipe_make();
	flags = fcntl(fds[1], F_GETFL);
	if (!on_emulator()) /* which takes what comes before a bad piece */
		MUST(writev(fds[1], bad, 2) == -1 && errno == EFAULT,
		    "a bad piece");
	MUST(fcntl(fds[1], F_SETFL, flags | O_NONBLOCK) == 0, "no fcntl");
	while (write(fds[1], page, PAGE) == (ssize_t)PAGE)
		;
	MUST(read_all(fds[0], page, 100), "read failed");
	MUST(writev(fds[1], pieces, 2) == -1 && errno == EAGAIN,
	    "a part went in, or it waited");
	MUST(write(fds[1], page, PAGE) == -1 && errno == EAGAIN,
	    "a part of a plain write went in, or it waited");
	MUST(read_all(fds[0], page, PAGE - 100), "read failed");
	MUST(writev(fds[1], pieces, 2) == (ssize_t)PAGE, "it did not go in");
	close(fds[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	MUST(writev(fds[1], pieces, 2) == -1 && errno == EPIPE, "no EPIPE");
	return NULL;
}

TEST(many_readers_get_each_byte_once)
{
	pid_t pids[6];
	int i;
	int sum = 0;

	pipe_make();
	for (i = 0; i < 6; i++) {
		unsigned char byte;

		pids[i] = must_fork();
		if (pids[i] != 0)
			continue;
		close(fds[1]);
		while (read(fds[0], &byte, 1) == 1)
			(void)cell_add(byte, 1);
		_exit(0);
	}
	for (i = 0; i < 500; i++) {
		unsigned char byte = (unsigned char)(i % 100);

		MUST(write(fds[1], &byte, 1) == 1, "write failed");
	}
	close(fds[1]);
	for (i = 0; i < 6; i++)
		(void)reap(pids[i]);
	for (i = 0; i < 100; i++)
		sum += cell_get(i) == 5;
	MUST(sum == 100, "a byte was lost, or came twice");
	return NULL;
}

TEST(a_token_goes_around_a_ring)
{
	static int ring[8][2];
	pid_t pids[8];
	unsigned char token = 0;
	int i;

	for (i = 0; i < 8; i++)
		MUST(pipe(ring[i]) == 0, "no pipe");
	for (i = 0; i < 8; i++) {
		pids[i] = must_fork();
		if (pids[i] != 0)
			continue;
		while (read(ring[i][0], &token, 1) == 1 && token < 200) {
			token++;
			(void)write(ring[(i + 1) % 8][1], &token, 1);
		}
		cell_set(i, token);
		(void)write(ring[(i + 1) % 8][1], &token, 1);
		_exit(0);
	}
	MUST(write(ring[0][1], &token, 1) == 1, "write failed");
	for (i = 0; i < 8; i++)
		(void)reap(pids[i]);
	for (i = 0; i < 8; i++)
		MUST(cell_get(i) == 200, "a token was lost");
	return NULL;
}

/* ---- Vectors ---- */

TEST(vectors_gather_and_scatter)
{
	char a[5] = "abcd";
	char b[5] = "efgh";
	char c[3] = "";
	char d[20] = "";
	struct iovec out[3] = {{a, 4}, {NULL, 0}, {b, 4}};
	struct iovec in[3] = {{c, 2}, {d, 1}, {d + 1, 18}};

	pipe_make();
	MUST(writev(fds[1], out, 3) == 8, "writev failed");
	MUST(readv(fds[0], in, 3) == 8, "readv failed");
	MUST(memcmp(c, "ab", 2) == 0, "the first part is wrong");
	MUST(memcmp(d, "cdefgh", 6) == 0, "the others are wrong");
	MUST(raw(SYS_writev, fds[1], (long)out, 0) == 0, "no parts");
	MUST(raw(SYS_writev, fds[1], (long)out, -1) == -EINVAL, "-1 parts");
	return NULL;
}

TEST(a_vector_too_long_to_count_is_refused)
{
	static char byte[16];
	struct iovec parts[2] = {{byte, 1}, {byte, (size_t)1 << 63}};

	pipe_make();
	MUST(raw(SYS_writev, fds[1], (long)parts, 2) == -EINVAL,
	    "a length of 2^63");
	return NULL;
}

/* ---- Inheritance ---- */

static const char *generation(int depth)
{
	pid_t pid;

	if (depth == 0)
		return write_all(fds[1], "deep", 4) ? NULL : "write failed";
	pid = must_fork();
	if (pid == 0) {
		const char *sentence = generation(depth - 1);

		if (sentence != NULL)
			give_up(sentence);
		_exit(0);
	}
	return child_end(pid);
}

TEST(pipes_are_inherited_over_generations)
{
	char bytes[5] = "";

	pipe_make();
	TRY(generation(10));
	MUST(read_all(fds[0], bytes, 4), "read failed");
	return memcmp(bytes, "deep", 4) == 0 ? NULL : "other bytes";
}

/* Pipes that fail, with as many files there already as may matter. */
static const char *pipes_fail(void)
{
	int ends[2];

	for (int files = 0; files < 200; files++) {
		for (unsigned n = 1; n <= 3; n++) {
			int result;

			(void)fail_allocation(n, CALF_FAIL_ONCE);
			result = pipe(ends);
			(void)fail_allocation(0, CALF_FAIL_ONCE);
			if (result != 0) {
				MUST(errno == ENOMEM, "another error");
				continue;
			}
			close(ends[0]);
			close(ends[1]);
		}
		MUST(open("/dev/null", O_RDONLY) >= 0, "no file");
	}
	return NULL;
}

TEST(a_pipe_that_fails_half_way_leaves_nothing)
{
	uint64_t before;

	if (!on_calf_test_build())
		return SKIP("memory cannot be made to fail");
	before = checked_free_frames();
	TRY(in_child(pipes_fail));
	return frames_settle(before);
}

/* Unread bytes must not keep memory when the last end is closed. */
TEST(a_pipe_that_is_dropped_full_leaves_nothing)
{
	static char bytes[PAGE];
	int i;

	for (i = 0; i < 50; i++) {
		pipe_make();
		MUST(write_all(fds[1], bytes, sizeof(bytes)), "write failed");
		close(fds[i % 2]);
		close(fds[1 - i % 2]);
	}
	return NULL;
}

static const struct test tests[] = {
    T(a_mebibyte_passes_in_order),
    T(a_pipeline_of_ten_passes_everything),
    T(a_full_pipe_holds_the_writer_back),
    T(an_empty_pipe_holds_the_reader_back),
    T(read_takes_what_there_is),
    T(end_of_file_comes_with_the_last_writer),
    T(a_sleeping_writer_learns_that_nobody_reads),
    T(a_sleeping_reader_can_be_killed),
    T(small_writes_of_many_do_not_mix),
    T(small_vectors_of_many_do_not_mix),
    T(a_small_vector_waits_for_room),
    T(many_readers_get_each_byte_once),
    T(a_token_goes_around_a_ring),
    T(vectors_gather_and_scatter),
    T(a_vector_too_long_to_count_is_refused),
    T(pipes_are_inherited_over_generations),
    T(a_pipe_that_fails_half_way_leaves_nothing),
    T(a_pipe_that_is_dropped_full_leaves_nothing),
};

SUITE(tests)
