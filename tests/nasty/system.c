/* SPDX-License-Identifier: MIT */
/*
 * system.c - random programs of S and U mode: control registers, traps and
 * returns from them, page tables that change, and loads, stores, jumps and
 * atomic operations through these.
 *
 * A program is a row of units. Each first sets x4 to where the next one begins,
 * so that a trap costs the rest of its unit. All units may come in either mode:
 * an instruction that is not allowed in U-mode is a trap there.
 *
 * The programs avoid what the specification leaves open and machines do
 * differently. Counters are read and ignored; where it is not specified what
 * becomes of other values, registers are written only with values that they can
 * hold.
 *
 * Ref: The RISC-V Instruction Set Manual, Volume II, "Supervisor-Level ISA".
 */
#include "system.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "emit.h"
#include "tlb.h"
#include "values.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define UNITS      36
#define RESUME     4
#define PAD        0x00020067U /* jalr x0, 0(x4) */

enum {
	ECALL_S = 0x123, /* no call of the firmware */
	SRET = 0x10200073,
	MRET = 0x30200073,
	WFI = 0x10500073,
	EBREAK = 0x00100073,
	SFENCE_VMA = 0x12000073,
	FENCE_I = 0x0000100f,
	SRLI = 0x5013,
	OR = 0x6033,
	CSRRC = 0x3073,
	CSRRSI = 0x6073,
	CSRRCI = 0x7073,
	LR = 0x1000202f,
	SC = 0x1800202f,
	FMV_D_X = 0xf2000053,
	FADD_D = 0x02000053
};

#define SPP       (1UL << 8)
#define FS        (3UL << 13)
#define SUM       (1UL << 18)
#define MXR       (1UL << 19)
#define UXL       (3UL << 32)
#define UXL_64    (2UL << 32)
#define VS        (3UL << 9) /* vectors: QEMU 7 keeps it without them */
#define SATP_SV39 (8UL << 60)

/* Entry 2 is memory where it is. */
#define IDENTITY 2
static const unsigned roots[] = {0, 3, 256, 511};
#define ROOTS 4

static uint64_t block; /* the address of the block that is being made */

static bool one_in(uint64_t n)
{
	return random_below(n) == 0;
}

/* --- addresses ------------------------------------------------------------ */

static uint64_t page_address(unsigned page)
{
	return block + page * PAGE_SIZE;
}

static uint64_t *page_at(unsigned page)
{
	return (uint64_t *)(image + (page_address(page) - IMAGE_BASE));
}

/* A page of the block below an entry of the roots. */
static uint64_t page_alias(unsigned root, unsigned page)
{
	uint64_t low =
	    (uint64_t)root << 30 | (page_address(page) & ((1UL << 30) - 1));

	return (uint64_t)((int64_t)(low << 25) >> 25);
}

/* An address of the page by any mapping, or by none. */
static uint64_t random_alias(unsigned page)
{
	uint64_t va =
	    page_alias(roots[one_in(2) ? 0 : random_below(ROOTS)], page);

	if (one_in(16))
		return page_address(page);
	return one_in(24) ? va ^ 1UL << (38 + random_below(26)) : va;
}

/* An address for an access of `size` bytes to the data. */
static uint64_t random_address(unsigned size)
{
	uint64_t va = random_alias(PAGE_DATA + (unsigned)random_below(3));

	if (one_in(6))
		return va + random_below(PAGE_SIZE);
	if (one_in(8))
		return va + PAGE_SIZE - random_below(size + 1);
	return va + random_below(PAGE_SIZE / size) * size;
}

/* --- page tables ---------------------------------------------------------- */

static uint64_t flags_of_leaf(void)
{
	static const uint64_t perms[] = {PTE_R, PTE_R | PTE_W, PTE_X,
	    PTE_R | PTE_X, PTE_R | PTE_W | PTE_X, PTE_W, PTE_W | PTE_X};
	uint64_t flags = PTE_V | perms[random_below(one_in(8) ? 7 : 5)];

	return flags | (one_in(4) ? 0 : PTE_A) | (one_in(2) ? PTE_D : 0) |
	    (one_in(3) ? 0 : PTE_U) | (one_in(8) ? PTE_G : 0) |
	    random_below(4) << 8;
}

