/* SPDX-License-Identifier: MIT */
/*
 * exec.c - the loop that executes instructions, and traps.
 *
 * The tables *.def say what each instruction does; this file defines the macros
 * that they use. The code of each instruction ends with a jump of its own to
 * the code of the next, which the host predicts better than one jump for all.
 */
#include <string.h>

#include "fp.h"
#include "insn.h"

/* --- windows -------------------------------------------------------------- */

static void windows_clear(struct windows *w)
{
	for (unsigned i = 0; i < w->count; i++)
		w->filled[i]->tag = NO_WINDOW;
	w->count = 0;
}

void hart_forget_priv(struct hart *h, enum priv priv)
{
	windows_clear(&h->by_priv[priv]);
	if (h->priv == priv)
		h->code_va = NO_WINDOW;
}

void hart_forget(struct hart *h)
{
	hart_forget_priv(h, PRIV_U);
	hart_forget_priv(h, PRIV_S);
}

void hart_forget_code(struct hart *h)
{
	for (unsigned p = 0; p < 2; p++)
		for (unsigned i = 0; i < WINDOWS; i++)
			h->by_priv[p].code[i].tag = NO_WINDOW;
	h->code_va = NO_WINDOW;
}

static struct window *window_of(struct windows *w, uint64_t va,
    enum access access)
{
	struct window *table = access == ACCESS_READ ? w->read
	    : access == ACCESS_WRITE                 ? w->write
						     : w->code;

	return &table[va >> PAGE_SHIFT & (WINDOWS - 1)];
}

void hart_open_window(struct hart *h, uint64_t va, enum access access,
    void *host)
{
	struct windows *w = h->windows;
	struct window *at = window_of(w, va, access);

	if (w->count == WINDOWS)
		windows_clear(w);
	if (at->tag == NO_WINDOW)
		w->filled[w->count++] = at;
	at->tag = va & ~PAGE_MASK;
	at->offset = (uint64_t)host - at->tag;
}

static void watch_windows(struct windows *w, const void *page)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct window *at = w->filled[i];
		uint64_t va = at->tag & ~PAGE_MASK;

		if (at->tag != NO_WINDOW && va + at->offset == (uint64_t)page)
			at->tag = va | WATCHED;
	}
}

void hart_watch_windows(struct hart *h, const void *page)
{
	watch_windows(&h->by_priv[PRIV_U], page);
	watch_windows(&h->by_priv[PRIV_S], page);
}

void hart_watch_window(struct hart *h, uint64_t va, enum access access,
    bool watched)
{
	struct window *at = window_of(h->windows, va, access);

	if ((at->tag & ~(uint64_t)WATCHED) == (va & ~PAGE_MASK))
		at->tag = (va & ~PAGE_MASK) | (watched ? WATCHED : 0);
}

void *hart_watched_window(struct hart *h, uint64_t va, unsigned size,
    enum access access)
{
	const struct window *at = window_of(h->windows, va, access);

	if (at->tag != ((va & ~(PAGE_MASK & ~(size - 1UL))) | WATCHED))
		return NULL;
	return (void *)(va + at->offset);
}

/* --- traps ---------------------------------------------------------------- */

static void note_jump(struct hart *h, uint64_t from, uint64_t to)
{
	h->recent[h->recent_next++] = (struct jump){from, to};
}

static void enter_priv(struct hart *h, enum priv priv)
{
	h->priv = priv;
	h->windows = &h->by_priv[priv];
	h->code_va = NO_WINDOW;
	hart_priv_changed(h);
}

void hart_trap(struct hart *h, uint64_t cause, uint64_t value)
{
	bool enabled = (h->sstatus & SSTATUS_SIE) != 0;

	h->sstatus &= ~(SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SIE);
	h->sstatus |= (h->priv == PRIV_S ? SSTATUS_SPP : 0) |
	    (enabled ? SSTATUS_SPIE : 0);
	h->scause = cause;
	h->sepc = h->pc;
	h->stval = value;
	h->pc = h->stvec & ~3UL;
	if ((h->stvec & 1) && (cause & CAUSE_IRQ))
		h->pc += 4 * (cause & 63);
	note_jump(h, h->sepc, h->pc);
	enter_priv(h, PRIV_S);
}

