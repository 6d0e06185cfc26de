/* SPDX-License-Identifier: MIT */
/*
 * fdt.c - reading the device tree.
 *
 * One pass over the flattened tree. All properties of a node come before its
 * children, so a node is looked at when its first child or its end is met.
 *
 * Ref: Devicetree Specification, "Flattened Devicetree (DTB) Format".
 */
#include "arch/machine.h"
#include "lib/assert.h"
#include "lib/string.h"

#define FDT_MAGIC 0xd00dfeed
enum { FDT_BEGIN = 1, FDT_END = 2, FDT_PROP = 3, FDT_NOP = 4 };
#define MAX_DEPTH 12

struct header {
	uint32_t magic, totalsize, off_struct, off_strings, off_reserved;
};

struct prop {
	const uint8_t *data;
	uint32_t len;
};

struct node {
	const char *name;
	uint32_t address_cells, size_cells; /* for its children's reg */
	struct prop reg, compatible, device_type, status;
	bool done;
};

struct parser {
	struct node stack[MAX_DEPTH];
	int depth; /* of the current node; -1 before the root */
};

struct machine machine = {.bootargs = "", .timebase_hz = 10000000};
static struct parser parser;

static uint32_t be32(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
}

static uint64_t cells(const uint8_t *p, uint32_t count)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < count; i++)
		value = value << 32 | be32(p + 4 * i);
	return value;
}

/* A number of 4 or 8 bytes: QEMU has written the same property both ways. */
static uint64_t prop_number(struct prop p)
{
	return p.len == 4 || p.len == 8 ? cells(p.data, p.len / 4) : 0;
}

/* `p` is a list of strings. */
static bool prop_has(struct prop p, const char *word)
{
	uint32_t at = 0;

	while (at < p.len) {
		if (strcmp((const char *)p.data + at, word) == 0)
			return true;
		at += (uint32_t)strlen((const char *)p.data + at) + 1;
	}
	return false;
}

static struct node *parent(struct parser *ps)
{
	return &ps->stack[ps->depth > 0 ? ps->depth - 1 : 0];
}

/* The i-th region of the current node's reg. */
static bool reg_region(struct parser *ps, uint32_t i, struct region *region)
{
	struct node *node = &ps->stack[ps->depth];
	uint32_t ac = parent(ps)->address_cells, sc = parent(ps)->size_cells;
	uint32_t at = i * (ac + sc) * 4;

	if (ac + sc == 0 || at + (ac + sc) * 4 > node->reg.len)
		return false;
	region->start = cells(node->reg.data + at, ac);
	region->end = region->start + cells(node->reg.data + at + 4 * ac, sc);
	return true;
}

static void add_region(struct region *list, unsigned *count,
    struct region region)
{
	if (region.end <= region.start)
		return;
	if (*count == MAX_REGIONS)
		panic("expected at most %d memory regions", MAX_REGIONS);
	list[(*count)++] = region;
}

static void add_all(struct parser *ps, struct region *list, unsigned *count)
{
	struct region region;

	for (uint32_t i = 0; reg_region(ps, i, &region); i++)
		add_region(list, count, region);
}

static void cpu_found(struct parser *ps)
{
	struct node *node = &ps->stack[ps->depth];
	uint64_t hartid = cells(node->reg.data, node->reg.len / 4);

	if (prop_has(node->status, "disabled"))
		return;
	if (machine.hart_count == MAX_HARTS)
		machine.harts_ignored++;
	else
		machine.hartids[machine.hart_count++] = hartid;
}

static void device_found(struct parser *ps)
{
	struct node *node = &ps->stack[ps->depth];
	struct region region;

	if (!reg_region(ps, 0, &region))
		return;
	if (prop_has(node->compatible, "ns16550a") && machine.uart == 0)
		machine.uart = region.start;
	if (prop_has(node->compatible, "sifive,test0"))
		machine.test_device = region.start;
	if (prop_has(node->compatible, "google,goldfish-rtc"))
		machine.rtc = region.start;
}

static void node_done(struct parser *ps)
{
	struct node *node = &ps->stack[ps->depth];

	if (node->done)
		return;
	node->done = true;
	if (prop_has(node->device_type, "memory"))
		add_all(ps, machine.ram, &machine.ram_count);
	else if (prop_has(node->device_type, "cpu"))
		cpu_found(ps);
	else if (ps->depth > 0 &&
	    strcmp(parent(ps)->name, "reserved-memory") == 0)
		add_all(ps, machine.reserved, &machine.reserved_count);
	else
		device_found(ps);
}

static bool isa_has(const char *isa, size_t len, const char *name)
{
	size_t want = strlen(name);

	for (size_t i = 0; i + want <= len; i++)
		if (strncmp(isa + i, name, want) == 0)
			return true;
	return false;
}

static void chosen_prop(const char *name, struct prop p)
{
	if (strcmp(name, "bootargs") == 0 && p.len > 0)
		machine.bootargs = (const char *)p.data;
	else if (strcmp(name, "linux,initrd-start") == 0)
		machine.initrd.start = prop_number(p);
	else if (strcmp(name, "linux,initrd-end") == 0)
		machine.initrd.end = prop_number(p);
	else if (strcmp(name, "rng-seed") == 0) {
		machine.rng_seed = p.data;
		machine.rng_seed_len = p.len;
	}
}

