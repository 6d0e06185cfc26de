/* SPDX-License-Identifier: MIT */
/*
 * fuzz.c - process 1 of a machine that is given random system calls.
 *
 *     fuzz [seed=N] [calls=N] [every=N] [free=FRAMES] [round=N] [families=N]
 *
 * It runs as the first process of a test kernel: `make fuzz`. Calls are made
 * in rounds. A round begins families of processes, replaces those that die
 * out, and ends by killing them all. Then the machine must be as it was before:
 * as many frames are free, no other process is left, and the memory of process
 * 1, which all had shared copy-on-write, is unchanged.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <termios.h>

/* How long there may be no call before all members are killed. */
#define LOOK_MICROS 2000
#define STALL_LOOKS 100

/* How long it may take until all members have died. */
#define DEATH_LOOKS 5000

/* Before the first round that counts. */
#define WARM_UP_CALLS 200

static struct {
	uint64_t calls;
	uint64_t free; /* frames left for the families; 0: all */
	uint64_t round;
	uint64_t families;
} options = {10000, 0, 2000, 2};

static uint64_t baseline;
static uint64_t last_call; /* the number of the next call, at a round's end */
static uint64_t kills;     /* times that all were killed, as none made calls */
static struct termios console_modes;

/* ---- Helpers ---- */

static void rest(long micros)
{
	struct timespec t = {0, micros * 1000};

	(void)nanosleep(&t, NULL);
}

static struct calf_stat counters(void)
{
	struct calf_stat st;

	memset(&st, 0, sizeof(st));
	(void)plain(SYS_calf_stat, (long)&st, sizeof(st));
	return st;
}

/* The kernel checks its invariants; returns the number of free frames. */
static uint64_t checked_frames(void)
{
	return (uint64_t)plain(SYS_calf_check);
}

/* ---- Rounds ---- */

static void begin_family(void)
{
	uint64_t family = board->families;
	pid_t pid = fork();

	if (pid == 0)
		family_run(family);
	if (pid > 0)
		board->families++;
}

static void reap_the_dead(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* Orphans become children of process 1: without a child, it is alone. */
static void kill_everybody(void)
{
	int looks;

	for (looks = 0; looks < DEATH_LOOKS; looks++) {
		(void)kill(-1, SIGKILL);
		reap_the_dead();
		if (waitpid(-1, NULL, WNOHANG) < 0 && counters().processes == 1)
			return;
		rest(LOOK_MICROS / 2);
	}
	fail("%lu processes outlived SIGKILL", counters().processes - 1);
}

/* Lets families make calls, up to the one with the number `limit`. */
static void let_run(uint64_t limit)
{
	uint64_t before = 0, calls;
	int stalled = 0;

	board->limit = limit;
	while ((calls = board->calls) < limit && !board->failed) {
		reap_the_dead();
		if (counters().processes <= options.families)
			begin_family();
		rest(LOOK_MICROS);
		stalled = calls == before ? stalled + 1 : 0;
		before = calls;
		/* Perhaps all are stopped. */
		if (stalled == STALL_LOOKS / 2)
			(void)kill(-1, SIGCONT);
		if (stalled == STALL_LOOKS) {
			kills++;
			stalled = 0;
			kill_everybody();
		}
		if (!canary_lives())
			fail("the memory of process 1 was changed");
	}
	kill_everybody();
	last_call = board->calls < limit ? board->calls : limit;
	board->calls = limit;
}

static void console_reset(void)
{
	(void)tcsetpgrp(1, getpgrp());
	(void)tcsetattr(1, TCSANOW, &console_modes);
}

/* Waits a while: a hart may not yet have freed all of a process that ended. */
static void expect_frames(uint64_t expected)
{
	uint64_t free = 0;
	int looks;

	for (looks = 0; looks < 500; looks++) {
		free = checked_frames();
		if (free == expected)
			return;
		rest(LOOK_MICROS);
	}
	fail("%lu frames were free before, %lu after", expected, free);
}

/* Removes the files that witnesses have left behind. */
static void remove_files(void)
{
	DIR *dir = opendir(WITNESS_DIR);
	const struct dirent *entry;
	char path[80];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), WITNESS_DIR "/%s", entry->d_name);
		(void)unlink(path);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static void play_round(uint64_t limit)
{
	let_run(limit);
	remove_files();
	console_reset();
	if (!canary_lives())
		fail("the memory of process 1 was changed");
	if (baseline != 0)
		expect_frames(baseline);
}

