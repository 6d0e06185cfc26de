/* SPDX-License-Identifier: MIT */
/*
 * machine.c - memory, harts, and the hooks of include/mm/frame.h.
 */
#include <string.h>

#include "arch/hart.h"
#include "arch/lock.h"
#include "arch/machine.h"
#include "arch/page.h"
#include "mm/slab.h"
#include "sim.h"

char sim_ram[SIM_RAM_SIZE] ALIGNED(4096);
struct hart harts[MAX_HARTS];
unsigned hart_count = SIM_HARTS;
unsigned sim_hart;
unsigned sim_locks_held;
unsigned sim_locks_while_copying;

bool sim_stale_counts;
uint64_t sim_alloc_failures;
void (*sim_interrupt)(void);

/* Frames that had two holders at once since they were allocated. */
static bool was_shared[SIM_RAM_FRAMES];

void page_copy(void *dst, const void *src)
{
	assert(((uintptr_t)dst & PAGE_MASK) == 0);
	assert(((uintptr_t)src & PAGE_MASK) == 0);
	memcpy(dst, src, PAGE_SIZE);
	if (sim_locks_held > sim_locks_while_copying)
		sim_locks_while_copying = sim_locks_held;
}

void page_fill(void *page, uint64_t word)
{
	uint64_t *words = page;

	assert(((uintptr_t)page & PAGE_MASK) == 0);
	for (size_t i = 0; i < PAGE_SIZE / sizeof(word); i++)
		words[i] = word;
}

void page_zero(void *page)
{
	page_fill(page, 0);
}

/* ---- Hooks ---- */

void sim_hook(void)
{
	if (unlikely(sim_interrupt != NULL))
		sim_interrupt();
}

void sim_hook_get(const struct frame *f)
{
	was_shared[f - frames] = true;
}

bool sim_hook_stale(const struct frame *f)
{
	return sim_stale_counts && was_shared[f - frames] && sim_below(16) == 0;
}

static void count_call(struct alloc_site *site, bool failed)
{
	site->calls++;
	if (failed) {
		site->failures++;
		sim_alloc_failures++;
	}
}

static struct frame *count_alloc(struct frame *f, struct alloc_site *site)
{
	count_call(site, f == NULL);
	if (f != NULL)
		was_shared[f - frames] = false;
	return f;
}

void *sim_slab_alloc(struct slab *slab, struct alloc_site *site)
{
	void *object = (slab_alloc)(slab);

	count_call(site, object == NULL);
	return object;
}

struct frame *sim_frame_alloc(enum frame_state state, struct alloc_site *site)
{
	sim_hook();
	return count_alloc((frame_alloc)(state), site);
}

struct frame *sim_frame_alloc_zeroed(enum frame_state state,
    struct alloc_site *site)
{
	struct frame *f;

	sim_hook();
	f = count_alloc((frame_alloc_zeroed)(state), site);
	for (size_t i = 0; f != NULL && i < PAGE_SIZE; i += 8)
		if (*(uint64_t *)(void *)((char *)frame_virt(f) + i) != 0)
			sim_fail("zeroed frame %lx is not", frame_paddr(f));
	return f;
}

/* ---- Boot ---- */

/* Memory with holes: two banks, with a piece missing in the first. */
static void boot_memory(unsigned count)
{
	paddr_t base = SIM_RAM_BASE;
	paddr_t middle = base + (paddr_t)(count / 3) * PAGE_SIZE;
	paddr_t end = base + (paddr_t)(count + 8) * PAGE_SIZE;
	struct region ram[] = {{base, middle + 0x10},
	    {middle + 3 * PAGE_SIZE - 0x10, end}};
	struct region taken[] = {
	    {base + 5 * PAGE_SIZE + 1, base + 6 * PAGE_SIZE + 1}};
	struct memory_map map = {ram, array_len(ram), taken, array_len(taken)};

	assert(end - base <= SIM_RAM_SIZE);
	frame_init(&map);
}

/* A root for the kernel whose user half is empty. */
static void boot_kernel_root(void)
{
	static struct alloc_site site;
	struct frame *root = sim_frame_alloc(FRAME_KERNEL, &site);

	if (SV39_USER_ROOT_ENTRIES < SV39_ENTRIES) {
		kernel_template[SV39_USER_ROOT_ENTRIES] =
		    pte_kernel(0x80000000, PTE_R | PTE_W);
		kernel_template_end = SV39_USER_ROOT_ENTRIES + 1;
	}
	page_zero(frame_virt(root));
	tlb_kernel_root = frame_paddr(root);
}

void sim_boot(const struct sim_config *config)
{
	boot_memory(config->frames);
	boot_kernel_root();
	mmu_init(config->asid_bits);
	for (unsigned i = 0; i < SIM_HARTS; i++) {
		harts[i].index = i;
		sim_hart = i;
		tlb_init();
	}
	sim_hart = 0;
}
