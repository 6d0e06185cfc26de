/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the machine around the harts: memory, devices, firmware, and the
 * adversary, the code that takes every liberty of the specification.
 *
 * There is one machine. It runs in one thread, and everything that happens
 * follows from its configuration and its seed.
 */
#ifndef NASTY_MACHINE_H
#define NASTY_MACHINE_H

#include "config.h"
#include "cpu.h"
#include "tlb.h"

#define RAM_BASE 0x80000000UL

#define NOWHERE ~0UL
#define NEVER   ~0UL

#define CODE_PAGES 256 /* a power of 2 */
#define LOCKS_HELD 16
#define SB_SIZE    8  /* the bytes of late_order */
#define LATE_SLOTS 64 /* a power of 2 */

/* A store that has been executed and that others do not see yet. */
struct late_store {
	uint64_t pa;
	uint64_t value;
	uint8_t size;
};

/* A hart and what the machine keeps for it. */
struct core {
	struct hart hart; /* first */
	struct tlb tlb;
	struct code_page *code[CODE_PAGES];
	uint64_t code_fences; /* fence.i executed */
	uint64_t counted;     /* instructions that are in machine.steps */

	bool started;
	bool waiting; /* in wfi */
	uint64_t stalled_until;
	uint64_t deadline;      /* of the timer, in ticks */
	uint64_t timer_seen_at; /* its interrupt is not seen before this step */
	uint64_t kick_seen_at;  /* nor is a kick; NEVER: there is none */

	uint64_t reserved;    /* the line of lr, physical; NOWHERE: none */
	uint64_t reserved_by; /* the process in user mode; 0: the kernel */
	unsigned sc_failures;
	uint64_t amo_va; /* of the atomic operation under way */
	uint64_t amo_pa;
	unsigned amo_size;
	uint32_t amo_raw;

	struct late_store late[SB_SIZE];
	/* A byte for each place in late[]: first those that are used, from the
	 * oldest store on, then those that are free. */
	uint64_t late_order;
	unsigned late_count;
	/* How many of them are in words, and in pages, with the same low bits
	 * of their numbers: mostly none. */
	uint8_t late_words[LATE_SLOTS], late_pages[LATE_SLOTS];
	bool storing_late;    /* stores come late now */
	uint64_t stored_page; /* the last that a store asked for */

	uint64_t recent_pages[16]; /* touched, for the speculation */
	unsigned recent_page_next;

	uint64_t locks[LOCKS_HELD]; /* physical addresses */
	unsigned lock_count;
	uint64_t entry_steps; /* when it came into the kernel */
	uint64_t fault_pc, fault_va;
	unsigned same_faults;
	uint64_t returned_to;             /* in user mode */
	uint64_t entry_cause, entry_call; /* why, and the number in a7 */
	uint64_t victim_since; /* kill.c; NEVER: it runs no process to kill */
};

struct machine {
	struct config config;
	uint8_t *ram;
	uint64_t ram_size;
	unsigned hart_count;
	struct core *cores; /* hart_count of them */
	uint64_t steps;     /* of all harts, before the present run */
	struct core *running;
	struct core *ender; /* the hart that ran at the end */
	uint64_t skipped;   /* ticks during which all harts slept */
	bool held;          /* stopped before a hooked instruction */
	bool over;
	int status;
	uint64_t random;
	unsigned reservations; /* harts that have one */
};

extern struct machine machine;

static inline struct core *core_of(struct hart *h)
{
	return (struct core *)h;
}

static inline bool is_ram(uint64_t pa, uint64_t len)
{
	return pa - RAM_BASE < machine.ram_size &&
	    len <= machine.ram_size - (pa - RAM_BASE);
}

static inline void *ram_at(uint64_t pa)
{
	return machine.ram + (pa - RAM_BASE);
}

static inline uint64_t ram_address(const void *at)
{
	return (uint64_t)((const uint8_t *)at - machine.ram) + RAM_BASE;
}

