/* SPDX-License-Identifier: MIT */
/*
 * elf.c - reads from an ELF file of what its program consists; see program.h.
 *
 * What is checked here is that it is such a file, and that all of it is there.
 * Addresses are checked by the kernel.
 */
#include "program.h"

#include <string.h>

#include "abi/elf.h"
#include "abi/errno.h"
#include "abi/mman.h"
#include "memory.h"

/* The address of a program that may be anywhere (PIE). */
#define PIE_BASE 0x1010000UL

static bool header_is_valid(const struct elf_header *h, uint64_t size)
{
	static const uint8_t magic[6] = {0x7f, 'E', 'L', 'F', 2, 1};

	return memcmp(h->ident, magic, sizeof magic) == 0 &&
	    h->machine == EM_RISCV &&
	    (h->type == ET_EXEC || h->type == ET_DYN) &&
	    h->phentsize == sizeof(struct elf_segment) && h->phnum > 0 &&
	    h->phnum <= SEGMENTS_MAX && h->phoff <= size &&
	    h->phnum * sizeof(struct elf_segment) <= size - h->phoff;
}

static bool segment_is_valid(const struct elf_segment *s, uint64_t size)
{
	return s->filesz <= s->memsz && s->offset <= size &&
	    s->filesz <= size - s->offset &&
	    s->vaddr % MEMORY_PAGE == s->offset % MEMORY_PAGE;
}

static uint64_t prot_of(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0U) |
	    (flags & PF_W ? PROT_WRITE : 0U) | (flags & PF_X ? PROT_EXEC : 0U);
}

static void add_segment(struct program_plan *plan, const struct elf_header *h,
    const struct elf_segment *s)
{
	uint64_t start = s->vaddr + (h->type == ET_DYN ? PIE_BASE : 0);

	plan->segments[plan->count++] = (struct program_segment){.start = start,
	    .size = s->memsz,
	    .offset = s->offset,
	    .filled = s->filesz,
	    .prot = prot_of(s->flags)};
	if (h->phoff >= s->offset && h->phoff - s->offset < s->filesz)
		plan->phdr = start + (h->phoff - s->offset);
}

static int add_segments(const struct node *node, const struct elf_header *h,
    struct program_plan *plan)
{
	struct elf_segment s[SEGMENTS_MAX];

	data_read(node, h->phoff, s, h->phnum * sizeof *s);
	for (unsigned i = 0; i < h->phnum; i++) {
		if (s[i].type == PT_INTERP)
			return -ENOEXEC;
		if (s[i].type == PT_GNU_STACK && (s[i].flags & PF_X))
			plan->stack = PROT_EXEC;
		if (s[i].type != PT_LOAD || s[i].memsz == 0)
			continue;
		if (!segment_is_valid(&s[i], node->size))
			return -ENOEXEC;
		add_segment(plan, h, &s[i]);
	}
	return plan->count > 0 ? 0 : -ENOEXEC;
}

int program_describe(const struct node *node, struct program_plan *plan)
{
	struct elf_header h;

	if (data_read(node, 0, &h, sizeof h) < sizeof h ||
	    !header_is_valid(&h, node->size))
		return -ENOEXEC;
	*plan = (struct program_plan){.token = node->contents,
	    .entry = h.entry + (h.type == ET_DYN ? PIE_BASE : 0),
	    .phnum = h.phnum};
	return add_segments(node, &h, plan);
}
