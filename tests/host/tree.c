/* SPDX-License-Identifier: MIT */
/*
 * tree.c - damaged device trees.
 *
 * A tree lies at the end of memory, with all before it poisoned, so that a byte
 * read outside of it is seen. For any contents, machine_init() either panics
 * with a sentence about the tree, or keeps the promises of its contract.
 *
 *   tree [--rounds N] [--seed N] FOLDER    what tests/red/trees.py made
 */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/machine.h"
#include "sim.h"
#include "tap.h"

#define MAX_TREE  16384
#define MAX_FILES 64

static struct region image = {0x80200000, 0x80280000};
static uint64_t boot_hart;

struct blob {
	uint8_t bytes[MAX_TREE];
	size_t len;
};

static struct file {
	char name[32];
	char message[80]; /* of the panic; "" if the tree is right */
	struct blob blob;
} files[MAX_FILES];
static unsigned file_count, right_count; /* the right ones come first */
static uint64_t rounds = 20000, seed = 1;

/* ---- One tree ---- */

static void init(const struct blob *blob)
{
	size_t room = (blob->len + 7) & ~7UL;
	char *at = sim_ram + SIM_RAM_SIZE - room;

	ASAN_UNPOISON_MEMORY_REGION(sim_ram, SIM_RAM_SIZE);
	memset(at, 0, room);
	memcpy(at, blob->bytes, blob->len);
	ASAN_POISON_MEMORY_REGION(sim_ram, SIM_RAM_SIZE - room);
	machine = (struct machine){.bootargs = ""};
	machine_init(virt_to_phys(at), image);
	machine_set_boot_hart(boot_hart);
	machine_find_interrupt();
}

static bool is_inside(struct region part, struct region whole)
{
	return part.start >= whole.start && part.end <= whole.end;
}

static bool is_in_memory(struct region part)
{
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (is_inside(part, machine.ram[i]))
			return true;
	return false;
}

/* Can registers be there: in one page, and outside of memory? */
static bool may_be_device(paddr_t pa, uint64_t span)
{
	if (pa == 0)
		return true;
	return pa < DIRECT_MAP_SIZE && pa % 4 == 0 &&
	    page_floor(pa) == page_floor(pa + span - 1) &&
	    !is_in_memory((struct region){pa, pa + 1});
}

static const char *check_memory(void)
{
	paddr_t end = 0;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		if (machine.ram[i].start <= end && i > 0)
			return "memory is not in order";
		if (machine.ram[i].start >= machine.ram[i].end)
			return "an empty region";
		end = machine.ram[i].end;
	}
	if (end > DIRECT_MAP_SIZE)
		return "memory out of reach";
	for (unsigned i = 0; i < machine.reserved_count; i++)
		if (machine.reserved[i].end > DIRECT_MAP_SIZE)
			return "a reserved region out of reach";
	if (!is_in_memory(image))
		return "the image is not in memory";
	if (machine.initrd.start < machine.initrd.end &&
	    !is_in_memory(machine.initrd))
		return "the archive is not in memory";
	return NULL;
}

static const char *check_machine(void)
{
	if (machine.timebase_hz < 1000 || machine.timebase_hz > 10000000000)
		return "a clock that cannot be";
	if (machine.hart_count > MAX_HARTS)
		return "too many harts";
	for (unsigned i = 0; i < machine.hart_count; i++)
		for (unsigned k = 0; k < i; k++)
			if (machine.hartids[i] == machine.hartids[k])
				return "two harts of one number";
	if (machine.uart_shift > 4 ||
	    !may_be_device(machine.uart, (5UL << machine.uart_shift) + 1))
		return "a serial port that cannot be";
	if (!may_be_device(machine.test_device, 4) ||
	    !may_be_device(machine.rtc, 8) ||
	    !may_be_device(machine.plic_priority, 4) ||
	    !may_be_device(machine.plic_enable, 128) ||
	    !may_be_device(machine.plic_context, 8))
		return "a device that cannot be";
	/* The sanitizer looks at these. */
	(void)strlen(machine.bootargs);
	for (uint32_t i = 0; i < machine.rng_seed_len; i++)
		(void)*(const volatile uint8_t *)&machine.rng_seed[i];
	return check_memory();
}

