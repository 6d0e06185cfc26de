/* SPDX-License-Identifier: MIT */
/*
 * page.h - whole pages, as fast as the machine copies and fills them.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include <stdint.h>

/* Both addresses are page-aligned and do not overlap. */
void page_copy(void *dst, const void *src);
void page_zero(void *page);

/* Each of its words becomes `word`. */
void page_fill(void *page, uint64_t word);

#endif
