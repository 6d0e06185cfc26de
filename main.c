/* SPDX-License-Identifier: MIT */
/*
 * main.c - starts the parts of the kernel, in order. No other file may include
 * headers of every part.
 */
#include "abi/calf.h"
#include "arch/console.h"
#include "arch/hart.h"
#include "arch/machine.h"
#include "arch/power.h"
#include "arch/timer.h"
#include "arch/tlb.h"
#include "arch/trace.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kernelmap.h"
#include "proc/exec.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "proc/signal.h"
#ifdef CALF_TEST
#include "tests/kernel/ktest.h"
#endif

/* For the firmware, between the start of memory and the image: linker.ld. */
#define FIRMWARE_SIZE (2UL << 20)

NORETURN void kmain(uint64_t hartid, paddr_t fdt);
NORETURN void hart_main(void);

extern char kernel_start[], kernel_end[];

/*
 * Gives all memory to the allocator of frames, except what the machine
 * reserves, the firmware, the kernel's image, and the archive.
 */
static void memory_init(void)
{
	struct region taken[MAX_REGIONS + 2];
	unsigned count = 0;
	struct memory_map map = {.ram = machine.ram,
	    .ram_count = machine.ram_count,
	    .taken = taken};

	for (unsigned i = 0; i < machine.reserved_count; i++)
		taken[count++] = machine.reserved[i];
	/* The firmware is below the image, whatever the device tree says. */
	taken[count++] = (struct region){
	    virt_to_phys(kernel_start) - FIRMWARE_SIZE,
	    page_ceil(virt_to_phys(kernel_end)),
	};
	if (machine.initrd.end > machine.initrd.start)
		taken[count++] = machine.initrd;
	map.taken_count = count;
	frame_init(&map);
}

#ifdef CALF_TEST
static uint64_t number(const char *digits, size_t len)
{
	uint64_t value = 0;

	for (; len > 0 && *digits >= '0' && *digits <= '9'; digits++, len--)
		value = value * 10 + (uint64_t)(*digits - '0');
	return value;
}
#endif

/*
 * What the command line of a test build may ask for: `ktest` runs tests of the
 * kernel instead of a process; `bound` stops the kernel when one entry to it
 * takes too many instructions.
 */
static void tests_start(void)
{
#ifdef CALF_TEST
	const char *words;
	size_t len;

	if (bootarg_find("ktest", &words, &len))
		kernel_tests_run(words, len);
	if (bootarg_find("bound", &words, &len)) {
		hart_bound = len > 0 ? number(words, len) : CALF_ENTRY_MAX;
		frame_watched = false;
	}
#endif
}

void kmain(uint64_t hartid, paddr_t fdt)
{
	struct region image = {virt_to_phys(kernel_start),
	    page_ceil(virt_to_phys(kernel_end))};

	hart_init();
	hart_allow_misaligned();
	machine_init(fdt, image);
	machine_set_boot_hart(hartid);
	machine_find_interrupt();
	memory_init();
	kernelmap_init();
	tlb_init();
	console_init();
	timer_init();
	hart_start_others();
	kprintf("Calf: %u hart%s, %lu MiB of memory, %lu MiB free\n",
	    hart_count, hart_count == 1 ? "" : "s", frame_total_count() >> 8,
	    frame_free_count() >> 8);
	if (machine.ram_beyond > 0)
		kprintf("%lu MiB of memory beyond 255 GiB are not used\n",
		    machine.ram_beyond >> 20);
	if (machine.harts_ignored > 0)
		kprintf("harts beyond the first %d are not used: %u\n",
		    MAX_HARTS, machine.harts_ignored);
	random_init();
	signal_init();
	tests_start();
	trace_init();
	boot_start();
	sched_start();
}

/* The other harts start here, with a stack and the boot root: arch/entry.S. */
void hart_main(void)
{
	tlb_init();
	hart_allow_misaligned();
	timer_set(TIMER_NEVER);
	__atomic_store_n(&hart_self()->online, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&sched_is_open, __ATOMIC_ACQUIRE))
		hart_relax();
	sched_start();
}
