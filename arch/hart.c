/* SPDX-License-Identifier: MIT */
/*
 * hart.c - bringing the other harts up and waking them; in test builds, making
 * them stand still.
 *
 * Ref: SBI, "Hart State Management Extension" and "IPI Extension".
 */
#include "arch/hart.h"

#include "arch/machine.h"
#include "arch/sv39.h"
#include "arch/timer.h"
#include "asm_offsets.h"
#include "csr.h"
#include "lib/print.h"
#include "sbi.h"

_Static_assert(offsetof(struct hart, kernel_sp) == HART_KERNEL_SP, "");
_Static_assert(offsetof(struct hart, hartid) == HART_HARTID, "");
_Static_assert(sizeof(struct hart) == HART_SIZE, "");
_Static_assert(offsetof(struct hart, proc) == HART_PROC, "");
#ifdef CALF_TEST
_Static_assert(offsetof(struct hart, entered) == HART_ENTERED, "");
#endif

#define START_SECONDS 10UL

struct hart harts[MAX_HARTS];
unsigned hart_count = 1;

extern char kernel_stacks[], _start_other[];
extern uint32_t hart_next; /* [A] arch/entry.S */

struct stats stats_sum(void)
{
	struct stats sum = {0};
	uint64_t *to = (uint64_t *)&sum;

	for (unsigned i = 0; i < hart_count; i++) {
		const uint64_t *from = (const uint64_t *)&harts[i].stats;

		for (size_t n = 0; n < sizeof sum / sizeof *to; n++)
			to[n] += from[n];
	}
	return sum;
}

static void hart_prepare(unsigned index)
{
	struct hart *hart = &harts[index];

	hart->kernel_sp = (uint64_t)kernel_stacks + (index + 1) * KSTACK_STRIDE;
	hart->index = index;
	hart->timer_deadline = TIMER_NEVER;
}

void hart_init_boot(void)
{
	hart_prepare(0);
}

/*
 * A hart of a loaded host takes its time. One that does not come up by the end
 * of START_SECONDS is done without, unless it comes while others are waited
 * for. `hart` is what the next to come takes.
 */
static bool hart_bring_up(uint64_t hartid, const struct hart *hart)
{
	uint64_t deadline = timer_now() + START_SECONDS * machine.timebase_hz;
	long error =
	    sbi_call(SBI_HSM, 0, hartid, virt_to_phys(_start_other), 0).error;

	if (error != 0) {
		kprintf("warning: the firmware does not start hart %lu "
			"(error %ld); it is not used\n",
		    hartid, error);
		return false;
	}
	while (!__atomic_load_n(&hart->online, __ATOMIC_ACQUIRE)) {
		if (timer_now() > deadline) {
			kprintf("warning: hart %lu did not start within %lu "
				"seconds and is not used; try fewer harts, "
				"as many as the host has processors\n",
			    hartid, START_SECONDS);
			return false;
		}
		hart_relax();
	}
	return true;
}

void hart_start_others(void)
{
	unsigned count = 1;

	harts[0].hartid = machine.hartids[0];
	harts[0].online = true;
	for (unsigned i = 1; i < MAX_HARTS; i++)
		hart_prepare(i);
	__atomic_store_n(&hart_next, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 1; i < machine.hart_count; i++)
		if (hart_bring_up(machine.hartids[i], &harts[count]))
			count++;
	count = __atomic_exchange_n(&hart_next, MAX_HARTS, __ATOMIC_SEQ_CST);
	hart_count = (unsigned)min_u64(count, MAX_HARTS);
	for (unsigned i = 1; i < hart_count; i++)
		while (!__atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE))
			hart_relax();
}

void hart_kick(struct hart *hart)
{
	(void)sbi_call(SBI_IPI, 0, 1, hart->hartid, 0);
}

void hart_clear_kick(void)
{
	csr_clear(sip, SIE_SOFTWARE);
}

void hart_enable_interrupts(void)
{
	csr_set(sie, SIE_SOFTWARE | SIE_TIMER);
}

bool hart_is_interrupted(void)
{
	return (csr_read(sip) & csr_read(sie)) != 0;
}

/* Interrupts are off in the kernel; a pending one still ends wfi. */
void hart_wait(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

#ifdef CALF_TEST
uint64_t hart_bound;

void hart_pause_begin(void)
{
	hart_self()->entered = csr_read(instret);
}

void hart_pause(uint64_t call)
{
	struct hart *self = hart_self();
	uint64_t now = csr_read(instret), length = now - self->entered;

	self->entered = now;
	if (hart_bound == 0 || length <= self->longest)
		return;
	self->longest = length;
	self->longest_call = call;
	if (length > hart_bound)
		panic("expected at most %lu instructions without a pause, "
		      "found %lu in call %lu",
		    hart_bound, length, call);
}
static uint32_t stop_owner; /* [A] index + 1 of who wants the others to stop */

void hart_park_if_asked(void)
{
	struct hart *self = hart_self();

	if (likely(__atomic_load_n(&stop_owner, __ATOMIC_RELAXED) == 0))
		return;
	__atomic_store_n(&self->parked, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&stop_owner, __ATOMIC_ACQUIRE) != 0)
		hart_relax();
	__atomic_store_n(&self->parked, 0, __ATOMIC_RELEASE);
}

void hart_stop_others(void)
{
	struct hart *self = hart_self();
	uint32_t nobody = 0;

	while (!__atomic_compare_exchange_n(&stop_owner, &nobody,
	    self->index + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		hart_park_if_asked();
		nobody = 0;
	}
	for (unsigned i = 0; i < hart_count; i++) {
		if (&harts[i] == self)
			continue;
		hart_kick(&harts[i]);
		while (!__atomic_load_n(&harts[i].parked, __ATOMIC_ACQUIRE))
			hart_relax();
	}
}

void hart_resume_others(void)
{
	__atomic_store_n(&stop_owner, 0, __ATOMIC_RELEASE);
}
#endif
