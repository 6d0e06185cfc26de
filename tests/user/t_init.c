/* SPDX-License-Identifier: MIT */
/*
 * t_init.c - what only the first process can find out: which signals it is
 * shielded from, which processes become its children, and what the kernel's
 * command line gives it. The program runs as the first process:
 *
 *     rdinit=/bin/t_init one CALF=1 a.b a.b=2 -- TWO=2 three.4
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/time.h>

extern char **environ;

static char **words;

static volatile int handled;

static void on_signal(int sig)
{
	handled = sig;
}

static void set_handler(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = flags;
	(void)sigaction(sig, &sa, NULL);
}

static const char *expect_words(char **found_words, const char *const *wanted)
{
	int i;

	for (i = 0; wanted[i] != NULL; i++)
		MUST(found_words[i] != NULL &&
			strcmp(found_words[i], wanted[i]) == 0,
		    found("word %d is %s, not %s", i,
			found_words[i] != NULL ? found_words[i] : "missing",
			wanted[i]));
	return found_words[i] == NULL ? NULL : found("and %s", found_words[i]);
}

TEST(words_of_the_command_line_are_arguments)
{
	static const char *const wanted[] = {"/bin/t_init", "one", "TWO=2",
	    "three.4", NULL};

	return expect_words(words, wanted);
}

TEST(assignments_on_the_command_line_are_the_environment)
{
	MUST(getenv("CALF") != NULL && strcmp(getenv("CALF"), "1") == 0,
	    "CALF is not 1");
	MUST(getenv("HOME") != NULL && strcmp(getenv("HOME"), "/") == 0,
	    "HOME is not /");
	MUST(getenv("TERM") != NULL && strcmp(getenv("TERM"), "linux") == 0,
	    "TERM is not linux");
	MUST(getenv("TWO") == NULL, "TWO= was behind --");
	return getenv("a.b") == NULL ? NULL : "a.b= is no variable";
}

TEST(its_own_signals_do_not_end_it)
{
	static const int signals[] = {SIGKILL, SIGSTOP, SIGTERM, SIGHUP, SIGINT,
	    SIGTSTP, SIGABRT, SIGSEGV};
	int i;

	for (i = 0; i < COUNT(signals); i++) {
		MUST(kill(getpid(), signals[i]) == 0, "kill failed");
		MUST(kill(0, signals[i]) == 0, "kill of the group failed");
		MUST(raise(signals[i]) == 0, "raise failed");
	}
	return NULL;
}

static void kill_the_group(void)
{
	(void)kill(1, SIGKILL);
	(void)kill(0, SIGTERM);
}

TEST(its_children_cannot_end_it)
{
	return expect_signal(kill_the_group, SIGTERM);
}

TEST(the_kernel_does_not_end_it)
{
	struct itimerval soon = {{0, 0}, {0, 1000}};
	int fds[2];

	MUST(pipe(fds) == 0, "no pipe");
	close(fds[0]);
	MUST(write(fds[1], "x", 1) < 0 && errno == EPIPE, "no EPIPE");
	close(fds[1]);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0, "no timer");
	sleep_ms(20);
	return NULL;
}

TEST(signals_that_it_handles_arrive)
{
	set_handler(SIGUSR1, on_signal, 0);
	handled = 0;
	MUST(kill(0, SIGUSR1) == 0, "kill failed");
	MUST(handled == SIGUSR1, "the handler did not run");
	set_handler(SIGUSR1, SIG_DFL, 0);
	return NULL;
}

/* A handler may have been set by the time that the signal is unblocked. */
TEST(what_it_blocks_is_decided_when_unblocked)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);
	MUST(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2) == 1,
	    "it is not pending");
	set_handler(SIGUSR2, on_signal, 0);
	handled = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	MUST(handled == SIGUSR2, "the handler did not run");
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);
	set_handler(SIGUSR2, SIG_DFL, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return NULL;
}

static pid_t grandchild;

/* Leaves a zombie, and a process that is about to be one. */
static void leave_orphans(void)
{
	int fds[2];
	char c;

	set_handler(SIGCHLD, SIG_DFL, 0);
	(void)pipe(fds);
	grandchild = fork();
	if (grandchild == 0)
		_exit(1);
	close(fds[1]);
	(void)read(fds[0], &c, 1); /* until the zombie's copy is closed */
	cell_set(0, grandchild);
	if (fork() == 0) {
		sleep_ms(20);
		_exit(1);
	}
	sleep_ms(5);
}

TEST(orphans_are_its_children)
{
	int status, count = 0;

	(void)status_of(leave_orphans);
	while (wait(&status) > 0)
		count += exited_with(status, 1);
	MUST(count == 2, found("%d orphans", count));
	return errno == ECHILD ? NULL : "no ECHILD";
}

static const char *orphans_vanish(void)
{
	long end = now_ms() + 2000;
	pid_t pid = must_fork();

	if (pid == 0) {
		leave_orphans();
		_exit(0);
	}
	while (kill(pid, 0) == 0 || kill(cell_get(0), 0) == 0) {
		MUST(now_ms() < end, "a zombie stays");
		sleep_ms(1);
	}
	do
		pid = wait(NULL);
	while (pid == -1 && errno == EINTR);
	MUST(pid == -1 && errno == ECHILD, found("a wait for %d", (int)pid));
	return NULL;
}

