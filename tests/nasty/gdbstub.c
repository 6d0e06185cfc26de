/* SPDX-License-Identifier: MIT */
/*
 * gdbstub.c - gdb's remote serial protocol: harts are threads, and time goes
 * both ways.
 *
 * The debugger changes nothing of what happens, unless it writes registers or
 * memory: steps and breakpoints only interrupt a turn, which then goes on.
 */
#include "gdbstub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gdb_packet.h"
#include "gdb_regs.h"
#include "report.h"
#include "snapshot.h"

#define CHUNK 1000000 /* steps between two looks at the debugger */

static char answer[GDB_PACKET];
static unsigned thread; /* the hart that commands are for */
static bool scouting;   /* the machine runs through stops */
static bool noting;     /* and notes the last of them */
static uint64_t watched_va,
    watch_hit; /* as the debugger named it; 0: it was not hit */
/* The last stop, while scouting. */
static struct {
	uint64_t step;
	unsigned hart;
	bool watched; /* the stop comes after a store to watched memory */
} noted;
static uint64_t breakpoints[BREAKPOINTS];
static unsigned breakpoint_count;

static struct hart *selected(void)
{
	return &machine.cores[thread].hart;
}

/* --- stopping ------------------------------------------------------------- */

/* The instruction at a breakpoint is not done yet, a watched store is. */
static void note(const struct core *c, bool is_watched)
{
	if (!noting)
		return;
	noted.step = is_watched ? machine_steps() : machine_steps() - 1;
	noted.hart = c->hart.index;
	noted.watched = is_watched;
}

static bool at_breakpoint(struct core *c)
{
	if (scouting) {
		note(c, false);
		return false;
	}
	thread = c->hart.index;
	return true;
}

void gdb_watched(const struct core *c)
{
	if (scouting) {
		note(c, true);
		return;
	}
	thread = c->hart.index;
	watch_hit = watched_va;
	machine.held = true;
	if (machine.running != NULL)
		hart_stop(&machine.running->hart);
}

/*
 * For a page that is not watched any more, windows open again at later
 * accesses.
 */
static void watch_set(uint64_t pa)
{
	uint64_t page = pa & ~PAGE_MASK;

	machine.config.watch = pa;
	for (unsigned i = 0; page != 0 && i < machine.hart_count; i++)
		hart_watch_windows(&machine.cores[i].hart, ram_at(page));
}

static void breakpoint_add(uint64_t va)
{
	if (breakpoint_count == BREAKPOINTS)
		return;
	breakpoints[breakpoint_count++] = va;
	hook_add(va, at_breakpoint);
}

static void breakpoint_remove(uint64_t va)
{
	for (unsigned i = 0; i < breakpoint_count; i++)
		if (breakpoints[i] == va) {
			breakpoints[i] = breakpoints[--breakpoint_count];
			hook_remove(va, at_breakpoint);
			return;
		}
}

/*
 * A snapshot has the breakpoints of its own time; these are the present ones.
 */
static void bring_up_to_date(const struct request *r)
{
	while (breakpoint_count > 0)
		breakpoint_remove(breakpoints[0]);
	for (unsigned i = 0; i < r->breakpoint_count; i++)
		breakpoint_add(r->breakpoints[i]);
	console_has_said(r->said);
	watched_va = r->watched_va;
	watch_set(r->watch);
}

static void tell_stop(void)
{
	if (machine.over && machine.ender != NULL)
		thread = machine.ender->hart.index;
	if (machine.over && machine.config.hold)
		snprintf(answer, sizeof answer, "T05replaylog:end;thread:%x;",
		    thread + 1);
	else if (machine.over && machine.status != STATUS_FAILED)
		snprintf(answer, sizeof answer, "W%02x",
		    (unsigned)machine.status & 0xff);
	else if (watch_hit != 0)
		snprintf(answer, sizeof answer,
		    "T05watch:%" PRIx64 ";thread:%x;", watch_hit, thread + 1);
	else
		snprintf(answer, sizeof answer, "T%02xthread:%x;",
		    machine.over ? 6 : 5, thread + 1);
	watch_hit = 0;
	gdb_reply(answer);
}

/* --- going on ------------------------------------------------------------- */

/* Executes one instruction of the selected hart; others may come before it. */
static void step(void)
{
	const struct core *c = &machine.cores[thread];
	uint64_t before = c->counted;

	while (!machine.over && c->counted == before)
		machine_run(machine_steps() + 1);
}

/* --- going back ----------------------------------------------------------- */

