/* SPDX-License-Identifier: MIT */
/*
 * t_straight.c - calls that go straight to a server that waits, and replies
 * that go straight back; calls and replies that have to go the ordinary way,
 * and arrive all the same.
 *
 * The kernel counts both ways. Who waits where is certain on one hart only.
 */
#include "straight.h"

/* ---- What goes straight ---- */

TEST(a_call_without_bytes_goes_straight_there_and_back)
{
	TRY(start());
	for (int i = 0; i < 20; i++)
		WAYS(2, order(i), i + 1);
	WAYS(2, CALL(SYS_lseek, BE_QUICK, 0), BE_QUICK + 1);
	return end();
}

TEST(short_bytes_go_along)
{
	static unsigned char bytes[PAGE] __attribute__((aligned(PAGE)));

	TRY(start());
	memset(bytes, 'w', sizeof(bytes));
	(void)CALL(SYS_write, (long)bytes, 1);
	WAYS(2, CALL(SYS_write, (long)bytes, 1), 1);
	WAYS(2, CALL(SYS_write, (long)(bytes + PAGE - 512), 512), 512);
	return end();
}

TEST(more_bytes_go_along_as_far_as_a_part)
{
	static unsigned char bytes[4 * PAGE] __attribute__((aligned(PAGE)));

	TRY(start());
	memset(bytes, 'w', sizeof(bytes));
	(void)CALL(SYS_write, (long)bytes, sizeof(bytes));
	WAYS(2, CALL(SYS_write, (long)(bytes + PAGE - 8), 16), 16);
	for (size_t len = 513; len <= 3 * PAGE; len += 777) {
		long came = (long)(len < sizeof(in) ? len : sizeof(in));

		TRIED(2, CALL(SYS_write, (long)(bytes + 3), (long)len), came);
	}
	return end();
}

TEST(more_bytes_go_along_as_far_as_there_is_room)
{
	static unsigned char bytes[2 * PAGE];

	in_size = PAGE + 5;
	TRY(start());
	memset(bytes, 'w', sizeof(bytes));
	(void)CALL(SYS_write, (long)bytes, sizeof(bytes));
	WAYS(2, CALL(SYS_write, (long)bytes, sizeof(bytes)), PAGE + 5);
	return end();
}

TEST(a_long_copy_stops_for_an_interrupt)
{
	static unsigned char to[16 * PAGE];
	uint64_t before, calls = 0;

	TRY(start());
	memset(to, 0, sizeof(to));
	before = handovers();
	for (int i = 0; i < 100000; i++) {
		MUST(CALL(SYS_read, (long)to, sizeof(to)) == sizeof(to),
		    "what was read");
		calls++;
		if (handovers() - before < 2 * calls)
			return end();
	}
	return "it never did";
}

TEST(bytes_come_back)
{
	static unsigned char to[18 * PAGE];

	TRY(start());
	for (size_t len = 1; len <= 16 * PAGE; len *= 2) {
		memset(to, 0, sizeof(to));
		TRIED(2, CALL(SYS_read, (long)(to + 77), (long)len), (long)len);
		MUST(is_replied(to + 77, len) && to[76] == 0 &&
			to[77 + len] == 0,
		    "other bytes");
	}
	WAYS(0, CALL(SYS_read, (long)to, 16 * PAGE + 1), 16 * PAGE + 1);
	MUST(CALL(SYS_lseek, BE_QUICK, 0) == BE_QUICK + 1, "lseek");
	return end();
}

/* Paths of all lengths, at the border of a word and beside it. */
static const char *go_lengths(void)
{
	static char room[64] __attribute__((aligned(8)));

	for (long len = 1; len < 24; len++) {
		char *path = room + len % 2;

		memset(room, BEHIND, sizeof(room));
		memset(path, 'p', (size_t)len);
		path[len] = '\0';
		WAYS(2, raw(SYS_faccessat, AT_FDCWD, (long)path, 0), len + 1);
	}
	return NULL;
}