static inline uint64_t ram_word(uint64_t pa)
{
	return is_ram(pa, 8) ? *(const uint64_t *)ram_at(pa) : 0;
}

/* --- chance: splitmix64 --------------------------------------------------- */

static inline uint64_t random_next(void)
{
	uint64_t z = machine.random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint64_t random_below(uint64_t n)
{
	return (uint64_t)((unsigned __int128)random_next() * n >> 64);
}

/* True once in n times; never if n is 0. */
static inline bool chance(unsigned n)
{
	return n != 0 && random_below(n) == 0;
}

/* --- machine.c ------------------------------------------------------------ */

/* Instructions that all harts have executed. */
uint64_t machine_steps(void);
uint64_t machine_now(void); /* in ticks */
void machine_init(const struct config *config);

/* The end, with this status. */
void machine_exit(int status);

/* --- sched.c -------------------------------------------------------------- */

/*
 * Runs until the machine is over, has done `until` steps, or is held before an
 * instruction. Where it stops does not change what happens next.
 */
void machine_run(uint64_t until);

/* The hart whose instruction comes next, in or at the beginning of its turn.
 * NULL: the machine is over. */
struct core *sched_next(void);

/* The turn of this hart ends with the present instruction. */
void sched_end_turn(struct core *c);

/* Other harts could see the present instruction: may end the turn. */
void sched_point(struct core *c);

/* Should a store to this place end a turn? */
bool sched_wants_stores(uint64_t pa);

/* --- memory.c ------------------------------------------------------------- */

/* Makes what `c` stored late visible to all, or some of it. */
void late_drain(struct core *c);
void late_drain_some(struct core *c);
void reservation_drop(struct core *c);

/* --- icache.c ------------------------------------------------------------- */

/* The page of code at a frame, as this hart's fetches see it. */
struct code_page *icache_page(struct core *c, uint64_t frame);
void icache_prefetch(struct core *c, uint64_t frame);

/* Forgets what instructions mean, but not what their bytes are. */
void icache_decode_anew(struct core *c);

/* --- hooks.c: instructions before which something is looked at ------------ */

/* True: stop here; the machine is held. */
typedef bool hook_fn(struct core *c);

void hook_add(uint64_t va, hook_fn *fn);
void hook_remove(uint64_t va, hook_fn *fn);

/* --- devices.c, firmware.c, fdt.c ----------------------------------------- */

#define UART_BASE    0x10000000UL
#define TEST_BASE    0x100000UL
#define RTC_BASE     0x101000UL
#define PLIC_BASE    0xc000000UL
#define PLIC_SIZE    0x4000000UL
#define PLIC_SOURCES 64
#define UART_IRQ     10
#define TIMEBASE_HZ  10000000UL

/* False: there is nothing. */
bool device_load(uint64_t pa, unsigned size, uint64_t *value);
bool device_store(uint64_t pa, unsigned size, uint64_t value);
bool device_interrupts(unsigned hart);
/* NULL: standard output, or error if the debugger has that. */
void console_open(const char *path, bool gdb_has_stdout);
void console_put(uint8_t c);
void console_flush(void);
/*
 * How many bytes the console has shown; sets how many it had before time went
 * back.
 */
uint64_t console_said(void);
void console_has_said(uint64_t bytes);
/* From now on output is kept in memory, and not written. */
void console_keep(void);
const char *console_kept(size_t *len);
/* What is typed at the console, one character now and then: typing.c. */
void typing_init(void);
bool typing_is_ready(void); /* has a character been typed? */
int typing_get(void);       /* it; -1: there is none */
/*
 * Takes notice of a byte that the console shows. True: it is the end of a ^C,
 * behind which a new line is to begin, as reports of tests are lines.
 */
bool typing_hear(uint8_t c);
/*
 * Called when all harts sleep: types a character now. False: there is none, or
 * one was typed just before.
 */
bool typing_hurry(void);

/* Writes the tree to memory that ends at `end`; returns where it begins. */
uint64_t fdt_write(uint64_t end, uint64_t initrd, uint64_t initrd_size);

#endif
