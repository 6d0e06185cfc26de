/* SPDX-License-Identifier: MIT */
/*
 * csr.c - control and status registers of S and U mode.
 *
 * Ref: Volume II, "Supervisor-Level ISA"; Volume I, "Zicntr".
 */
#include "cpu.h"

enum csr {
	CSR_FFLAGS = 0x001,
	CSR_FRM = 0x002,
	CSR_FCSR = 0x003,
	CSR_SSTATUS = 0x100,
	CSR_SIE = 0x104,
	CSR_STVEC = 0x105,
	CSR_SCOUNTEREN = 0x106,
	CSR_SENVCFG = 0x10a,
	CSR_SSCRATCH = 0x140,
	CSR_SEPC = 0x141,
	CSR_SCAUSE = 0x142,
	CSR_STVAL = 0x143,
	CSR_SIP = 0x144,
	CSR_STIMECMP = 0x14d,
	CSR_SATP = 0x180,
	CSR_CYCLE = 0xc00,
	CSR_TIME = 0xc01,
	CSR_INSTRET = 0xc02,
};

#define SSTATUS_WRITABLE                                                       \
	(SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_FS | SSTATUS_SUM | \
	    SSTATUS_MXR)
#define INTERRUPTS \
	(1UL << IRQ_SOFTWARE | 1UL << IRQ_TIMER | 1UL << IRQ_EXTERNAL)

#define SATP_MODE_SHIFT 60
#define SATP_ASID_SHIFT 44
#define SATP_PPN        ((1UL << 44) - 1)

/*
 * The number itself says which modes may use it, and whether it can be written.
 */
static bool may_use(const struct hart *h, unsigned csr, bool write)
{
	unsigned needs = csr >> 8 & 3;

	if (needs > (h->priv == PRIV_S ? 1 : 0) || (write && csr >> 10 == 3))
		return false;
	if (csr >= CSR_FFLAGS && csr <= CSR_FCSR)
		return fp_is_on(h);
	if (csr >= CSR_CYCLE && csr <= CSR_INSTRET && h->priv == PRIV_U)
		return (h->scounteren >> (csr & 31) & 1) != 0;
	return csr != CSR_STIMECMP || h->has_sstc;
}

static uint64_t read_sstatus(const struct hart *h)
{
	uint64_t dirty = (h->sstatus & SSTATUS_FS) == SSTATUS_FS;

	return h->sstatus | (dirty ? SSTATUS_SD : 0);
}

bool csr_read(struct hart *h, unsigned csr, uint64_t *value)
{
	if (!may_use(h, csr, false))
		return false;
	switch (csr) {
#define READS(name, what)      \
	case name:             \
		*value = what; \
		return true
		READS(CSR_FFLAGS, h->fflags);
		READS(CSR_FRM, h->frm);
		READS(CSR_FCSR, (uint64_t)(h->frm << 5 | h->fflags));
		READS(CSR_SSTATUS, read_sstatus(h));
		READS(CSR_SIE, h->sie);
		READS(CSR_STVEC, h->stvec);
		READS(CSR_SCOUNTEREN, h->scounteren);
		READS(CSR_SENVCFG, h->senvcfg);
		READS(CSR_SSCRATCH, h->sscratch);
		READS(CSR_SEPC, h->sepc);
		READS(CSR_SCAUSE, h->scause);
		READS(CSR_STVAL, h->stval);
		READS(CSR_SIP, hart_pending(h));
		READS(CSR_STIMECMP, h->stimecmp);
		READS(CSR_SATP, h->satp);
		READS(CSR_CYCLE, hart_steps(h) + h->firmware);
		READS(CSR_TIME, hart_time(h));
		READS(CSR_INSTRET, hart_steps(h));
	default:
		return false;
	}
}

static void write_fcsr(struct hart *h, unsigned frm, unsigned fflags)
{
	h->frm = frm & 7;
	h->fflags = fflags & 31;
	h->sstatus |= SSTATUS_FS;
}

/* Modes other than Bare and Sv39 leave the register as it is. */
static void write_satp(struct hart *h, uint64_t value)
{
	uint64_t mode = value >> SATP_MODE_SHIFT;
	uint64_t asid = value >> SATP_ASID_SHIFT & ((1UL << h->asid_bits) - 1);

	if (mode != 0 && mode != 8)
		return;
	h->satp = mode << SATP_MODE_SHIFT | asid << SATP_ASID_SHIFT |
	    (value & SATP_PPN);
	hart_satp_written(h);
}

static void write_sstatus(struct hart *h, uint64_t value)
{
	uint64_t changed = (h->sstatus ^ value) & SSTATUS_WRITABLE;

	h->sstatus ^= changed;
	/* The permissions of loads and stores have changed. */
	if (changed & (SSTATUS_SUM | SSTATUS_MXR))
		hart_forget(h);
	hart_interrupts_changed(h);
}

static void write_sie(struct hart *h, uint64_t value)
{
	h->sie = value & INTERRUPTS;
	hart_interrupts_changed(h);
}

static void write_sip(struct hart *h, uint64_t value)
{
	h->sip = value & 1UL << IRQ_SOFTWARE;
	hart_interrupts_changed(h);
}

/* A mode that is reserved leaves the register as it is. */
static void write_stvec(struct hart *h, uint64_t value)
{
	if ((value & 2) == 0)
		h->stvec = value;
}

bool csr_write(struct hart *h, unsigned csr, uint64_t value)
{
	if (!may_use(h, csr, true))
		return false;
	switch (csr) {
#define WRITES(name, what) \
	case name:         \
		what;      \
		return true
		WRITES(CSR_FFLAGS, write_fcsr(h, h->frm, (unsigned)value));
		WRITES(CSR_FRM, write_fcsr(h, (unsigned)value, h->fflags));
		WRITES(CSR_FCSR,
		    write_fcsr(h, (unsigned)value >> 5, (unsigned)value));
		WRITES(CSR_SSTATUS, write_sstatus(h, value));
		WRITES(CSR_SIE, write_sie(h, value));
		WRITES(CSR_STVEC, write_stvec(h, value));
		WRITES(CSR_SCOUNTEREN, h->scounteren = value & 7);
		WRITES(CSR_SENVCFG, h->senvcfg = value & 1);
		WRITES(CSR_SSCRATCH, h->sscratch = value);
		WRITES(CSR_SEPC, h->sepc = value & ~1UL);
		WRITES(CSR_SCAUSE, h->scause = value);
		WRITES(CSR_STVAL, h->stval = value);
		WRITES(CSR_SIP, write_sip(h, value));
		WRITES(CSR_STIMECMP,
		    (h->stimecmp = value, hart_stimecmp_written(h)));
		WRITES(CSR_SATP, write_satp(h, value));
	default:
		return false;
	}
}