/*
 * Something that is no entry, or is none on a machine without extensions. A
 * leaf above level 0 does not become a pointer: it would lead anywhere.
 */
static uint64_t spoil(uint64_t pte, unsigned level)
{
	uint64_t keep = level > 0 && (pte & PTE_LEAF) != 0 ? PTE_R : 0;

	switch (random_below(level == 0 ? 4 : 5)) {
	case 0:
		return pte & ~PTE_V;
	case 1:
		return pte | 1UL << (54 + random_below(10));
	case 2:
		return (pte & ~0xffUL) | random_below(256) | keep;
	case 3:
		return (pte & ~PTE_LEAF) | keep;
	default:
		/* A leaf that is not aligned. */
		return (pte | PTE_R) + (1UL << (10 + random_below(9 * level)));
	}
}

/*
 * An entry of a table for `page`, which is a table for the next level, or what
 * is read and written.
 */
static uint64_t random_entry(unsigned level, unsigned page)
{
	uint64_t size = PAGE_SIZE << (9 * level), pte;

	if (level > 0 && !one_in(3)) {
		pte = page_address(page) >> 2 | PTE_V;
		if (one_in(6))
			pte |= 1UL << (4 + random_below(4)); /* U, G, A, D */
	} else {
		pte = (page_address(page) & ~(size - 1)) >> 2 | flags_of_leaf();
	}
	return one_in(6) ? spoil(pte, level) : pte;
}

/* The index, in its table, of the entry of a level for a page of the block. */
static unsigned index_of(unsigned level, unsigned page)
{
	return page_address(page) >> (PAGE_SHIFT + 9 * level) & 511;
}

/* Another page of that kind. */
static unsigned random_neighbour(unsigned page)
{
	if (page >= PAGE_DATA && page < PAGE_GUARD)
		return PAGE_DATA + (unsigned)random_below(3);
	if (page >= PAGE_PADS && page < PAGE_DATA)
		return PAGE_PADS + (unsigned)random_below(2);
	return page;
}

/*
 * An entry of level 0: for the page itself or a neighbour, or for an address
 * without memory. Such an address is not behind a page that a store can cross,
 * as it is not specified how much of the store is done.
 */
static uint64_t random_leaf(unsigned page)
{
	uint64_t pte = random_entry(0, random_neighbour(page));

	return page == PAGE_DATA && one_in(8) ? pte + (0x10000000 >> 2) : pte;
}

/* An entry that can be changed: the page of its table, and its index. */
struct place {
	unsigned table, index;
	uint64_t entry; /* another one for it */
};

static struct place random_place(void)
{
	unsigned level = one_in(3) ? 1 + (unsigned)random_below(2) : 0;
	unsigned which = (unsigned)random_below(2);
	unsigned to = PAGE_PADS + (unsigned)random_below(5);

	if (level == 0)
		return (struct place){PAGE_LEAVES + which, index_of(0, to),
		    random_leaf(to)};
	if (level == 1)
		return (struct place){PAGE_MIDDLE + which,
		    index_of(1, PAGE_LEAVES),
		    random_entry(1, PAGE_LEAVES + (unsigned)random_below(2))};
	return (struct place){PAGE_ROOTS + which,
	    roots[1 + random_below(ROOTS - 1)],
	    random_entry(2, PAGE_MIDDLE + (unsigned)random_below(2))};
}

