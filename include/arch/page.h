/* SPDX-License-Identifier: MIT */
/*
 * page.h - whole pages, as fast as the machine copies and clears them.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

/* Both addresses are page-aligned and do not overlap. */
void page_copy(void *dst, const void *src);
void page_zero(void *page);

#endif
