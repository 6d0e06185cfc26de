/* SPDX-License-Identifier: MIT */
/*
 * alloc_site.h - in test builds, every place in the source that allocates is
 * known, and whether an allocation has ever failed there on demand.
 *
 * A place is a call of a macro such as frame_alloc(...). Where a call is to be
 * no place the name is in parentheses, (frame_alloc)(...): at boot, where
 * nothing can be made to fail, and in an allocator whose caller is a place.
 */
#ifndef MM_ALLOC_SITE_H
#define MM_ALLOC_SITE_H

#include "lib/types.h"

#if defined(CALF_TEST) && defined(__riscv)

struct alloc_site {
	const char *file;
	uint32_t line;
	uint32_t failed; /* [A] */
};

/* Where this hart is about to allocate. */
void alloc_site_enter(struct alloc_site *site);

/* Notes that an allocation fails at the place that was entered last. */
void alloc_site_failed(void);

/*
 * Names the places where none has failed yet. Returns how many there are, and
 * in the upper half how many have failed.
 */
uint64_t alloc_site_report(void);

#define ALLOC_SITE                                                             \
	({                                                                     \
		static struct alloc_site site                                  \
		    __attribute__((section("alloc_sites"), used)) = {__FILE__, \
			__LINE__, 0};                                          \
		alloc_site_enter(&site);                                       \
	})

#else

static inline void alloc_site_failed(void)
{
}

#endif

#endif