static const char *go_paths(void)
{
	static unsigned char to[PAGE];
	const char *path = "/path";

	MUST(port_root(file) == 0, "port_root");
	memset(to, 0, sizeof(to));
	(void)raw(SYS_faccessat, AT_FDCWD, (long)path, 0);
	TRY(go_lengths());
	WAYS(2, raw(SYS_newfstatat, AT_FDCWD, (long)path, (long)to, 0), 6);
	MUST(is_replied(to, 128) && to[128] == 0, "its bytes");
	return NULL;
}

#define LONG 600

static const char *go_long_path(void)
{
	static char path[LONG + 1];

	MUST(port_root(file) == 0, "port_root");
	memset(path, '/', LONG);
	(void)raw(SYS_faccessat, AT_FDCWD, (long)path, 0);
	WAYS(1, raw(SYS_faccessat, AT_FDCWD, (long)path, 0), LONG + 1);
	return NULL;
}

TEST(a_path_goes_along)
{
	TRY(start());
	TRY(in_child(go_paths));
	return end();
}

/* ---- What goes the ordinary way, and arrives ---- */

TEST(memory_that_is_not_there_is_made_first)
{
	unsigned char *fresh = pages_private(4);

	TRY(start());
	WAYS(1, CALL(SYS_read, (long)fresh, PAGE), PAGE);
	WAYS(2, CALL(SYS_read, (long)fresh, PAGE), PAGE);
	WAYS(1, CALL(SYS_read, (long)(fresh + PAGE - 8), 16), 16);
	MUST(is_replied(fresh, PAGE - 8) && is_replied(fresh + PAGE - 8, 16),
	    "the bytes");
	return end();
}

TEST(what_is_not_there_goes_along_later)
{
	unsigned char *fresh = pages_private(2);

	TRY(start());
	memset(fresh, 'w', PAGE);
	(void)CALL(SYS_write, (long)fresh, PAGE);
	WAYS(1, CALL(SYS_write, (long)fresh, 2 * PAGE), -EIO);
	return end();
}

/* ---- Files that are opened and closed ---- */

#define OPENS 64 /* more than fit into a table that does not grow */

/* A tick may have let the other side run, so that some do not. */
#define MOST (OPENS - 4)

static int fds[OPENS];

static const char *open_many(void)
{
	uint64_t before = handovers();

	for (int i = 0; i < OPENS; i++) {
		fds[i] = (int)raw(SYS_openat, AT_FDCWD, (long)"/a",
		    O_RDWR | O_CLOEXEC);
		MUST(fds[i] >= 0, "open");
	}
	before = handovers() - before;
	MUST(before >= 2 * MOST,
	    found("%d of %d ways are straight", (int)before, 2 * OPENS));
	for (int i = 0; i < OPENS; i++)
		MUST(fcntl(fds[i], F_GETFD) == FD_CLOEXEC, "its flags");
	MUST(raw(SYS_ftruncate, fds[OPENS - 1], BE_QUICK) == BE_QUICK + 1,
	    "a call");
	return NULL;
}

/*
 * The first file has two descriptors. A call in between makes sure that the
 * server waits again.
 */
static const char *close_many(void)
{
	int twin = dup(fds[0]);
	uint64_t straight;

	cell_set(NOTED, 0);
	WAYS(0, raw(SYS_close, fds[0]), 0);
	MUST(order(1) == 2 && cell_get(NOTED) == 0, "it is open");
	MUST(raw(SYS_close, twin) == 0, "close");
	MUST(order(1) == 2 && cell_get(NOTED) == 1, "the server was not told");
	WAYS(0, raw(SYS_close, twin), -EBADF);
	straight = handovers();
	for (int i = 1; i < OPENS; i++)
		MUST(raw(SYS_close, fds[i]) == 0 && order(1) == 2, "close");
	straight = handovers() - straight;
	MUST(straight >= 3 * MOST,
	    found("%d of %d ways are straight", (int)straight, 3 * OPENS - 3));
	MUST(cell_get(NOTED) == OPENS, "it was not told of all");
	return NULL;
}

