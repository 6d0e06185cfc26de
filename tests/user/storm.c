/* SPDX-License-Identifier: MIT */
/*
 * storm.c - process 1 of a machine full of trees of forks.
 *
 *     storm [minutes=N] [forks=N] [free=FRAMES] [seed=N]
 *
 * It runs as the first process of a test kernel: `make storm`. A tree grows to
 * a random depth of at most 64, in a machine that has few frames left. Each
 * process writes to pages that it shares with all, and checks that it finds
 * there what it and its ancestors wrote, and nothing else; it forks, kills,
 * waits, executes and exits at random. At a random moment all are killed. Then
 * no process may be left, and exactly as many frames must be free as before. It
 * goes on until there have been so many minutes, or so many forks.
 */
#include "harness.h"

#define MAX_DEPTH 64
#define PAGES     8
#define KIDS      4
#define ROOTS     6

/* How long trees may grow, and how long their death may take. */
#define MAX_AGE_MS   200
#define MAX_DEATH_MS 20000

#define TELL_MS 20000

/* Cells of the board. */
enum { BROKEN, DEPTH, KILLS, NO_MEMORY, EXECS };

static struct {
	uint64_t minutes;
	uint64_t forks;
	uint64_t free;
	uint64_t seed;
} options = {1, 0, 400, 1};

static unsigned char *pages;
static uint64_t baseline;
static uint64_t rounds;

/* The state of a process; a child inherits it. */
struct node {
	uint64_t rng;
	unsigned wrote[PAGES]; /* the stamp of each page, as it must be */
	pid_t kids[KIDS];
	int depth;
	int max_depth;
	int fan;  /* children that a process of this tree has */
	int left; /* of these, still to come */
};

static bool once_in(struct node *me, uint64_t n)
{
	return rnd(&me->rng) % n == 0;
}

/* ---- What a process does ---- */

static void look(const struct node *me)
{
	int i;

	for (i = 0; i < PAGES; i++)
		if (!stamped(pages + (size_t)i * PAGE, 1, me->wrote[i]))
			cell_set(BROKEN, 1 + i);
}

static void put_stamp(struct node *me)
{
	int i = (int)(rnd(&me->rng) % PAGES);

	me->wrote[i] = (unsigned)rnd(&me->rng) & 0xffffff;
	stamp(pages + (size_t)i * PAGE, 1, me->wrote[i]);
}

static void sprout(struct node *me)
{
	uint64_t rng = rnd(&me->rng) | 1;
	int slot = (int)(rnd(&me->rng) % KIDS);
	pid_t pid;

	if (me->depth == me->max_depth)
		return;
	/*
	 * A process that has forked all its children may exit, and make room
	 * for theirs.
	 */
	if (me->left == 0 && !once_in(me, 4))
		_exit(0);
	if (me->left == 0)
		return;
	pid = fork();
	if (pid < 0)
		(void)cell_add(NO_MEMORY, 1);
	if (pid > 0) {
		me->kids[slot] = pid;
		me->left--;
	}
	if (pid != 0)
		return;
	me->rng = rng;
	me->left = me->fan;
	memset(me->kids, 0, sizeof(me->kids));
	if (++me->depth > cell_get(DEPTH))
		cell_set(DEPTH, me->depth);
	if (once_in(me, 4))
		(void)setpgid(0, 0);
}

/* Kills a child, its group, itself, or its own group. */
static void strike(struct node *me)
{
	pid_t pid = me->kids[rnd(&me->rng) % KIDS];

	if (once_in(me, 32))
		pid = 0;
	else if (pid == 0)
		return;
	(void)cell_add(KILLS, 1);
	(void)kill(once_in(me, 4) ? -pid : pid, SIGKILL);
}

static void become_another(struct node *me)
{
	char *argv[] = {
	    (char *)(uintptr_t) "storm",
	    NULL,
	};

	if (!once_in(me, 2))
		_exit(3);
	(void)cell_add(EXECS, 1);
	execv("/bin/storm", argv);
	_exit(4);
}

_Noreturn static void grow(struct node *me)
{
	for (;;) {
		switch (rnd(&me->rng) % 16) {
		case 0:
		case 1:
			put_stamp(me);
			break;
		case 2:
			look(me);
			break;
		case 3:
			strike(me);
			break;
		case 4:
			while (waitpid(-1, NULL, WNOHANG) > 0)
				continue;
			break;
		case 5:
			if (once_in(me, 16))
				(void)waitpid(-1, NULL, 0);
			break;
		case 6:
			if (me->depth > 0 && once_in(me, 6))
				become_another(me);
			break;
		default:
			sprout(me);
			break;
		}
	}
}

/* ---- Trees ---- */

static bool all_gone(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	return waitpid(-1, NULL, WNOHANG) < 0 && counters().processes == 1;
}

