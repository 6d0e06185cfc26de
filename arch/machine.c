/* SPDX-License-Identifier: MIT */
/*
 * machine.c - what the kernel takes from the device tree.
 *
 * The tree is walked three times: for the test device, by which a panic tells
 * whoever started QEMU that it failed; for memory, with which the places of
 * everything else are compared; and for the rest.
 *
 * Ref: Devicetree Specification, "Device Node Requirements"; for /chosen and
 * the nodes of harts, the bindings that come with Linux.
 */
#include "arch/machine.h"

#include "fdt.h"
#include "lib/assert.h"
#include "lib/string.h"

/* A clock that all computing with it is right for. */
#define TIMEBASE_MIN 1000UL
#define TIMEBASE_MAX 10000000000UL

struct machine machine = {.bootargs = ""};
static struct region image; /* what the firmware has loaded */

static bool is_inside(struct region part, struct region whole)
{
	return part.start >= whole.start && part.end <= whole.end;
}

static bool overlap(struct region a, struct region b)
{
	return a.start < b.end && b.start < a.end;
}

/* In one piece: regions that adjoin have become one. */
static bool is_in_memory(struct region part)
{
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (is_inside(part, machine.ram[i]))
			return true;
	return false;
}

static bool is_usable(const struct fdt_node *node)
{
	return !fdt_has(node, "status", "disabled");
}

/* ---- The test device ---- */

/* The registers of a device: `span` bytes at `at` in its first region. */
static paddr_t registers_at(const struct fdt_node *node, uint64_t at,
    uint64_t span)
{
	struct region device;

	if (!fdt_region(node, 0, &device))
		fdt_reject(node, "expected an address in reg");
	if (device.end - device.start < at + span)
		fdt_reject(node, "its registers do not reach to %lx",
		    at + span);
	device.start += at;
	if (device.start == 0 || device.start >= DIRECT_MAP_SIZE ||
	    device.start % sizeof(uint32_t) != 0 ||
	    page_floor(device.start) != page_floor(device.start + span - 1))
		fdt_reject(node, "there can be no registers at %lx",
		    device.start);
	device.end = device.start + span;
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (overlap(device, machine.ram[i]))
			fdt_reject(node, "its registers at %lx are in memory",
			    device.start);
	return device.start;
}

static paddr_t registers(const struct fdt_node *node, uint64_t span)
{
	return registers_at(node, 0, span);
}

static void find_test_device(const struct fdt_node *node)
{
	if (is_usable(node) && fdt_has(node, "compatible", "sifive,test0"))
		machine.test_device = registers(node, sizeof(uint32_t));
}

/* ---- Memory ---- */

static void add_reserved(struct region region)
{
	region.end = min_u64(region.end, DIRECT_MAP_SIZE);
	if (region.end <= region.start)
		return;
	if (machine.reserved_count == MAX_REGIONS)
		panic("device tree: more than %d regions are reserved",
		    MAX_REGIONS);
	machine.reserved[machine.reserved_count++] = region;
}

/* Keeps the list in ascending order. */
static void add_memory(const struct fdt_node *node, struct region region)
{
	unsigned at = machine.ram_count;

	if (region.end == region.start)
		return;
	if (machine.ram_count == MAX_REGIONS)
		fdt_reject(node, "more than %d regions of memory", MAX_REGIONS);
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (overlap(region, machine.ram[i]))
			fdt_reject(node, "%lx-%lx is memory already",
			    max_u64(region.start, machine.ram[i].start),
			    min_u64(region.end, machine.ram[i].end));
	for (; at > 0 && machine.ram[at - 1].start > region.start; at--)
		machine.ram[at] = machine.ram[at - 1];
	machine.ram[at] = region;
	machine.ram_count++;
}

static void find_memory(const struct fdt_node *node)
{
	struct region region;

	if (fdt_has(node, "device_type", "memory") && is_usable(node))
		for (uint32_t i = 0; fdt_region(node, i, &region); i++)
			add_memory(node, region);
	if (node->parent != NULL &&
	    strcmp(node->parent->name, "reserved-memory") == 0)
		for (uint32_t i = 0; fdt_region(node, i, &region); i++)
			add_reserved(region);
}

/*
 * What the kernel cannot address is left alone, and what adjoins is one region,
 * so that nothing lies across a border.
 */
