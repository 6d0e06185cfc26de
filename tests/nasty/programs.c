/* SPDX-License-Identifier: MIT */
/*
 * programs.c - random programs of all instructions of RV64IMAFDC.
 *
 * A program is a row of units. Most units are one instruction with random
 * operands. Before a load, a store or a jump through a register come
 * instructions that give its base register a good value, and a branch is made
 * together with the units that it jumps over or back to, so that each program
 * ends.
 *
 * insn_decode() says what operands an instruction has. If it is wrong, the two
 * machines do different things, which is what is looked for.
 */
#include "programs.h"

#include <elf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "insn.h"
#include "values.h"

#define CSR_FRM  2
#define CSR_FCSR 3

/* The stack for the handler of SIGILL, at the end of the space for code. */
#define STACK_OFFSET (RECORDS_OFFSET - (64UL << 10))
#define ENTRY_OFFSET 128 /* behind the headers of the file */
#define UCONTEXT_PC  176

#define UNITS     14 /* of a program, without those that branches jump over */
#define MAX_DEPTH 2  /* branches over branches */

static const struct {
	uint32_t match, mask;
	const char *format;
} table[] = {
#define X(name, match, mask, format, ...) {match, mask, #format},
#include "all.def"
#undef X
};

#define TABLE (sizeof table / sizeof table[0])

static uint64_t save; /* where a program goes when it is done */

/* A rounding mode that exists; frm always holds one at the end of a unit. */
static uint32_t fix_rounding(uint32_t raw, uint32_t mask)
{
	uint32_t major = raw & 127;

	if (major < MAJOR_FMADD || major > MAJOR_FP || (mask & 0x7000))
		return raw;
	return (raw & ~0x7000U) |
	    (random_below(2) ? 7 : (uint32_t)random_below(5)) << 12;
}

/* --- units ---------------------------------------------------------------- */

/* A random instruction, and how the core decodes it. */
struct draw {
	uint32_t raw;
	struct insn insn;
	uint32_t major; /* of the instruction in 32 bits */
	bool writes_x;
};

static struct draw draw(void)
{
	struct draw d = {0};
	unsigned at;

	if (random_below(3) == 0) {
		do
			d.raw = (uint32_t)random_word() & 0xffff;
		while ((d.raw & 3) == 3);
	} else {
		at = (unsigned)random_below(TABLE);
		d.raw = table[at].match |
		    ((uint32_t)random_word() & ~table[at].mask);
		d.raw = fix_rounding(d.raw, table[at].mask);
		if (random_below(16) == 0)
			d.raw ^= 4U << random_below(30);
	}
	d.insn = insn_decode(d.raw);
	if (insn_op(&d.insn) == OP_ILLEGAL)
		return d;
	at = insn_op(&d.insn) - OP_FIRST;
	d.major = table[at].match & 127;
	d.writes_x = table[at].format[0] != 'F' &&
	    strcmp(table[at].format, "R4") != 0 && d.major != MAJOR_BRANCH &&
	    d.major != MAJOR_STORE && d.major != MAJOR_STORE_FP;
	return d;
}

static bool can_be_base(unsigned r)
{
	return r != 0 && r != GP;
}

/* A random offset in the record for an access of `size` bytes. */
static int64_t random_place(unsigned size)
{
	uint64_t words = sizeof(uint64_t) * RECORD_WORDS;

	return (int64_t)(offsetof(struct record, words) +
	    random_below(words / size) * size);
}

static bool fits(int64_t imm)
{
	return imm >= -2048 && imm < 2048;
}

/* Emits a load or store, also misaligned, up to the end of the words. */
static bool emit_access(const struct draw *d)
{
	int64_t place = random_place(8);
	int64_t first = place - d->insn.imm;

	if (place >= (int64_t)offsetof(struct record, words) + 8 &&
	    !random_below(4))
		first -= (int64_t)random_below(8);
	if (!can_be_base(d->insn.rs1) || !fits(first))
		return false;
	emit(make_i(ADDI, d->insn.rs1, GP, first));
	emit(d->raw);
	return true;
}

