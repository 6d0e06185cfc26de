/* SPDX-License-Identifier: MIT */
/*
 * timer.c - the time, and the interrupt at a given time: through stimecmp
 * where the machine has it (Sstc), through the firmware elsewhere.
 *
 * Ref: RISC-V Privileged Architecture, "Sstc"; SBI, "Timer Extension".
 */
#include "arch/timer.h"

#include "arch/hart.h"
#include "arch/machine.h"
#include "csr.h"
#include "sbi.h"

#define NS_PER_S 1000000000UL

struct timer_tick timer_tick;
uint64_t timer_epoch_ns;

void timer_set(uint64_t deadline)
{
	hart_self()->timer_deadline = deadline;
	if (machine.has_sstc)
		csr_write(0x14d, deadline); /* stimecmp */
	else
		(void)sbi_call(SBI_TIME, 0, deadline, 0, 0);
}

/* Split in whole seconds and the rest, so that neither product overflows. */
uint64_t timer_from_ns(uint64_t ns)
{
	uint64_t seconds = ns / NS_PER_S, rest = ns % NS_PER_S;

	if (seconds > UINT64_MAX / machine.timebase_hz - 1)
		return TIMER_NEVER / 2;
	return seconds * machine.timebase_hz +
	    rest * machine.timebase_hz / NS_PER_S;
}

/* 2 to the power of 64 is one more than the largest word. */
static void tick_measure(uint64_t hz)
{
	uint64_t rest = NS_PER_S % hz;

	timer_tick.ns = NS_PER_S / hz;
	timer_tick.parts =
	    rest * (UINT64_MAX / hz) + rest * (UINT64_MAX % hz + 1) / hz;
	timer_tick.limit = UINT64_MAX / (timer_tick.ns + 1);
}

/* The clock latches its high word when the low one is read. */
void timer_init(void)
{
	volatile uint32_t *rtc = phys_to_virt(machine.rtc);
	uint64_t now;

	tick_measure(machine.timebase_hz);
	if (machine.rtc == 0)
		return;
	now = rtc[0];
	now |= (uint64_t)rtc[1] << 32;
	timer_epoch_ns = now - timer_to_ns(timer_now());
}
