/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - one hart: RV64IMAFDC, Zicsr, Zifencei and Zicntr, in S and U mode.
 *
 * The core executes instructions. It knows no memory: it calls the functions at
 * the end of this file, which a machine provides, or a test with flat memory.
 * To be fast it remembers where pages are in the memory of this program (struct
 * window) and what a page of code decodes to (struct code_page). The functions
 * that fill these decide how long they are valid.
 *
 * Ref: The RISC-V Instruction Set Manual, Volume I (unprivileged), Volume II
 * (privileged).
 */
#ifndef NASTY_CPU_H
#define NASTY_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What is rare has its own function, so that its caller saves no registers. */
#define NOINLINE __attribute__((noinline))

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (PAGE_SIZE - 1)

enum priv { PRIV_U, PRIV_S };

/* Also the bit of a page-table entry that permits it. */
enum access { ACCESS_READ = 2, ACCESS_WRITE = 4, ACCESS_EXEC = 8 };

/* An instruction after decoding: all that its execution needs. */
struct insn {
	uint16_t code;      /* 2 * enum op, and 1 if it has four bytes */
	uint16_t run;       /* see exec.c; 0: not decoded, or hooked */
	uint8_t length : 4; /* 2 or 4 */
	bool near : 1;      /* if it is a branch, it is to the same page */
	uint8_t rd;         /* x0 as a destination is X_NOWHERE */
	uint8_t rs1, rs2;
	int32_t imm;  /* or the number of a CSR */
	uint32_t raw; /* as it is in memory */
};

#define X_NOWHERE 32

/* The bytes of a page as instruction fetch sees them, and their meaning. */
struct code_page {
	uint64_t frame;  /* physical page number, ~0: unused */
	unsigned life;   /* of the frame, for a machine that counts them */
	uint64_t fences; /* fence.i executed when the bytes were last right */
	uint8_t bytes[PAGE_SIZE];
	struct insn insns[PAGE_SIZE / 2 + 1]; /* the last is never decoded */
};

/*
 * A page that loads or stores may access without a call: `tag` is its address,
 * `offset` what to add for the place in this program. As low bits of the
 * address are compared as well, a misaligned access calls.
 */
struct window {
	uint64_t tag; /* NO_WINDOW: unused */
	uint64_t offset;
};

#define WINDOWS   256
#define NO_WINDOW 16 /* no address that is compared has this bit */
#define WATCHED   8  /* in a tag: every access asks, but need not translate */

struct windows {
	struct window read[WINDOWS];
	struct window write[WINDOWS];
	struct window code[WINDOWS]; /* to the `insns` of a struct code_page */
	unsigned count;              /* of those in `filled` */
	struct window *filled[WINDOWS];
};

#define RECENT 256 /* as many as a uint8_t counts */

/* From the last instruction of a stretch, or a trap, to the next stretch. */
struct jump {
	uint64_t from, to;
};

struct hart {
	uint64_t x[33]; /* the last one is for writes to x0 */
	uint64_t f[32]; /* single precision is NaN-boxed */
	uint64_t pc;
	enum priv priv;
	int64_t left;            /* instructions until hart_run() returns */
	uint64_t granted;        /* what `left` was at first */
	uint64_t executed;       /* instructions before this hart_run() */
	uint64_t firmware;       /* cycles that it spent on this hart besides */
	struct windows *windows; /* those of the present privilege */
	const struct insn *code; /* of the page at code_va */
	uint64_t code_va;        /* NO_WINDOW: none */
	uint64_t bias;           /* from a place in `code` to an address */
	struct windows by_priv[2];
	struct insn alone[3]; /* the first; the others are never decoded */

	uint64_t sstatus, stvec, sscratch, sepc, scause, stval, sie, satp;
	uint64_t
	    sip; /* the software interrupt; hart_pending() knows the rest */
	uint64_t scounteren, senvcfg, stimecmp;
	uint8_t frm, fflags;

	unsigned index;
	bool has_sstc;
	bool stval_has_insn; /* an illegal instruction is found in stval */
	unsigned asid_bits;
	struct jump recent[RECENT]; /* all 0: unused */
	uint8_t recent_next;
	void *machine; /* what the functions below keep for it */
};

#define SSTATUS_SIE  (1UL << 1)
#define SSTATUS_SPIE (1UL << 5)
#define SSTATUS_SPP  (1UL << 8)
#define SSTATUS_FS   (3UL << 13)
#define SSTATUS_SUM  (1UL << 18)
#define SSTATUS_MXR  (1UL << 19)
#define SSTATUS_UXL  (2UL << 32)
#define SSTATUS_SD   (1UL << 63)

#define IRQ_SOFTWARE 1
#define IRQ_TIMER    5
#define IRQ_EXTERNAL 9
#define CAUSE_IRQ    (1UL << 63)