/* After lr comes an sc, now and then to another place, where it fails. */
static bool emit_atomic(const struct draw *d)
{
	unsigned size = 1U << (d->raw >> 12 & 7), rs1 = d->insn.rs1;
	uint32_t sc = (uint32_t)(0x18000000 | (random_word() & 0x07f00f80));

	if (!can_be_base(rs1))
		return false;
	if (insn_op(&d->insn) != OP_lr_w && insn_op(&d->insn) != OP_lr_d) {
		emit(make_i(ADDI, rs1, GP, random_place(size)));
		emit(d->raw);
		return true;
	}
	if (d->insn.rd == rs1 || (sc >> 7 & 31) == GP)
		return false;
	emit(make_i(ADDI, rs1, GP, random_place(size)));
	emit(d->raw);
	if (random_below(4) == 0)
		emit(make_i(ADDI, rs1, GP, random_place(size)));
	emit(sc | (d->raw & 0x000ff07f));
	return true;
}

/* Anything may be written to fcsr and frm; a mode that exists follows. */
static bool emit_csr(const struct draw *d)
{
	unsigned rd = (unsigned)random_below(32);

	if (insn_op(&d->insn) < OP_csrrw || insn_op(&d->insn) > OP_csrrci ||
	    rd == GP)
		return false;
	emit((d->raw & 0xfffff) | (uint32_t)(1 + random_below(3)) << 20);
	emit(make_i(CSRRS, rd, 0, CSR_FCSR));
	emit(make_i(CSRRWI, 0, (unsigned)random_below(5), CSR_FRM));
	return true;
}

static void emit_units(unsigned count, unsigned depth);

static bool emit_jump_by_register(const struct draw *d, unsigned depth)
{
	unsigned rs1 = d->insn.rs1;
	uint64_t start = here;
	int64_t add;

	if (!can_be_base(rs1))
		return false;
	emit(AUIPC | rs1 << 7);
	here += 4;
	emit(d->raw);
	emit_units((unsigned)random_below(3), depth + 1);
	/* Bit 0 of the sum is ignored. */
	add = (int64_t)((here - start) | random_below(2)) - d->insn.imm;
	if (!fits(add)) {
		here = start;
		return false;
	}
	memcpy(image + start + 4, &(uint32_t){make_i(ADDI, rs1, rs1, add)}, 4);
	return true;
}

static void emit_branch_forward(const struct draw *d, unsigned depth)
{
	uint64_t at = here;

	here += d->insn.length;
	emit_units((unsigned)random_below(3), depth + 1);
	put_branch(d->raw, at, here);
}

/*
 * A jump over the units and a second jump, which ends what the branch begins;
 * then the branch, back to the units.
 */
static void emit_branch_back(const struct draw *d, unsigned depth)
{
	uint64_t over = here, units = here + 4, out, at;

	here += 4;
	emit_units(1 + (unsigned)random_below(2), depth + 1);
	out = here;
	here += 4;
	at = here;
	put_branch(JAL, over, at);
	put_branch(d->raw, at, units);
	put_branch(JAL, out, here);
}

static bool emit_branch(const struct draw *d, unsigned depth)
{
	if (random_below(2))
		emit_branch_forward(d, depth);
	else
		emit_branch_back(d, depth);
	return true;
}

/*
 * An instruction that is illegal for the core has to be illegal for QEMU. Those
 * of floating point, fences and the system are not tried: newer QEMUs have more
 * of them.
 */
static bool emit_illegal(uint32_t raw)
{
	uint32_t major = raw & 127;

	if (major == MAJOR_FP || major == MAJOR_FENCE || major == MAJOR_SYSTEM)
		return false;
	emit(raw);
	return true;
}

