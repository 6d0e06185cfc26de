/* SPDX-License-Identifier: MIT */
/*
 * mortal.c - a server in a process of its own, with its own loop and its own
 * log, which is killed again and again: whenever it asks for memory, gives some
 * back, or is at one of the kernel's calls.
 *
 * What the kernel does for a server is done here in memory that all processes
 * share: a request that was in a dead server's hand is asked again, before all
 * others, and who is kept stays behind and forks. Who asks waits meanwhile.
 */
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../user/servers/files/opened.h"
#include "abi/fcntl.h"
#include "memory.h"
#include "served.h"
#include "sim.h"
#include "tap.h"

/* So small that the server has to be kept often. */
#define LOG_SIZE (2 * LOG_ENTRY_MAX + 16384 + 20000)

#define LENT_MAX 70000
#define PATIENCE 10 /* seconds */
#define DEATHS   3  /* of one call, at most */

enum state { ASKED, IN_HAND, ANSWERED };

static struct machine {
	enum state state;
	struct request request;
	struct reply reply;
	char along[2 * COMES_ALONG];
	char in[LENT_MAX], out[LENT_MAX];
	size_t in_len, out_len;
	bool lends_in;
	sem_t asked, answered;
	unsigned left[DEATHS]; /* moments up to a death; 0: none comes */
	pid_t keeper;
	bool is_unkept;
	uint64_t objects; /* that were left when it ended */
	char end[200];
} * machine;

static struct server server;
static bool has_in_hand;

static bool wait_for(sem_t *sem)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	while (sem_timedwait(sem, &until) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* --- the server's side ---------------------------------------------------- */

/* It may die here, if there is somebody to go on. */
static void moment(void)
{
	if (machine->is_unkept || machine->left[0] == 0 ||
	    --machine->left[0] > 0)
		return;
	memmove(machine->left, machine->left + 1,
	    sizeof machine->left - sizeof *machine->left);
	machine->left[DEATHS - 1] = 0;
	(void)raise(SIGKILL);
}

static ssize_t lend(size_t len, uint64_t offset, size_t all)
{
	moment();
	if (offset > all)
		return 0;
	return (ssize_t)(len < all - offset ? len : all - offset);
}

ssize_t port_read(int port, unsigned lease, uint64_t offset, void *to,
    size_t len)
{
	ssize_t n = lend(len, offset, machine->in_len);

	(void)port;
	if (lease != 0 || !machine->lends_in) {
		errno = EINVAL;
		return -1;
	}
	memcpy(to, machine->in + offset, (size_t)n);
	return n;
}

ssize_t port_write(int port, unsigned lease, uint64_t offset, const void *from,
    size_t len)
{
	ssize_t n = lend(len, offset, machine->out_len);

	(void)port;
	(void)lease;
	memcpy(machine->out + offset, from, (size_t)n);
	return n;
}

int port_events(int port, uint64_t raise, uint64_t lower)
{
	(void)port;
	(void)raise;
	(void)lower;
	return 0;
}

static void deliver(const struct reply *reply)
{
	machine->reply = *reply;
	if (reply->out_len > 0)
		(void)port_write(0, 0, 0, reply->out, reply->out_len);
	machine->reply.out = NULL;
	has_in_hand = false;
	machine->state = ANSWERED;
	(void)sem_post(&machine->answered);
}

int port_next(int port, const struct reply *reply, struct request *request,
    void *in, size_t size)
{
	(void)port;
	memory_fail(0, false);
	moment();
	if (has_in_hand)
		deliver(reply);
	/* Who asked may have gone. */
	if (!wait_for(&machine->asked))
		_exit(EXIT_FAILURE);
	machine->state = IN_HAND;
	has_in_hand = true;
	memset(in, 0xa5, size);
	memcpy(in, machine->along, machine->request.in_len);
	*request = machine->request;
	moment();
	return 0;
}

int port_create(unsigned level)
{
	return (int)level;
}

int port_open(int port, uint64_t token, unsigned flags, uint64_t readable,
    uint64_t writable)
{
	(void)port;
	(void)token;
	(void)flags;
	return (int)(readable + writable);
}

void port_watch_keeper(void)
{
}

bool port_is_unkept(void)
{
	return machine->is_unkept;
}

/* What was in its hand is asked again. */
static void bury(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) != child)
		;
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	has_in_hand = false;
	if (machine->state != IN_HAND)
		return;
	machine->state = ASKED;
	(void)sem_post(&machine->asked);
}