enum cause {
	CAUSE_FETCH_MISALIGNED,
	CAUSE_FETCH_ACCESS,
	CAUSE_ILLEGAL,
	CAUSE_BREAKPOINT,
	CAUSE_LOAD_MISALIGNED,
	CAUSE_LOAD_ACCESS,
	CAUSE_STORE_MISALIGNED,
	CAUSE_STORE_ACCESS,
	CAUSE_ECALL_U,
	CAUSE_FETCH_PAGE = 12,
	CAUSE_LOAD_PAGE,
	CAUSE_STORE_PAGE = 15,
};

/* As after reset, in S-mode at `pc`. */
void hart_reset(struct hart *h, uint64_t pc);

/* Executes about `n` instructions: exactly, unless hart_stop() is called. */
void hart_run(struct hart *h, uint64_t n);

/* Makes hart_run() return after the instruction that is being executed. */
void hart_stop(struct hart *h);

/* Instructions executed up to now, also while hart_run() is at it. */
static inline uint64_t hart_steps(const struct hart *h)
{
	return h->executed + h->granted - (uint64_t)h->left;
}

/* Takes a trap into S-mode at the present pc. */
void hart_trap(struct hart *h, uint64_t cause, uint64_t value);

/* Forgets every window, and where code is. */
void hart_forget(struct hart *h);

/* Forgets those of one privilege. */
void hart_forget_priv(struct hart *h, enum priv priv);

/* Lets the present privilege touch a page at `host`. */
void hart_open_window(struct hart *h, uint64_t va, enum access access,
    void *host);

/* Forgets where code is. */
void hart_forget_code(struct hart *h);

/* Makes all windows to a page WATCHED. */
void hart_watch_windows(struct hart *h, const void *page);

/* Makes the window of an address, if it is open, WATCHED or ordinary again. */
void hart_watch_window(struct hart *h, uint64_t va, enum access access,
    bool watched);

/* The place of an access through a watched window, or NULL: there is none. */
void *hart_watched_window(struct hart *h, uint64_t va, unsigned size,
    enum access access);

/*
 * Decodes `raw`; OP_ILLEGAL if it is no instruction. The length is that of
 * `raw`.
 */
struct insn insn_decode(uint32_t raw);
const char *insn_name(const struct insn *insn);

/* CSR instructions. False: there is no such register for this hart now. */
bool csr_read(struct hart *h, unsigned csr, uint64_t *value);
bool csr_write(struct hart *h, unsigned csr, uint64_t value);

static inline bool fp_is_on(const struct hart *h)
{
	return (h->sstatus & SSTATUS_FS) != 0;
}

/* --- what a machine provides ---------------------------------------------- */

/*
 * If one of these functions returns false, or NULL, it has called hart_trap().
 * Addresses may be anything, also misaligned.
 */

/* Makes `code` and `code_va` the page that pc is in. */
bool hart_fetch(struct hart *h);

/* Fetches the two halves of an instruction that crosses pages. */
bool hart_fetch_crossing(struct hart *h, uint32_t *raw);

/* Is there a hook at this address? Called once for an instruction. */
bool hart_is_hooked(struct hart *h, uint64_t va);
/*
 * Called before an instruction with a hook is executed. False: not now;
 * hart_run() returns.
 */
bool hart_hook(struct hart *h);

bool hart_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value);
bool hart_store(struct hart *h, uint64_t va, unsigned size, uint64_t value);

/*
 * Atomic operations: the place, to be read and written at once, with
 * hart_amo_done() to follow. `raw` has the bits aq and rl.
 */
void *hart_amo(struct hart *h, uint64_t va, unsigned size, uint32_t raw);
void hart_amo_done(struct hart *h, uint64_t old, uint64_t value);
bool hart_reserve(struct hart *h, uint64_t va, unsigned size, uint32_t raw,
    uint64_t *value);
bool hart_store_conditional(struct hart *h, uint64_t va, unsigned size,
    uint32_t raw, uint64_t value, bool *failed);

void hart_fence(struct hart *h, uint32_t raw);
void hart_fence_code(struct hart *h);
/* sfence.vma; NULL stands for x0. */
void hart_fence_vma(struct hart *h, const uint64_t *va, const uint64_t *asid);

void hart_wait(struct hart *h);
void hart_call_firmware(struct hart *h);
void hart_satp_written(struct hart *h);
void hart_priv_changed(struct hart *h);
void hart_stimecmp_written(struct hart *h);
/* An interrupt that was not allowed may be allowed now. */
void hart_interrupts_changed(struct hart *h);
uint64_t hart_time(struct hart *h);
uint64_t hart_pending(struct hart *h); /* sip as it reads */

#endif
