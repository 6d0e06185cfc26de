/* SPDX-License-Identifier: MIT */
/*
 * machine.c - device trees of other machines, read by a second copy of
 * arch/machine.c.
 */
/* Before any header: the copy has names, and a structure, of its own. */
#define machine                scratch_machine
#define machine_init           scratch_machine_init
#define machine_set_boot_hart  scratch_boot_hart
#define machine_find_interrupt scratch_find_interrupt
#define bootarg_next           scratch_arg_next
#define bootarg_find           scratch_arg_find

#include "../../arch/machine.c"
#include "ktest.h"

#define GIB (1UL << 30)

TEST(memory_out_of_reach_is_left_alone)
{
	struct region *ram = machine.ram;

	machine = (struct machine){
	    .ram = {{300 * GIB, 301 * GIB}, {2 * GIB, 4 * GIB},
		{254 * GIB, 257 * GIB}, {255 * GIB, 256 * GIB}},
	    .ram_count = 4,
	};
	settle_memory();
	MUST(machine.ram_count == 2, found("%u regions", machine.ram_count));
	MUST(ram[0].start == 2 * GIB && ram[0].end == 4 * GIB, "the first");
	MUST(ram[1].start == 254 * GIB && ram[1].end == 255 * GIB,
	    "the second");
	MUST(machine.ram_beyond == 4 * GIB,
	    found("%lx bytes beyond", machine.ram_beyond));
	return NULL;
}

/* Any hart may be the boot hart. */
TEST(the_hart_that_boots_becomes_the_first)
{
	machine = (struct machine){.hartids = {7, 8, 9}, .hart_count = 3};
	machine_set_boot_hart(9);
	MUST(machine.hartids[0] == 9 && machine.hartids[1] == 8 &&
		machine.hartids[2] == 7,
	    "another order");
	machine = (struct machine){0};
	machine_set_boot_hart(5);
	MUST(machine.hartids[0] == 5 && machine.hart_count == 1, "no hart");
	return NULL;
}

static const char *line(const char *bootargs)
{
	machine = (struct machine){.bootargs = bootargs};
	return bootargs;
}

TEST(what_follows_two_dashes_is_not_for_the_kernel)
{
	const char *value, *s;
	size_t len;

	s = line("  one  rdinit=/a -- rdinit=/b two ");
	MUST(bootarg_find("rdinit", &value, &len) && len == 2 &&
		value[1] == 'a',
	    "no rdinit");
	MUST(!bootarg_find("two", &value, &len), "two was found");
	MUST(bootarg_find("--", &value, &len) && len == 0, "no --");
	s = bootarg_next(s, &len);
	MUST(s != NULL && len == 3 && *s == 'o', "another first word");
	s = bootarg_next(value, &len);
	MUST(s != NULL && len == 9 && s[8] == 'b', "another word behind --");
	(void)line("--");
	MUST(bootarg_find("--", &value, &len) && *value == '\0', "the end");
	(void)line("   ");
	MUST(bootarg_next(machine.bootargs, &len) == NULL, "a word of spaces");
	return NULL;
}

static const struct test machine_tests[] = {
    T(memory_out_of_reach_is_left_alone),
    T(the_hart_that_boots_becomes_the_first),
    T(what_follows_two_dashes_is_not_for_the_kernel),
};
SUITE(machine, machine_tests);