/* Runs up to where the request came from and notes the last stop. */
static void scout(const struct request *r)
{
	const struct core *c;

	scouting = true;
	noting = r->travel == TRAVEL_CONTINUE;
	while (r->travel == TRAVEL_STEP && machine_steps() < r->before &&
	    (c = sched_next()) != NULL) {
		if (c->hart.index == r->hart)
			noted.step = machine_steps();
		machine_run(machine_steps() + 1);
	}
	if (r->travel == TRAVEL_CONTINUE)
		machine_run(r->before);
}

/* Finds the last stop in a process of its own. The result is in `noted`. */
static void find_stop(const struct request *r)
{
	int ends[2];

	noted.step = NEVER;
	noted.hart = r->hart;
	noted.watched = false;
	if (pipe(ends) != 0)
		return;
	if (fork() == 0) {
		scout(r);
		(void)!write(ends[1], &noted, sizeof noted);
		_exit(0);
	}
	(void)close(ends[1]);
	if (read(ends[0], &noted, sizeof noted) != sizeof noted)
		noted.step = NEVER;
	(void)close(ends[0]);
}

static void travel(struct request r)
{
	uint64_t here = machine_steps();

	bring_up_to_date(&r);
	find_stop(&r);
	thread = noted.step == NEVER ? r.hart : noted.hart;
	if (noted.step == NEVER && here > 0) {
		r.before = here;
		(void)snapshot_travel(r);
	}
	if (noted.step == NEVER) {
		snprintf(answer, sizeof answer, "T05replaylog:begin;thread:%x;",
		    thread + 1);
		gdb_reply(answer);
		return;
	}
	scouting = true;
	machine_run(noted.step);
	scouting = false;
	watch_hit = noted.watched ? watched_va : 0;
	tell_stop();
}

static void go_on(void)
{
	struct request r;

	while (!machine.over) {
		r = snapshot_maybe();
		if (r.travel != TRAVEL_NOT) {
			travel(r);
			return;
		}
		machine_run(machine_steps() + CHUNK);
		if (machine.held || gdb_interrupted())
			break;
	}
	tell_stop();
}

static void go_back(enum travel how)
{
	struct request r = {.travel = how,
	    .before = machine_steps(),
	    .hart = thread};

	memcpy(r.breakpoints, breakpoints, sizeof breakpoints);
	r.breakpoint_count = breakpoint_count;
	r.watch = machine.config.watch;
	r.watched_va = watched_va;
	r.said = console_said();
	if (!snapshot_travel(r))
		gdb_reply("T05replaylog:begin;");
}

/* --- what the debugger says ----------------------------------------------- */

static void read_registers(void)
{
	uint64_t value;

	for (unsigned i = 0; i <= 32; i++) {
		(void)gdb_reg_read(selected(), i, &value);
		gdb_put_hex(answer + 16 * i, &value, 8);
	}
	gdb_reply(answer);
}

static void read_register(void)
{
	uint64_t value;

	if (!gdb_reg_read(selected(),
		(unsigned)strtoul(gdb_packet + 1, NULL, 16), &value)) {
		gdb_reply("E01");
		return;
	}
	gdb_put_hex(answer, &value, 8);
	gdb_reply(answer);
}

static void write_register(void)
{
	char *equals;
	unsigned n = (unsigned)strtoul(gdb_packet + 1, &equals, 16);

	gdb_reply(*equals == '=' &&
		    gdb_reg_write(selected(), n, gdb_get_hex_word(equals + 1))
		? "OK"
		: "E01");
}

static void read_memory(void)
{
	char *comma;
	uint64_t va = strtoull(gdb_packet + 1, &comma, 16), i;
	uint64_t len = *comma == ',' ? strtoull(comma + 1, NULL, 16) : 0;

	for (i = 0; i < len && i < GDB_PACKET / 2 - 1; i++) {
		const uint8_t *at = gdb_memory(selected(), va + i);

		if (at == NULL)
			break;
		gdb_put_hex(answer + 2 * i, at, 1);
	}
	gdb_reply(i == 0 ? "E01" : answer);
}

static void write_memory(void)
{
	char *at;
	uint64_t va = strtoull(gdb_packet + 1, &at, 16);
	unsigned byte;

	at = strchr(at, ':');
	for (uint64_t i = 0;
	     at != NULL && sscanf(at + 1 + 2 * i, "%2x", &byte) == 1; i++) {
		uint8_t *to = gdb_memory(selected(), va + i);

		if (to == NULL) {
			gdb_reply("E01");
			return;
		}
		*to = (uint8_t)byte;
	}
	gdb_reply("OK");
}