int port_keep(int port)
{
	static pid_t kept;
	pid_t self = getpid(), child;
	bool is_another = false, is_first;

	(void)port;
	moment();
	for (; (child = fork()) != 0; is_another = true)
		bury(child);
	if (kept != 0 && !is_another && !machine->is_unkept)
		(void)kill(kept, SIGKILL);
	/* Who goes on, and does once more what was done, gets no memory. */
	if (is_another)
		memory_fail(1 + machine->left[0] % 7, true);
	is_first = machine->keeper == 0;
	machine->keeper = kept = self;
	machine->is_unkept = false;
	/* Who asks has waited for somebody to stay behind. */
	if (is_first)
		(void)sem_post(&machine->answered);
	moment();
	return has_in_hand && machine->request.number != REQUEST_CLOSED;
}

static void be_server(void)
{
	int err = serve_loop(&server, false);

	memory_asks = NULL;
	tree_destroy(&server.tree);
	if (err != 0 || memory_in_use > 0)
		(void)strcpy(machine->end,
		    found("error %d, %lu objects are left", err,
			memory_in_use));
	(void)sem_post(&machine->answered);
	_exit(0);
}

/* --- who asks ------------------------------------------------------------- */

static void make_machine(void)
{
	machine = sim_shared_memory(sizeof *machine);
	memory_pool_make();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)sem_init(&machine->asked, 1, 0);
	(void)sem_init(&machine->answered, 1, 0);
	if (!log_make(&server.log, LOG_SIZE) || !opened_make(100))
		sim_fail("no memory");
}

static void wait_for_answer(void)
{
	if (!wait_for(&machine->answered))
		sim_fail("there is no answer, and no server");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

uint64_t served_begin(void)
{
	uint64_t token;

	if (machine == NULL)
		make_machine();
	machine->end[0] = '\0';
	machine->keeper = 0;
	machine->is_unkept = false;
	memset(machine->left, 0, sizeof machine->left);
	(void)tree_init(&server.tree, (struct moment){1, 0}, 7);
	(void)file_open(&server.tree, (struct where){server.tree.root, "/"},
	    O_RDONLY, 0, opened_place());
	server.open = 1;
	/* What is left in the log is of an earlier sequence. */
	server.log.generation += 1 << 20;
	token = opened_take(0);
	if (fork() == 0) {
		memory_asks = moment;
		be_server();
	}
	/* Here it is not used. */
	file_close(&server.tree, opened_file(token));
	opened_give(token);
	tree_destroy(&server.tree);
	wait_for_answer();
	return token;
}

/* None, one, or more; soon, or some time later. */
static void choose_deaths(void)
{
	unsigned range = sim_below(2) > 0 ? 8 : 200;

	if (sim_below(4) > 0)
		return;
	for (unsigned i = 0; i < 1 + sim_below(DEATHS); i++)
		machine->left[i] = 1 + sim_below(range);
}

/* Who stays behind dies, while nothing is asked; the server is told. */
static void maybe_kill_keeper(void)
{
	if (machine->is_unkept || sim_below(40) > 0)
		return;
	(void)kill(machine->keeper, SIGKILL);
	machine->is_unkept = true;
}

struct reply served_ask(struct request *request, const struct lent *lent)
{
	machine->lends_in = lent->in != NULL;
	if (machine->lends_in)
		memcpy(machine->in, lent->in, lent->in_len);
	machine->in_len = lent->in_len;
	machine->out_len = lent->out_len;
	lent_along(lent, request, machine->along);
	machine->request = *request;
	machine->state = ASKED;
	maybe_kill_keeper();
	choose_deaths();
	(void)sem_post(&machine->asked);
	wait_for_answer();
	if (lent->out != NULL)
		memcpy(lent->out, machine->out, lent->out_len);
	return machine->reply;
}

const char *served_end(void)
{
	return machine->end[0] != '\0' ? found("%s", machine->end) : NULL;
}
