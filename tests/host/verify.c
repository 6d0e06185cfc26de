/* SPDX-License-Identifier: MIT */
/* verify.c - compares page tables with the oracle; it walks them by itself. */
#include "mm/inspect.h"
#include "world.h"

static uint8_t owner_perms(pte_t e)
{
	return (uint8_t)(pte_perms(e) | (pte_is_cow(e) ? PTE_W : 0));
}

struct peek peek(const struct aspace *as, vaddr_t va)
{
	const pte_t *entries = as->top;
	int level = SV39_ROOT_LEVEL;
	pte_t e;

	for (;; level--) {
		e = pte_read(&entries[level_index(va, level)]);
		if (level == 0 ||
		    !(pte_is_table(e) || pte_kind(e) == PTE_KIND_LAZY))
			break;
		entries = phys_to_virt(pte_paddr(e));
	}
	switch (pte_kind(e)) {
	case PTE_KIND_EMPTY:
		return (struct peek){0};
	case PTE_KIND_RESERVED:
		return (struct peek){.mapped = true, .perms = owner_perms(e)};
	default:
		return (struct peek){.mapped = true,
		    .shared = pte_is_shared(e),
		    .sealed = pte_is_sealed(e),
		    .perms = owner_perms(e),
		    .byte = *((uint8_t *)phys_to_virt(pte_paddr(e)) +
			(va & PAGE_MASK))};
	}
}

static void verify_page(const struct aspace *as, const struct oracle *o,
    const struct seg *seg, uint32_t vpn, const char *who)
{
	vaddr_t va = (vaddr_t)vpn << PAGE_SHIFT;

	for (unsigned i = 0; i < 4; i++) {
		vaddr_t at = va + oracle_offsets[i];
		struct peek found = peek(as, at);

		if (!found.mapped || found.perms != seg->perms ||
		    found.shared != (seg->object != 0) ||
		    found.sealed != seg->sealed ||
		    found.byte != oracle_load(o, at))
			sim_fail("%s: at %lx expected perms %x byte %u, found "
				 "%s perms %x byte %u",
			    who, at, seg->perms, oracle_load(o, at),
			    found.mapped ? "mapped" : "empty", found.perms,
			    found.byte);
	}
}

static void verify_hole(const struct aspace *as, uint32_t start, uint32_t end,
    const char *who)
{
	uint32_t probes[] = {start, start + (end - start) / 2, end - 1};

	for (unsigned i = 0; start < end && i < array_len(probes); i++)
		if (peek(as, (vaddr_t)probes[i] << PAGE_SHIFT).mapped)
			sim_fail("%s: expected nothing at page %x", who,
			    probes[i]);
}

/* No table may be empty: it would stay until its process ends. */
static void verify_tables(const pte_t *entries, unsigned count, int level,
    const char *who)
{
	for (unsigned i = 0; i < count; i++) {
		pte_t e = pte_read(&entries[i]);

		if (!pte_is_table(e))
			continue;
		if (frame_of(pte_paddr(e))->used == 0)
			sim_fail("%s: empty table %lx at level %d", who,
			    pte_paddr(e), level - 1);
		if (level > 1)
			verify_tables(phys_to_virt(pte_paddr(e)), SV39_ENTRIES,
			    level - 1, who);
	}
}

void verify_oracle(const struct aspace *as, const struct oracle *o,
    const char *who)
{
	uint32_t last = 0;

	verify_tables(as->top, SV39_USER_ROOT_ENTRIES, SV39_ROOT_LEVEL, who);
	for (unsigned i = 0; i < o->nsegs; i++) {
		const struct seg *seg = &o->segs[i];

		verify_hole(as, last, seg->start, who);
		verify_page(as, o, seg, seg->start, who);
		verify_page(as, o, seg, seg->end - 1, who);
		last = seg->end;
	}
	verify_hole(as, last, (uint32_t)(USER_TOP >> PAGE_SHIFT), who);
	for (unsigned i = 0; i < o->nrecs; i++)
		verify_page(as, o, oracle_seg(o, o->recs[i].vpn),
		    o->recs[i].vpn, who);
}

/* The runs that calf_next() shows cover what is mapped, and nothing else. */
static void verify_runs(struct aspace *as, const struct oracle *o)
{
	struct calf_run run = {0};
	uint64_t mapped = 0, shown = 0;

	for (unsigned i = 0; i < o->nsegs; i++)
		mapped += o->segs[i].end - o->segs[i].start;
	while (inspect_next(as, run.end, &run)) {
		uint32_t start = (uint32_t)(run.start >> PAGE_SHIFT);
		uint32_t end = (uint32_t)(run.end >> PAGE_SHIFT);

		if (start >= end || !oracle_is_full(o, start, end))
			sim_fail("a run of nothing, %lx to %lx", run.start,
			    run.end);
		shown += end - start;
	}
	if (shown != mapped)
		sim_fail("runs of %lu pages, expected %lu", shown, mapped);
}

void verify_all(void)
{
	for (unsigned i = 0; i < WORLD_PROCS; i++)
		if (procs[i].alive && !procs[i].change.active) {
			verify_oracle(procs[i].as, &procs[i].oracle, "process");
			verify_runs(procs[i].as, &procs[i].oracle);
		}
	for (unsigned i = 0; i < WORLD_IMAGES; i++)
		if (images[i].as != NULL)
			verify_oracle(images[i].as, &images[i].oracle, "image");
}