/* Lets machine_init() read the tree. NULL, or what is wrong with the result. */
static const char *outcome(const struct blob *blob)
{
	jmp_buf caught;
	const char *wrong;

	sim_caught = &caught;
	if (setjmp(caught) == 0) {
		init(blob);
		sim_caught = NULL;
		wrong = check_machine();
	} else {
		sim_caught = NULL;
		wrong = strstr(sim_text, "device tree") == NULL
		    ? found("it panicked: %s", sim_text)
		    : NULL;
	}
	return wrong;
}

/* ---- Changes ---- */

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
}

static void put32(uint8_t *b, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t odd_number(uint32_t value)
{
	static const uint32_t numbers[] = {0, 1, 2, 3, 4, 8, 9, 12, 16, 0x1000,
	    0x7fffffff, 0x80000000, 0x80200000, 0x80203000, 0x81000000,
	    0xfffffffc, 0xffffffff};

	switch (sim_below(4)) {
	case 0:
		return value + 1 - 2 * sim_below(2);
	case 1:
		return value + 4 - 8 * sim_below(2);
	case 2:
		return (uint32_t)sim_random();
	default:
		return numbers[sim_below(sizeof numbers / sizeof *numbers)];
	}
}

static uint32_t any_word(const struct blob *blob)
{
	return 4 * sim_below((uint32_t)blob->len / 4);
}

static void change(struct blob *blob)
{
	uint32_t at = any_word(blob), from = any_word(blob), len;

	switch (sim_below(6)) {
	case 0: /* a word of the header */
		at = 4 * sim_below(10);
		FALLTHROUGH;
	case 1:
		put32(&blob->bytes[at], odd_number(be32(&blob->bytes[at])));
		break;
	case 2: /* a token */
		put32(&blob->bytes[at], 1 + sim_below(4));
		break;
	case 3:
		blob->bytes[sim_below((uint32_t)blob->len)] ^=
		    (uint8_t)(1U << sim_below(8));
		break;
	case 4: /* repeats a node, a property, or half of one */
		len = 4 * sim_below(32);
		if (at + len <= blob->len && from + len <= blob->len)
			memmove(&blob->bytes[at], &blob->bytes[from], len);
		break;
	default: /* the same word twice */
		put32(&blob->bytes[at], be32(&blob->bytes[from]));
		break;
	}
}

static void save(const struct blob *blob)
{
	FILE *file = fopen("build/bad-tree.dtb", "w");

	if (file != NULL) {
		(void)fwrite(blob->bytes, 1, blob->len, file);
		(void)fclose(file);
	}
}

TEST(any_tree_is_understood_or_rejected_by_a_sentence)
{
	static struct blob blob;
	unsigned understood = 0;

	sim_seed(seed);
	for (uint64_t i = 0; i < rounds; i++) {
		const char *wrong;

		blob = files[sim_below(right_count)].blob;
		for (uint32_t n = sim_below(5); n > 0; n--)
			change(&blob);
		sim_text[0] = '\0';
		wrong = outcome(&blob);
		understood += sim_text[0] == '\0';
		sim_text[0] = '\0';
		if (wrong == NULL)
			continue;
		save(&blob);
		return found("round %lu of seed %lu: %s (build/bad-tree.dtb)",
		    i, seed, wrong);
	}
	/*
	 * Some trees have to be understood: a fuzzer whose trees are all
	 * refused at once finds nothing.
	 */
	if (understood < rounds / 10 || understood > rounds - rounds / 10)
		return found("%u of %lu were understood", understood, rounds);
	return NULL;
}

/* ---- As they are ---- */

static void init_file(void *file)
{
	init(&((struct file *)file)->blob);
}

TEST(wrong_trees_are_rejected_with_their_message)
{
	for (unsigned i = right_count; i < file_count; i++) {
		const char *wrong =
		    must_panic(init_file, &files[i], files[i].message);

		if (wrong != NULL)
			return found("%s: %s", files[i].name, wrong);
	}
	return NULL;
}

static bool is_file(unsigned i, const char *name)
{
	return strcmp(files[i].name, name) == 0;
}

static unsigned harts_of(const char *tree)
{
	if (strcmp(tree, "six-harts") == 0)
		return 6;
	return strcmp(tree, "three-harts") == 0 ? 3 : 2;
}

TEST(right_trees_say_what_the_machine_has)
{
	for (unsigned i = 0; i < right_count; i++) {
		unsigned expected = harts_of(files[i].name);

		init(&files[i].blob);
		if (machine.ram_count != 1 ||
		    machine.ram[0].start != 0x80000000 ||
		    machine.ram[0].end != DIRECT_MAP_SIZE ||
		    machine.ram_beyond != 0x88000000 - DIRECT_MAP_SIZE)
			return found("%s: memory", files[i].name);
		if (machine.hart_count != min_u64(expected, MAX_HARTS) ||
		    machine.hart_count + machine.harts_ignored != expected ||
		    machine.hartids[1] != 1 || machine.timebase_hz != 10000000)
			return found("%s: harts", files[i].name);
		if (machine.uart !=
			(is_file(i, "firmware-console") ? 0 : 0x10000000) ||
		    machine.rtc != 0x101000 || machine.test_device != 0x100000)
			return found("%s: devices", files[i].name);
		if (is_file(i, "archive") &&
		    machine.initrd.end - machine.initrd.start != 1 << 20)
			return "no archive";
	}
	return NULL;
}

/* As on QEMU: each hart has a context for M-mode and one for S-mode. */
static const char *check_interrupt(unsigned i)
{
	bool none = is_file(i, "no-plic") || is_file(i, "no-context") ||
	    is_file(i, "no-interrupt") || is_file(i, "firmware-console");
	paddr_t context = 2 * boot_hart + 1;

	init(&files[i].blob);
	if (none)
		return machine.plic_priority == 0
		    ? NULL
		    : found("%s: an interrupt", files[i].name);
	if (machine.uart_source != 10 || machine.plic_priority != 0xc000028 ||
	    machine.plic_enable != 0xc002000 + 0x80 * context ||
	    machine.plic_context != 0xc200000 + 0x1000 * context)
		return found("%s: interrupt %u, registers %lx, %lx, %lx",
		    files[i].name, machine.uart_source, machine.plic_priority,
		    machine.plic_enable, machine.plic_context);
	return NULL;
}

TEST(the_interrupt_goes_to_the_hart_that_boots)
{
	const char *wrong = NULL;

	for (unsigned i = 0; wrong == NULL && i < right_count; i++)
		for (boot_hart = 0; wrong == NULL && boot_hart < 2; boot_hart++)
			wrong = check_interrupt(i);
	boot_hart = 0;
	return wrong;
}

TEST(tree_on_the_kernel_is_rejected)
{
	image = (struct region){DIRECT_MAP_SIZE - PAGE_SIZE, DIRECT_MAP_SIZE};
	return must_panic(init_file, &files[0], "it lies on the kernel");
}

/* ---- Broken on purpose ---- */

enum { BEGIN = 1, END = 2, PROP = 3 };
#define NAME(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (c) << 8 | (d))

/* A tree with these words as its structure, and one string, "reg". */
static void tree_of(struct blob *blob, const uint32_t *words, uint32_t count)
{
	const uint32_t header[] = {0xd00dfeed, 60 + 4 * count, 56,
	    56 + 4 * count, 40, 17, 16, 0, 4, 4 * count, 0, 0, 0, 0};
	const uint32_t head = sizeof header / sizeof *header;

	for (uint32_t i = 0; i < head; i++)
		put32(&blob->bytes[4 * i], header[i]);
	for (uint32_t i = 0; i < count; i++)
		put32(&blob->bytes[4 * (head + i)], words[i]);
	memcpy(&blob->bytes[4 * (head + count)], "reg", 4);
	blob->len = 4 * (head + count + 1);
}

static const struct broken {
	const char *text; /* what the message has to contain */
	uint32_t count, words[16];
} broken[] = {
    {"token 2", 1, {END}},
    {"token 3", 3, {PROP, 0, 0}},
    {"token 9", 1, {9}},
    {"node /: found token 7", 3, {BEGIN, 0, 7}},
    {"node /: the tree ends", 2, {BEGIN, 0}},
    {"its name does not end", 2, {BEGIN, NAME('a', 'b', 'c', 'd')}},
    {"node /: the tree ends", 5, {BEGIN, 0, PROP, 100, 0}},
    {"node /: the tree ends", 6, {BEGIN, 0, PROP, 0xfffffffe, 0, END}},
    {"node /: the tree ends", 4, {BEGIN, 0, PROP, 0}},
    {"node /: a property without a name", 6, {BEGIN, 0, PROP, 0, 4, END}},
    {"node /: found token 3", 9,
	{BEGIN, 0, BEGIN, NAME('b', 0, 0, 0), END, PROP, 0, 0, END}},
    {"node /b: found token 5", 5, {BEGIN, 0, BEGIN, NAME('b', 0, 0, 0), 5}},
    {"expected memory", 3, {BEGIN, 0, END}},
};

static struct blob current;

static void init_blob(void *blob)
{
	init(blob);
}

TEST(broken_structure_is_rejected_at_its_node)
{
	for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
		const char *wrong;

		tree_of(&current, broken[i].words, broken[i].count);
		wrong = must_panic(init_blob, &current, broken[i].text);
		if (wrong != NULL)
			return found("tree %u: %s", i, wrong);
	}
	return NULL;
}

