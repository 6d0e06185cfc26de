/* SPDX-License-Identifier: MIT */
/*
 * mmu.c - address translation that takes all liberties of the specification.
 *
 * Each hart's TLB holds entries of page tables as they were when it read them:
 * leaves, pointers to tables, and invalid ones, under the ASID that was in
 * satp. It keeps them until a fence covers them, reads new ones at any moment
 * for addresses that are not accessed, and uses any of those that it holds: old
 * and new ones beside each other, in any order. A fence for an address covers
 * entries of level 0 for that address only.
 *
 * The instruction cache holds bytes by physical address until fence.i.
 *
 * Ref: RISC-V Privileged Architecture, "Supervisor Memory-Management Fence
 * Instruction" and "Virtual Address Translation Process".
 */
#include "arch/hart.h"
#include "fence.h"
#include "sim.h"

#define TLB_SIZE    128 /* direct-mapped: a new entry replaces an old one */
#define ICACHE_SIZE 64
#define POOL_SIZE   32

/* One entry of a page table, as it was. `key` 0: unused. */
struct entry {
	uint64_t key; /* address bits above those below the entry, and level */
	pte_t pte;
	paddr_t root; /* of the tables it was read from */
	uint32_t asid;
};

struct line {
	paddr_t page; /* 0: unused */
	uint8_t bytes[PAGE_SIZE];
};

struct mmu {
	uint64_t satp;
	struct entry tlb[TLB_SIZE];
	struct line icache[ICACHE_SIZE];
};

static struct mmu mmus[SIM_HARTS];
static uint64_t asid_mask;
static vaddr_t pool[POOL_SIZE];
static unsigned pool_next;

unsigned mmu_eagerness = 200;

static struct mmu *mmu_self(void)
{
	return &mmus[sim_hart];
}

static paddr_t satp_root(const struct mmu *mmu)
{
	return (mmu->satp & SATP_PPN_MASK) << PAGE_SHIFT;
}

static uint32_t satp_asid(const struct mmu *mmu)
{
	return (mmu->satp >> SATP_ASID_SHIFT) & 0xffff;
}

/* Is the hart in the kernel's root, or, at first, in none? */
static bool in_kernel_root(const struct mmu *mmu)
{
	return mmu->satp == 0 || satp_root(mmu) == tlb_kernel_root;
}

static bool coin(void)
{
	return (sim_random() >> 56) < mmu_eagerness;
}

/* ---- The TLB's entries ---- */

static uint64_t key_of(vaddr_t va, int level)
{
	return (va & ~(level_span(level) - 1)) | 1 | (uint64_t)level << 1;
}

static int entry_level(const struct entry *e)
{
	return (int)(e->key >> 1 & 3);
}

static vaddr_t entry_va(const struct entry *e)
{
	return page_floor(e->key);
}

static bool entry_is_valid(const struct entry *e)
{
	return e->key != 0 && (e->pte.bits & PTE_V) != 0;
}

static struct entry *place_of(struct mmu *mmu, uint64_t key, uint32_t asid)
{
	uint64_t hash = (key ^ (uint64_t)asid << 5) * 0x9e3779b97f4a7c15;

	return &mmu->tlb[hash >> 57];
}

static const struct entry *find(struct mmu *mmu, vaddr_t va, int level)
{
	uint64_t key = key_of(va, level);
	uint32_t asid = satp_asid(mmu);
	const struct entry *e = place_of(mmu, key, asid);

	return e->key == key && e->asid == asid ? e : NULL;
}

static void fill(struct mmu *mmu, vaddr_t va, int level, pte_t pte)
{
	uint64_t key = key_of(va, level);
	uint32_t asid = satp_asid(mmu);

	*place_of(mmu, key, asid) = (struct entry){.key = key,
	    .pte = pte,
	    .root = satp_root(mmu),
	    .asid = asid};
}

/* ---- The walk ---- */

static pte_t read_entry(const struct mmu *mmu, paddr_t table, vaddr_t va,
    int level)
{
	const struct frame *f = frame_of(table);
	const pte_t *entries = phys_to_virt(table);

	if (!in_kernel_root(mmu) && (f->state != FRAME_TABLE || f->refs == 0))
		sim_fail("hart %u walks %lx at level %d for %lx, which is no "
			 "table any more",
		    sim_hart, table, level, va);
	return pte_read(&entries[level_index(va, level)]);
}

/* Reads an entry from memory, or takes one that the TLB holds of it. */
static pte_t get_entry(struct mmu *mmu, paddr_t table, vaddr_t va, int level)
{
	const struct entry *held = find(mmu, va, level);
	pte_t pte;

	if (held != NULL && coin())
		return held->pte;
	pte = read_entry(mmu, table, va, level);
	if (coin())
		fill(mmu, va, level, pte);
	return pte;
}