static const char *cut_down(void)
{
	long end = now_ms() + MAX_DEATH_MS;

	for (;;) {
		(void)kill(-1, SIGKILL);
		if (all_gone())
			return NULL;
		if (now_ms() > end)
			return found("%lu processes outlived SIGKILL",
			    (unsigned long)counters().processes - 1);
		sleep_ms(1);
	}
}

/* Forks the first process of a tree, which does not return. */
static bool plant(struct node *root)
{
	uint64_t rng = rnd(&root->rng) | 1;
	pid_t pid = fork();

	if (pid == 0) {
		root->rng = rng;
		grow(root);
	}
	return pid > 0;
}

/* A patch of trees grows, new ones in place of the dead, and is cut down. */
static const char *storm_trees(struct node *root)
{
	long end = now_ms() + (long)(rnd(&root->rng) % MAX_AGE_MS);
	const char *sentence;
	int i;

	for (i = 0; i < PAGES; i++) {
		root->wrote[i] = (unsigned)rnd(&root->rng) & 0xffffff;
		stamp(pages + (size_t)i * PAGE, 1, root->wrote[i]);
	}
	root->max_depth = 1 + (int)(rnd(&root->rng) % MAX_DEPTH);
	root->fan = root->left = 1 + (int)(rnd(&root->rng) % 6) / 3;
	do {
		while (counters().processes <= ROOTS && plant(root))
			continue;
		sleep_ms(1);
		(void)all_gone();
	} while (now_ms() < end);
	sentence = cut_down();
	look(root);
	rounds++;
	if (sentence == NULL && cell_get(BROKEN) != 0)
		sentence = "a process saw what another had written";
	return sentence != NULL ? sentence : frames_settle(baseline);
}

/* ---- Before, between and after ---- */

static void ballast(uint64_t left)
{
	uint64_t free = checked_free_frames();
	unsigned char *p;
	uint64_t i;

	if (free <= left)
		return;
	p = pages_private(free - left);
	for (i = 0; counters().frames_free > left; i++)
		p[i * PAGE] = 1;
}

static void tell(const char *when)
{
	struct calf_stat st = counters();

	printf("# %s %lu rounds: %lu forks, depth %d, %d kills, %lu processes "
	       "killed for want of memory, %d forks refused, %d execs, "
	       "%lu frames free\n",
	    when, (unsigned long)rounds, (unsigned long)st.forks,
	    cell_get(DEPTH), cell_get(KILLS), (unsigned long)st.oom_kills,
	    cell_get(NO_MEMORY), cell_get(EXECS),
	    (unsigned long)checked_free_frames());
	fflush(stdout);
}

static const char *storm(void)
{
	struct node root = {.rng = options.seed * 2 + 1};
	long start = now_ms(), told = start, end;
	const char *sentence = storm_trees(&root);

	/* The first round warms up what process 1 itself needs. */
	baseline = checked_free_frames();
	sentence = NULL;
	tell("after");
	end = start + (long)options.minutes * 60000;
	while (sentence == NULL &&
	    (options.forks != 0 ? counters().forks < options.forks
				: now_ms() < end)) {
		sentence = storm_trees(&root);
		if (now_ms() - told > TELL_MS) {
			tell("after");
			told = now_ms();
		}
	}
	tell("after all");
	return sentence;
}

static void option(const char *word)
{
	const struct {
		const char *name;
		uint64_t *value;
	} list[] = {
	    {"minutes=", &options.minutes},
	    {"forks=", &options.forks},
	    {"free=", &options.free},
	    {"seed=", &options.seed},
	};
	int i;

	for (i = 0; i < COUNT(list); i++)
		if (strncmp(word, list[i].name, strlen(list[i].name)) == 0)
			*list[i].value =
			    strtoul(word + strlen(list[i].name), NULL, 0);
}

int main(int argc, char **argv)
{
	const char *sentence;
	int i;

	if (getpid() != 1)
		return 0;
	for (i = 1; i < argc; i++)
		option(argv[i]);
	board = (int *)(void *)pages_shared(1);
	verdict = (char *)board + BOARD_BYTES;
	if (!on_calf_test_build()) {
		printf("Bail out! a storm needs a test kernel\n");
		return 1;
	}
	pages = pages_private(PAGES);
	printf("1..1\n# seed %lu, ends after %lu %s\n",
	    (unsigned long)options.seed,
	    (unsigned long)(options.forks != 0 ? options.forks
					       : options.minutes),
	    options.forks != 0 ? "forks" : "minutes");
	fflush(stdout);
	warm_up();
	ballast(options.free);
	sentence = storm();
	printf("%sok 1 - after_a_storm_everything_is_as_before%s%s\n",
	    sentence == NULL ? "" : "not ", sentence == NULL ? "" : " # ",
	    sentence == NULL ? "" : sentence);
	return sentence == NULL ? 0 : 1;
}