/* False: this instruction cannot be used here. */
static bool emit_unit(const struct draw *d, unsigned depth)
{
	if (insn_op(&d->insn) == OP_ILLEGAL)
		return emit_illegal(d->raw);
	if (d->writes_x && d->insn.rd == GP)
		return false;
	switch (d->major) {
	case MAJOR_LOAD:
	case MAJOR_LOAD_FP:
	case MAJOR_STORE:
	case MAJOR_STORE_FP:
		return emit_access(d);
	case MAJOR_AMO:
		return emit_atomic(d);
	case MAJOR_SYSTEM:
		return emit_csr(d);
	case MAJOR_BRANCH:
	case MAJOR_JAL:
		return depth < MAX_DEPTH && emit_branch(d, depth);
	case MAJOR_JALR:
		return depth < MAX_DEPTH && emit_jump_by_register(d, depth);
	default:
		emit(d->raw);
		return true;
	}
}

static void emit_units(unsigned count, unsigned depth)
{
	while (count > 0) {
		struct draw d = draw();

		if (emit_unit(&d, depth))
			count--;
	}
}

/* --- the image ------------------------------------------------------------ */

static unsigned x_offset(unsigned r)
{
	return 8 * r;
}

static unsigned f_offset(unsigned r)
{
	return (unsigned)offsetof(struct record, f) + 8 * r;
}

/* ra is loaded by the program itself. */
static void emit_load_registers(void)
{
	emit(make_i(LD, T0, GP, offsetof(struct record, fcsr)));
	emit(make_i(CSRRW, 0, T0, CSR_FCSR));
	for (unsigned r = 0; r < 32; r++)
		emit(make_i(FLD, r, GP, f_offset(r)));
	for (unsigned r = 2; r < 32; r++)
		if (r != GP)
			emit(make_i(LD, r, GP, x_offset(r)));
}

static void emit_save_registers(void)
{
	for (unsigned r = 1; r < 32; r++)
		emit(make_s(SD, GP, r, x_offset(r)));
	for (unsigned r = 0; r < 32; r++)
		emit(make_s(FSD, GP, r, f_offset(r)));
	emit(make_i(CSRRS, T0, 0, CSR_FCSR));
	emit(make_s(SD, GP, T0, offsetof(struct record, fcsr)));
}

static void emit_system_call(unsigned number)
{
	emit(make_i(ADDI, A7, 0, number));
	emit(ECALL);
}

/* Passes over an instruction, and counts it: see struct record. */
static void emit_handler(void)
{
	const unsigned illegal = offsetof(struct record, illegal);

	emit(make_i(LD, T0, A2, UCONTEXT_PC));
	emit(make_i(LHU, T1, T0, 0));
	emit(make_i(ANDI, T1, T1, 3));
	emit(make_i(ADDI, T2, 0, 3));
	emit(make_i(ADDI, T0, T0, 2));
	put_branch(BNE | T1 << 15 | T2 << 20, here, here + 8);
	emit(make_i(ADDI, T0, T0, 2));
	emit(make_s(SD, A2, T0, UCONTEXT_PC));
	emit(make_i(LD, T0, GP, illegal));
	emit(make_i(ADDI, T0, T0, 1));
	emit(make_s(SD, GP, T0, illegal));
	emit(make_i(JALR, 0, RA, 0));
}

/* A program may leave anything in sp, so the handler has a stack of its own. */
static void emit_signal_setup(uint64_t handler)
{
	/* struct sigaltstack, then struct sigaction, as the kernel has them. */
	const uint64_t words[] = {FLAT_BASE + STACK_OFFSET + PAGE_SIZE, 0,
	    8 * PAGE_SIZE, FLAT_BASE + handler, 0x08000000 /* SA_ONSTACK */, 0};

	memcpy(image + STACK_OFFSET, words, sizeof words);
	emit_address(A0, STACK_OFFSET);
	emit(make_i(ADDI, A1, 0, 0));
	emit_system_call(132); /* sigaltstack */
	emit_address(A1, STACK_OFFSET + 24);
	emit(make_i(ADDI, A0, 0, 4)); /* SIGILL */
	emit(make_i(ADDI, A2, 0, 0));
	emit(make_i(ADDI, A3, 0, 8));
	emit_system_call(134); /* rt_sigaction */
}