static const char *go_and_open(void)
{
	MUST(port_root(file) == 0, "port_root");
	(void)raw(SYS_close, raw(SYS_openat, AT_FDCWD, (long)"/a", O_RDWR));
	TRY(open_many());
	return close_many();
}

TEST(what_is_opened_and_closed_goes_straight)
{
	TRY(start());
	TRY(in_child(go_and_open));
	return end();
}

static const char *go_and_fail(void)
{
	int lowest = dup(file);

	close(lowest);
	MUST(port_root(file) == 0, "port_root");
	(void)raw(SYS_faccessat, AT_FDCWD, (long)"/a", 0);
	MUST(raw(SYS_openat, AT_FDCWD, (long)"/w", 0) == -EIO, "no sense");
	MUST(cell_get(ERRORS) == 1, "it was no error");
	MUST(raw(SYS_chdir, (long)"/a") == 0, "chdir");
	MUST(fcntl(lowest, F_GETFD) == -1, "a folder has a descriptor");
	return NULL;
}

TEST(what_cannot_be_opened_is_refused)
{
	TRY(start());
	TRY(in_child(go_and_fail));
	return end();
}

static const char *ask_at(size_t request, size_t reply, int count)
{
	request_at = request;
	reply_at = reply;
	TRY(start());
	WAYS(count, order(5), 6);
	WAYS(count, order(7), 8);
	return end();
}

TEST(a_request_is_written_to_one_page_at_the_border_of_a_word)
{
	TRY(ask_at(PAGE - sizeof(struct request), PAGE, 2));
	TRY(ask_at(PAGE - sizeof(struct request) + 8, PAGE / 2, 0));
	TRY(ask_at(4, PAGE / 2, 0));
	return NULL;
}

TEST(a_reply_is_read_from_one_page_at_the_border_of_a_word)
{
	TRY(ask_at(0, PAGE - sizeof(struct reply), 2));
	TRY(ask_at(0, PAGE - sizeof(struct reply) + 8, 1));
	TRY(ask_at(0, PAGE + 4, 1));
	TRY(ask_at(0, PAGE / 2 + 4, 1));
	return NULL;
}

static pid_t servers[2];

/* Starts two servers, both of which wait. */
static const char *start_two(void)
{
	TRY(prepare());
	servers[0] = straight_server();
	servers[1] = straight_server();
	close(port);
	TRY(warm());
	sleep_ms(20);
	return NULL;
}

static const char *end_two(void)
{
	for (int i = 0; i < 2; i++) {
		kill(servers[i], SIGKILL);
		reap(servers[i]);
	}
	return NULL;
}

TEST(of_two_servers_one_is_chosen_later)
{
	TRY(start_two());
	WAYS(1, order(1), 2);
	return end_two();
}

static const char *ask_and_tell(void)
{
	MUST(order(11) == 12, "the result");
	cell_set(DONE, 1);
	return NULL;
}

TEST(a_file_that_is_in_a_hand_is_not_in_another)
{
	pid_t holder, asker;

	TRY(start_two());
	holder = must_fork();
	if (holder == 0)
		_exit(order(HOLD) == HOLD + 1 ? 0 : 1);
	cell_await(HELD, 1);
	sleep_ms(20);
	asker = child_start(ask_and_tell);
	sleep_ms(20);
	MUST(cell_get(DONE) == 0, "two calls on one file at once");
	cell_set(RELEASE, 1);
	TRY(child_end(asker));
	MUST(exited_with(reap(holder), 0), "who asked first");
	return end_two();
}

static _Noreturn void poll_port(void)
{
	struct pollfd pfd = {.fd = port, .events = POLLIN};

	close(file);
	close(sibling);
	for (;;)
		(void)poll(&pfd, 1, -1);
}

