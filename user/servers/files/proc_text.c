/* SPDX-License-Identifier: MIT */
/*
 * proc_text.c - the contents of the files in /proc: in the format of Linux.
 * What this kernel does not count is 0.
 */
#include "proc.h"

#include <calf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "abi/errno.h"
#include "abi/misc.h"

#define NS_PER_S     1000000000UL
#define CLOCKS_PER_S 100UL /* AT_CLKTCK */
#define RUNS_MAX     1000  /* runs of a process's memory that are looked at */

/* --- writing -------------------------------------------------------------- */

/*
 * The part of a text that was asked for. The text is written anew for each
 * part.
 */
struct out {
	uint64_t skip; /* bytes that are still to be skipped */
	char *to;
	size_t room;
	size_t done;
};

static void put(struct out *out, const char *text, size_t len)
{
	size_t skipped = out->skip < len ? (size_t)out->skip : len;
	size_t taken = len - skipped;

	out->skip -= skipped;
	if (taken > out->room - out->done)
		taken = out->room - out->done;
	memcpy(out->to + out->done, text + skipped, taken);
	out->done += taken;
}

__attribute__((format(printf, 2, 3))) static void say(struct out *out,
    const char *format, ...)
{
	char line[256];
	va_list args;
	size_t len;

	va_start(args, format);
	len = (size_t)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	put(out, line, len < sizeof line ? len : sizeof line - 1);
}

/* --- time ----------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t now_ticks(void)
{
	uint64_t now;

	__asm__ volatile("rdtime %0" : "=r"(now));
	return now;
}

/* Ticks in the unit of times(); both clocks have run since the same moment. */
static uint64_t clocks(uint64_t ticks)
{
	uint64_t per_clock =
	    now_ticks() / (now_ns() / (NS_PER_S / CLOCKS_PER_S) + 1);

	return ticks / (per_clock + (per_clock == 0));
}

/* --- the machine ---------------------------------------------------------- */

static struct calf_stat machine(void)
{
	struct calf_stat st = {0};

	(void)calf_stat(&st, sizeof st);
	return st;
}

/* Totals of all processes. */
struct sum {
	unsigned all;
	unsigned ready;
	int last_pid;
	uint64_t busy; /* clocks */
};

static struct sum sum_processes(void)
{
	struct sum sum = {0};
	struct calf_ps ps = {0};
	uint64_t ticks = 0;

	while (calf_ps(ps.pid, &ps) == 1) {
		sum.all++;
		sum.ready += ps.state == 'R';
		sum.last_pid = ps.pid;
		ticks += ps.time_ticks + ps.child_ticks;
	}
	sum.busy = clocks(ticks);
	return sum;
}

static uint64_t idle_clocks(const struct calf_stat *st, const struct sum *sum)
{
	uint64_t all = now_ns() / (NS_PER_S / CLOCKS_PER_S) * st->harts;

	return all > sum->busy ? all - sum->busy : 0;
}

static void say_cpuinfo(struct out *out)
{
	struct calf_stat st = machine();

	for (unsigned i = 0; i < st.harts; i++)
		say(out,
		    "processor\t: %u\nhart\t\t: %u\nisa\t\t: rv64imafdc\n"
		    "mmu\t\t: sv39\n\n",
		    i, i);
}

/* There are no averages, so the number of ready processes stands for them. */
static void say_loadavg(struct out *out)
{
	struct sum sum = sum_processes();

	say(out, "0.00 0.00 0.00 %u/%u %d\n", sum.ready, sum.all, sum.last_pid);
}

static void say_meminfo(struct out *out)
{
	struct calf_stat st = machine();
	unsigned long total = st.frames_total * 4, free = st.frames_free * 4;

	say(out,
	    "MemTotal:       %8lu kB\nMemFree:        %8lu kB\n"
	    "MemAvailable:   %8lu kB\nBuffers:               0 kB\n"
	    "Cached:                0 kB\nSwapTotal:             0 kB\n"
	    "SwapFree:              0 kB\n",
	    total, free, free);
}

static void say_mounts(struct out *out)
{
	say(out, "tmpfs / tmpfs rw 0 0\nproc /proc proc rw 0 0\n");
}