TEST(too_many_levels_are_rejected)
{
	uint32_t words[40];

	for (unsigned i = 0; i < 40; i += 2) {
		words[i] = BEGIN;
		words[i + 1] = 0;
	}
	tree_of(&current, words, 40);
	return must_panic(init_blob, &current, "more than 12 levels");
}

TEST(broken_header_is_rejected)
{
	static const struct {
		uint32_t at, value;
		const char *text;
	} headers[] = {
	    {0, 0, "expected a device tree in a1"},
	    {4, 8, "cannot have 8 bytes"},
	    {4, 0xffffffff, "cannot have 4294967295 bytes"},
	    {8, 0xfffffff0, "structure"},
	    {12, 0x10000, "strings"},
	    {16, 0x10000, "list of reservations"},
	    {20, 16, "version 17, found 16"},
	    {24, 18, "version 17"},
	    {32, 0xffffffff, "strings"},
	    {32, 3, "a property without a name"},
	    {36, 0xffffffff, "structure"},
	};
	static const uint32_t words[] = {BEGIN, 0, PROP, 0, 0, END};

	for (unsigned i = 0; i < sizeof headers / sizeof *headers; i++) {
		const char *wrong;

		tree_of(&current, words, 6);
		put32(&current.bytes[headers[i].at], headers[i].value);
		wrong = must_panic(init_blob, &current, headers[i].text);
		if (wrong != NULL)
			return found("header %u: %s", i, wrong);
	}
	return NULL;
}