static void trap_return(struct hart *h)
{
	enum priv to = (h->sstatus & SSTATUS_SPP) ? PRIV_S : PRIV_U;
	bool enable = (h->sstatus & SSTATUS_SPIE) != 0;

	h->sstatus &= ~(SSTATUS_SPP | SSTATUS_SIE);
	h->sstatus |= SSTATUS_SPIE | (enable ? SSTATUS_SIE : 0);
	note_jump(h, h->pc, h->sepc);
	h->pc = h->sepc;
	enter_priv(h, to);
	hart_interrupts_changed(h);
}

static void environment_call(struct hart *h)
{
	if (h->priv == PRIV_U) {
		hart_trap(h, CAUSE_ECALL_U, 0);
		return;
	}
	hart_call_firmware(h);
	h->pc += 4;
}

static void illegal(struct hart *h, const struct insn *i)
{
	hart_trap(h, CAUSE_ILLEGAL, h->stval_has_insn ? i->raw : 0);
}

void hart_reset(struct hart *h, uint64_t pc)
{
	h->pc = pc;
	h->satp = 0;
	h->sstatus = SSTATUS_UXL;
	for (unsigned p = 0; p < 2; p++)
		for (unsigned i = 0; i < WINDOWS; i++) {
			h->by_priv[p].read[i].tag = NO_WINDOW;
			h->by_priv[p].write[i].tag = NO_WINDOW;
		}
	hart_forget_code(h);
	h->priv = PRIV_S;
	h->windows = &h->by_priv[PRIV_S];
}

void hart_stop(struct hart *h)
{
	h->granted -= (uint64_t)h->left;
	h->left = 0;
}

/* --- floating point ------------------------------------------------------- */

/* False: the rounding mode of the instruction, or of frm, does not exist. */
static bool fp_rounding(const struct hart *h, const struct insn *i)
{
	unsigned field = i->raw >> 12 & 7, mode = field == 7 ? h->frm : field;

	fp_mode = (enum fp_rounding)mode;
	return mode <= FP_RMM;
}

/* The state of the unit is dirty as soon as it changes, and not before. */
static uint64_t *fp_destination(struct hart *h, const struct insn *i)
{
	h->sstatus |= SSTATUS_FS;
	return &h->f[i->rd];
}

/* Adds the flags that an instruction raised to fflags. */
static void fp_done(struct hart *h)
{
	if (fp_flags == 0)
		return;
	h->fflags |= fp_flags;
	fp_flags = 0;
	h->sstatus |= SSTATUS_FS;
}

/* --- runs ----------------------------------------------------------------- */

/*
 * A run is instructions of one page that follow each other, up to one that
 * always goes elsewhere; `run` of each says how many there are from it to the
 * end. On the entry to a run all its instructions are counted at once; if it is
 * left earlier, those that were not executed are subtracted; in between nothing
 * is counted or looked up. If the turn ends within the run, what is left
 * becomes negative, and until it ends each instruction is preceded by a look
 * whether it is the first that is too much (`counted` in hart_run()). Behind
 * the last one of a page, and of those that are executed alone, is one that is
 * never decoded: it belongs to no run, and there the page is looked up again.
 */

static bool ends_run(enum op op)
{
	return op == OP_jal || op == OP_jalr || op == OP_ILLEGAL ||
	    (op >= OP_lr_w && op <= OP_csrrci);
}

/* The bytes of an instruction in the present page; those of the next are 0. */
static uint32_t raw_at(const struct hart *h, unsigned offset)
{
	const struct code_page *page =
	    (const struct code_page *)((const char *)h->code -
		offsetof(struct code_page, insns));
	uint32_t raw = 0;

	memcpy(&raw, page->bytes + offset, offset == PAGE_SIZE - 2 ? 2 : 4);
	return raw;
}

static struct insn decode_hooked(struct hart *h, uint64_t va, uint32_t raw)
{
	struct insn insn = insn_decode(raw);

	if (unlikely(hart_is_hooked(h, va)))
		insn.code = 2 * OP_HOOKED;
	return insn;
}

