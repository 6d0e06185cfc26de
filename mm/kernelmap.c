/* SPDX-License-Identifier: MIT */
/*
 * kernelmap.c - the kernel half: the direct map, W^X.
 *
 * Whole gigabytes of memory are mapped by one entry, the GiB with the image by
 * entries of 2 MiB, and the image itself by entries of 4 KiB. What is neither
 * memory nor a device in use is not mapped, nor is the firmware below the
 * image. The tables are never freed.
 */
#include "mm/kernelmap.h"

#include "arch/machine.h"
#include "arch/page.h"
#include "arch/tlb.h"
#include "pagetable.h"

#define SPAN_2M (1UL << 21)
#define SPAN_1G (1UL << 30)

extern char kernel_start[], kernel_text_end[], kernel_rodata_end[],
    kernel_stacks[], kernel_end[];

static pte_t *kernel_table(pte_t *slot)
{
	struct frame *table;

	if (pte_is_table(pte_read(slot)))
		return table_entries(pte_read(slot));
	assert(pte_is_empty(pte_read(slot)));
	table = (frame_alloc)(FRAME_KERNEL);
	if (table == NULL)
		panic("expected memory for the kernel's page tables");
	page_zero(frame_virt(table));
	pte_write_table(slot, frame_paddr(table));
	return frame_virt(table);
}

/* Maps one entry of the given level. */
static void map_entry(paddr_t pa, int level, uint64_t perms)
{
	vaddr_t va = (vaddr_t)phys_to_virt(pa);
	unsigned index = level_index(va, SV39_ROOT_LEVEL);
	pte_t *slot = &kernel_template[index];

	if (index >= kernel_template_end)
		kernel_template_end = index + 1;
	for (int at = SV39_ROOT_LEVEL; at > level; at--)
		slot = &kernel_table(slot)[level_index(va, at - 1)];
	pte_write(slot, pte_kernel(pa, perms));
}

static bool is_stack_guard(paddr_t pa)
{
	paddr_t stacks = virt_to_phys(kernel_stacks);

	return pa >= stacks && pa < virt_to_phys(kernel_end) &&
	    (pa - stacks) % KSTACK_STRIDE == 0;
}

static uint64_t image_perms(paddr_t pa)
{
	if (pa < virt_to_phys(kernel_text_end))
		return PTE_R | PTE_X;
	if (pa < virt_to_phys(kernel_rodata_end))
		return PTE_R;
	return PTE_R | PTE_W;
}

/* The largest entry that starts at `pa` and ends by `end`. */
static int fitting_level(paddr_t pa, paddr_t end)
{
	if (pa % SPAN_1G == 0 && end - pa >= SPAN_1G)
		return 2;
	if (pa % SPAN_2M == 0 && end - pa >= SPAN_2M)
		return 1;
	return 0;
}

static void map_memory(paddr_t pa, paddr_t end, bool image)
{
	while (pa < end) {
		int level = image ? 0 : fitting_level(pa, end);

		if (!image)
			map_entry(pa, level, PTE_R | PTE_W);
		else if (!is_stack_guard(pa))
			map_entry(pa, 0, image_perms(pa));
		pa += level_span(level);
	}
}

static void map_region(struct region ram)
{
	paddr_t start = virt_to_phys(kernel_start);
	paddr_t end = page_ceil(virt_to_phys(kernel_end));

	ram.start = page_ceil(ram.start);
	ram.end = page_floor(ram.end);
	if (start >= ram.start && start < ram.end) {
		map_memory(start, end, true);
		ram.start = end;
	}
	map_memory(ram.start, ram.end, false);
}

static void map_device(paddr_t pa)
{
	if (pa != 0)
		map_entry(page_floor(pa), 0, PTE_R | PTE_W);
}

/* The tables below an entry that only the root of the device's driver has. */
static pte_t device_tables[SV39_ROOT_LEVEL][SV39_ENTRIES] ALIGNED(PAGE_SIZE);

/*
 * A program that is given the page of one device must not get another device
 * with it.
 */
static bool is_alone_in_page(paddr_t device)
{
	const paddr_t others[] = {machine.plic_priority, machine.plic_enable,
	    machine.plic_context, machine.test_device, machine.rtc};

	for (unsigned i = 0; i < array_len(others); i++)
		if (page_floor(others[i]) == page_floor(device))
			return false;
	return true;
}

/* The one page that the hardware lets user mode reach in the kernel's half. */
static void lead_to_device(paddr_t device)
{
	pte_t e = pte_page(page_floor(device), PTE_R | PTE_W);

	for (int level = 0; level < SV39_ROOT_LEVEL; level++) {
		pte_t *table = device_tables[level];

		pte_write(&table[level_index(DEVICE_PAGE, level)], e);
		e = pte_table(virt_to_phys(table));
	}
	device_entry = e;
}

void kernelmap_init(void)
{
	for (unsigned i = 0; i < machine.ram_count; i++)
		map_region(machine.ram[i]);
	map_device(machine.uart);
	map_device(machine.plic_priority);
	map_device(machine.plic_enable);
	map_device(machine.plic_context);
	map_device(machine.test_device);
	map_device(machine.rtc);
	if (machine.uart != 0 && is_alone_in_page(machine.uart))
		lead_to_device(machine.uart);
	tlb_kernel_root = virt_to_phys(kernel_template);
}
