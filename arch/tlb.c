/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - whose translations a hart may hold: the only caller of the fences.
 * satp is written here, by tlb_switch_simply(), and at boot by arch/entry.S.
 */
#include "arch/tlb.h"

#include "arch/hart.h"
#include "arch/sv39.h"
#include "csr.h"
#include "fence.h"

static uint32_t asid_max; /* the highest ASID; 0: the machine has none */
paddr_t tlb_kernel_root;
uint64_t tlb_code_epoch;

static uint64_t satp_value(paddr_t root, uint32_t asid)
{
	return SATP_SV39 | (uint64_t)asid << SATP_ASID_SHIFT |
	    root >> PAGE_SHIFT;
}

static void satp_write(paddr_t root, uint64_t value)
{
	hart_self()->root = root;
	csr_write(satp, value);
}

/* Unimplemented bits of the ASID field read back as zero. */
void tlb_init(void)
{
	struct hart *self = hart_self();
	uint64_t readback;

	satp_write(tlb_kernel_root, satp_value(tlb_kernel_root, 0xffff));
	readback = csr_read(satp);
	asid_max = (readback >> SATP_ASID_SHIFT) & 0xffff;
	tlb_switch_kernel();
	tlb_flush_all();
	self->asid_round = 1;
	self->asid_next = 1;
}

void tlb_switch_kernel(void)
{
	satp_write(tlb_kernel_root, satp_value(tlb_kernel_root, 0));
}

/* ASID 0 is the kernel's own, except where there is only that one. */
static NOINLINE void asid_assign(paddr_t root, struct asid *asid)
{
	struct hart *self = hart_self();

	if (self->asid_next > asid_max) {
		self->asid_round++;
		self->asid_next = asid_max > 0;
		/* Else the old root could fill in old numbers behind it. */
		tlb_switch_kernel();
		tlb_flush_all();
	}
	asid->number = self->asid_next++;
	asid->satp = satp_value(root, asid->number);
	asid->root = root;
	asid->round = self->asid_round;
	asid->hart = self->index;
}

static void code_sync(void)
{
	uint64_t epoch = __atomic_load_n(&tlb_code_epoch, __ATOMIC_ACQUIRE);

	fence_code();
	hart_self()->code_epoch = epoch;
}

/*
 * A process that wrote code and executed fence.i itself did so on one hart
 * only: hence the fence where it comes to another. An address space that has
 * not run yet is new to every hart: so the kernel need not announce the program
 * that it has put there.
 */
static NOINLINE void switch_slow(paddr_t root, struct asid *asid)
{
	struct hart *self = hart_self();
	bool migrated = asid->hart != self->index;

	if (migrated || asid->round != self->asid_round)
		asid_assign(root, asid);
	satp_write(root, asid->satp);
	if (!tlb_switch_is_simple(asid) || migrated)
		code_sync();
}

/* A process that changes code does so before this one becomes ready to run. */
void tlb_switch(paddr_t root, struct asid *asid)
{
	if (unlikely(!tlb_switch_is_simple(asid)))
		switch_slow(root, asid);
	else
		satp_write(root, asid->satp);
}

/*
 * What its last hart holds stays there, under a number that will not be used
 * again before that hart's next full flush.
 */
static NOINLINE void asid_give_up(struct asid *asid)
{
	if (asid->hart != ASID_NO_HART)
		assert(satp_value(harts[asid->hart].root, asid->number) !=
		    asid->satp);
	*asid = asid_none();
}

/* Can hardware hold translations of it, if at all, on this hart only? */
static inline bool asid_is_of_this_hart(const struct asid *asid)
{
	return asid->hart == hart_self()->index;
}

void tlb_flush_page(struct asid *asid, vaddr_t va)
{
	if (likely(asid_is_of_this_hart(asid)))
		fence_page(va, asid->number);
	else
		asid_give_up(asid);
}

void tlb_flush_asid(struct asid *asid)
{
	if (likely(asid_is_of_this_hart(asid)))
		fence_asid(asid->number);
	else
		asid_give_up(asid);
}

void tlb_flush_all(void)
{
	fence_all();
}

void tlb_code_changed(void)
{
	(void)__atomic_fetch_add(&tlb_code_epoch, 1, __ATOMIC_RELEASE);
	code_sync();
}
