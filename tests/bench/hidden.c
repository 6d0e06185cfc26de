/* SPDX-License-Identifier: MIT */
/*
 * hidden.c - measures costs that a count of instructions hides, as a plugin of
 * QEMU's TCG.
 *
 *   -plugin hidden.so,out=FILE
 *
 * The benchmark marks what it measures with instructions that do nothing
 * (user/bench/bench.h). For each stretch between two marks this writes a line:
 * instructions of the program and of the kernel, how many of the kernel's came
 * after page faults (or another trap that is no system call) and how many such
 * there were, fences, writes of satp, and how many different 64 bytes were
 * loaded or stored, and executed. A line `row` follows the stretches that
 * belong to one row of the benchmark's table. Only a machine with one hart can
 * be watched.
 *
 * Page table entries that the hardware reads to translate an address are not
 * seen.
 *
 * QEMU finds these functions by name; the few that are called are declared
 * here, since not every distribution has the header. They are the same in all
 * versions of the interface from 1 on.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- QEMU's interface ---- */

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
struct qemu_info;

enum { CB_NO_REGS = 0 };
enum { MEM_RW = 3 };

typedef void tb_fn(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void exec_fn(unsigned cpu, void *data);
typedef void mem_fn(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
    void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_fn *fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
    exec_fn *fn, int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, mem_fn *fn,
    int flags, int access, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *insn);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info,
    uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *at);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *at);

#define EXPORT __attribute__((visibility("default")))

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
    int argc, char **argv);

EXPORT extern const int qemu_plugin_version;
const int qemu_plugin_version = INTERFACE;

/* ---- sets of lines ---- */

#define LINE_SHIFT 6
#define SET_SIZE   (1UL << 22) /* slots */

/* A slot is taken if it has the number of the stretch that is measured. */
struct lines {
	uint64_t *key;
	uint32_t *round;
	uint64_t count;
};

static uint32_t round_now;

static void lines_create(struct lines *set)
{
	set->key = calloc(SET_SIZE, sizeof *set->key);
	set->round = calloc(SET_SIZE, sizeof *set->round);
	if (set->key == NULL || set->round == NULL)
		abort();
}

/*
 * When the set is half full, every line is counted as one more, whether it is
 * new or not.
 */
static void lines_add(struct lines *set, uint64_t line)
{
	uint64_t i = line * 0x9e3779b97f4a7c15 >> 42;

	if (set->count > SET_SIZE / 2) {
		set->count++;
		return;
	}
	while (set->round[i] == round_now) {
		if (set->key[i] == line)
			return;
		i = (i + 1) % SET_SIZE;
	}
	set->round[i] = round_now;
	set->key[i] = line;
	set->count++;
}

/* ---- what is counted ---- */

enum what { PLAIN, ECALL, FENCE, SATP, MARK_START, MARK_STOP, MARK_ROW };

/* Programs are linked below this address; kernel and firmware are above it. */
#define PROGRAMS_END 0x80000000

static struct {
	bool open;
	bool in_program; /* the last instruction was the program's */
	bool in_call;    /* the program's last one was an ecall */
	uint64_t program, kernel, in_faults, faults, fences, satp;
	struct lines data, code;
} now;

static FILE *out;

static void start(void)
{
	round_now++;
	now.program = now.kernel = now.in_faults = now.faults = 0;
	now.fences = now.satp = 0;
	now.in_program = true;
	now.in_call = false;
	now.data.count = now.code.count = 0;
	now.open = true;
}

static void stop(void)
{
	if (!now.open)
		return;
	now.open = false;
	fprintf(out,
	    "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
	    "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
	    now.program, now.kernel, now.in_faults, now.faults, now.fences,
	    now.satp, now.data.count, now.code.count);
}

/* ---- callbacks ---- */

/* The properties of an instruction that are known when it is translated. */
struct insn {
	uint64_t line;
	enum what what;
	bool is_program;
};

/*
 * Counts an instruction for the program or for the kernel. What the kernel
 * executes after anything but an ecall also counts as part of a fault.
 */
static void count_side(const struct insn *insn)
{
	if (insn->is_program) {
		now.program++;
		now.in_call = insn->what == ECALL;
	} else {
		now.kernel++;
		now.in_faults += !now.in_call;
		now.faults += !now.in_call && now.in_program;
	}
	now.in_program = insn->is_program;
}

static void on_insn(unsigned cpu, void *data)
{
	const struct insn *insn = data;

	(void)cpu;
	if (insn->what == MARK_START) {
		start();
	} else if (insn->what == MARK_STOP) {
		stop();
	} else if (insn->what == MARK_ROW) {
		fprintf(out, "row\n");
		fflush(out);
	} else if (now.open) {
		count_side(insn);
		now.fences += insn->what == FENCE;
		now.satp += insn->what == SATP;
		lines_add(&now.code, insn->line);
	}
}

static void on_memory(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
    void *data)
{
	struct qemu_plugin_hwaddr *at;

	(void)cpu;
	(void)data;
	if (!now.open)
		return;
	at = qemu_plugin_get_hwaddr(info, vaddr);
	if (at != NULL && !qemu_plugin_hwaddr_is_io(at))
		lines_add(&now.data,
		    qemu_plugin_hwaddr_phys_addr(at) >> LINE_SHIFT);
}

/* The kind of an instruction, from QEMU's disassembly of it. */
static enum what what_of(const char *text)
{
	const char *mark = strstr(text, "slti");

	if (strstr(text, "ecall") != NULL)
		return ECALL;
	if (strstr(text, "sfence.vma") != NULL ||
	    strstr(text, "fence.i") != NULL)
		return FENCE;
	if (strstr(text, "csr") != NULL && strstr(text, "satp") != NULL &&
	    strstr(text, "csrr ") == NULL)
		return SATP;
	if (mark == NULL || (mark = strstr(mark, "zero,zero,")) == NULL)
		return PLAIN;
	switch (atoi(mark + strlen("zero,zero,"))) {
	case 1:
		return MARK_START;
	case 2:
		return MARK_STOP;
	case 3:
		return MARK_ROW;
	default:
		return PLAIN;
	}
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *from = qemu_plugin_tb_get_insn(tb, i);
		char *text = qemu_plugin_insn_disas(from);
		/*
		 * Never freed: QEMU passes it to on_insn() for as long as it
		 * keeps the translation, and does not say when that ends.
		 */
		struct insn *insn = malloc(sizeof *insn);

		if (insn == NULL)
			abort();
		insn->what = what_of(text);
		insn->line =
		    (uintptr_t)qemu_plugin_insn_haddr(from) >> LINE_SHIFT;
		insn->is_program = qemu_plugin_insn_vaddr(from) < PROGRAMS_END;
		free(text);
		qemu_plugin_register_vcpu_insn_exec_cb(from, on_insn,
		    CB_NO_REGS, insn);
		qemu_plugin_register_vcpu_mem_cb(from, on_memory, CB_NO_REGS,
		    MEM_RW, NULL);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
    const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
		fprintf(stderr, "hidden: out=FILE\n");
		return 1;
	}
	out = fopen(argv[0] + 4, "w");
	if (out == NULL) {
		perror(argv[0] + 4);
		return 1;
	}
	lines_create(&now.data);
	lines_create(&now.code);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
