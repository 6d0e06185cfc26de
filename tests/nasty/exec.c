/* SPDX-License-Identifier: MIT */
/*
 * exec.c - the loop that executes instructions, and traps.
 *
 * What each instruction does is in the tables *.def; here are the words that
 * they are written in. Each ends with a jump to the next one's code, which the
 * host predicts better than one jump for all.
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

static struct window *window_of(struct window *table, uint64_t va)
{
	return &table[va >> PAGE_SHIFT & (WINDOWS - 1)];
}

void hart_open_window(struct hart *h, uint64_t va, enum access access,
    void *host)
{
	struct windows *w = h->windows;
	struct window *at =
	    window_of(access == ACCESS_WRITE ? w->write : w->read, va);

	if (w->count == WINDOWS)
		windows_clear(w);
	if (at->tag == NO_WINDOW)
		w->filled[w->count++] = at;
	at->tag = va & ~PAGE_MASK;
	at->offset = (uint64_t)host - at->tag;
}

static void watch_windows(struct windows *w, const void *page, bool watched)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct window *at = w->filled[i];
		uint64_t va = at->tag & ~PAGE_MASK;

		if (at->tag != NO_WINDOW && va + at->offset == (uint64_t)page)
			at->tag = va | (watched ? WATCHED : 0);
	}
}

void hart_watch_windows(struct hart *h, const void *page, bool watched)
{
	watch_windows(&h->by_priv[PRIV_U], page, watched);
	watch_windows(&h->by_priv[PRIV_S], page, watched);
}

void hart_watch_window(struct hart *h, uint64_t va, enum access access,
    bool watched)
{
	struct windows *w = h->windows;
	struct window *at =
	    window_of(access == ACCESS_WRITE ? w->write : w->read, va);

	if ((at->tag & ~(uint64_t)WATCHED) == (va & ~PAGE_MASK))
		at->tag = (va & ~PAGE_MASK) | (watched ? WATCHED : 0);
}

void *hart_watched_window(struct hart *h, uint64_t va, unsigned size,
    enum access access)
{
	struct windows *w = h->windows;
	const struct window *at =
	    window_of(access == ACCESS_WRITE ? w->write : w->read, va);

	if (at->tag != ((va & ~PAGE_MASK) | WATCHED) || (va & (size - 1)))
		return NULL;
	return (void *)(va + at->offset);
}

/* --- traps ---------------------------------------------------------------- */

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
	enter_priv(h, PRIV_S);
}

static void trap_return(struct hart *h)
{
	enum priv to = (h->sstatus & SSTATUS_SPP) ? PRIV_S : PRIV_U;
	bool enable = (h->sstatus & SSTATUS_SPIE) != 0;

	h->sstatus &= ~(SSTATUS_SPP | SSTATUS_SIE);
	h->sstatus |= SSTATUS_SPIE | (enable ? SSTATUS_SIE : 0);
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
	h->priv = PRIV_S;
	h->windows = &h->by_priv[PRIV_S];
	h->code_va = NO_WINDOW;
}

void hart_stop(struct hart *h)
{
	h->granted -= (uint64_t)h->left;
	h->left = 0;
}

/* --- floating point ------------------------------------------------------- */

/* False: the instruction's rounding mode, or the register's, is none. */
static bool fp_rounding(const struct hart *h, const struct insn *i)
{
	unsigned mode = i->rm == 7 ? h->frm : i->rm;

	fp_mode = (enum fp_rounding)mode;
	return mode <= FP_RMM;
}

/* The state of the unit is dirty as soon as it changes, and not before. */
static uint64_t *fp_destination(struct hart *h, const struct insn *i)
{
	h->sstatus |= SSTATUS_FS;
	return &h->f[i->rd];
}

/* After each instruction: what it raised. */
static void fp_done(struct hart *h)
{
	if (fp_flags == 0)
		return;
	h->fflags |= fp_flags;
	fp_flags = 0;
	h->sstatus |= SSTATUS_FS;
}

/* --- execution ------------------------------------------------------------ */

/* Decodes in place: the page is this hart's own. False: a trap was taken. */
static bool decode_at(struct hart *h, const struct insn **at)
{
	struct insn *insn = (struct insn *)*at;
	const struct code_page *page =
	    (const struct code_page *)((const char *)h->code -
		offsetof(struct code_page, insns));
	unsigned offset = h->pc & PAGE_MASK;
	uint32_t raw;

	memcpy(&raw, page->bytes + offset, offset == PAGE_SIZE - 2 ? 2 : 4);
	if (offset == PAGE_SIZE - 2)
		raw &= 0xffff;
	if (offset == PAGE_SIZE - 2 && (raw & 3) == 3) {
		if (!hart_fetch_crossing(h, &raw))
			return false;
		insn = &h->crossing;
		*at = insn;
	}
	*insn = insn_decode(raw);
	if (unlikely(hart_is_hooked(h, h->pc)))
		insn->op = OP_HOOKED;
	return true;
}