/* ---- Before and after ---- */

/* Takes frames until `left` are free. */
static void ballast(uint64_t left)
{
	uint64_t free = checked_frames();
	unsigned char *p;
	uint64_t i;

	if (left == 0 || free <= left)
		return;
	p = mmap(NULL, (free - left) * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	for (i = 0; i < free - left && counters().frames_free > left; i++)
		p[i * PAGE] = 1;
}

static void option(const char *word)
{
	const struct {
		const char *name;
		uint64_t *value;
	} list[] = {
	    {"seed=", &board->seed},
	    {"calls=", &options.calls},
	    {"every=", &board->every},
	    {"free=", &options.free},
	    {"round=", &options.round},
	    {"families=", &options.families},
	    {"members=", &board->members},
	};
	size_t len;
	int i;

	for (i = 0; i < COUNT(list); i++) {
		len = strlen(list[i].name);
		if (strncmp(word, list[i].name, len) == 0)
			*list[i].value = strtoul(word + len, NULL, 0);
	}
}

static bool prepare(int argc, char **argv)
{
	int i;

	if (mmap((void *)BOARD_AT, sizeof(struct shared),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0) == MAP_FAILED)
		return false;
	board->every = 1;
	board->members = 8;
	board->families = 1; /* no family has the number 0 */
	for (i = 1; i < argc; i++)
		option(argv[i]);
	if (board->every == 0 || options.round == 0 ||
	    plain(SYS_calf_check) < 0)
		return false;
	(void)tcgetattr(1, &console_modes);
	(void)plain(SYS_mkdirat, AT_FDCWD, (long)WITNESS_DIR, 0700);
	return canary_map();
}

static void warm_up(void)
{
	ballast(options.free);
	play_round(WARM_UP_CALLS);
	if (board->failed)
		return;
	baseline = checked_frames();
	board->calls = board->checks = board->children = board->hash = 0;
	kills = 0;
}

static void tell(const char *when)
{
	struct calf_stat st = counters();

	/* Begins a new line, as a member may have printed half a line. */
	printf("\n# %s call %lu: %lu checks, %lu forks, %lu families, "
	       "%lu stalls, %lu frames free, transcript %lx\n",
	    when, board->calls, board->checks, board->children, board->families,
	    kills, checked_frames(), board->hash);
	if (st.longest_entry != 0)
		printf("# at most %lu instructions at once, for call %lu\n",
		    st.longest_entry, st.longest_call);
	fflush(stdout);
}

static void tell_call(const struct made *made)
{
	const long *a = made->call.args;

	printf("# %8lu family %lu pid %d: %s(%lx, %lx, %lx, %lx, %lx, %lx)",
	    made->call.number, made->family, made->pid,
	    call_name(made->call.nr), a[0], a[1], a[2], a[3], a[4], a[5]);
	if (made->done)
		printf(" = %ld\n", made->result);
	else
		printf(", number %ld, did not return\n", made->call.nr);
}

/* Prints the calls that led to the failure, and how to see it again. */
static void tell_failure(void)
{
	int i;

	for (i = 0; i < LAST_CALLS; i++)
		tell_call(&board->last[(last_call + i) % LAST_CALLS]);
	printf("# seed %lu, before call %lu\n", board->seed, last_call);
}

/* Plays all rounds, and prints a line at every tenth of the calls. */
static void play(void)
{
	uint64_t tenth = options.calls / 10 + 1, next = tenth, limit = 0;

	while (limit < options.calls && !board->failed) {
		limit += options.round;
		if (limit > options.calls)
			limit = options.calls;
		play_round(limit);
		if (limit >= next) {
			tell("at");
			next += tenth;
		}
	}
}

int main(int argc, char **argv)
{
	/* A member has executed this program with arguments of its own. */
	if (getpid() != 1)
		return 0;
	if (!prepare(argc, argv)) {
		printf("Bail out! the fuzzer needs a test kernel\n");
		return 1;
	}
	printf("1..1\n# seed %lu, %lu calls in rounds of %lu, a check every "
	       "%lu\n",
	    board->seed, options.calls, options.round, board->every);
	fflush(stdout);
	warm_up();
	tell("before");
	play();
	tell("after");
	if (board->failed)
		tell_failure();
	printf("\n%sok 1 - any_call_leaves_the_kernel_whole%s%s\n",
	    board->failed ? "not " : "", board->failed ? " # " : "",
	    board->failed ? board->failure : "");
	return board->failed ? 1 : 0;
}