/*
 * Where the walk begins: at the root, or at a table to which the TLB has a
 * pointer.
 */
static paddr_t first_table(struct mmu *mmu, vaddr_t va, int *level)
{
	for (int l = 1; l <= SV39_ROOT_LEVEL; l++) {
		const struct entry *held = find(mmu, va, l);

		if (held != NULL && pte_is_table(held->pte) && coin()) {
			*level = l - 1;
			return pte_paddr(held->pte);
		}
	}
	*level = SV39_ROOT_LEVEL;
	return satp_root(mmu);
}

static void check_leaf(pte_t pte, int level)
{
	if (level != 0)
		sim_fail("large leaf %lx at level %d", pte.bits, level);
	if ((pte.bits & (PTE_A | PTE_D)) != (PTE_A | PTE_D) ||
	    pte.bits >> 54 != 0 || !(pte.bits & PTE_U))
		sim_fail("leaf %lx faults for ever", pte.bits);
}

/* The leaf, or the invalid entry that ends the walk. */
static pte_t walk(struct mmu *mmu, vaddr_t va)
{
	const struct entry *held = find(mmu, va, 0);
	paddr_t table;
	pte_t pte;
	int level;

	if (held != NULL && coin())
		return held->pte;
	for (table = first_table(mmu, va, &level);; level--) {
		pte = get_entry(mmu, table, va, level);
		if (!pte_is_table(pte))
			break;
		if (level == 0)
			return pte_empty();
		table = pte_paddr(pte);
	}
	if (pte.bits & PTE_V)
		check_leaf(pte, level);
	return pte;
}

static bool allows(pte_t pte, enum sim_access access)
{
	static const uint64_t need[] = {
	    [SIM_LOAD] = PTE_R,
	    [SIM_STORE] = PTE_W,
	    [SIM_AMO] = PTE_R | PTE_W,
	    [SIM_FETCH] = PTE_X,
	};

	return (pte.bits & (PTE_V | need[access])) == (PTE_V | need[access]);
}

/*
 * If an atomic instruction finds an invalid entry, its fault may be reported as
 * that of a load.
 */
static enum access report(pte_t pte, enum sim_access access)
{
	if (access == SIM_FETCH)
		return ACCESS_EXEC;
	if (access == SIM_LOAD)
		return ACCESS_READ;
	if (access == SIM_AMO && !(pte.bits & PTE_V) && (sim_random() >> 63))
		return ACCESS_READ;
	return ACCESS_WRITE;
}

bool mmu_translate(vaddr_t va, enum sim_access access, paddr_t *pa,
    enum access *reported)
{
	pte_t pte = va < USER_TOP ? walk(mmu_self(), va) : pte_empty();
	const struct frame *f;

	if (!allows(pte, access)) {
		*reported = report(pte, access);
		return false;
	}
	f = frame_of(pte_paddr(pte));
	if ((f->state != FRAME_PAGE && f->state != FRAME_KERNEL) ||
	    f->refs == 0)
		sim_fail("hart %u reaches %lx through %lx, which is no page "
			 "any more",
		    sim_hart, pte_paddr(pte), va);
	*pa = pte_paddr(pte) + (va & PAGE_MASK);
	return true;
}

void mmu_pool_add(vaddr_t va)
{
	if (va < USER_TOP)
		pool[pool_next++ % POOL_SIZE] = va;
}

/* ---- What arch/tlb.c executes ---- */

static void speculate_sometimes(void)
{
	while ((sim_random() >> 62) == 0)
		mmu_speculate();
}

uint64_t sim_satp_read(void)
{
	return mmu_self()->satp;
}

void sim_satp_write(uint64_t value)
{
	speculate_sometimes();
	mmu_self()->satp =
	    value & ~((0xffffUL & ~asid_mask) << SATP_ASID_SHIFT);
	speculate_sometimes();
}

static void fence(uint64_t key, uint32_t asid)
{
	struct mmu *mmu = mmu_self();

	speculate_sometimes();
	for (unsigned i = 0; i < TLB_SIZE; i++) {
		struct entry *e = &mmu->tlb[i];

		if (e->asid == asid && (key == 0 || e->key == key))
			e->key = 0;
	}
	speculate_sometimes();
	sim_hook();
}

void fence_page(vaddr_t va, uint64_t asid)
{
	fence(key_of(va, 0), (uint32_t)(asid & asid_mask));
}

void fence_asid(uint64_t asid)
{
	fence(0, (uint32_t)(asid & asid_mask));
}

void fence_all(void)
{
	struct mmu *mmu = mmu_self();

	speculate_sometimes();
	for (unsigned i = 0; i < TLB_SIZE; i++)
		mmu->tlb[i].key = 0;
	speculate_sometimes();
	sim_hook();
}

void fence_code(void)
{
	struct mmu *mmu = mmu_self();

	for (unsigned i = 0; i < ICACHE_SIZE; i++)
		mmu->icache[i].page = 0;
}