static void say_stat(struct out *out)
{
	struct calf_stat st = machine();
	struct sum sum = sum_processes();
	unsigned long harts = st.harts;
	unsigned long busy = sum.busy, idle = idle_clocks(&st, &sum);

	say(out, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
	/* The time is not counted by hart, so each is given an equal share. */
	for (unsigned i = 0; i < harts; i++)
		say(out, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", i, busy / harts,
		    idle / harts);
	say(out,
	    "ctxt %lu\nbtime %ld\nprocesses %lu\nprocs_running %u\n"
	    "procs_blocked 0\n",
	    st.switches, time(NULL) - (long)(now_ns() / NS_PER_S), st.forks,
	    sum.ready);
}

static void say_uptime(struct out *out)
{
	struct calf_stat st = machine();
	struct sum sum = sum_processes();
	unsigned long up = now_ns() / (NS_PER_S / CLOCKS_PER_S);
	unsigned long idle = idle_clocks(&st, &sum);

	say(out, "%lu.%02lu %lu.%02lu\n", up / CLOCKS_PER_S, up % CLOCKS_PER_S,
	    idle / CLOCKS_PER_S, idle % CLOCKS_PER_S);
}

static void say_version(struct out *out)
{
	say(out, "%s version %s %s\n", SYSTEM_NAME, SYSTEM_RELEASE,
	    SYSTEM_VERSION);
}

#define TEXT(number)    #number
#define TEXT_OF(number) TEXT(number)

/* The contents of the files that never change. */
static const char *const constant[] = {
    [PROC_SYS_DOMAIN] = SYSTEM_DOMAIN,
    [PROC_SYS_HOSTNAME] = SYSTEM_NODE,
    [PROC_SYS_OSRELEASE] = SYSTEM_RELEASE,
    [PROC_SYS_OSTYPE] = SYSTEM_NAME,
    [PROC_SYS_PID_MAX] = TEXT_OF(PID_MAX),
    [PROC_SYS_TAINTED] = "0",
    [PROC_SYS_VERSION] = SYSTEM_VERSION,
};

/* --- a process ------------------------------------------------------------ */

struct memory {
	uint64_t size;     /* bytes that are mapped */
	uint64_t resident; /* pages */
};

/* Sums up a process's memory. If it has too many runs, the rest is left out. */
static struct memory memory_of(int pid)
{
	struct memory memory = {0};
	struct calf_run run = {0};

	for (int i = 0; i < RUNS_MAX && calf_next(pid, run.end, &run) == 1;
	     i++) {
		memory.size += run.end - run.start;
		if (run.kind == CALF_PAGE || run.kind == CALF_HIDDEN)
			memory.resident +=
			    (run.end - run.start) / CALF_PAGE_SIZE;
	}
	return memory;
}

static void say_of_stat(struct out *out, const struct calf_ps *ps)
{
	struct memory memory = memory_of(ps->pid);

	say(out, "%d (%.*s) %c %d %d %d 0 -1 0 0 0 0 0 ", ps->pid,
	    (int)sizeof ps->name, ps->name, ps->state, ps->ppid, ps->pgid,
	    proc_session(ps->pgid));
	say(out, "%lu 0 %lu 0 20 0 1 0 0 %lu %lu ", clocks(ps->time_ticks),
	    clocks(ps->child_ticks), memory.size, memory.resident);
	say(out,
	    "%lu 0 0 0 0 0 0 0 0 0 0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
	    UINT64_MAX, ps->hart);
}

static const char *state_name(char state)
{
	switch (state) {
	case 'S':
		return "sleeping";
	case 'T':
		return "stopped";
	case 'Z':
		return "zombie";
	default:
		return "running";
	}
}

static void say_of_status(struct out *out, const struct calf_ps *ps)
{
	struct memory memory = memory_of(ps->pid);

	say(out,
	    "Name:\t%.*s\nState:\t%c (%s)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n"
	    "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
	    (int)sizeof ps->name, ps->name, ps->state,
	    state_name((char)ps->state), ps->pid, ps->pid, ps->ppid);
	say(out, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t1\n",
	    memory.size / 1024, memory.resident * 4);
}

static void say_run(struct out *out, const struct calf_run *run)
{
	say(out, "%08lx-%08lx %c%c%c%c 00000000 00:00 0\n", run->start,
	    run->end, run->flags & CALF_R ? 'r' : '-',
	    run->flags & (CALF_W | CALF_COW) ? 'w' : '-',
	    run->flags & CALF_X ? 'x' : '-',
	    run->flags & CALF_SHARED ? 's' : 'p');
}

/* What the program may do with the memory, whether or not a page is there. */
static unsigned rights(const struct calf_run *run)
{
	unsigned flags = run->flags & (CALF_R | CALF_W | CALF_X | CALF_SHARED);

	return run->flags & CALF_COW ? flags | CALF_W : flags;
}

static void say_of_maps(struct out *out, const struct calf_ps *ps)
{
	struct calf_run all = {0}, run = {0};

	for (int i = 0; i < RUNS_MAX && calf_next(ps->pid, run.end, &run) == 1;
	     i++) {
		if (run.start == all.end && rights(&run) == rights(&all)) {
			all.end = run.end;
			continue;
		}
		if (all.end > 0)
			say_run(out, &all);
		all = run;
	}
	if (all.end > 0)
		say_run(out, &all);
}

/*
 * Returns ESRCH if there is no such process: an empty text would mean something
 * else.
 */
static int say_of_process(struct out *out, uint64_t key)
{
	struct calf_ps ps;

	if (!proc_find(PROC_PID(key), &ps))
		return -ESRCH;
	switch (PROC_KIND(key)) {
	case PROC_OF_COMM:
		say(out, "%.*s\n", (int)sizeof ps.name, ps.name);
		break;
	case PROC_OF_MAPS:
		say_of_maps(out, &ps);
		break;
	case PROC_OF_STAT:
		say_of_stat(out, &ps);
		break;
	case PROC_OF_STATUS:
		say_of_status(out, &ps);
		break;
	case PROC_MOUNTS:
		say_mounts(out);
		break;
	default:
		put(out, ps.args, ps.args_len);
		break;
	}
	return 0;
}

long proc_read(uint64_t key, uint64_t at, void *to, size_t len)
{
	static void (*const says[])(struct out * out) = {
	    [PROC_CPUINFO] = say_cpuinfo,
	    [PROC_LOADAVG] = say_loadavg,
	    [PROC_MEMINFO] = say_meminfo,
	    [PROC_MOUNTS] = say_mounts,
	    [PROC_STAT] = say_stat,
	    [PROC_UPTIME] = say_uptime,
	    [PROC_VERSION] = say_version,
	};
	struct out out = {.skip = at, .to = to, .room = len};
	enum proc_kind kind = PROC_KIND(key);
	int err = 0;

	if (PROC_PID(key) != 0)
		err = say_of_process(&out, key);
	else if (kind < PROC_SYS)
		says[kind](&out);
	else
		say(&out, "%s\n", constant[kind]);
	return err < 0 ? err : (long)out.done;
}