/* Makes tables with which most accesses of a program at first succeed. */
static void make_tables(void)
{
	const uint64_t code = PTE_V | PTE_R | PTE_X | PTE_U | PTE_A;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t *root = page_at(PAGE_ROOTS + i);
		uint64_t *leaves = page_at(PAGE_LEAVES + i);

		root[IDENTITY] = 0x80000000 >> 2 | 0xef;
		for (unsigned n = 0; n < ROOTS; n++)
			root[roots[n]] = random_entry(2,
			    PAGE_MIDDLE + (unsigned)random_below(2));
		page_at(PAGE_MIDDLE + i)[index_of(1, 0)] =
		    random_entry(1, PAGE_LEAVES + (unsigned)random_below(2));
		for (unsigned page = PAGE_PADS; page < PAGE_GUARD; page++)
			leaves[index_of(0, page)] = random_leaf(page);
		for (unsigned page = PAGE_CODE; page < PAGE_ROOTS; page++)
			leaves[index_of(0, page)] =
			    page_address(page) >> 2 | code;
	}
	page_at(PAGE_ROOTS)[0] = page_address(PAGE_MIDDLE) >> 2 | PTE_V;
	page_at(PAGE_MIDDLE)[index_of(1, 0)] =
	    page_address(PAGE_LEAVES) >> 2 | PTE_V;
}

/* --- registers ------------------------------------------------------------ */

/* Any but x0 and those that are taken. */
static unsigned random_x(void)
{
	unsigned r = 1 + (unsigned)random_below(28);

	return r < 3 ? r : r + 3;
}

static unsigned another_x(unsigned not )
{
	unsigned r;

	do
		r = random_x();
	while (r == not );
	return r;
}

static uint32_t make_csr(uint32_t match, unsigned rd, unsigned rs1,
    unsigned csr)
{
	return make_i(match, rd, rs1, csr);
}

/* A value that may be written to a register, or set or cleared in it. */
static uint64_t random_csr_value(unsigned csr)
{
	uint64_t value = random_integer();

	switch (csr) {
	case SSTATUS:
		return (value & ~(UXL | VS)) | UXL_64;
	case SCOUNTEREN:
		return value & 7;
	case SENVCFG:
		return value & 1;
	case SEPC:
		return value & ~1UL;
	case STIMECMP:
		return one_in(2) ? 0 : 1UL << 62;
	default:
		return value;
	}
}

static uint64_t random_satp(void)
{
	unsigned root = PAGE_ROOTS + (unsigned)random_below(2);
	uint64_t value =
	    page_address(root) >> PAGE_SHIFT | (random_word() & 0xffff) << 44;

	return value | (one_in(5) ? (1 + random_below(7)) << 60 : SATP_SV39);
}

/* --- units ---------------------------------------------------------------- */

static void unit_csr(void)
{
	static const unsigned csrs[] = {SSTATUS, SSTATUS, SIE, SIP, SCOUNTEREN,
	    SENVCFG, SSCRATCH, SEPC, SCAUSE, STVAL, STIMECMP, 1, 2, 3};
	unsigned csr = csrs[random_below(sizeof csrs / sizeof csrs[0])];
	unsigned rs1 = random_x(), rd = another_x(rs1);
	unsigned imm = (unsigned)random_below(32);
	unsigned form = 1 + (unsigned)random_below(3);
	uint64_t value = random_csr_value(csr);

	if (csr == SSTATUS && form > 1)
		value &= ~UXL;
	if (csr == STIMECMP)
		form = 1;
	if (csr < 4)
		value |= 1; /* to set nothing makes fcsr dirty, or not */
	if (one_in(3)) {
		imm &= (unsigned)(csr == SCOUNTEREN ? 7
			: csr == SENVCFG            ? 1
			: csr == SEPC               ? 30
			: csr == STIMECMP           ? 0
						    : 31);
		emit(make_csr(MAJOR_SYSTEM | (form | 4) << 12, rd, imm, csr));
		return;
	}
	emit_constant(rs1, value);
	emit(make_csr(MAJOR_SYSTEM | form << 12, one_in(4) ? 0 : rd,
	    one_in(6) && form > 1 ? 0 : rs1, csr));
}

/* The vector is put back; only its mode may stay another one. */
static void unit_stvec(void)
{
	unsigned rs1 = random_x(), rd = another_x(rs1), r2 = another_x(rd);

	emit_constant(rs1, random_integer());
	emit(make_csr(CSRRW, rd, rs1, STVEC));
	if (r2 == rs1) {
		emit(make_csr(CSRRW, rs1, rd, STVEC));
		return;
	}
	emit(make_i(ANDI, r2, rd, -2));
	if (one_in(2))
		emit(make_i(ADDI, r2, r2, 1));
	emit(make_csr(CSRRW, rs1, r2, STVEC));
}

