/* SPDX-License-Identifier: MIT */
/*
 * gen_process.c - the tree of processes, and whose turn it is.
 *
 * Two pipes connect parent and child. A byte on one gives the child the turn; a
 * byte on the other gives it back, and the end of that pipe tells that the
 * child has died. A child has closed the pipes of its siblings and of its
 * parent, so the end is seen however the child dies.
 */
#include "genprog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CHILDREN 3
#define ALONE_STEPS  6

enum turn { TURN_GO = 'g', TURN_ALONE = 'a', TURN_QUIT = 'q' };

struct child {
	pid_t pid; /* 0: free */
	int index;
	int give, take; /* our ends of its pipes */
};

static struct child children[MAX_CHILDREN];
static int give_fd = -1, take_fd = -1; /* of the pipes to the parent */

static void step(void);

/* ---- Turns ---- */

static int read_byte(int fd)
{
	unsigned char byte;
	long n;

	do
		n = SYS(SYS_read, fd, &byte, 1);
	while (n == -EINTR);
	return n == 1 ? byte : -1;
}

static void write_byte(int fd, int value)
{
	unsigned char byte = (unsigned char)value;

	while (SYS(SYS_write, fd, &byte, 1) == -EINTR)
		continue;
}

/* The turn goes back to the parent, until it is given again. */
static void give_back(void)
{
	int turn;

	if (take_fd < 0)
		return;
	write_byte(give_fd, 'y');
	turn = read_byte(take_fd);
	while (turn == TURN_ALONE) {
		self.alone = true;
		for (int i = 0; i < ALONE_STEPS; i++)
			step();
		self.alone = false;
		write_byte(give_fd, 'y');
		turn = read_byte(take_fd);
	}
	if (turn != TURN_GO)
		world->steps_left = 0;
}

/* ---- Ends ---- */

/* Not compared: whether there was a core. */
static int told_status(int status)
{
	return WIFSIGNALED(status) ? status & ~0x80 : status;
}

static void reap(struct child *c)
{
	int status = -1;
	long got = SYS(SYS_wait4, c->pid, &status, 0, NULL);

	say("wait4 P%d = %s, status %x", c->index,
	    got == c->pid ? "it" : "another", told_status(status));
	(void)SYS(SYS_close, c->give);
	(void)SYS(SYS_close, c->take);
	c->pid = 0;
	world->streams[self.index].children--;
}

/* Waits until the child gives the turn back, or has ended. */
static void await_turn(struct child *c)
{
	if (read_byte(c->take) < 0)
		reap(c);
}

static void give_turn(struct child *c, enum turn turn)
{
	write_byte(c->give, turn);
	await_turn(c);
}

static struct child *pick_child(void)
{
	struct child *c = &children[pick(MAX_CHILDREN)];

	return c->pid != 0 ? c : NULL;
}

static void end_children(void)
{
	for (int i = 0; i < MAX_CHILDREN; i++)
		while (children[i].pid != 0)
			give_turn(&children[i], TURN_QUIT);
}

_Noreturn static void end_self(void)
{
	end_children();
	op_sum();
	say("exit");
	_exit((int)pick(256));
}

/* ---- Operations ---- */

static void close_others(const struct child *mine)
{
	for (int i = 0; i < MAX_CHILDREN; i++) {
		if (children[i].pid != 0 && &children[i] != mine) {
			(void)SYS(SYS_close, children[i].give);
			(void)SYS(SYS_close, children[i].take);
		}
		children[i].pid = 0;
	}
	(void)SYS(SYS_close, give_fd);
	(void)SYS(SYS_close, take_fd);
}

_Noreturn static void child_start(const int down[2], const int up[2],
    pid_t parent, uint64_t seed)
{
	close_others(NULL);
	(void)SYS(SYS_close, down[1]);
	(void)SYS(SYS_close, up[0]);
	take_fd = down[0];
	give_fd = up[1];
	self.index = world->procs - 1;
	self.depth++;
	self.rng = seed;
	world->streams[self.index].pid = getpid();
	say("begin at depth %d, parent is %s", self.depth,
	    getppid() == parent ? "right" : "wrong");
	live();
}

/* A pipe whose ends are out of the way of other descriptors. */
static void turn_pipe(int fds[2])
{
	int low[2] = {-1, -1};

	(void)SYS(SYS_pipe2, low, 0);
	for (int i = 0; i < 2; i++) {
		fds[i] = (int)SYS(SYS_fcntl, low[i], F_DUPFD, 100);
		(void)SYS(SYS_close, low[i]);
	}
}

static void op_fork(void)
{
	struct child *c = &children[pick(MAX_CHILDREN)];
	pid_t pid, parent = getpid();
	int down[2], up[2];
	uint64_t seed = self.rng * 0x9e3779b97f4a7c15u | 1;

	if (c->pid != 0 || world->procs == MAX_PROCS || self.depth == MAX_DEPTH)
		return;
	turn_pipe(down);
	turn_pipe(up);
	c->index = world->procs++;
	world->streams[self.index].children++;
	pid = fork();
	if (pid == 0)
		child_start(down, up, parent, seed);
	say("fork P%d = %s", c->index, pid > 0 ? "a child" : "an error");
	(void)SYS(SYS_close, down[0]);
	(void)SYS(SYS_close, up[1]);
	c->pid = pid;
	c->give = down[1];
	c->take = up[0];
	await_turn(c);
}