static void prop_found(struct parser *ps, const char *name, struct prop p)
{
	struct node *node = &ps->stack[ps->depth];

	if (strcmp(name, "#address-cells") == 0)
		node->address_cells = be32(p.data);
	else if (strcmp(name, "#size-cells") == 0)
		node->size_cells = be32(p.data);
	else if (strcmp(name, "reg") == 0)
		node->reg = p;
	else if (strcmp(name, "compatible") == 0)
		node->compatible = p;
	else if (strcmp(name, "device_type") == 0)
		node->device_type = p;
	else if (strcmp(name, "status") == 0)
		node->status = p;
	else if (strcmp(name, "timebase-frequency") == 0)
		machine.timebase_hz = prop_number(p);
	else if (strcmp(name, "riscv,isa") == 0 && p.len > 0)
		machine.has_sstc =
		    isa_has((const char *)p.data, p.len - 1, "_sstc");
	else if (strcmp(name, "reg-shift") == 0 &&
	    prop_has(node->compatible, "ns16550a"))
		machine.uart_shift = be32(p.data);
	else if (strcmp(node->name, "chosen") == 0)
		chosen_prop(name, p);
}

static const uint8_t *node_begin(struct parser *ps, const uint8_t *p)
{
	if (ps->depth >= 0)
		node_done(ps);
	if (++ps->depth == MAX_DEPTH)
		panic("expected a device tree at most %d deep", MAX_DEPTH);
	ps->stack[ps->depth] = (struct node){.name = (const char *)p,
	    .address_cells = 2,
	    .size_cells = 1};
	return p + ((strlen((const char *)p) + 4) & ~3UL);
}

static void parse(struct parser *ps, const uint8_t *p, const char *strings)
{
	for (;;) {
		uint32_t token = be32(p);

		p += 4;
		if (token == FDT_BEGIN) {
			p = node_begin(ps, p);
		} else if (token == FDT_END) {
			node_done(ps);
			if (--ps->depth < 0)
				return;
		} else if (token == FDT_PROP) {
			struct prop prop = {p + 8, be32(p)};

			prop_found(ps, strings + be32(p + 4), prop);
			p += 8 + ((prop.len + 3) & ~3U);
		} else if (token != FDT_NOP) {
			panic("expected a device tree token, found %x", token);
		}
	}
}

static void parse_reservations(const uint8_t *p)
{
	struct region region;

	for (;; p += 16) {
		region.start = cells(p, 2);
		region.end = region.start + cells(p + 8, 2);
		if (region.start == 0 && region.end == 0)
			return;
		add_region(machine.reserved, &machine.reserved_count, region);
	}
}

/* What the kernel cannot address is left alone. */
static void clip_ram(void)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		struct region ram = machine.ram[i];
		paddr_t end = min_u64(ram.end, DIRECT_MAP_SIZE);

		machine.ram_beyond += ram.end - max_u64(ram.start, end);
		ram.end = end;
		if (ram.start < end)
			machine.ram[kept++] = ram;
	}
	machine.ram_count = kept;
}

void machine_init(paddr_t fdt)
{
	const uint8_t *base = phys_to_virt(fdt);
	const struct header *header = (const void *)base;
	struct region tree = {fdt, fdt};

	if (fdt == 0 || be32(&header->magic) != FDT_MAGIC)
		panic("expected a device tree in a1 at boot");
	tree.end += be32(&header->totalsize);
	add_region(machine.reserved, &machine.reserved_count, tree);
	parse_reservations(base + be32(&header->off_reserved));
	parser.depth = -1;
	parse(&parser, base + be32(&header->off_struct),
	    (const char *)base + be32(&header->off_strings));
	clip_ram();
	if (machine.ram_count == 0)
		panic("expected memory in the device tree");
}

void machine_set_boot_hart(uint64_t hartid)
{
	unsigned i = 0;

	while (i + 1 < machine.hart_count && machine.hartids[i] != hartid)
		i++;
	machine.hartids[i] = machine.hartids[0];
	machine.hartids[0] = hartid;
	if (machine.hart_count == 0)
		machine.hart_count = 1;
}

const char *bootarg_next(const char *at, size_t *len)
{
	while (*at == ' ')
		at++;
	for (*len = 0; at[*len] != '\0' && at[*len] != ' ';)
		++*len;
	return *len > 0 ? at : NULL;
}

bool bootarg_find(const char *word, const char **value, size_t *len)
{
	const char *s = machine.bootargs;
	size_t want = strlen(word), n;

	for (; (s = bootarg_next(s, &n)) != NULL; s += n) {
		if (strncmp(s, word, want) == 0 &&
		    (n == want || s[want] == '=')) {
			*value = s + min_u64(n, want + 1);
			*len = (size_t)(s + n - *value);
			return true;
		}
		if (n == 2 && strncmp(s, "--", 2) == 0)
			return false;
	}
	return false;
}
