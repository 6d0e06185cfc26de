/* SPDX-License-Identifier: MIT */
/*
 * runner.c - runs the tests of a suite and reports.
 *
 * Two processes stand behind each test: the runner, which prints, and counts
 * frames before and after; and the test's own. The verdict travels from one
 * to the other in `verdict`, on memory that both share, so that a grandchild
 * can give it too.
 */
#include "harness.h"

#include <sys/time.h>

/* A test that takes longer than this is killed by SIGALRM. */
#define TIMEOUT_SECONDS 120

const char *suite_path;

static void say(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(1, text, len);

		if (n <= 0)
			_exit(FAILED);
		text += n;
		len -= (size_t)n;
	}
}

static void set_timeout(void)
{
	struct itimerval limit = {{0, 0}, {TIMEOUT_SECONDS, 0}};

	(void)raw(SYS_setitimer, ITIMER_REAL, (long)&limit, 0);
}

/* The test's process. Its group is its own, so that strays can be found. */
_Noreturn static void test_body(test_fn *fn)
{
	const char *sentence;

	(void)setpgid(0, 0);
	set_timeout();
	sentence = fn();
	if (sentence == NULL && waitpid(-1, NULL, WNOHANG) != -1)
		sentence = "a child is left";
	if (sentence != NULL)
		give_up(sentence);
	_exit(0);
}

/* Runs one test in a process of its own; kills what it leaves behind. */
static const char *test_run(test_fn *fn)
{
	int status;
	pid_t pid;

	memset(board, 0, BOARD_BYTES);
	verdict[0] = '\0';
	pid = fork();
	if (pid < 0)
		return "the runner could not fork";
	if (pid == 0)
		test_body(fn);
	status = reap(pid);
	(void)kill(-pid, SIGKILL);
	return status_verdict(status);
}

static bool is_skip(const char *sentence)
{
	return strncmp(sentence, "SKIP ", 5) == 0;
}

static bool report(int number, const char *name, const char *sentence)
{
	char line[512];
	bool ok = sentence == NULL || is_skip(sentence);

	snprintf(line, sizeof(line), "%sok %d - %s%s%s\n", ok ? "" : "not ",
	    number, name, sentence != NULL ? " # " : "",
	    sentence != NULL ? sentence : "");
	say(line);
	return ok;
}

TEST(nothing_at_all)
{
	warm_up();
	return NULL;
}

TEST(nothing_in_a_child)
{
	return in_child(nothing_at_all);
}

/* The number of free frames once no process takes or returns any. */
static uint64_t frames_at_rest(void)
{
	uint64_t before;
	uint64_t frames = checked_free_frames();

	do {
		before = frames;
		sleep_ms(20);
		frames = checked_free_frames();
	} while (frames != before);
	return frames;
}

/*
 * Touches what the runner will touch, so that running a test costs it no
 * frame of its own, and returns the number of frames that are free then.
 */
static uint64_t runner_warm_up(void)
{
	board = (int *)(void *)pages_shared(1);
	verdict = (char *)board + BOARD_BYTES;
	warm_up();
	(void)test_run(nothing_in_a_child);
	(void)test_run(nothing_at_all);
	return frames_at_rest();
}

/*
 * NULL if as many frames are free as before. If memory ran out, the kernel may
 * have freed programs that it kept for the next exec; these frames stay free. A
 * test build gives them up whenever frames are counted.
 */
static const char *frames_are_back(uint64_t *before)
{
	const char *sentence = frames_settle(*before);
	uint64_t after;

	if (sentence == NULL || on_calf_test_build())
		return sentence;
	after = frames_at_rest();
	if (after < *before)
		return sentence;
	*before = after;
	return NULL;
}

static int selected(const struct test *tests, int count, const char *part)
{
	int n = 0;
	int i;

	for (i = 0; i < count; i++)
		n += strstr(tests[i].name, part) != NULL;
	return n;
}

int suite_main(int argc, char **argv, const struct test *tests, int count)
{
	const char *part = argc > 1 ? argv[1] : "";
	uint64_t before;
	char plan[32];
	int failed = 0;
	int number = 0;
	int i;

	suite_path = argv[0];
	before = runner_warm_up();
	snprintf(plan, sizeof(plan), "1..%d\n", selected(tests, count, part));
	say(plan);
	for (i = 0; i < count; i++) {
		const char *sentence;

		if (strstr(tests[i].name, part) == NULL)
			continue;
		sentence = test_run(tests[i].run);
		if (sentence == NULL)
			sentence = frames_are_back(&before);
		if (!report(++number, tests[i].name, sentence)) {
			failed++;
			before = frames_at_rest();
		}
	}
	return failed == 0 ? 0 : 1;
}