TEST(a_server_that_polls_the_port_is_woken)
{
	pid_t poller, pid;

	TRY(prepare());
	pid = straight_server();
	poller = must_fork();
	if (poller == 0)
		poll_port();
	port_leave_to(pid);
	TRY(warm());
	sleep_ms(20);
	WAYS(1, order(1), 2);
	kill(poller, SIGKILL);
	reap(poller);
	return end();
}

TEST(floating_point_goes_straight_and_stays_with_its_process)
{
	TRY(start());
	float_keep(-1);
	for (long i = 1; i <= 10; i++) {
		WAYS(2, order(USE_FLOATS), 1L << i);
		MUST(float_kept() == -1, "the caller has another");
	}
	return end();
}

static void take_signal(int sig)
{
	(void)sig;
}

TEST(a_caller_that_has_handled_a_signal_goes_straight)
{
	TRY(start());
	signal(SIGUSR1, take_signal);
	kill(getpid(), SIGUSR1);
	WAYS(2, order(1), 2);
	signal(SIGUSR1, SIG_DFL);
	return end();
}

TEST(a_page_that_the_servers_child_shares_is_not_written)
{
	request_at = PAGE;
	reply_at = 0;
	TRY(start());
	MUST(order(FORK) == FORK + 1, "fork");
	WAYS(1, order(1), 2);
	WAYS(2, order(2), 3);
	cell_set(RELEASE, 1);
	while (cell_get(SAME) == 0)
		sleep_ms(1);
	MUST(cell_get(SAME) == 1, "the child's memory has changed");
	return end();
}

