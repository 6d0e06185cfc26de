/* SPDX-License-Identifier: MIT */
/* report.c - prints failures, traces and stores to watched memory. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf.h"
#include "gdbstub.h"
#include "layout.h"

static const char *const reg_names[] = {"zero", "ra", "sp", "gp", "tp", "t0",
    "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
    "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6"};

void report_usage(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "nasty: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(STATUS_USAGE);
}

/* The name is also found if code runs at its physical address. */
const char *report_symbol(uint64_t va)
{
	static char texts[4][96];
	static unsigned next;
	char *text = texts[next++ & 3];
	uint64_t offset, high = is_ram(va, 1) ? va + KERNEL_DIRECT_MAP : va;
	const char *name = symbol_at(high, &offset);

	if (name == NULL)
		snprintf(text, sizeof texts[0], "%#" PRIx64, va);
	else
		snprintf(text, sizeof texts[0], "%#" PRIx64 " %s+%#" PRIx64, va,
		    name, offset);
	return text;
}

/* The offset in its function, for the end of a stretch. */
static const char *report_offset(uint64_t va)
{
	const char *text = report_symbol(va), *plus = strrchr(text, '+');

	return plus != NULL ? plus : text;
}

/* The bytes at a kernel address, if they are in memory. */
static const void *kernel_bytes(uint64_t va, uint64_t len)
{
	uint64_t pa = va - KERNEL_DIRECT_MAP;

	return is_ram(pa, len) ? ram_at(pa) : NULL;
}

/* In user mode sscratch is the process, in the kernel tp leads to it. */
const uint8_t *report_process_of(const struct core *c)
{
	const void *place;
	uint64_t proc = c->hart.sscratch;

	if (c->hart.priv == PRIV_S) {
		place = kernel_bytes(c->hart.x[4] + KERNEL_HART_PROC, 8);
		if (place == NULL)
			return NULL;
		memcpy(&proc, place, 8);
	}
	return kernel_bytes(proc, PAGE_SIZE);
}

static void report_process(const struct core *c)
{
	const uint8_t *p = report_process_of(c);
	int pid;

	if (p == NULL)
		return;
	memcpy(&pid, p + KERNEL_PROC_PID, sizeof pid);
	fprintf(stderr, ", pid %d (%.32s)", pid,
	    (const char *)p + KERNEL_PROC_NAME);
}

/* A run of instructions that follow each other. */
struct stretch {
	uint64_t first, last;
	unsigned times;
};

/* Adds a stretch, or counts it if it is equal to the last one. */
static unsigned stretch_add(struct stretch *list, unsigned n, uint64_t first,
    uint64_t last)
{
	if (n > 0 && list[n - 1].first == first && list[n - 1].last == last) {
		list[n - 1].times++;
		return n;
	}
	list[n] = (struct stretch){first, last, 1};
	return n + 1;
}

/*
 * The stretches that a hart executed between its last jumps, and up to its
 * present place, with repetitions counted.
 */
static unsigned stretches_of(const struct hart *h, struct stretch *list)
{
	uint8_t oldest = h->recent_next;
	unsigned n = 0;

	for (unsigned i = 0; i < RECENT; i++) {
		const struct jump *jump = &h->recent[(uint8_t)(oldest + i)];
		const struct jump *next = &h->recent[(uint8_t)(oldest + i + 1)];

		if (jump->from == 0 && jump->to == 0)
			continue;
		n = stretch_add(list, n, jump->to,
		    i + 1 < RECENT ? next->from : h->pc);
	}
	return n;
}

void report_recent(const struct core *c, unsigned count)
{
	struct stretch list[RECENT];
	unsigned n = stretches_of(&c->hart, list);

	for (unsigned i = n > count ? n - count : 0; i < n; i++) {
		fprintf(stderr, "#     %s", report_symbol(list[i].first));
		if (list[i].last != list[i].first)
			fprintf(stderr, " .. %s", report_offset(list[i].last));
		if (list[i].times > 1)
			fprintf(stderr, ", %u times", list[i].times);
		fprintf(stderr, "\n");
	}
}

static void report_registers(const struct hart *h)
{
	for (unsigned i = 1; i < 32; i++)
		fprintf(stderr, "%s%4s %16" PRIx64, i % 4 == 1 ? "#   " : " ",
		    reg_names[i], h->x[i]),
		    i % 4 == 0 || i == 31 ? fprintf(stderr, "\n") : 0;
}

static void report_hart(const struct core *c)
{
	const struct hart *h = &c->hart;

	fprintf(stderr, "# hart %u: %s mode at %s", h->index,
	    h->priv == PRIV_U ? "user" : "kernel", report_symbol(h->pc));
	report_process(c);
	fprintf(stderr,
	    "%s\n#   satp %#" PRIx64 " sstatus %#" PRIx64 " scause %#" PRIx64
	    " stval %#" PRIx64 " sepc %#" PRIx64 "\n",
	    c->waiting ? ", asleep" : "", h->satp, h->sstatus, h->scause,
	    h->stval, h->sepc);
}

void report_failure(struct core *c, const char *fmt, ...)
{
	char *words;
	va_list args;

	if (machine.over)
		return;
	words = config_words(&machine.config);
	console_flush();
	va_start(args, fmt);
	fprintf(stderr, "\nBail out! nasty: hart %u: ", c->hart.index);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n# at step %" PRIu64 "; the same again: %s\n",
	    machine_steps(), words);
	free(words);
	for (unsigned i = 0; i < machine.hart_count; i++) {
		const struct core *other = &machine.cores[i];

		if (!other->started)
			continue;
		report_hart(other);
		if (other == c)
			report_registers(&other->hart);
		fprintf(stderr, "#   its last steps:\n");
		report_recent(other, 16);
	}
	machine_exit(STATUS_FAILED);
}

void report_step(struct core *c)
{
	const struct hart *h = &c->hart;

	fprintf(stderr, "%10" PRIu64 " hart %u %c %s\n", machine_steps(),
	    h->index, h->priv == PRIV_U ? 'U' : 'S', report_symbol(h->pc));
}

void report_watch(struct core *c, uint64_t pa, unsigned size)
{
	uint64_t watch = machine.config.watch, value = 0;

	if (watch == 0 || watch + 8 <= pa || pa + size <= watch)
		return;
	if (machine.config.gdb != NULL) {
		gdb_watched(c);
		return;
	}
	memcpy(&value, ram_at(watch), 8);
	fprintf(stderr,
	    "# step %" PRIu64 " hart %u: %#" PRIx64 " becomes %#" PRIx64
	    " by %s",
	    machine_steps(), c->hart.index, watch, value,
	    report_symbol(c->hart.pc));
	report_process(c);
	fprintf(stderr, "\n");
}
