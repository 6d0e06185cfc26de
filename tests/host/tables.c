/* SPDX-License-Identifier: MIT */
/*
 * tables.c - page tables as hardware reads them, without a TLB in between.
 */
#include "sim.h"

pte_t mmu_tables(paddr_t root, vaddr_t va, int *level)
{
	paddr_t table = root;
	int end = *level;
	pte_t pte;

	for (*level = SV39_ROOT_LEVEL;; --*level) {
		const pte_t *entries = phys_to_virt(table);

		pte = pte_read(&entries[level_index(va, *level)]);
		if (*level == end || !pte_is_table(pte))
			return pte;
		table = pte_paddr(pte);
	}
}
