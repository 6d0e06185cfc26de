/* SPDX-License-Identifier: MIT */
/*
 * t_mapping.c - files of servers, mapped: pages that a server names become the
 * caller's, and each side keeps its own.
 *
 * t_maprun.c is about pages that follow each other, t_mapshared.c about
 * MAP_SHARED; t_files.c maps files of the file server.
 */
#include "service.h"

#include <limits.h>

#define RW    (PROT_READ | PROT_WRITE)
#define PAGES 6

/* The pages of the servers in these tests, page i full of 'a' + i. */
static unsigned char *own;

enum cells { IN_HAND, GO, DIES, SIGNALS, FIRST_ID };

static long map_at(unsigned char *at, size_t pages, int prot, int flags,
    long offset)
{
	return raw(SYS_mmap, (long)at, pages * PAGE, prot, MAP_PRIVATE | flags,
	    file, offset);
}

static long map(size_t pages, int prot)
{
	return map_at(NULL, pages, prot, 0, 0);
}

static void own_make(void)
{
	own = pages_private(PAGES);
	for (int i = 0; i < PAGES; i++)
		memset(own + i * PAGE, 'a' + i, PAGE);
}

static const char *service_of_pages(answer_fn *fn)
{
	own_make();
	return service_start(fn);
}

/* Are all bytes of these pages as own_make() has made them? */
static const char *hold_own(const unsigned char *p, int from, int count)
{
	for (size_t i = 0; i < count * PAGE; i++)
		MUST(p[i] == 'a' + from + (int)(i / PAGE),
		    found("byte %lu is %u", (unsigned long)i, p[i]));
	return NULL;
}

static struct reply pages(const struct request *request, const uint64_t *list,
    size_t count)
{
	return (struct reply){.flags = REPLY_PAGES,
	    .position = request->position,
	    .out = list,
	    .out_len = count * sizeof(*list)};
}

/* ---- What is asked, and what comes of the answer ---- */

static uint64_t list[600];

/* Gives all pages that are asked for, `at_once` in a reply. */
static struct reply give(const struct request *request, uint64_t at_once)
{
	uint64_t done = request->position / PAGE, n = 0;

	if (request->number != SYS_mmap)
		return result(42);
	while (n < at_once && done + n < request->arg[1] / PAGE) {
		list[n] = (uint64_t)own + (done + n) % PAGES * PAGE;
		n++;
	}
	return pages(request, list, n);
}

static struct reply give_all(const struct request *request)
{
	return give(request, COUNT(list));
}

static struct reply give_each(const struct request *request)
{
	return give(request, 1);
}

TEST(a_mapping_is_a_request_for_pages)
{
	const struct request *last;
	unsigned char *p;

	TRY(service_of_pages(give_all));
	last = &heard->last;
	p = (void *)map_at(NULL, 3, RW, 0, 7 * PAGE);
	TRY(hold_own(p, 0, 3));
	MUST(last->number == SYS_mmap && last->token == TOKEN, "what");
	MUST(last->arg[0] == 0 && last->arg[1] == 3 * PAGE &&
		last->arg[2] == RW && last->arg[3] == MAP_PRIVATE &&
		last->arg[4] == (uint64_t)file && last->arg[5] == 7 * PAGE,
	    "the arguments");
	MUST(last->position == 0 && last->in_len == 0, "the position");
	MUST(calls() == 1, "more than once");
	munmap(p, 3 * PAGE);
	TRY(expect_no_load(p));
	return service_end();
}

TEST(what_is_missing_is_asked_for)
{
	unsigned char *p;
	uint64_t id;

	TRY(service_of_pages(give_each));
	p = (void *)map(PAGES, PROT_READ);
	TRY(hold_own(p, 0, PAGES));
	MUST(calls() == PAGES, found("%d requests", calls()));
	MUST(heard->last.position == (PAGES - 1) * PAGE, "the position");
	id = heard->last.id;
	p = (void *)map(2, PROT_READ);
	MUST(heard->last.id == id + 2, "two requests have one number");
	TRY(hold_own(p, 0, 2));
	return service_end();
}

TEST(many_pages_come_in_one_reply)
{
	unsigned char *p;

	TRY(service_of_pages(give_all));
	p = (void *)map(COUNT(list), RW);
	for (int i = 0; i < COUNT(list); i++)
		MUST(p[i * PAGE + 9] == 'a' + i % PAGES, found("page %d", i));
	MUST(calls() == 1, found("%d requests", calls()));
	p[7 * PAGE] = 1;
	MUST(p[PAGE] == 'b' && p[13 * PAGE] == 'b', "one page twice");
	return service_end();
}