/* Decodes in place: the page is this hart's own. False: it is in no run. */
static bool decode_at(struct hart *h, unsigned n)
{
	struct insn *insn = (struct insn *)h->code + n;
	uint32_t raw = raw_at(h, 2 * n);

	if (n == PAGE_SIZE / 2 - 1 && (raw & 3) == 3)
		return false;
	*insn = decode_hooked(h, h->code_va + 2 * n, raw);
	insn->near = 2 * n + (uint64_t)insn->imm < PAGE_SIZE;
	return insn_op(insn) != OP_HOOKED;
}

/*
 * Decodes from an instruction on, to the end of the run. False: it is in none.
 */
static bool decode_run(struct hart *h, unsigned from)
{
	struct insn *insns = (struct insn *)h->code;
	uint16_t places[PAGE_SIZE / 2], run = 0;
	unsigned count = 0, n = from;
	bool ended = false;

	while (!ended && n < PAGE_SIZE / 2 && insns[n].run == 0 &&
	    decode_at(h, n)) {
		places[count++] = (uint16_t)n;
		ended = ends_run(insn_op(&insns[n]));
		n += insns[n].length / 2;
	}
	if (!ended)
		run = insns[n].run;
	while (count > 0)
		insns[places[--count]].run = ++run;
	return insns[from].run != 0;
}

/* Makes `code` the page of pc, if there is a window. */
static bool fetch_again(struct hart *h, uint64_t pc)
{
	const struct window *w = window_of(h->windows, pc, ACCESS_EXEC);

	if (w->tag != (pc & ~PAGE_MASK))
		return false;
	h->code = (const struct insn *)(w->tag + w->offset);
	h->code_va = w->tag;
	return true;
}

/* The instruction at pc, alone. NULL: a trap was taken, or it is held. */
static const struct insn *alone(struct hart *h)
{
	unsigned n = (h->pc & PAGE_MASK) >> 1;
	struct insn *insn = &h->alone[0];
	uint32_t raw;

	*insn = h->code[n];
	if (insn_op(insn) == OP_UNDECODED) {
		raw = raw_at(h, PAGE_SIZE - 2);
		if (!hart_fetch_crossing(h, &raw))
			return NULL;
		*insn = decode_hooked(h, h->pc, raw);
	}
	if (insn_op(insn) == OP_HOOKED) {
		if (!hart_hook(h)) {
			h->granted -= (uint64_t)h->left + 1;
			h->left = 0;
			return NULL;
		}
		*insn = insn_decode(insn->raw);
	}
	insn->run = 1;
	return insn;
}

/* --- execution ------------------------------------------------------------ */

#define RS1       (h->x[i->rs1])
#define RS2       (h->x[i->rs2])
#define RD        (h->x[i->rd])
#define S1        ((int64_t)RS1)
#define S2        ((int64_t)RS2)
#define W1        ((uint32_t)RS1)
#define W2        ((uint32_t)RS2)
#define IMM       ((uint64_t)(int64_t)i->imm)
#define RAW       (i->raw)
#define SEXT32(v) ((uint64_t)(int64_t)(int32_t)(v))
#define BOX(v)    ((v) | 0xffffffff00000000)

#define F1 (h->f[i->rs1])
#define F2 (h->f[i->rs2])
#define F3 (h->f[RAW >> 27])
#define FD (*fp_destination(h, i))
#define FP                \
	if (!fp_is_on(h)) \
	goto illegal
#define FP_ROUND                                \
	if (!fp_is_on(h) || !fp_rounding(h, i)) \
	goto illegal

/* The address of the present instruction, from its place in `code`. */
#define PC (h->bias + ((uintptr_t)i >> 3))

/*
 * pc and the number of instructions left are in host registers, and right only
 * between two runs. Before a call of a function that looks at the hart, or may
 * end the turn, they are stored.
 */
#define SAVE                                 \
	do {                                 \
		h->pc = PC;                  \
		h->left = left + i->run - 1; \
	} while (0)
/* Before the instruction at pc is found. */
#define TELL                        \
	do {                        \
		h->pc = pc;         \
		h->left = left - 1; \
	} while (0)

/* The next instruction of the run. */
#define STEP                         \
	do {                         \
		i += LENGTH / 2;     \
		goto *next[i->code]; \
	} while (0)

/* The run that begins at `i`; it is cut if it is longer than what is left. */
#define COUNT_RUN                       \
	do {                            \
		left -= i->run;         \
		if (unlikely(left < 0)) \
			goto cut;       \
		goto *next[i->code];    \
	} while (0)