static void settle_memory(void)
{
	struct region *ram = machine.ram;
	unsigned kept = 0;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		struct region next = ram[i];
		paddr_t end = min_u64(next.end, DIRECT_MAP_SIZE);

		machine.ram_beyond += next.end - max_u64(next.start, end);
		next.end = end;
		if (next.start >= end)
			continue;
		if (kept > 0 && ram[kept - 1].end == next.start)
			ram[kept - 1].end = end;
		else
			ram[kept++] = next;
	}
	machine.ram_count = kept;
}

static void check_loaded(struct region region, const char *what)
{
	if (!is_in_memory(region))
		panic("device tree: %s at %lx-%lx is outside of memory", what,
		    region.start, region.end);
}

/* ---- The rest ---- */

static bool has_letter(const char *isa, char letter)
{
	while (*isa != '\0' && *isa != '_' && *isa != letter)
		isa++;
	return *isa == letter;
}

/* The single letters come first; g stands for imafd. */
static bool isa_suffices(const char *isa)
{
	if (strncmp(isa, "rv64", 4) != 0 || !has_letter(isa + 4, 'c'))
		return false;
	for (const char *letter = "imafd"; *letter != '\0'; letter++)
		if (!has_letter(isa + 4, *letter) && !has_letter(isa + 4, 'g'))
			return false;
	return true;
}

static bool isa_names(const char *isa, const char *extension)
{
	for (; *isa != '\0'; isa++)
		if (strncmp(isa, extension, strlen(extension)) == 0)
			return true;
	return false;
}

static void hart_found(const struct fdt_node *node)
{
	const char *isa = fdt_string(node, "riscv,isa");
	uint64_t hartid = fdt_number(node, "reg", 0);
	bool sstc = fdt_has(node, "riscv,isa-extensions", "sstc") ||
	    (isa != NULL && isa_names(isa, "_sstc"));

	if (isa != NULL && !isa_suffices(isa))
		fdt_reject(node, "expected rv64imafdc, found %s", isa);
	for (unsigned i = 0; i < machine.hart_count; i++)
		if (machine.hartids[i] == hartid)
			fdt_reject(node, "another hart has the number %lu",
			    hartid);
	machine.has_sstc =
	    sstc && (machine.hart_count == 0 || machine.has_sstc);
	if (machine.hart_count == MAX_HARTS)
		machine.harts_ignored++;
	else
		machine.hartids[machine.hart_count++] = hartid;
}

static void timebase_found(const struct fdt_node *node)
{
	uint64_t hz = fdt_number(node, "timebase-frequency", 0);

	if (hz < TIMEBASE_MIN || hz > TIMEBASE_MAX)
		fdt_reject(node, "timebase-frequency cannot be %lu", hz);
	machine.timebase_hz = hz;
}

static void archive_found(const struct fdt_node *node)
{
	struct region archive = {fdt_number(node, "linux,initrd-start", 0),
	    fdt_number(node, "linux,initrd-end", 0)};

	if (archive.start > archive.end)
		fdt_reject(node, "the archive ends before it begins");
	if (archive.start < archive.end && !is_in_memory(archive))
		fdt_reject(node, "the archive at %lx-%lx is outside of memory",
		    archive.start, archive.end);
	if (archive.start < archive.end && overlap(archive, image))
		fdt_reject(node, "the archive at %lx-%lx is on the kernel",
		    archive.start, archive.end);
	machine.initrd = archive;
}

static void chosen_found(const struct fdt_node *node)
{
	const char *bootargs = fdt_string(node, "bootargs");
	struct fdt_prop seed;

	if (bootargs != NULL)
		machine.bootargs = bootargs;
	if (fdt_prop(node, "rng-seed", &seed)) {
		machine.rng_seed = seed.data;
		machine.rng_seed_len = seed.len;
	}
	archive_found(node);
}

/* A node without an interrupt-parent has that of the node around it. */
static void uart_source_found(const struct fdt_node *node)
{
	if (!fdt_cell(node, "interrupts", 0, &machine.uart_source))
		return;
	while (node != NULL &&
	    !fdt_cell(node, "interrupt-parent", 0, &machine.uart_controller))
		node = node->parent;
}

/* Its registers are bytes, 1 << reg-shift apart, of which the sixth is used. */
static void uart_found(const struct fdt_node *node)
{
	uint64_t shift = fdt_number(node, "reg-shift", 0);

	if (shift > 4)
		fdt_reject(node, "reg-shift cannot be %lu", shift);
	machine.uart_shift = (unsigned)shift;
	machine.uart = registers(node, (5UL << shift) + 1);
	uart_source_found(node);
}