static void unit_satp(void)
{
	unsigned rs1 = random_x(), rd = another_x(rs1);

	if (one_in(5)) {
		/* No translation, for a moment: all memory is where it is. */
		emit_constant(rs1,
		    page_address(PAGE_DATA) +
			8 * random_below(3 * PAGE_SIZE / 8));
		emit(make_csr(CSRRW, rd, 0, SATP));
		emit(make_i(LD, rs1, rs1, 0));
		emit(make_csr(CSRRW, rd, rd, SATP));
		return;
	}
	emit_constant(rs1, random_satp());
	emit(make_csr(CSRRW, rd, rs1, SATP));
}

/*
 * A register that does not exist, or not in S-mode; or a counter, whose value
 * is dropped.
 */
static void unit_other_csr(void)
{
	static const unsigned none[] = {0x300, 0x301, 0x302, 0x304, 0x305,
	    0x306, 0x340, 0x341, 0x342, 0x344, 0x3a0, 0x3b0, 0xb00, 0xf14,
	    0x200, 0x600, 0x680, 0x7b0, 0x5c0, 0x800, 0x1ff, 0xdc0, 0x9c0};
	unsigned rd = random_x(), rs1 = random_x(), counter;

	if (one_in(2)) {
		emit(make_csr(MAJOR_SYSTEM |
			(1 + (unsigned)random_below(3)) << 12,
		    rd, rs1, none[random_below(sizeof none / sizeof none[0])]));
		return;
	}
	counter = 0xc00 + (unsigned)random_below(3);
	emit(one_in(8) ? make_csr(CSRRW, rd, rs1, counter)
		       : make_csr(CSRRS, rd, 0, counter));
	emit(make_i(ADDI, rd, 0, 0));
}

/* SUM and MXR alone, which decide the most. */
static void unit_sum(void)
{
	unsigned rs1 = random_x();

	emit_constant(rs1, (1 + random_below(3)) << 18);
	emit(make_csr(one_in(2) ? CSRRS : CSRRC, another_x(rs1), rs1, SSTATUS));
}

/* Goes to the next unit by sret, mostly into U-mode. */
static void unit_sret(void)
{
	unsigned to = random_x(), r = another_x(to);
	bool user = !one_in(6);

	emit_constant(r, SPP);
	emit(make_csr(user ? CSRRC : CSRRS, 0, r, SSTATUS));
	emit_constant(to,
	    user || one_in(4) ? page_alias(0, PAGE_CODE)
			      : page_address(PAGE_CODE));
	emit(make_i(SLLI, r, RESUME, 51));
	emit(make_i(SRLI, r, r, 51));
	emit(OR | to << 7 | to << 15 | r << 20);
	emit(make_csr(CSRRW, 0, to, SEPC));
	emit(SRET);
}

static void unit_trap(void)
{
	static const uint32_t some[] = {EBREAK, MRET, 0, 0xffffffff, 0x7b200073,
	    0x9002, ECALL};
	uint32_t raw = some[random_below(sizeof some / sizeof some[0])];

	if (raw == ECALL || one_in(2)) {
		emit(make_i(ADDI, A7, 0, ECALL_S));
		raw = ECALL;
	}
	emit(raw);
}

static void unit_fence(void)
{
	uint32_t vma = SFENCE_VMA | (one_in(2) ? random_x() << 15 : 0) |
	    (one_in(2) ? random_x() << 20 : 0);

	emit(one_in(4) ? FENCE_I : vma);
}

static void unit_entry(void)
{
	struct place place = random_place();
	unsigned at = random_x(), r = another_x(at);

	emit_constant(at, page_address(place.table) + 8UL * place.index);
	emit_constant(r, place.entry);
	emit(make_s(SD, at, r, 0));
	emit(SFENCE_VMA);
}

/* Reads which of A and D the entry has by now. */
static void unit_read_entry(void)
{
	struct place place = random_place();
	unsigned at = random_x();

	emit_constant(at, page_address(place.table) + 8UL * place.index);
	emit(make_i(LD, another_x(at), at, 0));
}