#define ENTER                                        \
	do {                                         \
		i = &h->code[(pc & PAGE_MASK) >> 1]; \
		h->bias = pc - ((uintptr_t)i >> 3);  \
		COUNT_RUN;                           \
	} while (0)
#define NEXT                                                   \
	do {                                                   \
		if (unlikely((pc & ~PAGE_MASK) != h->code_va)) \
			goto fetch;                            \
		ENTER;                                         \
	} while (0)

#define JUMP(to)                             \
	do {                                 \
		pc = (to);                   \
		note_jump(h, PC, pc);        \
		left += (int64_t)i->run - 1; \
		NEXT;                        \
	} while (0)
/* Where it is near, `i` goes as far as pc would. */
#define BRANCH                                                    \
	do {                                                      \
		pc = PC + IMM;                                    \
		note_jump(h, PC, pc);                             \
		left += (int64_t)i->run - 1;                      \
		if (unlikely(!i->near))                           \
			NEXT;                                     \
		i = (const void *)((const char *)i +              \
		    i->imm * (int64_t)(sizeof(struct insn) / 2)); \
		COUNT_RUN;                                        \
	} while (0)
/* Behind an instruction that called a function. */
#define NEXT_RUN                  \
	do {                      \
		pc = PC + LENGTH; \
		NEXT;             \
	} while (0)
/*
 * Behind one that did not end the run. It goes on, unless the turn has ended or
 * code was forgotten.
 */
#define GO_ON                                              \
	do {                                               \
		if (likely(h->left == left + i->run - 1 && \
			h->code_va != NO_WINDOW))          \
			STEP;                              \
		left = h->left;                            \
		NEXT_RUN;                                  \
	} while (0)
/* After what may have changed pc, or anything else. */
#define RESUME goto resume
#define RESUME_NEXT              \
	do {                     \
		h->pc += LENGTH; \
		goto resume;     \
	} while (0)
#define S_MODE_ONLY            \
	if (h->priv != PRIV_S) \
	goto illegal

#define WINDOW(kind, va, size)                                  \
	const struct window *w =                                \
	    &windows->kind[(va) >> PAGE_SHIFT & (WINDOWS - 1)]; \
	bool open = w->tag == ((va) & ~(PAGE_MASK & ~((size)-1UL)))

/* `what` is the statement that stores the value to its register. */
#define LOAD(type, what)                                                 \
	do {                                                             \
		uint64_t va = RS1 + IMM, loaded;                         \
		WINDOW(read, va, sizeof(type));                          \
		if (likely(open)) {                                      \
			uint64_t value =                                 \
			    (uint64_t) * (const type *)(va + w->offset); \
			what;                                            \
			break;                                           \
		}                                                        \
		SAVE;                                                    \
		if (!hart_load(h, va, sizeof(type), &loaded))            \
			goto resume;                                     \
		uint64_t value = (uint64_t)(type)loaded;                 \
		what;                                                    \
		GO_ON;                                                   \
	} while (0)

#define STORE(type, from)                                           \
	do {                                                        \
		uint64_t va = RS1 + IMM;                            \
		WINDOW(write, va, sizeof(type));                    \
		if (likely(open)) {                                 \
			*(type *)(va + w->offset) = (type)(from);   \
			break;                                      \
		}                                                   \
		SAVE;                                               \
		if (!hart_store(h, va, sizeof(type), (type)(from))) \
			goto resume;                                \
		GO_ON;                                              \
	} while (0)

#define AMO(type, what)                                            \
	do {                                                       \
		type *place = hart_amo(h, RS1, sizeof(type), RAW); \
		if (place == NULL)                                 \
			goto resume;                               \
		type old = *place, new = (type)RS2;                \
		new = (what);                                      \
		*place = new;                                      \
		RD = (uint64_t)(int64_t)old;                       \
		hart_amo_done(h, (uint64_t)(int64_t)old,           \
		    (uint64_t)(int64_t) new);                      \
	} while (0)

#define RESERVE(type)                                                 \
	do {                                                          \
		uint64_t value;                                       \
		if (!hart_reserve(h, RS1, sizeof(type), RAW, &value)) \
			goto resume;                                  \
		RD = (uint64_t)(int64_t)(type)value;                  \
	} while (0)