/*
 * The server writes to its pages before it gives them, so that the first is its
 * alone, and again when it is asked for anything else.
 */
static struct reply give_and_write(const struct request *request)
{
	if (request->number == SYS_mmap)
		memset(own, 'a', PAGE);
	if (request->number == SYS_fsync)
		memset(own, 'z', PAGE);
	if (request->number == SYS_lseek)
		return result(own[request->arg[1]]);
	return give_all(request);
}

static const char *write_to_both(unsigned char *p, bool server_first)
{
	if (server_first)
		MUST(CALL(SYS_fsync, 0) == 42, "the server writes");
	TRY(hold_own(p, 0, 2));
	p[5] = 'x';
	MUST(CALL(SYS_lseek, 5, 0) == (server_first ? 'z' : 'a'),
	    "the server has what the caller wrote");
	if (!server_first)
		MUST(CALL(SYS_fsync, 0) == 42, "the server writes");
	MUST(p[5] == 'x' && p[6] == 'a', "the caller has what it wrote");
	return NULL;
}

TEST(each_side_keeps_its_own)
{
	TRY(service_of_pages(give_and_write));
	TRY(write_to_both((void *)map(2, RW), false));
	TRY(service_end());
	TRY(service_of_pages(give_and_write));
	TRY(write_to_both((void *)map(2, RW), true));
	return service_end();
}

static unsigned char *mapped;

static const char *write_in_child(void)
{
	TRY(hold_own(mapped, 0, 2));
	mapped[0] = 'c';
	MUST(raw(SYS_mprotect, (long)mapped, PAGE, PROT_READ) == 0, "mprotect");
	return expect_no_store(mapped);
}

static void leave_at_once(void)
{
	mapped[PAGE] = 'v';
	_exit(0);
}

TEST(mapped_pages_are_memory_like_any_other)
{
	unsigned char *stack = pages_private(16);

	TRY(service_of_pages(give_all));
	mapped = (void *)map(4, PROT_READ);
	TRY(expect_no_store(mapped));
	MUST(raw(SYS_mprotect, (long)mapped, 4 * PAGE, RW) == 0, "mprotect");
	TRY(in_child(write_in_child));
	TRY(hold_own(mapped, 0, 4));
	reap(vfork_on(stack + 16 * PAGE, leave_at_once));
	MUST(mapped[PAGE] == 'v', "a vfork child writes to the same memory");
	MUST(raw(SYS_madvise, (long)mapped, PAGE, MADV_DONTNEED) == 0 &&
		mapped[0] == 0,
	    "what is discarded is zero");
	MUST(raw(SYS_munmap, (long)mapped + PAGE, PAGE) == 0, "munmap");
	TRY(expect_no_load(mapped + PAGE));
	TRY(hold_own(mapped + 2 * PAGE, 2, 2));
	return service_end();
}

/* Two pages, one of zeros, one that was never touched; and no more. */
static struct reply give_four(const struct request *request)
{
	static unsigned char *fresh;

	if (request->position > 0)
		return pages(request, NULL, 0);
	fresh = pages_private(1);
	list[0] = (uint64_t)own;
	list[1] = 0;
	list[2] = (uint64_t)fresh;
	list[3] = (uint64_t)own + PAGE;
	return pages(request, list, 4);
}

TEST(what_the_server_has_not_is_zero_or_no_access)
{
	unsigned char *p;

	TRY(service_of_pages(give_four));
	p = (void *)map(100000, RW);
	MUST(calls() == 2 && heard->last.position == 4 * PAGE,
	    found("%d requests", calls()));
	TRY(hold_own(p, 0, 1));
	TRY(hold_own(p + 3 * PAGE, 1, 1));
	for (size_t i = PAGE; i < 3 * PAGE; i++)
		MUST(p[i] == 0, "not zero");
	p[PAGE] = p[2 * PAGE] = 1;
	TRY(expect_no_load(p + 4 * PAGE));
	TRY(expect_no_load(p + 99999 * PAGE));
	return service_end();
}

static struct reply give_nothing(const struct request *request)
{
	return pages(request, NULL, 0);
}