#define RS1       (h->x[i->rs1])
#define RS2       (h->x[i->rs2])
#define RD        (h->x[i->rd])
#define S1        ((int64_t)RS1)
#define S2        ((int64_t)RS2)
#define W1        ((uint32_t)RS1)
#define W2        ((uint32_t)RS2)
#define IMM       ((uint64_t)(int64_t)i->imm)
#define RAW       (i->raw)
#define LENGTH    (i->length)
#define SEXT32(v) ((uint64_t)(int64_t)(int32_t)(v))
#define BOX(v)    ((v) | 0xffffffff00000000)

#define F1 (h->f[i->rs1])
#define F2 (h->f[i->rs2])
#define F3 (h->f[i->rs3])
#define FD (*fp_destination(h, i))
#define FP                \
	if (!fp_is_on(h)) \
	goto illegal
#define FP_ROUND                                \
	if (!fp_is_on(h) || !fp_rounding(h, i)) \
	goto illegal

/*
 * While instructions follow each other, pc, what is left and the place in
 * `recent` are in registers. Who calls something that looks at the hart, or
 * may end the turn, puts them back first.
 */
#define SAVE                            \
	do {                            \
		h->pc = pc;             \
		h->left = left;         \
		h->recent_next = count; \
	} while (0)
#define CALL(what)                  \
	({                          \
		SAVE;               \
		bool done = (what); \
		left = h->left;     \
		done;               \
	})

/* The next instruction, at pc. */
#define NEXT                                                   \
	do {                                                   \
		if (unlikely(--left < 0))                      \
			goto out;                              \
		if (unlikely((pc & ~PAGE_MASK) != h->code_va)) \
			goto fetch;                            \
		i = &h->code[(pc & PAGE_MASK) >> 1];           \
		h->recent[count++ & (RECENT - 1)] = pc;        \
		goto *labels[i->op];                           \
	} while (0)

#define JUMP(to)           \
	do {               \
		pc = (to); \
		NEXT;      \
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

#define WINDOW(kind, va, size)                                     \
	const struct window *w =                                   \
	    &h->windows->kind[(va) >> PAGE_SHIFT & (WINDOWS - 1)]; \
	bool open = w->tag == ((va) & ~(PAGE_MASK & ~((size)-1UL)))

#define LOAD(type, to)                                                       \
	do {                                                                 \
		uint64_t va = RS1 + IMM, value;                              \
		WINDOW(read, va, sizeof(type));                              \
		if (likely(open))                                            \
			value = (uint64_t) * (const type *)(va + w->offset); \
		else if (CALL(hart_load(h, va, sizeof(type), &value)))       \
			value = (uint64_t)(type)value;                       \
		else                                                         \
			goto resume;                                         \
		to = value;                                                  \
	} while (0)

#define STORE(type, from)                                                      \
	do {                                                                   \
		uint64_t va = RS1 + IMM;                                       \
		WINDOW(write, va, sizeof(type));                               \
		if (likely(open))                                              \
			*(type *)(va + w->offset) = (type)(from);              \
		else if (!CALL(hart_store(h, va, sizeof(type), (type)(from)))) \
			goto resume;                                           \
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

/* Where rd is x0, or rs1 for set and clear, there is no read, or no write. */
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

/* The code of one instruction, and the way to the next. */
#define BODY(name, begin, finish, ...) \
	do_##name : begin;             \
	{                              \
		__VA_ARGS__;           \
	}                              \
	finish;                        \
	pc += i->length;               \
	NEXT;

void hart_run(struct hart *h, uint64_t n)
{
	static const void *const labels[] = {
	    &&undecoded,
	    &&hooked,
	    &&illegal,
#define X(name, match, mask, format, ...) &&do_##name,
#include "all.def"
#undef X
	};
	const struct insn *i;
	uint64_t pc = h->pc;
	int64_t left = (int64_t)n;
	unsigned count = h->recent_next;

	h->granted = n;
	NEXT;
fetch:
	if (unlikely(!CALL(hart_fetch(h))))
		goto resume;
	i = &h->code[(pc & PAGE_MASK) >> 1];
	h->recent[count++ & (RECENT - 1)] = pc;
	goto *labels[i->op];
undecoded:
	if (!CALL(decode_at(h, &i)))
		goto resume;
	goto *labels[i->op];
hooked:
	if (!CALL(hart_hook(h))) {
		h->granted -= (uint64_t)left + 1;
		count--;
		goto out;
	}
	h->crossing = insn_decode(i->raw);
	i = &h->crossing;
	goto *labels[i->op];
illegal:
	SAVE;
	illegal(h, i);
resume:
	pc = h->pc;
	left = h->left;
	NEXT;

#define X(name, match, mask, format, ...) BODY(name, , , __VA_ARGS__)
#include "rv_int.def"
#undef X
#define X(name, match, mask, format, ...) \
	BODY(name, SAVE, left = h->left, __VA_ARGS__)
#include "rv_amo.def"
#include "rv_sys.def"
#undef X
#define X(name, match, mask, format, ...) BODY(name, , fp_done(h), __VA_ARGS__)
#include "rv_fp.def"
#undef X
out:
	h->pc = pc;
	h->recent_next = count;
	h->left = 0;
	h->executed += h->granted;
	h->granted = 0;
}