static const struct test tests[] = {
    LISTED(right_trees_say_what_the_machine_has),
    LISTED(the_interrupt_goes_to_the_hart_that_boots),
    LISTED(wrong_trees_are_rejected_with_their_message),
    LISTED(tree_on_the_kernel_is_rejected),
    LISTED(broken_structure_is_rejected_at_its_node),
    LISTED(too_many_levels_are_rejected),
    LISTED(broken_header_is_rejected),
    LISTED(any_tree_is_understood_or_rejected_by_a_sentence),
};

static NORETURN void fail_at(const char *name)
{
	perror(name);
	exit(2);
}

static void read_blob(const char *name, struct blob *blob)
{
	FILE *file = fopen(name, "r");

	if (file == NULL)
		fail_at(name);
	blob->len = fread(blob->bytes, 1, MAX_TREE, file);
	(void)fclose(file);
}

static void read_folder(const char *folder)
{
	char path[200], line[160];
	FILE *list;

	(void)snprintf(path, sizeof path, "%s/list", folder);
	list = fopen(path, "r");
	if (list == NULL)
		fail_at(path);
	while (fgets(line, sizeof line, list) != NULL) {
		struct file *file = &files[file_count++];

		if (file_count > MAX_FILES ||
		    sscanf(line, "%31[^\t]\t%79[^\n]", file->name,
			file->message) < 1)
			fail_at(line);
		right_count += file->message[0] == '\0';
		(void)snprintf(path, sizeof path, "%s/%s.dtb", folder,
		    file->name);
		read_blob(path, &file->blob);
	}
	(void)fclose(list);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10);
		else
			read_folder(argv[i]);
	}
	if (right_count == 0 || right_count == file_count) {
		(void)fprintf(stderr, "tree: no trees to begin with\n");
		return 2;
	}
	return tap_run(tests, sizeof tests / sizeof *tests);
}