static void unit_access(void)
{
	static const struct {
		uint32_t match;
		unsigned size;
	} loads[] = {{0x0003, 1}, {0x1003, 2}, {0x2003, 4}, {0x3003, 8},
	    {0x4003, 1}, {0x5003, 2}, {0x6003, 4}, {0x2007, 4}, {0x3007, 8}},
	  stores[] = {{0x0023, 1}, {0x1023, 2}, {0x2023, 4}, {0x3023, 8},
	      {0x3023, 8}, {0x2027, 4}, {0x3027, 8}};
	unsigned rs1 = random_x();

	if (one_in(2)) {
		unsigned n = (unsigned)random_below(9);
		unsigned rd = loads[n].match & 4 ? (unsigned)random_below(32)
						 : random_x();

		emit_constant(rs1, random_address(loads[n].size));
		emit(make_i(loads[n].match, rd, rs1, 0));
	} else {
		unsigned n = (unsigned)random_below(7);

		emit_constant(rs1, random_address(stores[n].size));
		emit(make_s(stores[n].match, rs1, random_x(), 0));
	}
}

static void unit_atomic(void)
{
	static const uint32_t amos[] = {0x0800202f, 0x0000202f, 0x2000202f,
	    0x6000202f, 0x4000202f, 0x8000202f, 0xa000202f, 0xc000202f,
	    0xe000202f};
	unsigned rs1 = random_x(), rd = another_x(rs1);
	uint32_t wide = one_in(2) ? 0x1000 : 0;
	uint32_t operands = rd << 7 | rs1 << 15 | wide;

	emit_constant(rs1, random_address(wide ? 8 : 4));
	if (one_in(3)) {
		emit(LR | operands);
		emit(SC | operands | random_x() << 20);
	} else {
		emit(amos[random_below(9)] | operands | random_x() << 20);
	}
}

/*
 * Jumps into a page of pads, from where a jump leads to the next unit, unless
 * the page cannot be executed. Programs do not load from these pages: QEMU 7
 * lets S-mode execute a user's page that it has read with SUM.
 */
static void unit_jump(void)
{
	unsigned rs1 = random_x(), page = (unsigned)random_below(2);
	uint64_t offset = random_below(PAGE_SIZE / 4) * 4;

	/* The two halves of a pad, also in two pages. */
	if (one_in(3))
		offset = PAGE_SIZE - (page == 0 ? 2 : 6);
	emit_constant(rs1, random_alias(PAGE_PADS + page) + offset);
	emit(make_i(JALR, one_in(2) ? 0 : random_x(), rs1, 0));
}

static void unit_float(void)
{
	unsigned f = (unsigned)random_below(32);

	if (one_in(2))
		emit(FMV_D_X | f << 7 | random_x() << 15);
	else
		emit(FADD_D | f << 7 | (unsigned)random_below(32) << 15 |
		    (unsigned)random_below(32) << 20);
}

/* An interrupt that is due as soon as it is allowed. */
static void unit_interrupt(void)
{
	unsigned r = random_x();
	bool timer = one_in(2);

	emit_constant(r, timer ? 1UL << 5 : 2);
	emit(make_csr(CSRRCI, 0, 2, SSTATUS));
	emit(make_csr(CSRRW, 0, r, SIE));
	if (timer)
		emit(make_csr(CSRRWI, 0, 0, STIMECMP));
	else
		emit(make_csr(CSRRSI, 0, 2, SIP));
	if (one_in(2))
		emit(WFI);
	if (one_in(2))
		emit(make_csr(CSRRSI, 0, 2, SSTATUS));
	emit(make_csr(CSRRW, another_x(r), 0, SIE));
	if (one_in(2)) {
		emit_constant(r, 1UL << 62);
		emit(make_csr(CSRRW, 0, r, STIMECMP));
	}
}