TEST(a_mapping_takes_the_place_of_what_was_there)
{
	unsigned char *p = pages_private(4);

	memset(p, 'p', 4 * PAGE);
	TRY(service_of_pages(give_all));
	MUST(map_at(p + PAGE, 2, RW, MAP_FIXED, 0) == (long)p + (long)PAGE,
	    "another place");
	TRY(hold_own(p + PAGE, 0, 2));
	MUST(p[0] == 'p' && p[3 * PAGE] == 'p', "more than that");
	MUST(map_at(p, 1, RW, MAP_FIXED_NOREPLACE, 0) == -EEXIST,
	    "it replaces");
	TRY(service_end());
	TRY(service_of_pages(give_nothing));
	MUST(map_at(p, 1, RW, MAP_FIXED, 0) == (long)p, "another place");
	TRY(expect_no_load(p));
	return service_end();
}

/* ---- What is refused ---- */

TEST(what_cannot_be_mapped_is_refused_and_not_asked)
{
	int other, bad = 77;

	TRY(port_make(1));
	other = port_open(port, BESIDE, O_WRONLY, 0, 0);
	MUST(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, other, 0) ==
		-EACCES,
	    "a file that cannot be read");
	MUST(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, bad, 0) == -EBADF,
	    "no file");
	MUST(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, port, 0) == -ENODEV,
	    "a port");
	MUST(raw(SYS_mmap, 0, PAGE, RW, MAP_SHARED, other, 0) == -EACCES &&
		raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_SHARED, other, 0) ==
		    -EACCES,
	    "to be shared");
	other = port_open(port, BESIDE, O_RDONLY, 0, 0);
	MUST(raw(SYS_mmap, 0, PAGE, RW, MAP_SHARED, other, 0) == -EACCES,
	    "a file that cannot be written to");
	MUST(raw(SYS_mmap, 0, 0, RW, MAP_SHARED, other, 0) == -EINVAL &&
		raw(SYS_mmap, 0, PAGE, RW, 0, other, 0) == -EINVAL,
	    "what makes no sense of any file");
	MUST(raw(SYS_mmap, 0, PAGE, RW, 0, file, 0) == -EINVAL, "neither");
	MUST(map_at(NULL, 1, RW, 0, 1) == -EINVAL, "an odd offset");
	MUST(map_at(NULL, 0, RW, 0, 0) == -EINVAL, "nothing");
	MUST(map_at(NULL, 1, RW, 0, -(long)PAGE) == -EOVERFLOW,
	    "an end that wraps");
	MUST(map_at(own + 1, 1, RW, MAP_FIXED, 0) == -EINVAL, "an odd place");
	MUST(map_at(NULL, 1UL << 30, RW, 0, 0) == -ENOMEM, "too much");
	close(port);
	MUST(map(1, RW) == -EIO, "nobody serves");
	return NULL;
}

static const long odd[] = {-ENODEV, -EAGAIN, -511, -512, -513, -514, -4095, 0,
    1, 2, LONG_MIN, LONG_MAX};

static struct reply answer_odd(const struct request *request)
{
	if (request->arg[5] == PAGE * COUNT(odd))
		return (struct reply){.flags = REPLY_FILE, .token = 5};
	return result(odd[request->arg[5] / PAGE]);
}

TEST(a_server_that_refuses_changes_nothing)
{
	unsigned char *p = pages_private(1);

	*p = 'p';
	TRY(service_of_pages(answer_odd));
	for (int i = 0; i < COUNT(odd); i++) {
		long n = map_at(p, 1, RW, MAP_FIXED, i * (long)PAGE);
		bool is_error = odd[i] < 0 && odd[i] >= -511;

		MUST(n == (is_error ? odd[i] : -EIO),
		    found("result %d is %ld", i, n));
		MUST(*p == 'p', "it is not there any more");
	}
	MUST(map_at(p, 1, RW, MAP_FIXED, COUNT(odd) * (long)PAGE) == -EIO,
	    "a file as an answer");
	MUST(map_at(p, 1, RW, MAP_FIXED, 0) == -ENODEV, "the server goes on");
	MUST(heard->notes == 1 && heard->closed == 5,
	    "the server thinks that it is open");
	return service_end();
}