TEST(orphans_that_it_ignores_leave_nothing)
{
	const char *sentence;

	set_handler(SIGCHLD, SIG_IGN, 0);
	sentence = orphans_vanish();
	set_handler(SIGCHLD, on_signal, SA_NOCLDWAIT);
	handled = 0;
	if (sentence == NULL)
		sentence = orphans_vanish();
	set_handler(SIGCHLD, SIG_DFL, 0);
	MUST(sentence != NULL || handled == SIGCHLD, "no SIGCHLD");
	return sentence;
}

/* ---- Memory that is out ---- */

#define YOUNG 3
#define EACH  40 /* pages that each process has */
#define FEW   20 /* pages, for which there are tables */

enum { WARM = 1, TAKE, TAKEN, LEAVE, LEFT };

/*
 * Takes all memory. Shared pages are given at once, or mmap fails; as it needs
 * a few frames more than it gives, some are left. These are taken one by one,
 * by touching private pages.
 */
static void take_all(unsigned char *few)
{
	unsigned char *to = reserve(counters().frames_free * PAGE, 2 * MIB);

	for (size_t n = 512; n > 0; n /= 2)
		while (mmap(to, n * PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) != MAP_FAILED)
			to += n * PAGE;
	for (; counters().frames_free > 0; few += PAGE)
		few[0] = 1;
}

_Noreturn static void stay(bool takes, bool leaves)
{
	unsigned char *own = pages_private(EACH + FEW);

	stamp(own, EACH, 9);
	while (dup(1) >= 0)
		continue;
	warm_up();
	cell_add(WARM, 1);
	if (takes) {
		cell_await(TAKE, 1);
		take_all(own + EACH * PAGE);
		cell_set(TAKEN, 1);
	}
	while (cell_get(LEAVE) != getpid())
		sleep_ms(leaves ? 1 : 1000);
	cell_set(LEFT, 1);
	_exit(0);
}

static pid_t start_one(bool takes, bool leaves)
{
	pid_t pid = must_fork();

	if (pid == 0)
		stay(takes, leaves);
	return pid;
}

static pid_t pids[1 + YOUNG];

/* The oldest of several processes takes all the memory. */
static void use_up_memory(void)
{
	int i;

	for (i = WARM; i <= LEFT; i++)
		cell_set(i, 0);
	for (i = 0; i < COUNT(pids); i++)
		pids[i] = start_one(i == 0, i == YOUNG);
	cell_await(WARM, COUNT(pids));
	warm_up();
	cell_set(TAKE, 1);
	cell_await(TAKEN, 1);
}

static const char *youngest_has_gone(void)
{
	const char *sentence = NULL;
	int status, i;

	sleep_ms(20);
	if (waitpid(pids[YOUNG], &status, WNOHANG) != pids[YOUNG] ||
	    (cell_get(LEAVE) == 0 && !killed_by(status, SIGKILL)))
		sentence = "the youngest was not killed";
	else if (waitpid(-1, &status, WNOHANG) != 0)
		sentence = "and another one";
	for (i = 0; i < COUNT(pids); i++)
		kill(pids[i], SIGKILL);
	while (waitpid(-1, &status, 0) > 0)
		;
	return sentence;
}

/*
 * Memory is out, and the first process of the machine does something that takes
 * a frame or two. The youngest is killed for that, and no other, as the first
 * process waits for the memory that it gives back.
 */
static const char *youngest_goes_for(void (*fn)(void))
{
	use_up_memory();
	fn();
	return youngest_has_gone();
}

/* How many processes the file server has: the first waits, the last serves. */
static int file_servers(pid_t *first, pid_t *last)
{
	struct calf_ps ps = {0};
	int count = 0;

	while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1) {
		if (strcmp(ps.name, "files") != 0 || ps.state == 'Z')
			continue;
		if (count++ == 0)
			*first = ps.pid;
		*last = ps.pid;
	}
	return count;
}

/* Kills one of the two, and waits until there are two again. */
static void kill_a_server(bool serves)
{
	pid_t first = 0, last = 0, pid;

	(void)file_servers(&first, &last);
	pid = serves ? last : first;
	while (kill(pid, SIGKILL) == -1 && errno == EAGAIN)
		sleep_ms(1);
	do
		sleep_ms(5);
	while (file_servers(&first, &last) < 2 || first == pid || last == pid);
	sleep_ms(5);
}

static void ask_the_server(void)
{
	(void)close(open("/", O_RDONLY));
}

static unsigned char *untouched;

static void touch(void)
{
	untouched[0] = 1;
}

TEST(a_page_that_there_is_no_memory_for_costs_the_youngest)
{
	const char *sentence;

	/* Memory is not out yet: this end must not be waited for. */
	kill_a_server(false);
	ask_the_server();
	untouched = pages_private(1);
	sentence = youngest_goes_for(touch);
	munmap(untouched, PAGE);
	return sentence;
}

