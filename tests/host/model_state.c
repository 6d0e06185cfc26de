/* SPDX-License-Identifier: MIT */
/*
 * model_state.c - two states of the small machine are equal if they differ only
 * in the addresses of frames.
 */
#include <string.h>

#include "model.h"

/* What makes two states different, as bytes. */
struct text {
	uint8_t bytes[2048];
	unsigned len;
	uint8_t names[MODEL_FRAMES]; /* 0: not met yet */
	uint8_t next;
};

static void put(struct text *t, uint64_t value, unsigned bytes)
{
	if (t->len + bytes > sizeof t->bytes)
		sim_fail("the state is too large");
	memcpy(t->bytes + t->len, &value, bytes);
	t->len += bytes;
}

/* True if the frame is met for the first time. */
static bool put_frame(struct text *t, const struct frame *f)
{
	uint8_t *name = &t->names[f - frames];
	bool fresh = *name == 0;

	if (fresh)
		*name = ++t->next;
	put(t, *name, 1);
	if (fresh)
		put(t,
		    f->refs | (uint64_t)f->used << 8 | (uint64_t)f->alike << 15,
		    2);
	return fresh;
}

static void put_table(struct text *t, const pte_t *entries, int level)
{
	unsigned end =
	    level == SV39_ROOT_LEVEL ? SV39_USER_ROOT_ENTRIES : SV39_ENTRIES;

	for (unsigned i = 0; i < end; i++) {
		pte_t e = entries[i];
		const void *below;

		put(t, e.bits & ((1UL << PTE_PPN_SHIFT) - 1), 2);
		if ((e.bits & PTE_PPN_MASK) == 0)
			continue;
		if (!put_frame(t, frame_of(pte_paddr(e))))
			continue;
		below = phys_to_virt(pte_paddr(e));
		if (level > 0)
			put_table(t, below, level - 1);
		else
			put(t, *(const uint64_t *)below, 1);
	}
}

/* Values in the order of their bits and their frames' names. */
static void put_held(struct text *t, const struct held *held)
{
	uint32_t values[MODEL_HELD];

	for (unsigned i = 0; i < held->count; i++) {
		pte_t e = {held->bits[i]};
		uint32_t value = (uint32_t)(e.bits & 0x3ff) << 8 |
		    t->names[frame_of(pte_paddr(e)) - frames];
		unsigned at = i;

		for (; at > 0 && values[at - 1] > value; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
	put(t, held->count | held->invalid << 4, 1);
	for (unsigned i = 0; i < held->count; i++)
		put(t, values[i], 3);
}

static void put_proc(struct text *t, const struct model_proc *p)
{
	put(t, p->as != NULL, 1);
	if (p->as == NULL)
		return;
	put(t, p->as->low | (uint64_t)p->as->high << 2, 1);
	put(t, p->as->cursor >> PAGE_SHIFT, 1);
	put(t, p->as->root->used, 1);
	put_table(t, p->as->top, SV39_ROOT_LEVEL);
	for (unsigned i = 0; i < MODEL_PAGES; i++)
		put(t,
		    p->pages[i].mapped | p->pages[i].perms << 1 |
			p->pages[i].value << 4,
		    1);
}

static uint64_t hash(const struct text *t, uint64_t seed)
{
	uint64_t h = seed ^ t->len;

	for (unsigned i = 0; i < t->len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, t->bytes + i, t->len - i < 8 ? t->len - i : 8);
		h = (h ^ word) * 0x9fb21c651e98df25;
		h ^= h >> 32;
	}
	return h * 0xd6e8feb86659fd93;
}

struct model_hash model_hash(unsigned forks)
{
	struct text t = {.len = 0};

	put(&t, forks, 1);
	for (unsigned i = 0; i < MODEL_PROCS; i++)
		put_proc(&t, &model_procs[i]);
	for (unsigned i = 0; i < MODEL_PROCS; i++)
		for (unsigned place = 0;
		     model_procs[i].as != NULL && place < MODEL_PLACES; place++)
			put_held(&t, &model_procs[i].tlb[place]);
	return (struct model_hash){hash(&t, 0x12345678), hash(&t, 0x87654321)};
}
