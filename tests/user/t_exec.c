/* SPDX-License-Identifier: MIT */
/*
 * t_exec.c - execve: what is replaced, what is kept, and what is refused.
 *
 * The program executes itself with a role as its first argument: "@args",
 * "@memory" and so on. In a role it checks its state, and its exit status says
 * what it found.
 */
#include "harness.h"

#include "abi/elf.h"

#define RIGHT 70 /* exit status of a role that found what it should */
#define WRONG 71

/* Whether this system can execute this program (an emulator may not). */
static bool can_exec;

/* ---- Roles ---- */

static unsigned char initialised[2 * PAGE] = {17};
static unsigned char zeroed[2 * PAGE];

/* argv[2] words of argv[3] letters follow; as many are in the environment. */
static int role_args(int argc, char **argv, char **envp)
{
	int count = atoi(argv[2]);
	size_t len = (size_t)atoi(argv[3]);
	int i;

	if (argc != 4 + count || argv[argc] != NULL)
		return WRONG;
	for (i = 0; i < count; i++) {
		if (strlen(argv[4 + i]) != len || strlen(envp[i]) != len)
			return WRONG;
		if (!all_bytes(argv[4 + i], len, (unsigned char)('a' + i % 26)))
			return WRONG;
		if (!all_bytes(envp[i], len, (unsigned char)('a' + i % 26)))
			return WRONG;
	}
	return envp[count] == NULL ? RIGHT : WRONG;
}

/* Data as in the file, nothing left at the address argv[2]. */
static int role_memory(char **argv)
{
	unsigned long address = strtoul(argv[2], NULL, 16);
	int fds[2];

	if (initialised[0] != 17 || initialised[PAGE] != 0 ||
	    !all_bytes(zeroed, sizeof(zeroed), 0))
		return WRONG;
	if (pipe(fds) != 0)
		return WRONG;
	return raw(SYS_write, fds[1], (long)address, 1) == -EFAULT ? RIGHT
								   : WRONG;
}

/* argv[2] is open, argv[3] is not. */
static int role_descriptors(char **argv)
{
	if (raw(SYS_fcntl, atoi(argv[2]), F_GETFD) != 0)
		return WRONG;
	return raw(SYS_fcntl, atoi(argv[3]), F_GETFD) == -EBADF ? RIGHT : WRONG;
}

/*
 * SIGUSR1 had a handler; SIGUSR2 was ignored; SIGTERM blocked and pending.
 * There was an alternate stack.
 */
static int role_signals(void)
{
	struct sigaction sa;
	stack_t stack;
	sigset_t set;

	if (sigaction(SIGUSR1, NULL, &sa) != 0 || sa.sa_handler != SIG_DFL)
		return WRONG;
	if (sigaltstack(NULL, &stack) != 0 || stack.ss_flags != SS_DISABLE ||
	    stack.ss_sp != NULL)
		return WRONG;
	if (sigaction(SIGUSR2, NULL, &sa) != 0 || sa.sa_handler != SIG_IGN)
		return WRONG;
	if (sigprocmask(SIG_BLOCK, NULL, &set) != 0 ||
	    sigismember(&set, SIGTERM) != 1)
		return WRONG;
	if (sigpending(&set) != 0 || sigismember(&set, SIGTERM) != 1)
		return WRONG;
	return RIGHT;
}

static int float_state(void)
{
	unsigned long fcsr = 0;

#ifdef __riscv
	__asm__ volatile(".4byte 0x00302573\n" /* frcsr a0 */
			 "mv %0, a0\n"
			 : "=r"(fcsr)
			 :
			 : "a0");
#endif
	return (int)fcsr;
}

static void float_change(void)
{
#ifdef __riscv
	__asm__ volatile("li a0, 0x71\n"
			 ".4byte 0x00351073\n" /* fscsr a0 */
			 ::
			     : "a0");
#endif
}

/*
 * Rounding mode and flags of the floating-point unit are as at a start, and so
 * they are after a child has changed its own.
 */
