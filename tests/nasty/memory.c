/* SPDX-License-Identifier: MIT */
/*
 * memory.c - loads, stores and atomic operations that have no window.
 *
 * A window is opened where no choice remains to be made. Where accesses have to
 * be noticed it is watched: each access comes here, but is not translated.
 *
 * Ref: Volume I, "RVWMO Memory Consistency Model", "A" Standard Extension;
 * Volume II, "Virtual Address Translation Process".
 */
#include "check.h"
#include "late.h"
#include "report.h"

/* --- translation ---------------------------------------------------------- */

static bool page_fault(struct hart *h, uint64_t va, enum access access)
{
	hart_trap(h,
	    access == ACCESS_EXEC       ? CAUSE_FETCH_PAGE
		: access == ACCESS_READ ? CAUSE_LOAD_PAGE
					: CAUSE_STORE_PAGE,
	    va);
	return false;
}

static bool access_fault(struct hart *h, uint64_t va, enum access access)
{
	hart_trap(h,
	    access == ACCESS_EXEC       ? CAUSE_FETCH_ACCESS
		: access == ACCESS_READ ? CAUSE_LOAD_ACCESS
					: CAUSE_STORE_ACCESS,
	    va);
	return false;
}

/* The bits of an address that an entry of a level leaves as they are. */
static uint64_t below(unsigned level)
{
	return (1UL << (PAGE_SHIFT + 9 * level)) - 1;
}

static bool permits(const struct hart *h, struct translation t,
    enum access access)
{
	uint64_t pte = t.pte;

	if (!(pte & PTE_V) || !pte_is_leaf(pte) ||
	    (pte & (PTE_R | PTE_W)) == PTE_W || (pte & PTE_RESERVED) != 0 ||
	    (pte_pa(pte) & below(t.level)) != 0)
		return false;
	if (h->priv == PRIV_U && !(pte & PTE_U))
		return false;
	if (h->priv == PRIV_S && (pte & PTE_U) &&
	    (access == ACCESS_EXEC || !(h->sstatus & SSTATUS_SUM)))
		return false;
	if (access == ACCESS_READ && (h->sstatus & SSTATUS_MXR) &&
	    (pte & PTE_X))
		return true;
	return (pte & access) != 0;
}

/* A and D: set by the machine, or by the kernel after a fault. */
static bool note_use(struct core *c, struct translation *t, enum access access)
{
	uint64_t need = PTE_A | (access == ACCESS_WRITE ? PTE_D : 0);

	if ((t->pte & need) == need)
		return true;
	if (machine.config.svade || ram_word(t->slot) != t->pte)
		return false;
	t->pte |= need;
	store_now(c, t->slot, 8, t->pte);
	return true;
}

static bool translate(struct hart *h, uint64_t va, enum access access,
    uint64_t *pa)
{
	struct core *c = core_of(h);
	struct translation t;

	if (h->satp >> 60 == 0) {
		*pa = va;
		return true;
	}
	if ((uint64_t)((int64_t)(va << 25) >> 25) != va)
		return page_fault(h, va, access);
	t = tlb_translate(c, va);
	if (permits(h, t, access) && !note_use(c, &t, access) &&
	    !machine.config.svade)
		t = table_walk(c, va);
	if (!permits(h, t, access) || !note_use(c, &t, access))
		return page_fault(h, va, access);
	*pa = pte_pa(t.pte) | (va & below(t.level));
	c->recent_pages[c->recent_page_next++ & 15] = va & ~PAGE_MASK;
	if (h->priv == PRIV_U)
		check_user_access(c, va, access, t, *pa);
	return true;
}

/* --- windows -------------------------------------------------------------- */

static bool page_is_reserved(const struct core *c, uint64_t pa)
{
	for (unsigned i = 0; i < machine.hart_count; i++)
		if (&machine.cores[i] != c &&
		    (machine.cores[i].reserved ^ pa) >> PAGE_SHIFT == 0)
			return true;
	return false;
}

