/* SPDX-License-Identifier: MIT */
/*
 * kill.c - killing a process before any of its instructions; see kill.h.
 *
 * A hart that comes to user mode with such a process stops, and goes on in
 * parts that end where a process is to be killed. As always, where it stops
 * does not change what happens.
 */
#include "kill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layout.h"
#include "report.h"

#define SYS_KILL 129
#define SIGKILL_ 9

#define A0 10
#define A1 11
#define A7 17

static bool has_begun;
static bool is_copy;
static uint64_t count;  /* executed by all of them */
static uint64_t next;   /* the count at which a process is killed */
static uint64_t killed; /* the count of the first kill */

void kill_init(void)
{
	killed = NEVER;
	has_begun = machine.config.during == NULL;
	next = machine.config.kill != NULL ? machine.config.kill_at : NEVER;
	if (machine.config.kill_every != 0)
		console_keep();
}

/* --- calls that are not in a program ------------------------------------- */

#define CALL_LENGTH 4

/* The registers of a process during such a call. */
static struct {
	const uint8_t *proc; /* NULL: there is none */
	uint64_t pc;
	uint64_t x[33];
} borrowed;

/*
 * Restores the registers when the process is behind the call, after any handler
 * that ran in between.
 */
static void give_back(struct core *c, const uint8_t *proc)
{
	struct hart *h = &c->hart;

	if (borrowed.proc != proc || h->pc != borrowed.pc + CALL_LENGTH)
		return;
	memcpy(h->x, borrowed.x, sizeof borrowed.x);
	h->pc = borrowed.pc;
	borrowed.proc = NULL;
}

/* --- counting ------------------------------------------------------------- */

static bool is_called(const uint8_t *proc, const char *name)
{
	return strncmp((const char *)proc + KERNEL_PROC_NAME, name, 32) == 0;
}

static int pid_of(const uint8_t *proc)
{
	int pid;

	memcpy(&pid, proc + KERNEL_PROC_PID, sizeof pid);
	return pid;
}

/* The process that may be killed and was last in user mode. */
static struct {
	const uint8_t *proc;
	int pid;
} last;

static void look(const uint8_t *proc)
{
	const struct config *config = &machine.config;

	if (config->during == NULL || is_called(proc, config->during))
		has_begun = true;
	if (is_called(proc, config->kill)) {
		last.proc = proc;
		last.pid = pid_of(proc);
	}
}

static bool is_counted(const uint8_t *proc)
{
	const struct config *config = &machine.config;

	return has_begun &&
	    is_called(proc,
		config->counting != NULL ? config->counting : config->kill);
}

void kill_to_user(struct core *c)
{
	const uint8_t *proc;

	if (machine.config.kill == NULL)
		return;
	proc = report_process_of(c);
	if (proc == NULL)
		return;
	give_back(c, proc);
	look(proc);
	if (!is_counted(proc))
		return;
	c->victim_since = hart_steps(&c->hart);
	hart_stop(&c->hart);
}

void kill_count(struct core *c)
{
	uint64_t now = hart_steps(&c->hart);

	if (c->victim_since == NEVER)
		return;
	count += now - c->victim_since;
	c->victim_since = now;
}

void kill_from_user(struct core *c)
{
	kill_count(c);
	c->victim_since = NEVER;
}

uint64_t kill_place(void)
{
	return killed != NEVER ? killed : machine.config.kill_at;
}

/* --- telling -------------------------------------------------------------- */

static void put(const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = write(1, bytes, len);
		if (n <= 0)
			_exit(STATUS_USAGE);
	}
}

static void tell(uint64_t at, int status, const char *bytes, size_t len)
{
	char line[200];
	int n = snprintf(line, sizeof line,
	    "killed at=%" PRId64 " status=%d steps=%" PRIu64 " count=%" PRIu64
	    " bytes=%zu\n",
	    (int64_t)at, status, machine_steps(), count, len);

	put(line, (size_t)n);
	put(bytes, len);
}

void kill_report(void)
{
	size_t len;
	const char *bytes = console_kept(&len);

	tell(killed, machine.status, bytes, len);
}

/* --- killing -------------------------------------------------------------- */

/* The process that is to be killed, or NULL. */
static const uint8_t *victim(void)
{
	const uint8_t *proc = last.proc;
	uint64_t parent;

	if (proc == NULL || pid_of(proc) != last.pid)
		return NULL;
	if (!machine.config.kill_parent)
		return proc;
	memcpy(&parent, proc + KERNEL_PROC_PARENT, sizeof parent);
	parent -= KERNEL_DIRECT_MAP;
	if (!is_ram(parent, PAGE_SIZE))
		return NULL;
	proc = ram_at(parent);
	return is_called(proc, machine.config.kill) ? proc : NULL;
}

/*
 * The process makes a call that is not in its program, and does not notice, if
 * it lives.
 */
static void kill_by_call(struct core *c)
{
	const uint8_t *proc = victim();
	struct hart *h = &c->hart;

	if (proc == NULL)
		return;
	borrowed.proc = report_process_of(c);
	if (borrowed.proc == proc) /* it has no use for them any more */
		borrowed.proc = NULL;
	borrowed.pc = h->pc;
	memcpy(borrowed.x, h->x, sizeof borrowed.x);
	h->x[A0] = (uint64_t)pid_of(proc);
	h->x[A1] = SIGKILL_;
	h->x[A7] = SYS_KILL;
	hart_trap(h, CAUSE_ECALL_U, 0);
}

static void kill_now(struct core *c)
{
	const struct config *config = &machine.config;

	if (killed == NEVER)
		killed = count;
	next = config->kill_again != 0 ? next + config->kill_again : NEVER;
	switch ((enum death)config->death) {
	case DEATH_ILLEGAL:
		hart_trap(&c->hart, CAUSE_ILLEGAL, 0);
		return;
	case DEATH_ACCESS:
		hart_trap(&c->hart, CAUSE_LOAD_ACCESS, c->hart.pc);
		return;
	default:
		kill_by_call(c);
	}
}

/* The copy goes on from here, to its own end. */
static _Noreturn void be_killed(struct core *c)
{
	is_copy = true;
	(void)dup2(1, 2);
	kill_now(c);
	machine_run(machine_steps() + machine.config.kill_within);
	if (!machine.over)
		report_failure(c,
		    "endless: expected an end within %" PRIu64 " instructions",
		    machine.config.kill_within);
	kill_report();
	_exit(0);
}

/* Copies run one after the other, so that their reports do not mix. */
static void kill_copy(struct core *c)
{
	int status;
	pid_t pid;

	console_flush();
	pid = fork();
	if (pid == 0)
		be_killed(c);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		tell(next, STATUS_FAILED, "", 0);
	next += machine.config.kill_every;
	if (next >= machine.config.kill_to)
		next = NEVER;
}

uint64_t kill_if_due(struct core *c)
{
	if (c->victim_since == NEVER)
		return NEVER;
	if (count == next && machine.config.kill_every != 0 && !is_copy)
		kill_copy(c);
	else if (count == next)
		kill_now(c);
	return c->victim_since == NEVER || next == NEVER ? NEVER : next - count;
}
