/* SPDX-License-Identifier: MIT */
/*
 * mortal.c - a server in a process of its own, with its own loop and its own
 * log, which is killed again and again: whenever it asks for memory, gives some
 * back, or is at one of the kernel's calls; its twin and its callers are killed
 * too, and replies are refused. See mortal.h.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/servers/files/opened.h"
#include "abi/fcntl.h"
#include "abi/syscall.h"
#include "memory.h"
#include "mortal.h"
#include "sim.h"
#include "tap.h"

/* The log is so small that the server has to be kept often. */
#define LOG_SIZE (2 * LOG_ENTRY_MAX + 16384 + 20000)

/* Scenes, whose results are not compared, number their calls from here. */
#define SCENE (1UL << 40)

static uint64_t root;

static void make_machine(void)
{
	machine = sim_shared_memory(sizeof *machine);
	memory_pool_make();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = OF_WHO_ASKS; i <= OF_SERVER; i++)
		(void)sem_init(&machine->changed[i], 1, 0);
	if (!log_make(&server.log, LOG_SIZE) || !opened_make(100))
		sim_fail("no memory");
}

/* Waits until the server waits for a request, or has ended. */
static void look_after(bool goes_on)
{
	if (!goes_on)
		sim_fail("there is no answer, and no server");
	if (machine->end[0] != '\0')
		sim_fail("%s", machine->end);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void let_it_run(void)
{
	look_after(mortal_pass(OF_WHO_ASKS, OF_SERVER));
}

uint64_t served_begin(void)
{
	if (machine == NULL)
		make_machine();
	machine->end[0] = '\0';
	machine->has_ended = machine->heard = machine->is_unkept = false;
	machine->keeper = 0;
	machine->state = NOTHING;
	machine->faults = (struct faults){0};
	machine->turn = OF_WHO_ASKS;
	(void)tree_init(&server.tree, (struct moment){1, 0}, 7);
	(void)file_open(&server.tree, (struct where){server.tree.root, "/"},
	    O_RDONLY, 0, opened_place());
	server.open = 1;
	/* Entries that are left in the log are of an earlier sequence. */
	server.log.generation += 1 << 20;
	root = opened_take(0);
	if (fork() == 0)
		mortal_serve();
	/* This test does not use the root that the server has opened. */
	file_close(&server.tree, opened_file(root));
	opened_give(root);
	tree_destroy(&server.tree);
	let_it_run();
	return root;
}

/* --- what is going to happen ---------------------------------------------- */

static bool one_in(uint32_t n)
{
	return sim_below(n) == 0;
}

/* A number of moments: often few, at times many. */
static unsigned some_moments(void)
{
	return 1 + sim_below(sim_below(2) > 0 ? 8 : 200);
}

static void choose_faults(void)
{
	struct faults *faults = &machine->faults;

	mortal_turn(OF_WHO_ASKS);
	memset(faults->server, 0, sizeof faults->server);
	if (one_in(4))
		for (unsigned i = 0; i < 1 + sim_below(DEATHS); i++)
			faults->server[i] = some_moments();
	faults->keeper = one_in(20) ? some_moments() : 0;
	if (one_in(20))
		faults->births = 1 + sim_below(2);
	if (one_in(20))
		faults->parent = true;
	if (one_in(10))
		faults->refusal = 1 + sim_below(REFUSED_ROOM);
}

/*
 * While the server waits: kills the process that stays behind, or the server;
 * or a signal ends its wait.
 */
static void kill_who_is_idle(void)
{
	mortal_turn(OF_WHO_ASKS);
	if (one_in(40))
		mortal_kill_keeper();
	else if (one_in(40))
		machine->heard = true;
	if (machine->heard && one_in(2))
		let_it_run();
	else if (!machine->is_unkept && one_in(40))
		look_after(mortal_kill_server());
}

/* --- the caller ----------------------------------------------------------- */

/* False: the caller was killed, and does not wait for the reply. */
static bool exchange(const struct request *request, const struct lent *lent)
{
	choose_faults();
	machine->lends_in = lent->in != NULL;
	if (machine->lends_in)
		memcpy(machine->in, lent->in, lent->in_len);
	machine->in_len = lent->in_len;
	machine->out_len = lent->out_len;
	machine->request = *request;
	lent_along(lent, &machine->request, machine->along);
	machine->is_gone = machine->is_refused = false;
	machine->state = ASKED;
	let_it_run();
	machine->faults.caller = false;
	if (machine->state != NOTHING && !machine->has_ended)
		sim_fail("it waits, and something is asked");
	if (lent->out != NULL && !machine->is_gone)
		memcpy(lent->out, machine->out, lent->out_len);
	return !machine->is_gone;
}

static void close_token(uint64_t token)
{
	const struct lent none = {0};

	(void)exchange(&(struct request){.number = REQUEST_CLOSED,
			   .token = token},
	    &none);
}

/* --- scenes that nothing is compared with --------------------------------- */

static struct request scene(uint64_t number, uint64_t token, uint64_t arg)
{
	static uint64_t id = SCENE;

	return (struct request){.id = ++id,
	    .number = number,
	    .token = token,
	    .arg = {0, arg}};
}

/* Opens the root once more; 0 if the caller has gone meanwhile. */
static uint64_t open_root(bool is_killed)
{
	const struct lent path = {.path = {"/"}};
	struct request request = scene(SYS_openat, root, 0);

	machine->faults.caller = is_killed;
	if (!exchange(&request, &path))
		return 0;
	if (!(machine->reply.flags & REPLY_FILE))
		sim_fail("the root cannot be opened: %ld",
		    machine->reply.result);
	return machine->reply.token;
}

/* A file whose open() did not return is closed: served_end() checks that. */
static void open_for_nobody(void)
{
	uint64_t token = open_root(true);

	if (token != 0)
		close_token(token);
}

static void lock(struct request *request, bool waits)
{
	const struct lent none = {0};

	(void)exchange(request, &none);
	if (machine->reply.result != 0 ||
	    machine->reply.flags != (waits ? REPLY_LATER : 0))
		sim_fail("a lock: %ld, flags %u", machine->reply.result,
		    machine->reply.flags);
}

/* A call that has to wait for a lock is made again, with its id. */
static void wait_for_lock(void)
{
	uint64_t first = open_root(false), second = open_root(false);
	struct request request = scene(SYS_flock, first, LOCK_EX);
	struct request waiting = scene(SYS_flock, second, LOCK_EX);

	lock(&request, false);
	for (unsigned i = 0; i < 1 + sim_below(3); i++)
		lock(&waiting, true);
	request = scene(SYS_flock, first, LOCK_UN);
	lock(&request, false);
	lock(&waiting, false);
	close_token(first);
	close_token(second);
}

struct reply served_ask(struct request *request, const struct lent *lent)
{
	kill_who_is_idle();
	if (one_in(40))
		open_for_nobody();
	else if (one_in(40))
		wait_for_lock();
	(void)exchange(request, lent);
	return machine->reply;
}

const char *served_end(void)
{
	if (!machine->has_ended)
		sim_fail("a file is open that nobody has");
	return NULL;
}