#define MUST_EXIT(condition)                 \
	do {                                 \
		if (!(condition))            \
			give_up(#condition); \
	} while (0)

/* Replies to the mapping in hand. 0, or an errno. */
static int reply_with(uint64_t position, const void *out, uint64_t len)
{
	struct request request;
	struct reply reply = {.flags = REPLY_PAGES,
	    .position = position,
	    .out = out,
	    .out_len = len};

	return port_next(port, &reply, &request, NULL, 0) == 0 ? 0 : errno;
}

/* The address of one page. */
static int reply_page(const volatile void *page)
{
	list[0] = (uint64_t)page;
	return reply_with(0, list, 8);
}

static int reply_run(const volatile void *first, uint64_t size)
{
	struct request request;
	struct reply reply = {.flags = REPLY_RUN,
	    .out = (const void *)first,
	    .out_len = size};

	return port_next(port, &reply, &request, NULL, 0) == 0 ? 0 : errno;
}

/* Replies that no server may give for a mapping of PAGES pages. */
static void reply_nonsense(void)
{
	unsigned char *closed = pages_private(1);

	MUST_EXIT(reply_page((void *)0xffffffc080200000) == EFAULT);
	MUST_EXIT(reply_page((void *)0xfffffffffffff000) == EFAULT);
	MUST_EXIT(reply_page((void *)(256 * GIB)) == EFAULT);
	MUST_EXIT(reply_page((void *)PAGE) == EFAULT);
	MUST_EXIT(reply_page(own + 1) == EFAULT);
	*closed = 1;
	MUST_EXIT(mprotect(closed, PAGE, PROT_NONE) == 0);
	MUST_EXIT(reply_page(closed) == EFAULT);
	MUST_EXIT(reply_with(0, (void *)PAGE, 8) == EFAULT);
	MUST_EXIT(reply_with(0, (void *)0xffffffc080200000, 8) == EFAULT);
	MUST_EXIT(reply_with(0, (char *)list + 1, 8) == EINVAL);
	MUST_EXIT(reply_with(0, list, 7) == EINVAL);
	MUST_EXIT(reply_with(0, list, 8 * PAGES + 8) == EINVAL);
	MUST_EXIT(reply_with(0, list, UINT64_MAX) == EINVAL);
	MUST_EXIT(reply_with(PAGE, list, 8) == EINVAL);
	MUST_EXIT(reply_with(1, list, 8) == EINVAL);
	MUST_EXIT(reply_with(-PAGE, list, 16) == EINVAL);
	MUST_EXIT(reply_run(own + 8, PAGE) == EINVAL);
	MUST_EXIT(reply_run(own, PAGE - 8) == EINVAL);
	MUST_EXIT(reply_run(own, (PAGES + 1) * PAGE) == EINVAL);
	MUST_EXIT(reply_run(NULL, PAGE) == EFAULT);
	MUST_EXIT(reply_run((void *)0xffffffc080200000, PAGE) == EFAULT);
	MUST_EXIT(reply_run(closed, PAGE) == EFAULT);
}

_Noreturn static void serve_nonsense(void)
{
	struct request request;

	close(file);
	MUST_EXIT(port_next(port, NULL, &request, NULL, 0) == 0);
	reply_nonsense();
	/* Three pages, of which the third is none: two are there. */
	list[0] = list[1] = (uint64_t)own;
	list[2] = PAGE;
	MUST_EXIT(reply_with(0, list, 24) == EFAULT);
	list[0] = PAGE;
	for (int i = 1; i < PAGES; i++)
		list[i] = (uint64_t)own + i * PAGE;
	MUST_EXIT(port_next(port,
		      &(struct reply){.flags = REPLY_PAGES | REPLY_POSITION},
		      &request, NULL, 0) == -1 &&
	    errno == EINVAL);
	MUST_EXIT(port_next(port,
		      &(struct reply){.flags = REPLY_PAGES,
			  .out = list,
			  .out_len = 8 * PAGES},
		      &request, NULL, 0) == 0);
	MUST_EXIT(request.number == SYS_fsync);
	MUST_EXIT(reply_with(0, list, 8) == EINVAL);
	MUST_EXIT(port_next(port, &(struct reply){.result = 9}, &request, NULL,
		      0) == 0);
	_exit(request.number == REQUEST_CLOSED ? 0 : 99);
}

TEST(a_server_cannot_give_what_it_has_not)
{
	unsigned char *p;
	pid_t pid;

	TRY(port_make(1));
	own_make();
	pid = must_fork();
	if (pid == 0)
		serve_nonsense();
	port_leave_to(pid);
	p = (void *)map(PAGES, RW);
	TRY(hold_own(p, 0, 1));
	TRY(hold_own(p + PAGE, 0, 1));
	TRY(hold_own(p + 2 * PAGE, 2, PAGES - 2));
	MUST(CALL(SYS_fsync, 0) == 9, "pages for another call");
	return service_end();
}

/* ---- Waiting, and ends ---- */

static void on_signal(int sig)
{
	(void)sig;
	cell_add(SIGNALS, 1);
}

static struct reply give_later(const struct request *request)
{
	if (request->number != SYS_mmap)
		return result(42);
	if (request->position == PAGE && cell_get(GO) == 0) {
		cell_set(IN_HAND, 1);
		return later(READABLE);
	}
	return give_each(request);
}

static void signal_parent(void)
{
	cell_await(IN_HAND, 1);
	sleep_ms(20);
	kill(getppid(), SIGUSR1);
	sleep_ms(20);
	cell_set(GO, 1);
	kill(getppid(), SIGUSR1);
}

/* The call is made anew also without SA_RESTART: on Linux mmap has no EINTR. */
TEST(a_signal_does_not_interrupt_a_mapping)
{
	struct sigaction action = {.sa_handler = on_signal};
	unsigned char *p;
	pid_t pid;

	TRY(service_of_pages(give_later));
	sigaction(SIGUSR1, &action, NULL);
	pid = change_later(signal_parent);
	p = (void *)map(2, RW);
	TRY(hold_own(p, 0, 2));
	reap(pid);
	MUST(cell_get(SIGNALS) == 2, found("%d signals", cell_get(SIGNALS)));
	MUST(heard->last.position == PAGE, "where it went on");
	return service_end();
}

TEST(a_mapping_of_a_file_that_does_not_wait_is_eagain)
{
	TRY(service_of_pages(give_later));
	fcntl(file, F_SETFL, O_NONBLOCK);
	MUST(map(2, RW) == -EAGAIN, "no EAGAIN");
	return service_end();
}

/* Holds the second request, and dies in it so many times. */
static struct reply give_held(const struct request *request)
{
	if (request->number != SYS_mmap || request->position == 0)
		return give_each(request);
	if (cell_get(DIES) > 0) {
		cell_add(DIES, -1);
		cell_set(FIRST_ID, (int)request->id);
		raise(SIGKILL);
	}
	cell_await(GO, cell_add(IN_HAND, 1));
	return give_each(request);
}

/* Whichever server takes the request first dies with it. */
TEST(another_server_goes_on_with_a_mapping)
{
	unsigned char *p;
	int status, killed = 0;

	TRY(port_make(1));
	own_make();
	cell_set(DIES, 1);
	cell_set(GO, 1);
	(void)server_start(give_held);
	(void)server_start(give_held);
	close(port);
	p = (void *)map(2, RW);
	TRY(hold_own(p, 0, 2));
	MUST((int)heard->last.id == cell_get(FIRST_ID), "another number");
	close(file);
	while (waitpid(-1, &status, 0) > 0)
		killed += killed_by(status, SIGKILL);
	MUST(killed == 1, found("%d servers were killed", killed));
	return NULL;
}

/* Each part is given by a server after another one has died of it. */
static struct reply give_each_after_a_death(const struct request *request)
{
	if (request->number == SYS_mmap && cell_add(DIES, 1) % 2 == 1)
		raise(SIGKILL);
	return give_each(request);
}

TEST(servers_may_die_of_each_part_of_a_mapping)
{
	unsigned char *p;

	TRY(port_make(1));
	own_make();
	for (int i = 0; i < 4; i++)
		(void)server_start(give_each_after_a_death);
	close(port);
	p = (void *)map(3, RW);
	MUST((long)p > 0, found("mmap: %ld", (long)p));
	TRY(hold_own(p, 0, 3));
	MUST(cell_get(DIES) == 6, found("%d requests", cell_get(DIES)));
	close(file);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return NULL;
}

static const char *map_what_two_die_of(unsigned char *p)
{
	int i;

	TRY(port_make(1));
	cell_set(DIES, 2);
	for (i = 0; i < 2; i++)
		(void)server_start(give_held);
	close(port);
	MUST(map_at(p, 2, RW, MAP_FIXED, 0) == -EIO, "no EIO");
	MUST(p[0] == 'p', "it is not there any more");
	close(file);
	while (waitpid(-1, &i, 0) > 0)
		MUST(killed_by(i, SIGKILL), "a server is left");
	return NULL;
}

/* Repeated so often that frames that are lost each time would be noticed. */
TEST(a_mapping_that_two_servers_died_of_is_eio)
{
	unsigned char *p = pages_private(2);

	p[0] = 'p';
	own_make();
	for (int i = 0; i < 60; i++)
		TRY(map_what_two_die_of(p));
	return NULL;
}

static const char *map_for_ever(void)
{
	while (map(PAGES, RW) >= 0)
		;
	return "mmap";
}

TEST(callers_may_be_killed_while_they_map)
{
	uint64_t state = 5;

	TRY(service_of_pages(give_each));
	for (int i = 0; i < 60; i++) {
		pid_t pid = child_start(map_for_ever);

		usleep(rnd(&state) % 3000);
		kill(pid, SIGKILL);
		MUST(killed_by(reap(pid), SIGKILL), "it ended by itself");
	}
	MUST(CALL(SYS_fsync, 0) == 42, "the server goes on");
	return service_end();
}

static void map_and_exit(void)
{
	unsigned char *p = (void *)map(2, RW);

	_exit(hold_own(p, 0, 2) == NULL ? 0 : 1);
}

TEST(a_vfork_child_can_map)
{
	unsigned char *stack;

	TRY(service_of_pages(give_each));
	stack = pages_private(16);
	for (int i = 0; i < 10; i++)
		MUST(exited_with(reap(
				     vfork_on(stack + 16 * PAGE, map_and_exit)),
			 0),
		    "the child's mapping");
	return service_end();
}

/* All allocations are made for the caller, whose call fails. */
TEST(without_memory_nothing_is_mapped)
{
	unsigned char *p;
	long n, failed;
	int i = 0;

	TRY(service_of_pages(give_each));
	warm_up();
	do {
		fail_allocation((uint64_t)++i, CALF_FAIL_ONCE);
		n = map(2000, RW);
		failed = fail_allocation(0, CALF_FAIL_ONCE);
		MUST(n >= 0 || (n == -ENOMEM && failed == 1),
		    found("result %ld", n));
	} while (n < 0);
	MUST(i > 2 || !on_calf_test_build(), "it allocates nothing");
	p = (void *)n;
	MUST(p[0] == 'a' && p[1999 * PAGE] == 'a' + 1999 % PAGES, "the pages");
	return service_end();
}

/* Its next allocation, a table of the caller's bag, fails. */
static struct reply give_and_fail(const struct request *request)
{
	struct reply reply = give_all(request);

	if (request->number == SYS_mmap)
		fail_allocation(1, CALF_FAIL_ONCE);
	return reply;
}

TEST(want_of_memory_for_a_bag_fails_the_callers_mapping)
{
	if (!on_calf_test_build())
		return SKIP("allocations fail in test builds only");
	TRY(service_of_pages(give_and_fail));
	MUST(map(2000, RW) == -ENOMEM, "no ENOMEM");
	MUST(CALL(SYS_fsync, 0) == 42, "the server goes on");
	return service_end();
}

static const struct test tests[] = {
    T(a_mapping_is_a_request_for_pages),
    T(what_is_missing_is_asked_for),
    T(many_pages_come_in_one_reply),
    T(each_side_keeps_its_own),
    T(mapped_pages_are_memory_like_any_other),
    T(what_the_server_has_not_is_zero_or_no_access),
    T(a_mapping_takes_the_place_of_what_was_there),
    T(what_cannot_be_mapped_is_refused_and_not_asked),
    T(a_server_that_refuses_changes_nothing),
    T(a_server_cannot_give_what_it_has_not),
    T(a_signal_does_not_interrupt_a_mapping),
    T(a_mapping_of_a_file_that_does_not_wait_is_eagain),
    T(another_server_goes_on_with_a_mapping),
    T(servers_may_die_of_each_part_of_a_mapping),
    T(a_mapping_that_two_servers_died_of_is_eio),
    T(callers_may_be_killed_while_they_map),
    T(a_vfork_child_can_map),
    T(without_memory_nothing_is_mapped),
    T(want_of_memory_for_a_bag_fails_the_callers_mapping),
};

SUITE(tests)