static int role_float(void)
{
	int before = float_state();
	pid_t pid = fork();

	if (pid == 0) {
		float_change();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return WRONG;
	return before == 0 && float_state() == 0 ? RIGHT : WRONG;
}

static int role_depth(char **argv)
{
	int depth = atoi(argv[2]);
	char number[16];
	char *next[] = {argv[0], argv[1], number, NULL};

	if (zeroed[0] != 0)
		return WRONG;
	zeroed[0] = 1;
	if (depth == 0)
		return RIGHT;
	snprintf(number, sizeof(number), "%d", depth - 1);
	execv(argv[0], next);
	return WRONG;
}

/* AT_EXECFN is the path as execve got it, whatever argv[0] says. */
static int role_path(char **argv, char **envp)
{
	uint64_t *auxv;

	while (*envp != NULL)
		envp++;
	auxv = (uint64_t *)(void *)(envp + 1);
	while (auxv[0] != AT_NULL && auxv[0] != AT_EXECFN)
		auxv += 2;
	if (auxv[0] == AT_NULL || strcmp(argv[0], "another") != 0)
		return WRONG;
	return strcmp((char *)auxv[1], argv[2]) == 0 ? RIGHT : WRONG;
}

static int role(int argc, char **argv, char **envp)
{
	if (strcmp(argv[1], "@right") == 0)
		return RIGHT;
	if (strcmp(argv[1], "@args") == 0)
		return role_args(argc, argv, envp);
	if (strcmp(argv[1], "@path") == 0)
		return role_path(argv, envp);
	if (strcmp(argv[1], "@memory") == 0)
		return role_memory(argv);
	if (strcmp(argv[1], "@descriptors") == 0)
		return role_descriptors(argv);
	if (strcmp(argv[1], "@signals") == 0)
		return role_signals();
	if (strcmp(argv[1], "@float") == 0)
		return role_float();
	if (strcmp(argv[1], "@depth") == 0)
		return role_depth(argv);
	return WRONG;
}

/* ---- Executing ---- */

static char *own_path(void)
{
	return (char *)(uintptr_t)suite_path;
}

/* Becomes this program in a role with up to two arguments. */
static void become(const char *name, const char *a, const char *b)
{
	char *argv[] = {
	    own_path(),
	    (char *)(uintptr_t)name,
	    (char *)(uintptr_t)a,
	    (char *)(uintptr_t)b,
	    NULL,
	};

	execv(suite_path, argv);
	give_up(found("execv failed with errno %d", errno));
}

static const char *child_is_right(pid_t pid)
{
	int status = reap(pid);

	if (exited_with(status, RIGHT))
		return NULL;
	if (exited_with(status, WRONG))
		return "the new program found something else";
	return status_verdict(status);
}

/* A child that becomes this program with these arguments. */
static const char *child_executes(char *argv[], char *envp[])
{
	pid_t pid = must_fork();

	if (pid != 0)
		return child_is_right(pid);
	execve(suite_path, argv, envp);
	give_up(found("execve failed with errno %d", errno));
}

#define NEEDS_EXEC                                                          \
	do {                                                                \
		if (!can_exec)                                              \
			return SKIP("this system cannot run this program"); \
	} while (0)

static void probe(void)
{
	char *argv[] = {own_path(), (char *)(uintptr_t) "@right", NULL};

	execv(suite_path, argv);
}

#define MOST_WORDS 2000

/* A vector of `count` words of `len` letters, after `first` entries. */
static char **words(char **vector, int first, int count, size_t len)
{
	char *text = (char *)pages_private(((len + 1) * 26 + PAGE) / PAGE);
	int i;

	for (i = 0; i < 26; i++) {
		memset(text + (size_t)i * (len + 1), 'a' + i, len);
		text[(size_t)i * (len + 1) + len] = '\0';
	}
	for (i = 0; i < count; i++)
		vector[first + i] = text + (size_t)(i % 26) * (len + 1);
	vector[first + count] = NULL;
	return vector;
}

static const char *passes_args(int count, size_t len)
{
	static char *argv[MOST_WORDS + 5];
	static char *envp[MOST_WORDS + 1];
	char count_text[16];
	char len_text[16];
	pid_t pid = must_fork();

	if (pid != 0)
		return child_is_right(pid);
	snprintf(count_text, sizeof(count_text), "%d", count);
	snprintf(len_text, sizeof(len_text), "%d", (int)len);
	argv[0] = own_path();
	argv[1] = (char *)(uintptr_t) "@args";
	argv[2] = count_text;
	argv[3] = len_text;
	execve(suite_path, words(argv, 4, count, len),
	    words(envp, 0, count, len));
	give_up(found("execve failed with errno %d", errno));
}

TEST(arguments_and_environment_arrive)
{
	NEEDS_EXEC;
	TRY(passes_args(0, 1));
	TRY(passes_args(1, 0));
	TRY(passes_args(1, 1));
	TRY(passes_args(7, 13));
	TRY(passes_args(1, 4095));
	TRY(passes_args(1, 4096));
	TRY(passes_args(3, 5000));
	TRY(passes_args(500, 20));
	return passes_args(MOST_WORDS, 1);
}

/*
 * The second of its words lies in two pages, with one byte in the first. In
 * memory another page lies between these, or after the first.
 */
TEST(a_vector_may_begin_between_words)
{
	static unsigned char box[3 * PAGE] __attribute__((aligned(PAGE)));
	char *argv[] = {own_path(), (char *)(uintptr_t) "@right", NULL};
	unsigned char *at = box + PAGE - 9;

	NEEDS_EXEC;
	memset(box + PAGE, 0xff, 2 * PAGE);
	memset(box, 0xff, PAGE);
	memcpy(at, argv, sizeof(argv));
	return child_executes((char **)(void *)at, NULL);
}

TEST(no_arguments_become_an_empty_one)
{
	char *argv[] = {NULL};

	NEEDS_EXEC;
	return child_executes(argv, argv);
}

TEST(the_path_arrives_beside_the_arguments)
{
	char *argv[] = {(char *)(uintptr_t) "another",
	    (char *)(uintptr_t) "@path", (char *)(uintptr_t)suite_path, NULL};

	NEEDS_EXEC;
	return child_executes(argv, argv);
}

TEST(too_many_arguments_are_refused)
{
	static const size_t million = 1000000;
	char **argv = (char **)(void *)pages_private(million * 8 / PAGE + 1);
	size_t i;

	for (i = 0; i < million; i++)
		argv[i] = (char *)(uintptr_t) "an argument among many";
	MUST(raw(SYS_execve, (long)suite_path, (long)argv, 0) == -E2BIG,
	    "no E2BIG");
	return NULL;
}

TEST(exec_replaces_memory)
{
	unsigned char *p = pages_private(4);
	char address[32];
	pid_t pid;

	NEEDS_EXEC;
	stamp(p, 4, 1);
	memset(initialised, 0xee, sizeof(initialised));
	memset(zeroed, 0xee, sizeof(zeroed));
	snprintf(address, sizeof(address), "%lx", (unsigned long)p);
	pid = must_fork();
	if (pid == 0)
		become("@memory", on_calf() ? address : "8", NULL);
	TRY(child_is_right(pid));
	MUST(stamped(p, 4, 1), "the parent's pages changed");
	MUST(initialised[1] == 0xee, "the parent's data changed");
	return NULL;
}

TEST(exec_keeps_descriptors_but_for_cloexec)
{
	char kept[16];
	char closed[16];
	int fds[2];
	pid_t pid;

	NEEDS_EXEC;
	MUST(pipe(fds) == 0, "no pipe");
	MUST(fcntl(fds[1], F_SETFD, FD_CLOEXEC) == 0, "fcntl failed");
	snprintf(kept, sizeof(kept), "%d", fds[0]);
	snprintf(closed, sizeof(closed), "%d", fds[1]);
	pid = must_fork();
	if (pid == 0)
		become("@descriptors", kept, closed);
	TRY(child_is_right(pid));
	MUST(write(fds[1], "x", 1) == 1, "the parent's end was closed");
	return NULL;
}

/* The read end sees the end of file: exec did close the write end. */
TEST(cloexec_works_from_pipe2_too)
{
	int fds[2];
	char byte;
	pid_t pid;

	NEEDS_EXEC;
	MUST(pipe2(fds, O_CLOEXEC) == 0, "no pipe");
	MUST(fcntl(fds[0], F_GETFD) == FD_CLOEXEC, "the flag is not set");
	pid = must_fork();
	if (pid == 0)
		become("@right", NULL, NULL);
	close(fds[1]);
	MUST(read(fds[0], &byte, 1) == 0, "no end of file");
	return child_is_right(pid);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(exec_resets_handlers_and_keeps_the_rest)
{
	stack_t stack = {.ss_sp = pages_private(8), .ss_size = 8 * PAGE};
	sigset_t set;
	pid_t pid;

	NEEDS_EXEC;
	pid = must_fork();
	if (pid == 0) {
		(void)signal(SIGUSR1, on_signal);
		(void)signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
		(void)sigaltstack(&stack, NULL);
		kill(getpid(), SIGTERM);
		become("@signals", NULL, NULL);
	}
	return child_is_right(pid);
}

TEST(exec_resets_the_floating_point_unit)
{
	pid_t pid;

	NEEDS_EXEC;
	pid = must_fork();
	if (pid == 0) {
		float_change();
		become("@float", NULL, NULL);
	}
	return child_is_right(pid);
}

TEST(exec_again_and_again_keeps_the_pid)
{
	pid_t pid;

	NEEDS_EXEC;
	pid = must_fork();
	if (pid == 0)
		become("@depth", "20", NULL);
	return child_is_right(pid);
}

TEST(exec_of_the_same_program_many_times_shares_nothing_writable)
{
	pid_t pids[10];
	int round;
	int i;

	NEEDS_EXEC;
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 10; i++) {
			pids[i] = must_fork();
			if (pids[i] == 0)
				become("@depth", "2", NULL);
		}
		for (i = 0; i < 10; i++)
			TRY(child_is_right(pids[i]));
	}
	return NULL;
}

