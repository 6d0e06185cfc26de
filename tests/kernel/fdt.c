/* SPDX-License-Identifier: MIT */
/* fdt.c - checks what was read from the machine's own device tree. */
#include "ktest.h"

#include "arch/hart.h"
#include "arch/machine.h"
#include "lib/string.h"
#include "mm/frame.h"

extern char kernel_start[], kernel_end[];

static bool is_inside(struct region part, struct region whole)
{
	return part.start >= whole.start && part.end <= whole.end;
}

static bool is_in_ram(struct region part)
{
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (is_inside(part, machine.ram[i]))
			return true;
	return false;
}

TEST(memory_is_where_the_kernel_is)
{
	MUST(machine.ram_count > 0, "no memory");
	for (unsigned i = 0; i < machine.ram_count; i++)
		MUST(machine.ram[i].start < machine.ram[i].end,
		    found("region %u is empty", i));
	MUST(is_in_ram((struct region){virt_to_phys(kernel_start),
		 virt_to_phys(kernel_end)}),
	    "the image is not in memory");
	return NULL;
}

TEST(the_initrd_is_in_memory)
{
	MUST(machine.initrd.start <= machine.initrd.end, "it ends too early");
	MUST(machine.initrd.start == machine.initrd.end ||
		is_in_ram(machine.initrd),
	    "it lies elsewhere");
	return NULL;
}

TEST(the_device_tree_itself_is_reserved)
{
	paddr_t bootargs = virt_to_phys(machine.bootargs);
	unsigned i = 0;

	while (i < machine.reserved_count &&
	    !(bootargs >= machine.reserved[i].start &&
		bootargs < machine.reserved[i].end))
		i++;
	MUST(i < machine.reserved_count, "its text is free memory");
	MUST(!frame_is_memory(frame_of(page_floor(bootargs))),
	    "its frame is not ours to give");
	return NULL;
}

static bool is_hart(uint64_t hartid)
{
	unsigned i = 0;

	while (i < machine.hart_count && machine.hartids[i] != hartid)
		i++;
	return i < machine.hart_count;
}

TEST(every_hart_of_the_tree_is_up_and_has_a_number_of_its_own)
{
	MUST(hart_count > 0 && hart_count <= MAX_HARTS, "no hart");
	MUST(hart_count == machine.hart_count,
	    found("%u of %u harts", hart_count, machine.hart_count));
	for (unsigned i = 0; i < hart_count; i++) {
		MUST(is_hart(harts[i].hartid), "another number");
		for (unsigned k = 0; k < i; k++)
			MUST(harts[i].hartid != harts[k].hartid,
			    found("harts %u and %u are the same", i, k));
	}
	MUST(hart_self() == &harts[0], "the boot hart is not the first");
	return NULL;
}

TEST(devices_and_clock_are_known)
{
	MUST(machine.timebase_hz > 0, "a clock that stands still");
	MUST(machine.uart != 0, "no UART");
	MUST(!is_in_ram((struct region){machine.uart, machine.uart + 1}),
	    "the UART is in memory");
	return NULL;
}

TEST(failure_can_be_told)
{
	if (machine.test_device == 0)
		return SKIP("no test device");
	MUST(!is_in_ram(
		 (struct region){machine.test_device, machine.test_device + 4}),
	    "the test device is in memory");
	return NULL;
}

TEST(boot_arguments_are_found_by_whole_words)
{
	const char *value = NULL;
	size_t len = 99;

	MUST(bootarg_find("ktest", &value, &len), "no ktest");
	MUST(value >= machine.bootargs &&
		value + len <= machine.bootargs + strlen(machine.bootargs),
	    "its value lies elsewhere");
	MUST(len == 0 || value[-1] == '=', "a value without =");
	MUST(!bootarg_find("ktes", &value, &len), "half a word was found");
	MUST(!bootarg_find("ktestt", &value, &len), "a longer word was found");
	MUST(!bootarg_find("test", &value, &len), "the end of one was found");
	return NULL;
}

static const struct test fdt_tests[] = {
    T(memory_is_where_the_kernel_is),
    T(the_initrd_is_in_memory),
    T(the_device_tree_itself_is_reserved),
    T(every_hart_of_the_tree_is_up_and_has_a_number_of_its_own),
    T(devices_and_clock_are_known),
    T(failure_can_be_told),
    T(boot_arguments_are_found_by_whole_words),
};
SUITE(fdt, fdt_tests);