/* Must others know of each store to this page, for as long as it is mapped? */
static bool page_matters(uint64_t pa)
{
	return check_wants_stores(pa) || sched_wants_stores(pa);
}

/* Must others, or the adversary, know of a store to this place? */
static bool store_matters(const struct core *c, uint64_t pa)
{
	return c->storing_late || page_matters(pa) ||
	    (machine.reservations != 0 && page_is_reserved(c, pa));
}

static bool is_watched(const struct core *c, uint64_t pa, enum access access)
{
	if (late_has_page(c, pa) || unlikely(report_watches(pa)))
		return true;
	return access == ACCESS_WRITE &&
	    (store_matters(c, pa) || check_holds_lock_in(c, pa));
}

static void open_window(struct core *c, uint64_t va, uint64_t pa,
    enum access access)
{
	uint64_t page = pa & ~PAGE_MASK;

	hart_open_window(&c->hart, va, access, ram_at(page));
	if (is_watched(c, pa, access))
		hart_watch_window(&c->hart, va, access, true);
}

/* --- loads and stores ----------------------------------------------------- */

/* Is a misaligned load or store done, if slowly, or is it a trap? */
static bool misaligned_is_done(struct hart *h)
{
	enum misaligned how = machine.config.misaligned;

	if (how == MISALIGNED_FIRMWARE)
		h->firmware += 300;
	return how != MISALIGNED_TRAPS &&
	    (how != MISALIGNED_HART_0 || h->index == 0);
}

static bool misaligned(struct hart *h, uint64_t va, enum access access)
{
	hart_trap(h,
	    access == ACCESS_READ ? CAUSE_LOAD_MISALIGNED
				  : CAUSE_STORE_MISALIGNED,
	    va);
	return false;
}

/*
 * Through a watched window, while stores are not late: it may have become an
 * ordinary one.
 */
static NOINLINE bool store_watched(struct core *c, uint64_t va, uint64_t pa,
    unsigned size, uint64_t value)
{
	bool told = page_matters(pa), matters = told || store_matters(c, pa);

	store_some_time(c, pa, size, value);
	if (!told && !is_watched(c, pa, ACCESS_WRITE))
		hart_watch_window(&c->hart, va, ACCESS_WRITE, false);
	if (matters)
		sched_point(c);
	return true;
}

/*
 * Byte by byte: a misaligned access need not be done at once. If stores are
 * late, other harts also see the bytes one by one.
 */
static bool load_bytes(struct hart *h, uint64_t va, unsigned size,
    uint64_t *value)
{
	uint64_t pa, all = 0;

	for (unsigned i = 0; i < size; i++) {
		if (!translate(h, va + i, ACCESS_READ, &pa))
			return false;
		if (!is_ram(pa, 1))
			return access_fault(h, va + i, ACCESS_READ);
		all |= load_ram(core_of(h), pa, 1) << (8 * i);
	}
	*value = all;
	return true;
}

static bool store_bytes(struct hart *h, uint64_t va, unsigned size,
    uint64_t value)
{
	uint64_t pa[8];

	for (unsigned i = 0; i < size; i++)
		if (!translate(h, va + i, ACCESS_WRITE, &pa[i]))
			return false;
	for (unsigned i = 0; i < size; i++)
		if (!is_ram(pa[i], 1))
			return access_fault(h, va + i, ACCESS_WRITE);
	for (unsigned i = 0; i < size; i++)
		store_some_time(core_of(h), pa[i], 1, value >> (8 * i) & 0xff);
	return true;
}

/*
 * After the first load from a page, what follows is mostly loaded too: the
 * host's memory is asked for all of it at once.
 */
static void expect_more(const char *place)
{
	for (unsigned line = 1; line < 16; line++)
		__builtin_prefetch(place + 64UL * line);
}