static void find_rest(const struct fdt_node *node)
{
	struct fdt_prop prop;

	if (fdt_prop(node, "timebase-frequency", &prop))
		timebase_found(node);
	if (node->parent != NULL && node->parent->parent == NULL &&
	    strcmp(node->name, "chosen") == 0)
		chosen_found(node);
	if (!is_usable(node))
		return;
	if (fdt_has(node, "device_type", "cpu"))
		hart_found(node);
	if (fdt_has(node, "compatible", "ns16550a") && machine.uart == 0)
		uart_found(node);
	if (fdt_has(node, "compatible", "google,goldfish-rtc"))
		machine.rtc = registers(node, 2 * sizeof(uint32_t));
	/* Once more, now that memory is known. */
	find_test_device(node);
}

void machine_init(paddr_t fdt, struct region loaded)
{
	struct region tree = fdt_open(fdt);

	image = loaded;
	fdt_walk(find_test_device);
	add_reserved(tree);
	fdt_reservations(add_reserved);
	fdt_walk(find_memory);
	settle_memory();
	if (machine.ram_count == 0)
		panic("expected memory in the device tree");
	check_loaded(image, "the kernel");
	check_loaded(tree, "the tree");
	if (overlap(tree, image))
		panic("device tree: it lies on the kernel, at %lx", tree.start);
	fdt_walk(find_rest);
	if (machine.timebase_hz == 0)
		panic("expected timebase-frequency in the device tree");
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

/* ---- The interrupt ---- */

/*
 * Of a PLIC: a word for each interrupt, its priority; for each context, which
 * is a mode of a hart, a bit for each interrupt, and two words, the threshold
 * and what is claimed.
 *
 * Ref: RISC-V Platform-Level Interrupt Controller Specification.
 */
#define PLIC_SOURCES   1024U
#define PLIC_ENABLE    0x2000UL
#define PLIC_CONTEXT   0x200000UL
#define CAUSE_EXTERNAL 9 /* of S-mode */

static uint32_t boot_hart_controller; /* the phandle of its own */

static void find_hart_controller(const struct fdt_node *node)
{
	const struct fdt_node *hart = node->parent;

	if (hart != NULL && fdt_has(hart, "device_type", "cpu") &&
	    fdt_has(node, "compatible", "riscv,cpu-intc") &&
	    fdt_number(hart, "reg", 0) == machine.hartids[0])
		(void)fdt_cell(node, "phandle", 0, &boot_hart_controller);
}

static void plic_found(const struct fdt_node *node, uint32_t context)
{
	uint32_t source = machine.uart_source;

	if (source == 0 || source >= PLIC_SOURCES ||
	    source > fdt_number(node, "riscv,ndev", PLIC_SOURCES))
		fdt_reject(node, "it has no interrupt %u", source);
	machine.plic_enable =
	    registers_at(node, PLIC_ENABLE + 0x80UL * context, 0x80);
	machine.plic_context =
	    registers_at(node, PLIC_CONTEXT + 0x1000UL * context, 8);
	machine.plic_priority = registers_at(node, 4UL * source, 4);
}

/* Two numbers stand for each context: a hart's controller, and a cause. */
static void find_plic(const struct fdt_node *node)
{
	uint32_t self = 0, hart, cause;

	if (!fdt_has(node, "compatible", "riscv,plic0") &&
	    !fdt_has(node, "compatible", "sifive,plic-1.0.0"))
		return;
	if (!is_usable(node) || !fdt_cell(node, "phandle", 0, &self) ||
	    self != machine.uart_controller)
		return;
	for (uint32_t i = 0;
	     fdt_cell(node, "interrupts-extended", 2 * i, &hart) &&
	     fdt_cell(node, "interrupts-extended", 2 * i + 1, &cause);
	     i++)
		if (hart == boot_hart_controller && cause == CAUSE_EXTERNAL)
			plic_found(node, i);
}

void machine_find_interrupt(void)
{
	boot_hart_controller = 0;
	fdt_walk(find_hart_controller);
	if (boot_hart_controller != 0 && machine.uart_controller != 0)
		fdt_walk(find_plic);
}

#ifdef CALF_TEST
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
#endif