/* Z0 and Z1 are breakpoints, Z2 watches stores to one place. */
static void breakpoint(void)
{
	bool set = gdb_packet[0] == 'Z';
	uint64_t va = strtoull(gdb_packet + 3, NULL, 16);
	const uint8_t *at;

	if (gdb_packet[1] == '0' || gdb_packet[1] == '1') {
		if (set)
			breakpoint_add(va);
		else
			breakpoint_remove(va);
	} else if (gdb_packet[1] == '2') {
		at = gdb_memory(selected(), va);
		watched_va = va;
		watch_set(set && at != NULL
			? (uint64_t)(at - machine.ram) + RAM_BASE
			: 0);
	} else {
		gdb_reply("");
		return;
	}
	gdb_reply("OK");
}

static void target_description(void)
{
	const char *xml = gdb_target(), *numbers = strrchr(gdb_packet, ':');
	unsigned long from = 0, len = 0;
	size_t size = strlen(xml);

	if (numbers == NULL || sscanf(numbers, ":%lx,%lx", &from, &len) != 2 ||
	    from > size) {
		gdb_reply("E01");
		return;
	}
	if (len > 4096)
		len = 4096;
	snprintf(answer, sizeof answer, "%c%.*s", from + len < size ? 'm' : 'l',
	    (int)len, xml + from);
	gdb_reply(answer);
}

static void query(void)
{
	size_t at = 0;

	if (strncmp(gdb_packet, "qSupported", 10) == 0) {
		gdb_reply(
		    "PacketSize=3000;qXfer:features:read+;vContSupported+;"
		    "ReverseStep+;ReverseContinue+");
	} else if (strncmp(gdb_packet, "qXfer:features:read:", 20) == 0) {
		target_description();
	} else if (strcmp(gdb_packet, "qfThreadInfo") == 0) {
		for (unsigned i = 0; i < machine.hart_count; i++)
			at += (size_t)sprintf(answer + at, "%c%x",
			    i == 0 ? 'm' : ',', i + 1);
		gdb_reply(answer);
	} else if (strcmp(gdb_packet, "qsThreadInfo") == 0) {
		gdb_reply("l");
	} else if (strcmp(gdb_packet, "qC") == 0) {
		snprintf(answer, sizeof answer, "QC%x", thread + 1);
		gdb_reply(answer);
	} else if (strncmp(gdb_packet, "qAttached", 9) == 0) {
		gdb_reply("1");
	} else {
		gdb_reply("");
	}
}

/* -1 and 0 mean any, or all. */
static void select_thread(void)
{
	long n = strtol(gdb_packet + 2, NULL, 16);

	if (n > (long)machine.hart_count) {
		gdb_reply("E01");
		return;
	}
	if (n > 0)
		thread = (unsigned)n - 1;
	gdb_reply("OK");
}

/* vCont;s:2;c - one thread steps, or all go on. */
static void resume(bool is_step)
{
	const char *colon = strchr(gdb_packet, ':');
	long n = colon != NULL ? strtol(colon + 1, NULL, 16) : 0;

	if (n > 0 && n <= (long)machine.hart_count)
		thread = (unsigned)n - 1;
	if (!is_step) {
		go_on();
		return;
	}
	step();
	tell_stop();
}

static void obey(void)
{
	switch (gdb_packet[0]) {
	case '?':
		tell_stop();
		break;
	case 'g':
		read_registers();
		break;
	case 'p':
		read_register();
		break;
	case 'P':
		write_register();
		break;
	case 'm':
		read_memory();
		break;
	case 'M':
		write_memory();
		break;
	case 'Z':
	case 'z':
		breakpoint();
		break;
	case 'H':
		select_thread();
		break;
	case 'T':
		gdb_reply(
		    strtoul(gdb_packet + 1, NULL, 16) <= machine.hart_count
			? "OK"
			: "E01");
		break;
	case 'c':
	case 's':
		resume(gdb_packet[0] == 's');
		break;
	case 'b':
		go_back(gdb_packet[1] == 's' ? TRAVEL_STEP : TRAVEL_CONTINUE);
		break;
	case 'q':
		query();
		break;
	case 'v':
		if (strcmp(gdb_packet, "vCont?") == 0)
			gdb_reply("vCont;c;C;s;S");
		else if (strncmp(gdb_packet, "vCont;", 6) == 0)
			resume(gdb_packet[6] == 's' || gdb_packet[6] == 'S');
		else
			gdb_reply("");
		break;
	case 'k':
	case 'D':
		snapshot_end(machine.status);
	default:
		gdb_reply("");
	}
}

void gdb_serve(const char *where)
{
	struct request r;

	gdb_connect(where);
	r = snapshot_maybe();
	if (r.travel != TRAVEL_NOT)
		travel(r);
	for (;;) {
		gdb_receive();
		obey();
	}
}