/* Without a window: translates the address, and opens one. */
static NOINLINE bool load_anew(struct hart *h, uint64_t va, unsigned size,
    uint64_t *value)
{
	struct core *c = core_of(h);
	uint64_t pa;

	if (va & (size - 1))
		return misaligned_is_done(h) ? load_bytes(h, va, size, value)
					     : misaligned(h, va, ACCESS_READ);
	if (!translate(h, va, ACCESS_READ, &pa))
		return false;
	if (!is_ram(pa, size))
		return device_load(pa, size, value) ||
		    access_fault(h, va, ACCESS_READ);
	expect_more(ram_at(pa));
	*value = load_ram(c, pa, size);
	open_window(c, va, pa, ACCESS_READ);
	return true;
}

bool hart_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value)
{
	struct core *c = core_of(h);
	const void *place = hart_watched_window(h, va, size, ACCESS_READ);
	uint64_t pa;

	if (place == NULL)
		return load_anew(h, va, size, value);
	pa = ram_address(place);
	*value = load_ram(c, pa, size);
	if (!is_watched(c, pa, ACCESS_READ))
		hart_watch_window(h, va, ACCESS_READ, false);
	return true;
}

static NOINLINE bool store_anew(struct hart *h, uint64_t va, unsigned size,
    uint64_t value)
{
	struct core *c = core_of(h);
	uint64_t pa;

	if (va & (size - 1))
		return misaligned_is_done(h) ? store_bytes(h, va, size, value)
					     : misaligned(h, va, ACCESS_WRITE);
	if (!translate(h, va, ACCESS_WRITE, &pa))
		return false;
	if (!is_ram(pa, size))
		return device_store(pa, size, value) ||
		    access_fault(h, va, ACCESS_WRITE);
	c->stored_page = pa >> PAGE_SHIFT;
	store_some_time(c, pa, size, value);
	open_window(c, va, pa, ACCESS_WRITE);
	sched_point(c);
	return true;
}

bool hart_store(struct hart *h, uint64_t va, unsigned size, uint64_t value)
{
	struct core *c = core_of(h);
	const void *place = hart_watched_window(h, va, size, ACCESS_WRITE);

	if (place == NULL)
		return store_anew(h, va, size, value);
	if (!c->storing_late)
		return store_watched(c, va, ram_address(place), size, value);
	store_late(c, ram_address(place), size, value);
	sched_point(c);
	return true;
}

/* --- atomic operations ---------------------------------------------------- */

#define RAW_RELEASE (1U << 25)
#define AMOSWAP_AQ  6 /* the bits from 25 up */

/* The physical address for an aligned atomic access; those late stores are done
 * that have to come before. */
static bool atomic_address(struct hart *h, uint64_t va, unsigned size,
    enum access access, bool release, uint64_t *pa)
{
	if (va & (size - 1))
		return misaligned(h, va, access);
	if (!translate(h, va, access, pa))
		return false;
	if (!is_ram(*pa, size))
		return access_fault(h, va, access);
	if (release)
		late_drain(core_of(h));
	else
		late_drain_at(core_of(h), *pa, size);
	return true;
}

/* With a window no address is translated. */
static bool atomic_window(struct core *c, uint64_t va, unsigned size,
    uint64_t *pa)
{
	const struct window *w =
	    &c->hart.windows->write[va >> PAGE_SHIFT & (WINDOWS - 1)];

	if ((w->tag & ~(uint64_t)WATCHED) !=
		(va & ~(PAGE_MASK & ~(size - 1UL))) ||
	    c->late_count > 0)
		return false;
	*pa = ram_address((const void *)(va + w->offset));
	return true;
}

void *hart_amo(struct hart *h, uint64_t va, unsigned size, uint32_t raw)
{
	struct core *c = core_of(h);

	c->amo_va = va;
	if (!atomic_window(c, va, size, &c->amo_pa)) {
		if (!atomic_address(h, va, size, ACCESS_WRITE,
			(raw & RAW_RELEASE) != 0, &c->amo_pa))
			return NULL;
		open_window(c, va, c->amo_pa, ACCESS_WRITE);
	}
	c->amo_raw = raw;
	c->amo_size = size;
	return ram_at(c->amo_pa);
}

