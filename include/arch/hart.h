/* SPDX-License-Identifier: MIT */
/*
 * hart.h - the harts (hardware threads) of the machine.
 *
 * Inside the kernel `tp` holds the address of the running hart's structure.
 * Harts are numbered from 0 in the order they were found, the boot hart first;
 * that index, not the hardware's number, is used everywhere.
 */
#ifndef ARCH_HART_H
#define ARCH_HART_H

#include "arch/layout.h"
#include "arch/stats.h"
#include "lib/types.h"

struct frame_cache;
struct proc;

/*
 * Fields are written by their own hart only, unless marked:
 *   [c] constant once the hart is up   [A] atomic, anybody
 */
struct hart {
	uint64_t kernel_sp;      /* [c] top of the stack; trapvec.S */
	uint64_t hartid;         /* [c] the hardware's number */
	unsigned index;          /* [c] */
	bool online;             /* [A] */
	struct proc *proc;       /* whose trap frame is in use; NULL: none */
	uint64_t timer_deadline; /* what the timer is set to */
	uint64_t code_epoch;     /* of the last fence.i; see arch/tlb.h */
	uint64_t asid_round; /* ASIDs given out in earlier rounds are stale */
	uint32_t asid_next;
	void *fp_owner;   /* whose floating point registers are loaded */
	bool fp_is_clear; /* they hold the initial state */
	uint32_t tables;  /* copied since the last pause; user_pause() */
	uint64_t root;    /* physical address of the root in satp */
	struct frame_cache *frame_cache; /* [c] of mm/frame.c */
#ifdef CALF_TEST
	uint64_t entered; /* instructions until it came into the kernel */
	uint64_t longest; /* instructions without a pause, at most so far */
	uint64_t longest_call; /* the number of the call that did that */
	uint32_t parked;       /* [A] stands still for hart_stop_others() */
#endif
	struct stats stats;
} ALIGNED(64);

extern struct hart harts[MAX_HARTS];
extern unsigned hart_count; /* [c] after boot */

static inline struct hart *hart_self(void)
{
	struct hart *self;

	__asm__("mv %0, tp" : "=r"(self));
	return self;
}

static inline unsigned hart_index(void)
{
	return hart_self()->index;
}

/* The first thing a boot does: a trap from here on can be reported. */
void hart_init(void);

/*
 * Each hart calls this as it starts. memcpy loads misaligned words if the boot
 * hart does so in about the time of aligned ones, and as long as no other hart
 * is found that does not: there the firmware might take some hundred
 * instructions for each, or the kernel would trap.
 */
void hart_allow_misaligned(void);

/* Starts every other hart at hart_main(); returns when all have come up. */
void hart_start_others(void);

/*
 * C5: how long this hart is in the kernel without a pause: from a trap, or from
 * the last pause, to the next pause or the return to user mode. Test builds
 * measure it if there is a hart_bound, and panic over what is longer. In
 * instructions, which only mean something where the machine counts them (QEMU
 * with -icount).
 */
#ifdef CALF_TEST
extern uint64_t hart_bound; /* [c] 0: none */
void hart_pause(uint64_t call);
void hart_pause_begin(void); /* what came before does not count */

/*
 * For the audit: brings every other hart to a stand at a point where it holds
 * no lock, until hart_resume_others(). The caller must hold none either.
 */
void hart_stop_others(void);
void hart_resume_others(void);

/* Stands still while another hart is between the two calls above. */
void hart_park_if_asked(void);
#else
static inline void hart_pause_begin(void)
{
}
static inline void hart_pause(uint64_t call)
{
	(void)call;
}
static inline void hart_park_if_asked(void)
{
}
#endif

/* Makes another hart trap, or leave hart_wait(), soon. */
void hart_kick(struct hart *hart);

/* Sleeps until an interrupt is pending. May return early. */
void hart_wait(void);

/* Would user mode be interrupted now? */
bool hart_is_interrupted(void);

/* Lets the timer and kicks interrupt user mode, like what plic_init() did. */
void hart_enable_interrupts(void);

/* Removes the mark that hart_kick() leaves. */
void hart_clear_kick(void);

/* A pause in a loop that waits for another hart. */
static inline void hart_relax(void)
{
	__asm__ volatile("nop" ::: "memory");
}

#endif
