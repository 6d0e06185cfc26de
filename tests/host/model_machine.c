/* SPDX-License-Identifier: MIT */
/*
 * model_machine.c - the small machine: frames with the simplest allocator, and
 * TLBs that hold all that they are allowed to. See model.h.
 */
#include <string.h>

#include "arch/hart.h"
#include "arch/lock.h"
#include "arch/page.h"
#include "mm/slab.h"
#include "model.h"

char sim_ram[SIM_RAM_SIZE] ALIGNED(4096);
struct hart harts[MAX_HARTS];
unsigned hart_count = MODEL_PROCS;
unsigned sim_hart;
unsigned sim_locks_held;

#define POISON 0xa5a5a5a5a5a5a5a5

struct frame *frames;
paddr_t frame_base = SIM_RAM_BASE;
uint64_t frame_count = MODEL_FRAMES;
uint32_t *frame_audit_words;

struct model_proc model_procs[MODEL_PROCS];

static struct frame frame_table[MODEL_FRAMES];
static uint32_t audit_words[MODEL_FRAMES];
static struct aspace pool[MODEL_SPACES];
static bool pool_used[MODEL_SPACES];
static struct frame_failure *failures;

/* ---- Frames ---- */

static uint64_t *words_of(const struct frame *f)
{
	return frame_virt(f);
}

void frame_fail_set(struct frame_failure *failure)
{
	failures = failure;
}

struct frame *(frame_alloc)(enum frame_state state)
{
	if (failures != NULL && failures->countdown > 0 &&
	    --failures->countdown == 0) {
		failures->failed++;
		return NULL;
	}
	for (unsigned i = 0; i < MODEL_FRAMES; i++) {
		struct frame *f = &frames[i];

		if (f->state != FRAME_FREE)
			continue;
		*f = (struct frame){.refs = 1, .state = (uint8_t)state};
		words_of(f)[0] = words_of(f)[1] = 0x5a5a5a5a5a5a5a5a;
		return f;
	}
	sim_fail("the model needs more frames");
}

struct frame *(frame_alloc_zeroed)(enum frame_state state)
{
	struct frame *f = (frame_alloc)(state);

	if (f != NULL)
		page_zero(frame_virt(f));
	return f;
}

struct frame *sim_frame_alloc(enum frame_state state, struct alloc_site *site)
{
	site->calls++;
	return (frame_alloc)(state);
}

struct frame *sim_frame_alloc_zeroed(enum frame_state state,
    struct alloc_site *site)
{
	site->calls++;
	return (frame_alloc_zeroed)(state);
}

void frame_free(struct frame *f)
{
	if (f->refs != 0 || f->state == FRAME_FREE)
		sim_fail("frame %lx freed with count %u", frame_paddr(f),
		    f->refs);
	*f = (struct frame){.state = FRAME_FREE};
	words_of(f)[0] = words_of(f)[1] = POISON;
}

void frame_free_zeroed(struct frame *f)
{
	if (words_of(f)[0] != 0 || words_of(f)[1] != 0)
		sim_fail("frame %lx is not zero", frame_paddr(f));
	frame_free(f);
}

void frame_poison(struct frame *f)
{
	words_of(f)[0] = words_of(f)[1] = POISON;
}

void freeing_done(struct freeing freeing)
{
	while (freeing.first != NULL) {
		struct chain *link = freeing.first;

		freeing.first = link->next;
		frame_poison(frame_of_virt(link));
	}
}

void frame_count_is_wrong(const struct frame *f, uint32_t count)
{
	sim_fail("count %u of frame %lx", count, frame_paddr(f));
}

uint64_t frame_free_count(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < MODEL_FRAMES; i++)
		n += frames[i].state == FRAME_FREE;
	return n;
}

uint64_t frame_audit_free(void)
{
	return frame_free_count();
}

struct frame *frame_next_known(const struct frame *f)
{
	uint64_t next = f == NULL ? 0 : (uint64_t)(f - frames) + 1;

	return next < MODEL_FRAMES ? &frames[next] : NULL;
}

void page_copy(void *dst, const void *src)
{
	memcpy(dst, src, 2 * sizeof(uint64_t));
}

void page_fill(void *page, uint64_t word)
{
	uint64_t *words = page;

	words[0] = words[1] = word;
}

void page_zero(void *page)
{
	page_fill(page, 0);
}

void *(slab_alloc)(struct slab *slab)
{
	assert(slab->size >= sizeof(struct aspace));
	for (unsigned i = 0; i < MODEL_SPACES; i++) {
		if (!pool_used[i]) {
			pool_used[i] = true;
			return &pool[i];
		}
	}
	sim_fail("the model needs more address spaces");
}

void *sim_slab_alloc(struct slab *slab, struct alloc_site *site)
{
	site->calls++;
	return (slab_alloc)(slab);
}

void slab_free(struct slab *slab, void *object)
{
	struct aspace *as = object;

	(void)slab;
	memset(as, 0, sizeof *as);
	pool_used[as - pool] = false;
}

/* ---- TLBs ---- */

unsigned model_place(unsigned page, int level)
{
	if (level == 2)
		return 0;
	return level == 1 ? 1 + page / 2 : 3 + page;
}

