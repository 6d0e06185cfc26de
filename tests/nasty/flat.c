/* SPDX-License-Identifier: MIT */
/*
 * flat.c - the functions that the core calls, in their simplest form; see
 * cpu.h.
 */
#include "flat.h"

#include <string.h>

uint8_t flat_memory[FLAT_SIZE];
static struct code_page page;
static uint64_t reserved;

void flat_reset(struct hart *h)
{
	*h = (struct hart){0};
	hart_reset(h, FLAT_BASE);
	flat_resume(h, FLAT_BASE);
	h->sstatus |= SSTATUS_FS;
	h->scounteren = 7;
	h->stval_has_insn = true;
	flat_code_changed(h);
}

void flat_resume(struct hart *h, uint64_t pc)
{
	h->pc = pc;
	h->priv = PRIV_U;
	h->windows = &h->by_priv[PRIV_U];
	h->code_va = NO_WINDOW;
}

void flat_code_changed(struct hart *h)
{
	page.frame = ~0UL;
	hart_forget_code(h);
}

static void *place(uint64_t va, uint64_t size)
{
	if (va - FLAT_BASE > FLAT_SIZE - size)
		return NULL;
	return flat_memory + (va - FLAT_BASE);
}

bool hart_fetch(struct hart *h)
{
	const void *bytes = place(h->pc & ~PAGE_MASK, PAGE_SIZE);

	if (bytes == NULL) {
		hart_trap(h, CAUSE_FETCH_ACCESS, h->pc);
		return false;
	}
	if (page.frame != h->pc >> PAGE_SHIFT) {
		page.frame = h->pc >> PAGE_SHIFT;
		memcpy(page.bytes, bytes, PAGE_SIZE);
		memset(page.insns, 0, sizeof page.insns);
	}
	h->code = page.insns;
	h->code_va = h->pc & ~PAGE_MASK;
	return true;
}

bool hart_fetch_crossing(struct hart *h, uint32_t *raw)
{
	const uint8_t *next = place(h->pc + 2, 2);

	if (next == NULL) {
		hart_trap(h, CAUSE_FETCH_ACCESS, h->pc + 2);
		return false;
	}
	*raw |= (uint32_t)next[0] << 16 | (uint32_t)next[1] << 24;
	return true;
}

bool hart_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value)
{
	const void *from = place(va, size);

	if (from == NULL) {
		hart_trap(h, CAUSE_LOAD_ACCESS, va);
		return false;
	}
	*value = 0;
	memcpy(value, from, size);
	return true;
}

bool hart_store(struct hart *h, uint64_t va, unsigned size, uint64_t value)
{
	void *to = place(va, size);

	if (to == NULL) {
		hart_trap(h, CAUSE_STORE_ACCESS, va);
		return false;
	}
	memcpy(to, &value, size);
	return true;
}

void *hart_amo(struct hart *h, uint64_t va, unsigned size, uint32_t raw)
{
	void *to = place(va, size);

	(void)raw;
	if (to != NULL && va % size == 0)
		return to;
	hart_trap(h, to == NULL ? CAUSE_STORE_ACCESS : CAUSE_STORE_MISALIGNED,
	    va);
	return NULL;
}

void hart_amo_done(struct hart *h, uint64_t old, uint64_t value)
{
	(void)h;
	(void)old;
	(void)value;
}

bool hart_reserve(struct hart *h, uint64_t va, unsigned size, uint32_t raw,
    uint64_t *value)
{
	(void)raw;
	reserved = va;
	if (va % size == 0)
		return hart_load(h, va, size, value);
	hart_trap(h, CAUSE_LOAD_MISALIGNED, va);
	return false;
}

bool hart_store_conditional(struct hart *h, uint64_t va, unsigned size,
    uint32_t raw, uint64_t value, bool *failed)
{
	(void)raw;
	if (va % size != 0) {
		hart_trap(h, CAUSE_STORE_MISALIGNED, va);
		return false;
	}
	*failed = reserved != va;
	reserved = 0;
	return *failed || hart_store(h, va, size, value);
}

void hart_fence(struct hart *h, uint32_t raw)
{
	(void)h;
	(void)raw;
}

void hart_fence_code(struct hart *h)
{
	flat_code_changed(h);
}

void hart_fence_vma(struct hart *h, const uint64_t *va, const uint64_t *asid)
{
	(void)h;
	(void)va;
	(void)asid;
}

bool hart_is_hooked(struct hart *h, uint64_t va)
{
	(void)h;
	(void)va;
	return false;
}

bool hart_hook(struct hart *h)
{
	(void)h;
	return true;
}

void hart_wait(struct hart *h)
{
	(void)h;
}

void hart_call_firmware(struct hart *h)
{
	(void)h;
}

void hart_satp_written(struct hart *h)
{
	hart_forget(h);
}

/* A trap ends a run, so that it can be looked at. */
void hart_priv_changed(struct hart *h)
{
	hart_stop(h);
}

void hart_stimecmp_written(struct hart *h)
{
	(void)h;
}

void hart_interrupts_changed(struct hart *h)
{
	(void)h;
}

uint64_t hart_time(struct hart *h)
{
	return hart_steps(h);
}

uint64_t hart_pending(struct hart *h)
{
	return h->sip;
}
