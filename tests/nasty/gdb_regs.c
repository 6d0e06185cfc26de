/* SPDX-License-Identifier: MIT */
/*
 * gdb_regs.c - registers and memory as the debugger sees them.
 */
#include "gdb_regs.h"

#include <stdio.h>
#include <string.h>

#define SIP     0x144
#define FIRST_F 33
#define FIRST_C 65 /* control and status registers, and the mode */

static const struct {
	const char *name;
	unsigned csr;
} csrs[] = {{"fflags", 1}, {"frm", 2}, {"fcsr", 3}, {"sstatus", 0x100},
    {"sie", 0x104}, {"stvec", 0x105}, {"sscratch", 0x140}, {"sepc", 0x141},
    {"scause", 0x142}, {"stval", 0x143}, {"sip", SIP}, {"satp", 0x180}};

#define CSRS (sizeof csrs / sizeof csrs[0])
#define PRIV (FIRST_C + CSRS)

unsigned gdb_reg_count(void)
{
	return PRIV + 1;
}

bool gdb_reg_read(struct hart *h, unsigned n, uint64_t *value)
{
	if (n < 32)
		*value = h->x[n];
	else if (n == 32)
		*value = h->pc;
	else if (n < FIRST_C)
		*value = h->f[n - FIRST_F];
	else if (n == PRIV)
		*value = h->priv;
	else if (n > PRIV)
		return false;
	else if (csrs[n - FIRST_C].csr == SIP)
		/*
		 * Without timer and devices: to ask what is pending would
		 * change when it is noticed.
		 */
		*value = h->sip;
	else if (!csr_read(h, csrs[n - FIRST_C].csr, value))
		*value = 0;
	return true;
}

bool gdb_reg_write(struct hart *h, unsigned n, uint64_t value)
{
	if (n < 32 && n > 0)
		h->x[n] = value;
	else if (n == 32)
		h->pc = value;
	else if (n >= FIRST_F && n < FIRST_C)
		h->f[n - FIRST_F] = value;
	else
		/*
		 * A write of the mode (priv), by which other machines choose
		 * what memory to show, does nothing: here all is shown.
		 */
		return n == 0 || n == PRIV;
	return true;
}

/*
 * Translates by the tables in memory: neither what the hart remembers nor its
 * mode matters.
 */
uint8_t *gdb_memory(struct hart *h, uint64_t va)
{
	struct translation t;
	uint64_t below, pa = va;

	if (h->satp >> 60 != 0) {
		t = table_walk(core_of(h), va);
		below = (1UL << (PAGE_SHIFT + 9 * t.level)) - 1;
		if (!(t.pte & PTE_V) || !pte_is_leaf(t.pte))
			return NULL;
		pa = (pte_pa(t.pte) & ~below) | (va & below);
	}
	return is_ram(pa, 1) ? ram_at(pa) : NULL;
}

static size_t add(char *to, size_t size, const char *name, unsigned n,
    const char *type)
{
	return (size_t)snprintf(to, size,
	    "<reg name=\"%s\" bitsize=\"64\" type=\"%s\" regnum=\"%u\"/>", name,
	    type, n);
}

const char *gdb_target(void)
{
	static char xml[16384];
	size_t at = 0;
	char name[8];

#define TEXT(text) at += (size_t)snprintf(xml + at, sizeof xml - at, "%s", text)
	TEXT("<?xml version=\"1.0\"?><target version=\"1.0\">"
	     "<architecture>riscv:rv64</architecture>"
	     "<feature name=\"org.gnu.gdb.riscv.cpu\">");
	for (unsigned i = 0; i < 32; i++) {
		snprintf(name, sizeof name, "x%u", i);
		at += add(xml + at, sizeof xml - at, name, i, "int");
	}
	at += add(xml + at, sizeof xml - at, "pc", 32, "code_ptr");
	TEXT("</feature><feature name=\"org.gnu.gdb.riscv.fpu\">");
	for (unsigned i = 0; i < 32; i++) {
		snprintf(name, sizeof name, "f%u", i);
		at += add(xml + at, sizeof xml - at, name, FIRST_F + i,
		    "ieee_double");
	}
	for (unsigned i = 0; i < CSRS; i++) {
		if (i == 3)
			TEXT("</feature>"
			     "<feature name=\"org.gnu.gdb.riscv.csr\">");
		at += add(xml + at, sizeof xml - at, csrs[i].name, FIRST_C + i,
		    "int");
	}
	TEXT("</feature><feature name=\"org.gnu.gdb.riscv.virtual\">");
	at += add(xml + at, sizeof xml - at, "priv", PRIV, "int");
	TEXT("</feature></target>");
	return xml;
}
