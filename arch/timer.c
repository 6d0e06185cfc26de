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
static uint64_t scale(uint64_t value, uint64_t from_hz, uint64_t to_hz)
{
	uint64_t seconds = value / from_hz, rest = value % from_hz;

	if (seconds > UINT64_MAX / to_hz - 1)
		return TIMER_NEVER / 2;
	return seconds * to_hz + rest * to_hz / from_hz;
}

uint64_t timer_from_ns(uint64_t ns)
{
	return scale(ns, NS_PER_S, machine.timebase_hz);
}

uint64_t timer_to_ns(uint64_t ticks)
{
	return scale(ticks, machine.timebase_hz, NS_PER_S);
}

/* The clock latches its high word when the low one is read. */
void timer_init(void)
{
	volatile uint32_t *rtc = phys_to_virt(machine.rtc);
	uint64_t now;

	if (machine.rtc == 0)
		return;
	now = rtc[0];
	now |= (uint64_t)rtc[1] << 32;
	timer_epoch_ns = now - timer_to_ns(timer_now());
}