static const struct {
	void (*make)(void);
	unsigned weight;
} units[] = {{unit_access, 28}, {unit_csr, 14}, {unit_entry, 10},
    {unit_sret, 9}, {unit_atomic, 8}, {unit_sum, 7}, {unit_trap, 6},
    {unit_jump, 6}, {unit_interrupt, 4}, {unit_other_csr, 4}, {unit_satp, 3},
    {unit_read_entry, 3}, {unit_float, 3}, {unit_fence, 2}, {unit_stvec, 2}};

static void emit_unit(void)
{
	uint64_t start = here;
	unsigned all = 0, n = 0, drawn;

	for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++)
		all += units[i].weight;
	drawn = (unsigned)random_below(all);
	while (drawn >= units[n].weight)
		drawn -= units[n++].weight;
	emit(AUIPC | RESUME << 7);
	here += 4;
	units[n].make();
	memcpy(image + start + 4,
	    &(uint32_t){make_i(ADDI, RESUME, RESUME, (int64_t)(here - start))},
	    4);
}

/* A call from U-mode leads to S-mode. */
static void emit_end(void)
{
	emit(AUIPC | RESUME << 7);
	emit(make_i(ADDI, RESUME, RESUME, 16));
	emit(make_i(ADDI, A7, 0, ECALL_S));
	emit(ECALL);
	emit_constant(RESUME, WAY_OUT);
	emit(make_i(JALR, 0, RESUME, 0));
}

/* --- programs ------------------------------------------------------------- */

static void make_record(struct record *r, uint64_t seed)
{
	r->seed = seed;
	r->code = r->x[0] = page_address(PAGE_CODE);
	r->traps = page_address(PAGE_TRAPS);
	for (unsigned i = 1; i < 32; i++)
		r->x[i] = random_integer();
	for (unsigned i = 0; i < 32; i++)
		r->f[i] = random_register(4);
	r->csrs[SYS_SSTATUS] =
	    UXL_64 | (random_word() & 0xc6000) /* FS, SUM, MXR */;
	r->csrs[SYS_SCOUNTEREN] = random_below(8);
	r->csrs[SYS_SENVCFG] = random_below(2);
	r->csrs[SYS_SSCRATCH] = random_integer();
	r->csrs[SYS_SEPC] = random_integer() & ~1UL;
	r->csrs[SYS_SCAUSE] = random_integer();
	r->csrs[SYS_STVAL] = random_integer();
	r->csrs[SYS_SATP] = SATP_SV39 |
	    (page_address(PAGE_ROOTS) >> PAGE_SHIFT) |
	    (random_word() & 0xffff) << 44;
}

void system_make(uint8_t *to, unsigned number, uint64_t seed)
{
	struct record *r;
	uint64_t offset = (uint64_t)number * BLOCK_SIZE;

	_Static_assert(offsetof(struct record, f) == RECORD_F, "f");
	_Static_assert(offsetof(struct record, fcsr) == RECORD_FCSR, "fcsr");
	_Static_assert(offsetof(struct record, csrs) == RECORD_CSRS, "csrs");
	_Static_assert(offsetof(struct record, traps) == RECORD_TRAPS, "traps");
	_Static_assert(offsetof(struct record, code) == RECORD_CODE, "code");
	_Static_assert(offsetof(struct record, saved) == RECORD_SAVED, "saved");
	_Static_assert(sizeof(struct trap) == TRAP_SIZE, "trap");

	random_seed(seed);
	block = IMAGE_BASE + offset;
	emit_begin(to, offset + PAGE_CODE * PAGE_SIZE,
	    offset + PAGE_CODE * PAGE_SIZE + CODE_SIZE);
	r = (struct record *)(to + offset);
	make_record(r, seed);
	make_tables();
	for (unsigned i = 0; i < 2 * PAGE_SIZE / 4; i++)
		((uint32_t *)page_at(PAGE_PADS))[i] = PAD << 16 | PAD >> 16;
	for (unsigned i = 0; i < 4 * PAGE_SIZE / 8; i++)
		page_at(PAGE_DATA)[i] = random_integer();
	for (unsigned i = 0; i < UNITS; i++)
		emit_unit();
	emit_end();
	r->end = IMAGE_BASE + here;
}