/*
 * It needs pages of its own for what it writes. That it has asked for them does
 * not matter when it ends.
 */
TEST(a_server_that_there_is_no_memory_for_costs_the_youngest)
{
	const char *sentence;

	kill_a_server(false);
	sentence = youngest_goes_for(ask_the_server);
	kill_a_server(true);
	ask_the_server();
	return sentence;
}

static void get_signal(void)
{
	(void)raise(SIGUSR1);
}

/* The signal frame is stored on a stack that has no page yet. */
TEST(a_signal_that_there_is_no_memory_for_costs_the_youngest)
{
	stack_t stack = {.ss_size = 4 * PAGE}, none = {.ss_flags = SS_DISABLE};
	const char *sentence;

	stack.ss_sp = pages_private(4);
	MUST(sigaltstack(&stack, NULL) == 0, "no stack");
	set_handler(SIGUSR1, on_signal, SA_ONSTACK);
	handled = 0;
	sentence = youngest_goes_for(get_signal);
	set_handler(SIGUSR1, SIG_DFL, 0);
	(void)sigaltstack(&none, NULL);
	munmap(stack.ss_sp, 4 * PAGE);
	MUST(handled == SIGUSR1, "the handler did not run");
	return sentence;
}

/*
 * The youngest ends by itself at that moment. That takes a while, as it has
 * many descriptors, which are closed before its memory is given back.
 */
TEST(a_process_that_ends_is_waited_for)
{
	const char *sentence = NULL;

	for (int i = 0; i < 20 && sentence == NULL; i++) {
		untouched = pages_private(1);
		use_up_memory();
		cell_set(LEAVE, pids[YOUNG]);
		while (cell_get(LEFT) == 0)
			continue;
		touch();
		sentence = youngest_has_gone();
		munmap(untouched, PAGE);
	}
	return sentence;
}

/* A copy of the frame with which a handler was called. */
static unsigned char *frame;

static void keep_frame(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	memcpy(frame, info, sizeof(struct sigframe_abi));
}

/*
 * Sends the process SIGUSR1, whose frame says that it has returned from here.
 * The stack is not used, so it can return once more.
 */
__attribute__((naked, returns_twice)) static void send_signal(void)
{
	__asm__("li a0, 1\n"
		"li a1, 10\n"
		"li a7, 129\n"
		"ecall\n"
		"ret");
}

static void return_from(const void *frame_copy)
{
	__asm__ volatile("mv sp, %0\n"
			 "li a7, 139\n"
			 "ecall"
			 :
			 : "r"(frame_copy)
			 : "memory");
}

/* The table in which the frame is has been shared by fork meanwhile. */
TEST(a_frame_that_there_is_no_memory_for_costs_the_youngest)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO};
	static volatile int passed;
	const char *sentence;

	frame = reserve(2 * MIB, 2 * MIB);
	MUST(mprotect(frame, PAGE, PROT_READ | PROT_WRITE) == 0, "no page");
	action.sa_sigaction = keep_frame;
	(void)sigaction(SIGUSR1, &action, NULL);
	passed = 0;
	send_signal();
	if (passed++ == 0) {
		use_up_memory();
		return_from(frame);
	}
	sentence = youngest_has_gone();
	set_handler(SIGUSR1, SIG_DFL, 0);
	munmap(frame, 2 * MIB);
	return sentence;
}

static const struct test tests[] = {
    T(words_of_the_command_line_are_arguments),
    T(assignments_on_the_command_line_are_the_environment),
    T(its_own_signals_do_not_end_it),
    T(its_children_cannot_end_it),
    T(the_kernel_does_not_end_it),
    T(signals_that_it_handles_arrive),
    T(what_it_blocks_is_decided_when_unblocked),
    T(orphans_are_its_children),
    T(orphans_that_it_ignores_leave_nothing),
    T(a_page_that_there_is_no_memory_for_costs_the_youngest),
    T(a_server_that_there_is_no_memory_for_costs_the_youngest),
    T(a_signal_that_there_is_no_memory_for_costs_the_youngest),
    T(a_frame_that_there_is_no_memory_for_costs_the_youngest),
    T(a_process_that_ends_is_waited_for),
};

/* Each test runs in this process itself. */
int main(int argc, char **argv)
{
	uint64_t before;
	int failed = 0, i;

	(void)argc;
	words = argv;
	board = (int *)(void *)pages_shared(1);
	verdict = (char *)board + BOARD_BYTES;
	printf("1..%d\n", getpid() == 1 ? COUNT(tests) : 0);
	fflush(stdout);
	for (i = 0; getpid() == 1 && i < COUNT(tests); i++) {
		const char *sentence;

		(void)status_of(warm_up);
		warm_up();
		before = checked_free_frames();
		sentence = tests[i].run();
		if (sentence == NULL)
			sentence = frames_settle(before);
		failed += sentence != NULL;
		printf("%sok %d - %s%s%s\n", sentence != NULL ? "not " : "",
		    i + 1, tests[i].name, sentence != NULL ? " # " : "",
		    sentence != NULL ? sentence : "");
		fflush(stdout);
	}
	return failed != 0;
}