#define STORE_CONDITIONAL(size)                                               \
	do {                                                                  \
		bool failed;                                                  \
		if (!hart_store_conditional(h, RS1, size, RAW, RS2, &failed)) \
			goto resume;                                          \
		RD = failed;                                                  \
	} while (0)

/* With x0 as rd there is no read; with x0 as rs1 of set and clear, no write. */
#define CSR_WRITE(what)                                                       \
	do {                                                                  \
		uint64_t old = 0, new = (what);                               \
		if ((i->rd != X_NOWHERE && !csr_read(h, CSR_NUMBER, &old)) || \
		    !csr_write(h, CSR_NUMBER, new))                           \
			goto illegal;                                         \
		RD = old;                                                     \
		RESUME_NEXT;                                                  \
	} while (0)
#define CSR_CHANGE(what)                                           \
	do {                                                       \
		uint64_t old, new;                                 \
		if (!csr_read(h, CSR_NUMBER, &old))                \
			goto illegal;                              \
		new = (what);                                      \
		if (i->rs1 != 0 && !csr_write(h, CSR_NUMBER, new)) \
			goto illegal;                              \
		RD = old;                                          \
		RESUME_NEXT;                                       \
	} while (0)
#define CSR_NUMBER ((unsigned)i->imm)

/* The code of an instruction of `size` bytes, and the way to the next. */
#define BODY(label, size, begin, finish, ...) \
	do_##label : begin;                   \
	{                                     \
		enum { LENGTH = size };       \
		__VA_ARGS__;                  \
		finish;                       \
	}
#define BODIES(name, begin, finish, ...)              \
	BODY(name##_2, 2, begin, finish, __VA_ARGS__) \
	BODY(name##_4, 4, begin, finish, __VA_ARGS__)

static void end_turn(struct hart *h, uint64_t pc)
{
	h->pc = pc;
	h->left = 0;
	h->executed += h->granted;
	h->granted = 0;
}

void hart_run(struct hart *h, uint64_t n)
{
	/* Indexed by `code`, of which each instruction has two. */
	static const void *const labels[] = {
	    [2 * OP_UNDECODED... 2 * OP_HOOKED + 1] = &&outside,
	    [2 * OP_ILLEGAL... 2 * OP_ILLEGAL + 1] = &&illegal,
#define X(name, match, mask, format, ...) &&do_##name##_2, &&do_##name##_4,
#include "all.def"
#undef X
	};
	static const void *const counted[] = {
	    [0 ... sizeof labels / sizeof labels[0] - 1] = &&counted,
	};
	const struct windows *windows = h->windows;
	const struct insn *i;
	uint64_t pc = h->pc;
	const void *const *next = labels;
	int64_t left = (int64_t)n;

	h->granted = n;
	NEXT;
outside:
	pc = PC;
	if ((pc & ~PAGE_MASK) != h->code_va || left == 0)
		goto fetch;
	TELL;
	if (decode_run(h, (pc & PAGE_MASK) >> 1))
		goto found;
	i = alone(h);
	if (i == NULL)
		goto resume;
	left = h->left;
	h->bias = h->pc - ((uintptr_t)i >> 3);
	goto *labels[i->code];
fetch:
	if (left == 0)
		goto out;
	if (fetch_again(h, pc))
		ENTER;
	TELL;
	if (!hart_fetch(h))
		goto resume;
found:
	pc = h->pc;
	left = h->left + 1;
	ENTER;
illegal:
	SAVE;
	illegal(h, i);
resume:
	windows = h->windows;
	pc = h->pc;
	left = h->left;
	NEXT;

#define X(name, match, mask, format, ...) BODIES(name, , STEP, __VA_ARGS__)
#include "rv_int.def"
#undef X
#define X(name, match, mask, format, ...) \
	BODIES(name, SAVE, left = h->left; NEXT_RUN, __VA_ARGS__)
#include "rv_amo.def"
#include "rv_sys.def"
#undef X
#define X(name, match, mask, format, ...) \
	BODIES(name, , fp_done(h); STEP, __VA_ARGS__)
#include "rv_fp.def"
#undef X
cut: /* The turn ends within the run that was entered. */
	next = counted;
counted: /* Without what was counted too early, how many are left? */
	if (left + i->run > 0)
		goto *labels[i->code];
	pc = PC;
out:
	end_turn(h, pc);
}