static void op_turn(void)
{
	struct child *c = pick_child();

	if (chance(3))
		give_back();
	else if (c != NULL)
		give_turn(c, TURN_GO);
}

/* Parent and child run at once, and touch memory that they do not share. */
static void op_both(void)
{
	struct child *c = pick_child();

	if (c == NULL || world->steps_left < 2 * ALONE_STEPS)
		return;
	world->steps_left -= 2 * ALONE_STEPS;
	say("both P%d", c->index);
	write_byte(c->give, TURN_ALONE);
	self.alone = true;
	for (int i = 0; i < ALONE_STEPS; i++)
		step();
	self.alone = false;
	await_turn(c);
}

static void op_wait(void)
{
	struct child *c = pick_child();
	int status = -1;

	switch (pick(4)) {
	case 0:
		say("wait4 nobody = %ld",
		    SYS(SYS_wait4, getpid(), &status, 0, NULL));
		break;
	case 1:
		say("wait4 options = %ld",
		    SYS(SYS_wait4, -1, &status, 0x10000, NULL));
		break;
	case 2:
		if (world->streams[self.index].children == 0)
			say("wait4 none = %ld",
			    SYS(SYS_wait4, -1, &status, 0, NULL));
		break;
	default:
		if (c != NULL)
			say("wait4 WNOHANG = %ld",
			    SYS(SYS_wait4, c->pid, &status, WNOHANG, NULL));
		break;
	}
}

static void stop_and_go(struct child *c)
{
	int status = -1;

	say("kill STOP = %ld", SYS(SYS_kill, c->pid, SIGSTOP));
	say("wait4 = %d",
	    SYS(SYS_wait4, c->pid, &status, WUNTRACED, NULL) == c->pid);
	say("status %x", status);
	if (chance(3)) {
		say("kill CONT = %ld", SYS(SYS_kill, c->pid, SIGCONT));
		say("wait4 = %d",
		    SYS(SYS_wait4, c->pid, &status, WCONTINUED, NULL) ==
			c->pid);
		say("status %x", status);
	} else if (world->streams[c->index].children == 0 && chance(2)) {
		say("kill KILL = %ld", SYS(SYS_kill, c->pid, SIGKILL));
		await_turn(c);
	} else {
		(void)SYS(SYS_kill, c->pid, SIGCONT);
	}
}

/*
 * One signal for a child that waits for its turn, and then the turn, so that no
 * second signal can come before or after the first is handled. No process that
 * has children is killed: they would be orphans, and end at any time.
 */
static void op_signal_child(void)
{
	static const int harmless[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH};
	static const int deadly[] = {SIGKILL, SIGHUP, SIGALRM, SIGINT};
	struct child *c = pick_child();
	int sig;

	if (c == NULL)
		return;
	if (chance(4)) {
		stop_and_go(c);
		return;
	}
	if (world->streams[c->index].children == 0 && chance(4)) {
		sig = deadly[pick(COUNT(deadly))];
		say("kill P%d %d = %ld", c->index, sig,
		    SYS(SYS_kill, c->pid, sig));
		await_turn(c);
		return;
	}
	sig = harmless[pick(COUNT(harmless))];
	say("kill P%d %d = %ld", c->index, sig, SYS(SYS_kill, c->pid, sig));
	give_turn(c, TURN_GO);
}

/* The end of a process, in one of several ways. */
static void op_end(void)
{
	static const int signals[] = {SIGKILL, SIGHUP, SIGABRT, SIGALRM};
	volatile int *volatile nowhere = (volatile int *)8;
	int way = (int)pick(3);

	if (self.depth == 0 && !chance(6))
		return;
	end_children();
	op_sum();
	say("end %d", way);
	if (way == 0)
		_exit((int)pick(1000));
	if (way == 1)
		(void)SYS(SYS_kill, getpid(), signals[pick(COUNT(signals))]);
	signal(SIGSEGV, SIG_DFL);
	*nowhere = 1;
	_exit(98);
}

/* ---- Steps ---- */

struct op {
	void (*run)(void);
	unsigned weight;
	bool alone; /* touches only memory that may be unshared */
};

static const struct op ops[] = {
    {op_map, 16, true},
    {op_map_badly, 2, false},
    {op_unmap, 10, true},
    {op_protect, 10, true},
    {op_discard, 4, true},
    {op_brk, 3, true},
    {op_load, 12, true},
    {op_store, 30, true},
    {op_call, 3, true},
    {op_sum, 3, true},
    {op_action, 4, false},
    {op_mask, 4, false},
    {op_raise, 5, false},
    {op_pipe, 3, false},
    {op_pipe_close, 1, false},
    {op_pipe_write, 8, false},
    {op_pipe_read, 8, false},
    {op_descriptor, 3, false},
    {op_fork, 12, false},
    {op_turn, 16, false},
    {op_both, 5, false},
    {op_wait, 3, false},
    {op_signal_child, 4, false},
    {op_end, 2, false},
};

static unsigned weights(void)
{
	unsigned sum = 0;

	for (int i = 0; i < COUNT(ops); i++)
		sum += ops[i].weight;
	return sum;
}

static void step(void)
{
	unsigned at = pick(weights());
	int i = 0;

	while (at >= ops[i].weight)
		at -= ops[i++].weight;
	if (self.alone && !ops[i].alone)
		i = 0;
	ops[i].run();
}

_Noreturn void live(void)
{
	if (take_fd >= 0)
		give_back();
	while (world->steps_left > 0) {
		world->steps_left--;
		step();
	}
	end_self();
}