/* From now on, stores to the page of a lock that was taken are told. */
static void note_exchange(struct core *c, uint64_t old, uint64_t value)
{
	check_exchange(c, c->amo_pa, old, value);
	if (check_holds_lock_in(c, c->amo_pa))
		hart_watch_window(&c->hart, c->amo_va, ACCESS_WRITE, true);
}

void hart_amo_done(struct hart *h, uint64_t old, uint64_t value)
{
	struct core *c = core_of(h);

	late_check_pointer(c, c->amo_pa, c->amo_size, value, c->late_count);
	if (machine.reservations != 0 || check_wants_stores(c->amo_pa))
		store_now(c, c->amo_pa, c->amo_size, value);
	else if (unlikely(report_watches(c->amo_pa)))
		report_watch(c, c->amo_pa, c->amo_size);
	if (value != 1)
		note_store(c, c->amo_pa, c->amo_size);
	if (h->priv == PRIV_S && c->amo_raw >> 25 == AMOSWAP_AQ)
		note_exchange(c, old, value);
	sched_point(c);
}

bool hart_reserve(struct hart *h, uint64_t va, unsigned size, uint32_t raw,
    uint64_t *value)
{
	struct core *c = core_of(h);
	uint64_t pa;

	if (!atomic_address(h, va, size, ACCESS_READ, (raw & RAW_RELEASE) != 0,
		&pa))
		return false;
	*value = load_ram(c, pa, size);
	reservation_drop(c);
	c->reserved = pa & ~LINE_MASK;
	check_reserve(c);
	machine.reservations++;
	for (unsigned i = 0; i < machine.hart_count; i++)
		if (&machine.cores[i] != c)
			hart_forget(&machine.cores[i].hart);
	return true;
}

/* An sc may fail for no reason, but not for ever. */
bool hart_store_conditional(struct hart *h, uint64_t va, unsigned size,
    uint32_t raw, uint64_t value, bool *failed)
{
	struct core *c = core_of(h);
	uint64_t pa;

	if (!atomic_address(h, va, size, ACCESS_WRITE, (raw & RAW_RELEASE) != 0,
		&pa))
		return false;
	*failed = c->reserved != (pa & ~LINE_MASK);
	if (!machine.config.kind && !*failed && c->sc_failures < 8 && chance(8))
		*failed = true;
	c->sc_failures = *failed ? c->sc_failures + 1 : 0;
	reservation_drop(c);
	if (!*failed) {
		note_store(c, pa, size);
		store_now(c, pa, size, value);
	}
	sched_point(c);
	return true;
}

void hart_fence(struct hart *h, uint32_t raw)
{
	bool after_writes = (raw >> 24 & 1) != 0;
	bool before_any = (raw >> 20 & 15) != 0; /* else it is a hint */

	if (after_writes && before_any)
		late_drain(core_of(h));
	sched_point(core_of(h));
}

/* --- instruction fetch ---------------------------------------------------- */

static struct code_page *code_at(struct hart *h, uint64_t va)
{
	uint64_t pa;

	if (!translate(h, va, ACCESS_EXEC, &pa))
		return NULL;
	if (!is_ram(pa, 2)) {
		(void)access_fault(h, va, ACCESS_EXEC);
		return NULL;
	}
	return icache_page(core_of(h), pa >> PAGE_SHIFT);
}

bool hart_fetch(struct hart *h)
{
	struct code_page *page = code_at(h, h->pc);

	if (page == NULL)
		return false;
	if (h->priv == PRIV_U)
		check_user_code(core_of(h), page);
	h->code = page->insns;
	h->code_va = h->pc & ~PAGE_MASK;
	hart_open_window(h, h->pc, ACCESS_EXEC, (void *)page->insns);
	return true;
}

/* The page of the second half may take the place of the first in the cache. */
bool hart_fetch_crossing(struct hart *h, uint32_t *raw)
{
	struct code_page *page = code_at(h, h->pc + 2);

	if (page == NULL)
		return false;
	*raw |= (uint32_t)page->bytes[0] << 16 | (uint32_t)page->bytes[1] << 24;
	h->code_va = NO_WINDOW;
	return true;
}