/* ---- Instruction fetch ---- */

uint8_t mmu_fetch(paddr_t pa)
{
	struct line *line =
	    &mmu_self()->icache[(pa >> PAGE_SHIFT) % ICACHE_SIZE];

	if (line->page != page_floor(pa) || !coin()) {
		line->page = page_floor(pa);
		__builtin_memcpy(line->bytes, phys_to_virt(line->page),
		    PAGE_SIZE);
	}
	return line->bytes[pa & PAGE_MASK];
}

void mmu_user_fence_i(void)
{
	fence_code();
}

/*
 * A hart in the kernel's root does nothing: that root has no user half, and
 * entries under its ASID, if there is only one, are not the users'.
 */
void mmu_speculate(void)
{
	struct mmu *mmu = mmu_self();
	pte_t pte;

	if (in_kernel_root(mmu))
		return;
	pte = walk(mmu, pool[sim_below(POOL_SIZE)]);
	if (allows(pte, SIM_FETCH))
		(void)mmu_fetch(pte_paddr(pte));
}

/* ---- I6 ---- */

/* Do the tables still say what the entry says, or allow more? */
static bool is_current(const struct entry *e, paddr_t root)
{
	int level = entry_level(e);
	pte_t now = mmu_tables(root, entry_va(e), &level);

	return level == entry_level(e) && (now.bits & PTE_V) &&
	    pte_paddr(now) == pte_paddr(e->pte) &&
	    (pte_perms(e->pte) & ~pte_perms(now)) == 0 &&
	    pte_is_table(now) == pte_is_table(e->pte);
}

static void check_entries(const struct mmu *mmu, uint32_t asid, paddr_t root)
{
	for (unsigned i = 0; i < TLB_SIZE; i++) {
		const struct entry *e = &mmu->tlb[i];

		if (e->asid == asid && entry_is_valid(e) &&
		    !is_current(e, root))
			sim_fail("I6: hart %u may still use %lx for %lx at "
				 "level %d, ASID %u",
			    (unsigned)(mmu - mmus), e->pte.bits, entry_va(e),
			    entry_level(e), asid);
	}
}

void mmu_check(void)
{
	const struct mmu *mmu = mmu_self();

	if (!in_kernel_root(mmu))
		check_entries(mmu, satp_asid(mmu), satp_root(mmu));
}

/* Nothing of a process may be reached while a hart is in the kernel's root. */
static void check_kernel_entries(void)
{
	for (unsigned hart = 0; hart < SIM_HARTS && asid_mask != 0; hart++) {
		for (unsigned i = 0; i < TLB_SIZE; i++) {
			const struct entry *e = &mmus[hart].tlb[i];

			if (e->asid == 0 && entry_is_valid(e))
				sim_fail("hart %u holds %lx under the "
					 "kernel's ASID",
				    hart, entry_va(e));
		}
	}
}

void mmu_check_all(void)
{
	check_kernel_entries();
	list_for_each(link, &aspace_list) {
		struct aspace *as = list_entry(link, struct aspace, link);

		if (as->asid.hart < SIM_HARTS &&
		    as->asid.round == harts[as->asid.hart].asid_round)
			check_entries(&mmus[as->asid.hart], as->asid.number,
			    frame_paddr(as->root));
	}
}

/* When a reference to a frame is dropped, no TLB may use its last entry. */
void sim_hook_drop(const struct frame *f)
{
	const struct mmu *mmu = mmu_self();
	paddr_t pa = frame_paddr(f), root = satp_root(mmu);
	uint32_t asid = satp_asid(mmu);

	if (in_kernel_root(mmu))
		return;
	for (unsigned i = 0; i < TLB_SIZE; i++) {
		const struct entry *e = &mmu->tlb[i];

		if (pte_paddr(e->pte) == pa && e->asid == asid &&
		    entry_is_valid(e) && !is_current(e, root))
			sim_fail("hart %u lets go of %lx before the fence for "
				 "%lx at level %d",
			    sim_hart, pa, entry_va(e), entry_level(e));
	}
}

/* The boot root maps low memory with a global entry, valid under every ASID. */
static void hold_boot_root(struct mmu *mmu)
{
	uint64_t key = key_of(SIM_RAM_BASE, SV39_ROOT_LEVEL);

	for (uint32_t asid = 0; asid <= asid_mask; asid++)
		*place_of(mmu, key, asid) = (struct entry){.key = key,
		    .pte = pte_kernel(0x80000000, PTE_R | PTE_W | PTE_X),
		    .asid = asid};
}

void mmu_init(unsigned asid_bits)
{
	asid_mask = (1UL << asid_bits) - 1;
	for (unsigned i = 0; i < SIM_HARTS; i++) {
		mmus[i] = (struct mmu){0};
		hold_boot_root(&mmus[i]);
	}
}
