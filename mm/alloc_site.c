/* SPDX-License-Identifier: MIT */
/*
 * alloc_site.c - which places that allocate have failed on demand: the linker
 * collects them.
 */
#include "mm/alloc_site.h"

#ifdef ALLOC_SITE

#include "arch/hart.h"
#include "lib/print.h"
#include "lib/string.h"

extern struct alloc_site alloc_sites_start[], alloc_sites_end[];

static struct alloc_site *current[MAX_HARTS];

void alloc_site_enter(struct alloc_site *site)
{
	current[hart_index()] = site;
}

void alloc_site_failed(void)
{
	__atomic_fetch_add(&current[hart_index()]->failed, 1, __ATOMIC_RELAXED);
}

uint64_t alloc_site_report(void)
{
	uint64_t count = 0, failed = 0;

	for (struct alloc_site *s = alloc_sites_start; s != alloc_sites_end;
	     s++) {
		if (strncmp(s->file, "tests/", 6) == 0)
			continue;
		count++;
		if (__atomic_load_n(&s->failed, __ATOMIC_RELAXED) > 0)
			failed++;
		else
			kprintf("# %s:%u has not failed yet\n", s->file,
			    s->line);
	}
	return failed << 32 | count;
}

#endif