static const char *be_refused(void)
{
	static unsigned char to[16];
	struct rlimit none = {0, 0};

	memset(to, 1, sizeof(to));
	MUST(port_root(file) == 0, "port_root");
	(void)raw(SYS_faccessat, AT_FDCWD, (long)"/path", 0);
	WAYS(0, CALL(SYS_pread64, (long)to, sizeof(to), -1), -EINVAL);
	MUST(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");
	WAYS(0, raw(SYS_openat, AT_FDCWD, (long)"/path", 0, 0), -EMFILE);
	return NULL;
}

TEST(what_cannot_be_done_no_server_is_asked)
{
	TRY(start());
	TRY(in_child(be_refused));
	return end();
}

static unsigned char both[2 * PAGE] __attribute__((aligned(PAGE)));

static const char *find_it_unchanged(void)
{
	cell_set(READY, 1);
	cell_await(RELEASE, 1);
	MUST(all_bytes(both, sizeof(both), 'b'), "its pages were written");
	return NULL;
}

/* Memory that is lent by a call to a terminal is not made ready before. */
TEST(a_page_that_the_callers_child_shares_is_not_written)
{
	pid_t child;

	TRY(start());
	memset(both, 'b', sizeof(both));
	child = child_start(find_it_unchanged);
	cell_await(READY, 1);
	MUST(all_bytes(both, sizeof(both), 'b'), "its pages");
	(void)order(1);
	WAYS(1, CALL(SYS_read, (long)both + PAGE, 8), 8);
	MUST(is_replied(both + PAGE, 8), "what was read");
	WAYS(1, CALL(SYS_ioctl, 0x5401, (long)both), 0);
	MUST(is_replied(both, 8), "the bytes");
	cell_set(RELEASE, 1);
	TRY(child_end(child));
	return end();
}

static unsigned char stack[16 * PAGE];

static void ask_on_stack(void)
{
	_exit(order(3) == 4 ? 0 : 1);
}

TEST(a_child_in_its_parents_memory_asks_later)
{
	uint64_t before;
	pid_t pid;

	TRY(start());
	TRY(needs_lending());
	memset(stack, 1, sizeof(stack));
	before = handovers();
	pid = vfork_on(stack + sizeof(stack), ask_on_stack);
	MUST(exited_with(reap(pid), 0), "the result");
	MUST(handovers() - before <= 1, "its call goes straight");
	return end();
}

static const char *ask_for_more(void)
{
	cell_add(READY, 1);
	MUST(raw(SYS_ftruncate, sibling, 11) == 12, "the result");
	return NULL;
}

TEST(a_call_that_is_made_meanwhile_is_next)
{
	pid_t holder, other;

	TRY(start());
	holder = must_fork();
	if (holder == 0)
		_exit(order(HOLD) == HOLD + 1 ? 0 : 1);
	cell_await(HELD, 1);
	other = child_start(ask_for_more);
	cell_await(READY, 1);
	sleep_ms(20);
	cell_set(RELEASE, 1);
	TRY(child_end(other));
	MUST(exited_with(reap(holder), 0), "who asked first");
	return end();
}

TEST(a_note_that_comes_meanwhile_is_told)
{
	pid_t holder;
	int i;

	TRY(start());
	holder = must_fork();
	if (holder == 0) {
		close(sibling);
		_exit(order(HOLD) == HOLD + 1 ? 0 : 1);
	}
	cell_await(HELD, 1);
	close(sibling);
	cell_set(RELEASE, 1);
	for (i = 0; i < 100 && cell_get(NOTED) == 0; i++)
		sleep_ms(5);
	MUST(cell_get(NOTED) == 1, "the note has not been told");
	MUST(exited_with(reap(holder), 0), "who asked first");
	return service_end();
}

TEST(a_server_that_does_not_wait_is_told_so)
{
	TRY(start());
	WAYS(1, order(BE_IMPATIENT), BE_IMPATIENT + 1);
	sleep_ms(5);
	MUST(cell_get(ERRORS) == 1, "it waits");
	WAYS(2, order(1), 2);
	return end();
}

TEST(a_server_without_room_is_told_so_at_once)
{
	TRY(start());
	WAYS(1, order(BE_LOST), BE_LOST + 1);
	sleep_ms(5);
	MUST(cell_get(ERRORS) == 1, "it waits");
	WAYS(2, order(1), 2);
	return end();
}

TEST(a_reply_by_another_port_is_one)
{
	int other;

	second_port = port_create(1);
	other = port_open(second_port, 1, O_RDWR, 0, 0);
	TRY(prepare());
	port_leave_to(straight_server());
	close(second_port);
	for (long i = 0; i < 4; i++) {
		MUST(order(i) == i + 1, "by one");
		MUST(raw(SYS_ftruncate, other, i) == i + 1, "by the other");
	}
	WAYS(1, order(1), 2);
	WAYS(1, raw(SYS_ftruncate, other, 2), 3);
	return end();
}

TEST(a_server_calls_no_equal)
{
	TRY(prepare());
	servers[0] = straight_server();
	TRY(warm());
	equal = file;
	close(port);
	TRY(prepare());
	servers[1] = straight_server();
	close(port);
	TRY(warm());
	MUST(order(CALL_EQUAL) == -EDEADLK, "it does");
	return end_two();
}

TEST(a_server_that_waits_at_a_lower_port_calls_no_equal_of_that)
{
	int low = port_create(0), other = port_open(low, 1, O_RDWR, 0, 0);

	turns_after_notes = true;
	second_port = low;
	equal = port_open(port_create(0), 1, O_RDWR, 0, 0);
	TRY(prepare());
	port_leave_to(straight_server());
	close(sibling);
	cell_await(NOTED, 1);
	sleep_ms(5);
	MUST(raw(SYS_ftruncate, other, CALL_EQUAL) == -EDEADLK, "it does");
	return service_end();
}

static void read_fatally(void)
{
	static unsigned char to[16];

	(void)CALL(SYS_read, (long)to, FATAL);
}

TEST(a_reply_to_a_killed_caller_goes_nowhere)
{
	long position;

	TRY(start());
	position = CALL(SYS_fsync);
	TRY(expect_signal(read_fatally, SIGKILL));
	MUST(CALL(SYS_fsync) == position, "the position has moved");
	return end();
}

TEST(a_path_without_an_end_goes_along_later)
{
	TRY(start());
	TRY(in_child(go_long_path));
	return end();
}

TEST(what_is_lent_to_be_read_is_not_written)
{
	static unsigned char bytes[ODD + 1];

	TRY(start());
	memset(bytes, 'w', sizeof(bytes));
	(void)CALL(SYS_write, (long)bytes, ODD + 1);
	WAYS(2, CALL(SYS_write, (long)bytes, ODD), -EIO);
	MUST(cell_get(ERRORS) == 1, "it was no error");
	MUST(all_bytes(bytes, ODD, 'w'), "they were written");
	return end();
}

TEST(a_byte_more_than_is_lent_is_refused)
{
	static unsigned char to[2 * PAGE];

	TRY(start());
	memset(to, 0, sizeof(to));
	WAYS(2, CALL(SYS_read, (long)to, OVERFILL), -EIO);
	MUST(cell_get(ERRORS) == 1, "it was no error");
	MUST(to[OVERFILL] == 0, "a byte beyond the lease");
	return end();
}

/* ---- Memory that a server and its caller share ---- */

static const char *ask_from_ours(void)
{
	char *path = (char *)ours + PATH_AT;
	long at = (long)ours, len = sizeof(struct reply);

	MUST(port_root(file) == 0, "port_root");
	for (int i = 0; i < 5; i++) {
		memcpy(path, "/path", 6);
		MUST(raw(SYS_faccessat, AT_FDCWD, (long)path, 0) == 6,
		    "another path has arrived");
		MUST(CALL(SYS_pread64, at, len, 0) == 77,
		    "the reply is what was sent over it");
	}
	return NULL;
}

TEST(messages_in_a_page_of_both_arrive_as_they_were)
{
	pid_t pid;

	TRY(port_make(1));
	ours = pages_shared(1);
	pid = must_fork();
	if (pid == 0)
		serve_from_ours();
	port_leave_to(pid);
	TRY(in_child(ask_from_ours));
	return service_end();
}

static const struct test tests[] = {
    T(a_call_without_bytes_goes_straight_there_and_back),
    T(short_bytes_go_along),
    T(more_bytes_go_along_as_far_as_a_part),
    T(more_bytes_go_along_as_far_as_there_is_room),
    T(a_long_copy_stops_for_an_interrupt),
    T(bytes_come_back),
    T(a_path_goes_along),
    T(memory_that_is_not_there_is_made_first),
    T(what_is_not_there_goes_along_later),
    T(what_is_opened_and_closed_goes_straight),
    T(what_cannot_be_opened_is_refused),
    T(a_request_is_written_to_one_page_at_the_border_of_a_word),
    T(a_reply_is_read_from_one_page_at_the_border_of_a_word),
    T(of_two_servers_one_is_chosen_later),
    T(a_file_that_is_in_a_hand_is_not_in_another),
    T(a_server_that_polls_the_port_is_woken),
    T(floating_point_goes_straight_and_stays_with_its_process),
    T(a_caller_that_has_handled_a_signal_goes_straight),
    T(a_page_that_the_servers_child_shares_is_not_written),
    T(what_cannot_be_done_no_server_is_asked),
    T(a_page_that_the_callers_child_shares_is_not_written),
    T(a_child_in_its_parents_memory_asks_later),
    T(a_call_that_is_made_meanwhile_is_next),
    T(a_note_that_comes_meanwhile_is_told),
    T(a_server_that_does_not_wait_is_told_so),
    T(a_server_without_room_is_told_so_at_once),
    T(a_reply_by_another_port_is_one),
    T(a_server_calls_no_equal),
    T(a_server_that_waits_at_a_lower_port_calls_no_equal_of_that),
    T(a_reply_to_a_killed_caller_goes_nowhere),
    T(a_path_without_an_end_goes_along_later),
    T(what_is_lent_to_be_read_is_not_written),
    T(a_byte_more_than_is_lent_is_refused),
    T(messages_in_a_page_of_both_arrive_as_they_were),
};
SUITE(tests)
