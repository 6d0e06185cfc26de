/* SPDX-License-Identifier: MIT */
/*
 * machine.c - putting the machine together: memory, harts, and what is in
 * memory when the first of them starts.
 */
#include "machine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "elf.h"
#include "kill.h"
#include "report.h"

struct machine machine;

uint64_t machine_steps(void)
{
	const struct core *c = machine.running;
	uint64_t now = 0;

	if (c != NULL)
		now = c->hart.granted - (uint64_t)c->hart.left;
	return machine.steps + now;
}

uint64_t machine_now(void)
{
	return machine_steps() / machine.config.rate / machine.hart_count +
	    machine.skipped;
}

void machine_exit(int status)
{
	if (!machine.over)
		machine.status = status;
	machine.over = true;
	machine.ender = machine.running;
	if (machine.running != NULL)
		hart_stop(&machine.running->hart);
}

/* Memory in a file can be looked at after the end of the machine. */
static int memory_file(const char *path)
{
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);

	if (file < 0 || ftruncate(file, (off_t)machine.ram_size) != 0)
		report_usage("%s: cannot be made", path);
	return file;
}

static void memory_create(void)
{
	const char *path = machine.config.memory_file;
	void *ram = path != NULL
	    ? mmap(NULL, machine.ram_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  memory_file(path), 0)
	    : mmap(NULL, machine.ram_size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ram == MAP_FAILED)
		report_usage("-m: there is not so much memory here");
	(void)madvise(ram, machine.ram_size, MADV_HUGEPAGE);
	machine.ram = ram;
}

static void harts_create(uint64_t start, uint64_t fdt)
{
	struct core *boot;

	machine.cores = calloc(machine.hart_count, sizeof *machine.cores);
	if (machine.cores == NULL)
		abort();
	for (unsigned i = 0; i < machine.hart_count; i++) {
		struct core *c = &machine.cores[i];

		hart_reset(&c->hart, start);
		c->hart.index = i;
		c->hart.has_sstc = machine.config.sstc;
		c->hart.asid_bits = machine.config.asid_bits;
		c->hart.stval_has_insn = machine.config.stval_has_insn;
		c->hart.stimecmp = c->deadline = NEVER;
		c->kick_seen_at = NEVER;
		c->reserved = NOWHERE;
		c->late_order = 0x0706050403020100;
		c->victim_since = NEVER;
		tlb_init(&c->tlb);
	}
	boot = &machine.cores[machine.config.boot];
	boot->started = true;
	boot->hart.x[10] = machine.config.boot;
	boot->hart.x[11] = fdt;
}

/* The archive lies as high as it can, and the device tree above it. */
static uint64_t load_initrd(uint64_t end, uint64_t *size)
{
	uint64_t top = RAM_BASE + machine.ram_size - (64UL << 10), at;
	const uint8_t *bytes;

	*size = 0;
	if (machine.config.initrd == NULL)
		return 0;
	bytes = file_read(machine.config.initrd, size);
	at = (top - *size) & ~PAGE_MASK;
	if (*size > machine.ram_size || at < end)
		report_usage("%s: does not fit into memory",
		    machine.config.initrd);
	for (uint64_t i = 0; i < *size; i++)
		*((uint8_t *)ram_at(at) + i) = bytes[i];
	return at;
}

void machine_init(const struct config *config)
{
	uint64_t start, end, initrd, size, fdt;

	machine.config = *config;
	machine.random = config->seed;
	machine.hart_count = config->harts;
	machine.ram_size = config->memory;
	memory_create();
	console_open(config->console,
	    config->gdb != NULL && strcmp(config->gdb, "stdio") == 0);
	typing_init();
	start = elf_load(config->kernel, &end);
	initrd = load_initrd(end, &size);
	fdt = fdt_write(RAM_BASE + machine.ram_size, initrd, size);
	if (fdt < end)
		report_usage("%s: does not fit into memory", config->kernel);
	harts_create(start, fdt);
	check_init();
	kill_init();
}