/* ---- Refusals ---- */

static long exec_path(const char *path)
{
	char *argv[] = {(char *)(uintptr_t)path, NULL};

	return raw(SYS_execve, (long)path, (long)argv, 0);
}

TEST(exec_of_what_is_no_program_is_refused)
{
	static char long_name[5000];

	memset(long_name, 'n', sizeof(long_name) - 1);
	MUST(exec_path("/no/such/program") == -ENOENT, "a missing file");
	MUST(exec_path("") == -ENOENT, "an empty name");
	MUST(exec_path("/") == -EACCES, "a directory");
	MUST(exec_path(long_name) == -ENAMETOOLONG, "a name too long");
	return NULL;
}

TEST(a_component_that_is_no_directory_is_refused)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/x", suite_path);
	MUST(exec_path(path) == -ENOTDIR, "not ENOTDIR");
	return NULL;
}

/* ---- One that does not come to its end ---- */

/*
 * Arguments so long that they are measured and copied in parts; no role has
 * such a name.
 */
#define LONG_ARGS 12
static char long_arg[100000];

_Noreturn static void exec_with_long_arguments(void)
{
	const char *argv[LONG_ARGS + 1];
	int i;

	for (i = 0; i < LONG_ARGS; i++)
		argv[i] = long_arg;
	argv[LONG_ARGS] = NULL;
	cell_set(0, 1);
	(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
	_exit(RIGHT);
}

static void ignore_this(int sig)
{
	(void)sig;
}

TEST(an_exec_that_is_killed_leaves_nothing)
{
	volatile int n;
	int i;

	NEEDS_EXEC;
	memset(long_arg, '@', sizeof(long_arg) - 1);
	for (i = 0; i < 40; i++) {
		pid_t pid;
		int status;

		cell_set(0, 0);
		pid = must_fork();
		if (pid == 0)
			exec_with_long_arguments();
		cell_await(0, 1);
		for (n = 0; n < i * 5000; n++)
			continue;
		(void)kill(pid, SIGKILL);
		status = reap(pid);
		MUST(killed_by(status, SIGKILL) || exited_with(status, WRONG),
		    "exec failed");
	}
	return NULL;
}

/* No handler runs between the parts of an exec, as it is gone afterwards. */
TEST(a_signal_does_not_interrupt_an_exec)
{
	int i;

	NEEDS_EXEC;
	memset(long_arg, '@', sizeof(long_arg) - 1);
	for (i = 0; i < 5; i++) {
		int status = 0;
		pid_t pid;

		cell_set(0, 0);
		pid = must_fork();
		if (pid == 0) {
			(void)signal(SIGURG, ignore_this);
			exec_with_long_arguments();
		}
		cell_await(0, 1);
		while (waitpid(pid, &status, WNOHANG) == 0)
			(void)kill(pid, SIGURG);
		MUST(exited_with(status, WRONG), status_verdict(status));
	}
	return NULL;
}

/*
 * Each time several processes make an image, of which one is kept. The others
 * free theirs.
 */
TEST(one_program_may_be_started_by_many_at_once)
{
	char empty[] = "", *argv[] = {empty, NULL};
	pid_t pids[4];
	int i, round;

	NEEDS_EXEC;
	for (round = 0; round < 20; round++) {
		cell_set(0, 0);
		(void)checked_free_frames();
		for (i = 0; i < COUNT(pids); i++) {
			pids[i] = must_fork();
			if (pids[i] == 0) {
				cell_meet(0, COUNT(pids));
				execv(suite_path, argv);
				_exit(WRONG);
			}
		}
		for (i = 0; i < COUNT(pids); i++)
			TRY(child_is_right(pids[i]));
	}
	return NULL;
}

static const struct test tests[] = {
    T(arguments_and_environment_arrive),
    T(a_vector_may_begin_between_words),
    T(no_arguments_become_an_empty_one),
    T(the_path_arrives_beside_the_arguments),
    T(too_many_arguments_are_refused),
    T(exec_replaces_memory),
    T(exec_keeps_descriptors_but_for_cloexec),
    T(cloexec_works_from_pipe2_too),
    T(exec_resets_handlers_and_keeps_the_rest),
    T(exec_resets_the_floating_point_unit),
    T(exec_again_and_again_keeps_the_pid),
    T(exec_of_the_same_program_many_times_shares_nothing_writable),
    T(exec_of_what_is_no_program_is_refused),
    T(a_component_that_is_no_directory_is_refused),
    T(an_exec_that_is_killed_leaves_nothing),
    T(a_signal_does_not_interrupt_an_exec),
    T(one_program_may_be_started_by_many_at_once),
};

int main(int argc, char **argv, char **envp)
{
	if (argv[0] != NULL && argv[0][0] == '\0')
		return argc == 1 && argv[1] == NULL ? RIGHT : WRONG;
	if (argc > 1 && argv[1][0] == '@')
		return role(argc, argv, envp);
	suite_path = argv[0];
	can_exec = exited_with(status_of(probe), RIGHT);
	return suite_main(argc, argv, tests, COUNT(tests));
}