static void emit_stub(void)
{
	uint64_t loop;

	here = PLAIN_ENTRY_OFFSET - 48;
	emit_handler();
	here = ENTRY_OFFSET;
	emit_signal_setup(PLAIN_ENTRY_OFFSET - 48);
	put_branch(JAL, here, PLAIN_ENTRY_OFFSET);
	here = PLAIN_ENTRY_OFFSET;
	emit_address(GP, RECORDS_OFFSET);
	loop = here;
	emit_load_registers();
	emit(make_i(LD, RA, GP, 0));
	emit(make_i(JALR, 0, RA, 0));

	save = here;
	emit_save_registers();
	emit(make_i(ADDI, GP, GP, sizeof(struct record)));
	emit(make_i(LD, RA, GP, 0));
	put_branch(BNE | RA << 15, here, loop);

	emit_address(A1, RECORDS_OFFSET);
	emit(SUB | A2 << 7 | GP << 15 | A1 << 20);
	emit(make_i(ADDI, A0, 0, 1));
	emit_system_call(64); /* write */
	emit(make_i(ADDI, A0, 0, 0));
	emit_system_call(93); /* exit */
}

static void make_program(struct record *r, uint64_t seed)
{
	const unsigned mixtures[] = {0, 1, 4, 7, 8};
	unsigned singles;

	random_seed(seed);
	singles = mixtures[random_below(5)];
	*r = (struct record){.entry = FLAT_BASE + here, .seed = seed};
	for (unsigned i = 0; i < 31; i++)
		r->x[i] = random_below(4) ? random_integer()
					  : random_register(singles);
	for (unsigned i = 0; i < 32; i++)
		r->f[i] = random_register(singles);
	for (unsigned i = 0; i < RECORD_WORDS; i++)
		r->words[i] = random_below(2) ? random_integer()
					      : random_register(singles);
	r->x[GP - 1] = 0;
	r->fcsr = random_below(5 << 5);

	emit(make_i(LD, RA, GP, x_offset(RA)));
	emit_units(UNITS, 0);
	r->end = FLAT_BASE + here;
	put_branch(JAL, here, save);
}

static void make_headers(void)
{
	Elf64_Ehdr file = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
			       ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	    .e_type = ET_EXEC,
	    .e_machine = EM_RISCV,
	    .e_version = EV_CURRENT,
	    .e_entry = FLAT_BASE + ENTRY_OFFSET,
	    .e_phoff = sizeof file,
	    .e_flags = 5, /* compressed, and double precision */
	    .e_ehsize = sizeof file,
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = 1};
	Elf64_Phdr segment = {.p_type = PT_LOAD,
	    .p_flags = PF_R | PF_W | PF_X,
	    .p_vaddr = FLAT_BASE,
	    .p_paddr = FLAT_BASE,
	    .p_filesz = FLAT_SIZE,
	    .p_memsz = FLAT_SIZE,
	    .p_align = PAGE_SIZE};

	_Static_assert(sizeof file + sizeof segment <= ENTRY_OFFSET, "headers");
	memcpy(image, &file, sizeof file);
	memcpy(image + sizeof file, &segment, sizeof segment);
}

void programs_make(uint8_t to[FLAT_SIZE], uint64_t seed, unsigned count)
{
	struct record *records = (struct record *)(to + RECORDS_OFFSET);

	_Static_assert(sizeof(struct record) == 1024, "fits into an addi");
	emit_begin(to, 0, STACK_OFFSET);
	memset(image, 0, FLAT_SIZE);
	make_headers();
	emit_stub();
	for (unsigned i = 0; i < count; i++)
		make_program(&records[i], seed + i);
}
