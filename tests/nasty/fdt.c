/* SPDX-License-Identifier: MIT */
/*
 * fdt.c - the device tree that the kernel finds in a1.
 *
 * Ref: Devicetree Specification, "Flattened Devicetree (DTB) Format".
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "report.h"

#define TREE_SIZE    32768
#define STRINGS_SIZE 1024
#define HEADER_SIZE  56 /* with the empty list of reserved memory */

#define PLIC_PHANDLE    1
#define HART_PHANDLE(i) (2 + (i))

static uint8_t tree[TREE_SIZE];
static char strings[STRINGS_SIZE];
static uint32_t tree_at, strings_len;

static void put(const void *bytes, uint32_t len)
{
	if (len > TREE_SIZE - tree_at - 16)
		report_usage("the command line is too long");
	memcpy(tree + tree_at, bytes, len);
	tree_at += len;
	while (tree_at % 4 != 0)
		tree[tree_at++] = 0;
}

static void put_cell(uint32_t value)
{
	value = htobe32(value);
	put(&value, 4);
}

static void begin(const char *name)
{
	put_cell(1);
	put(name, (uint32_t)strlen(name) + 1);
}

static void end(void)
{
	put_cell(2);
}

static uint32_t string(const char *name)
{
	uint32_t at = 0;

	while (at < strings_len && strcmp(strings + at, name) != 0)
		at += (uint32_t)strlen(strings + at) + 1;
	if (at == strings_len) {
		strcpy(strings + at, name);
		strings_len += (uint32_t)strlen(name) + 1;
	}
	return at;
}

static void prop(const char *name, const void *value, uint32_t len)
{
	put_cell(3);
	put_cell(len);
	put_cell(string(name));
	put(value, len);
}

static void prop_text(const char *name, const char *text)
{
	prop(name, text, (uint32_t)strlen(text) + 1);
}

static void prop_cell(const char *name, uint32_t value)
{
	value = htobe32(value);
	prop(name, &value, 4);
}

static void prop_pair(const char *name, uint64_t a, uint64_t b)
{
	uint64_t both[2] = {htobe64(a), htobe64(b)};

	prop(name, both, sizeof both);
}

static void prop_long(const char *name, uint64_t value)
{
	value = htobe64(value);
	prop(name, &value, sizeof value);
}

static void put_hart(unsigned i)
{
	char name[32], isa[64];

	snprintf(name, sizeof name, "cpu@%x", i);
	snprintf(isa, sizeof isa, "rv64imafdc_zicntr_zicsr_zifencei%s",
	    machine.config.sstc ? "_sstc" : "");
	begin(name);
	prop_text("device_type", "cpu");
	prop_cell("reg", i);
	prop_text("status", "okay");
	prop_text("compatible", "riscv");
	prop_text("riscv,isa", isa);
	prop_text("mmu-type", "riscv,sv39");
	begin("interrupt-controller");
	prop_text("compatible", "riscv,cpu-intc");
	prop_cell("#interrupt-cells", 1);
	prop_cell("phandle", HART_PHANDLE(i));
	end();
	end();
}

static void begin_device(const char *name, const char *compatible,
    uint64_t base, uint64_t size)
{
	begin(name);
	prop_text("compatible", compatible);
	prop_pair("reg", base, size);
}

static void put_device(const char *name, const char *compatible, uint64_t base,
    uint64_t size)
{
	begin_device(name, compatible, base, size);
	end();
}

static void put_uart(void)
{
	begin_device("serial@10000000", "ns16550a", UART_BASE, 0x100);
	prop_cell("interrupts", UART_IRQ);
	prop_cell("interrupt-parent", PLIC_PHANDLE);
	end();
}

/* Each hart has a context for M-mode, and one for S-mode. */
static void put_plic(void)
{
	uint32_t contexts[64];
	unsigned n = 0;

	for (unsigned i = 0; i < machine.hart_count; i++) {
		contexts[n++] = htobe32(HART_PHANDLE(i));
		contexts[n++] = htobe32(11);
		contexts[n++] = htobe32(HART_PHANDLE(i));
		contexts[n++] = htobe32(9);
	}
	begin_device("plic@c000000", "sifive,plic-1.0.0", PLIC_BASE, PLIC_SIZE);
	prop_cell("phandle", PLIC_PHANDLE);
	prop_cell("#interrupt-cells", 1);
	prop_cell("riscv,ndev", PLIC_SOURCES - 1);
	prop("interrupts-extended", contexts, n * 4);
	end();
}

static void put_chosen(uint64_t initrd, uint64_t initrd_size)
{
	uint64_t seed[4];

	begin("chosen");
	if (machine.config.append != NULL)
		prop_text("bootargs", machine.config.append);
	if (initrd_size > 0) {
		prop_long("linux,initrd-start", initrd);
		prop_long("linux,initrd-end", initrd + initrd_size);
	}
	for (unsigned i = 0; i < 4; i++)
		seed[i] = random_next();
	prop("rng-seed", seed, sizeof seed);
	end();
}

static void put_nodes(uint64_t initrd, uint64_t initrd_size)
{
	begin("");
	prop_cell("#address-cells", 2);
	prop_cell("#size-cells", 2);
	prop_text("compatible", "calf,nasty");
	put_chosen(initrd, initrd_size);
	begin("cpus");
	prop_cell("#address-cells", 1);
	prop_cell("#size-cells", 0);
	prop_cell("timebase-frequency", TIMEBASE_HZ);
	for (unsigned i = 0; i < machine.hart_count; i++)
		put_hart(i);
	end();
	begin("memory@80000000");
	prop_text("device_type", "memory");
	prop_pair("reg", RAM_BASE, machine.ram_size);
	end();
	begin("soc");
	prop_cell("#address-cells", 2);
	prop_cell("#size-cells", 2);
	put_uart();
	put_device("test@100000", "sifive,test0", TEST_BASE, 0x1000);
	put_device("rtc@101000", "google,goldfish-rtc", RTC_BASE, 0x1000);
	put_plic();
	end();
	end();
	put_cell(9);
}

uint64_t fdt_write(uint64_t top, uint64_t initrd, uint64_t initrd_size)
{
	uint32_t header[10];
	uint64_t base;

	tree_at = HEADER_SIZE;
	put_nodes(initrd, initrd_size);
	header[0] = 0xd00dfeed;
	header[1] = tree_at + strings_len;
	header[2] = HEADER_SIZE; /* structure */
	header[3] = tree_at;     /* strings */
	header[4] = 40;          /* reserved memory: two zero words */
	header[5] = 17;
	header[6] = 16;
	header[7] = 0;
	header[8] = strings_len;
	header[9] = tree_at - HEADER_SIZE;
	for (unsigned i = 0; i < 10; i++)
		header[i] = htobe32(header[i]);
	memcpy(tree, header, sizeof header);
	base = (top - tree_at - strings_len) & ~PAGE_MASK;
	memcpy(ram_at(base), tree, tree_at);
	memcpy((char *)ram_at(base) + tree_at, strings, strings_len);
	return base;
}