static void hold(struct held *held, pte_t e)
{
	if (!(e.bits & PTE_V)) {
		held->invalid = true;
		return;
	}
	for (unsigned i = 0; i < held->count; i++)
		if (held->bits[i] == e.bits)
			return;
	if (held->count == MODEL_HELD)
		sim_fail("a TLB holds %u values of an entry", MODEL_HELD);
	held->bits[held->count++] = e.bits;
}

static paddr_t root_of(const struct model_proc *p)
{
	return frame_paddr(p->as->root);
}

void model_fill(unsigned p)
{
	struct model_proc *proc = &model_procs[p];

	if (proc->as == NULL)
		return;
	for (unsigned page = 0; page < MODEL_PAGES; page++) {
		for (int level = 2; level >= 0; level--) {
			int at = level;
			pte_t e =
			    mmu_tables(root_of(proc), page << PAGE_SHIFT, &at);

			if (at == level)
				hold(&proc->tlb[model_place(page, level)], e);
		}
	}
}

static bool is_allowed(const struct model_proc *p, unsigned page, int level,
    pte_t held)
{
	int at = level;
	pte_t now = mmu_tables(root_of(p), page << PAGE_SHIFT, &at);

	return at == level && (now.bits & PTE_V) &&
	    pte_paddr(now) == pte_paddr(held) &&
	    pte_is_table(now) == pte_is_table(held) &&
	    (pte_perms(held) & ~pte_perms(now)) == 0;
}

/* Checks entries that name frame `pa`, or all if that is 0. */
static void check_held(unsigned p, paddr_t pa, const char *problem)
{
	const struct model_proc *proc = &model_procs[p];

	for (unsigned page = 0; page < MODEL_PAGES; page++) {
		for (int level = 2; level >= 0; level--) {
			const struct held *held =
			    &proc->tlb[model_place(page, level)];

			for (unsigned i = 0; i < held->count; i++) {
				pte_t e = {held->bits[i]};

				if (pa != 0 && pte_paddr(e) != pa)
					continue;
				if (!is_allowed(proc, page, level, e))
					sim_fail("%s: process %u may use %lx "
						 "at level %d for page %u",
					    problem, p, e.bits, level, page);
			}
		}
	}
}

void model_check_tlb(unsigned p)
{
	if (model_procs[p].as != NULL)
		check_held(p, 0, "I6");
}

void sim_hook(void)
{
	model_fill(sim_hart);
}

void sim_hook_drop(const struct frame *f)
{
	if (model_procs[sim_hart].as != NULL)
		check_held(sim_hart, frame_paddr(f), "let go before the fence");
}

void sim_hook_get(const struct frame *f)
{
	(void)f;
}

bool sim_hook_stale(const struct frame *f)
{
	(void)f;
	return false;
}

/* ---- What arch/tlb.c offers ---- */

void tlb_switch(paddr_t root, struct asid *asid)
{
	asid->hart = sim_hart;
	asid->number = sim_hart;
	harts[sim_hart].root = root;
	memset(model_procs[sim_hart].tlb, 0, sizeof model_procs[0].tlb);
}

paddr_t tlb_kernel_root;

void tlb_flush_page(struct asid *asid, vaddr_t va)
{
	struct model_proc *p = &model_procs[asid->number];

	if (asid->hart == ASID_NO_HART)
		return;
	model_fill(asid->number);
	memset(&p->tlb[model_place((unsigned)(va >> PAGE_SHIFT), 0)], 0,
	    sizeof p->tlb[0]);
}

void tlb_flush_asid(struct asid *asid)
{
	if (asid->hart == ASID_NO_HART)
		return;
	model_fill(asid->number);
	memset(model_procs[asid->number].tlb, 0, sizeof model_procs[0].tlb);
}

void tlb_code_changed(void)
{
}

/* ---- States ---- */

void model_save(struct model_state *state)
{
	memcpy(state->frames, frames, sizeof state->frames);
	for (unsigned i = 0; i < MODEL_FRAMES; i++)
		memcpy(state->words[i], words_of(&frames[i]), 16);
	memcpy(state->pool, pool, sizeof pool);
	memcpy(state->pool_used, pool_used, sizeof pool_used);
	memcpy(state->procs, model_procs, sizeof model_procs);
	state->list = aspace_list;
}

void model_restore(const struct model_state *state)
{
	memcpy(frames, state->frames, sizeof state->frames);
	for (unsigned i = 0; i < MODEL_FRAMES; i++)
		memcpy(words_of(&frames[i]), state->words[i], 16);
	memcpy(pool, state->pool, sizeof pool);
	memcpy(pool_used, state->pool_used, sizeof pool_used);
	memcpy(model_procs, state->procs, sizeof model_procs);
	aspace_list = state->list;
	for (unsigned i = 0; i < MODEL_PROCS; i++)
		harts[i].root =
		    model_procs[i].as != NULL ? root_of(&model_procs[i]) : 0;
}

void model_boot(void)
{
	frames = frame_table;
	frame_audit_words = audit_words;
	for (unsigned i = 0; i < MAX_HARTS; i++)
		harts[i].index = i;
	kernel_template[1] = pte_kernel(0x80000000, PTE_R | PTE_W);
	kernel_template_end = 2;
}
