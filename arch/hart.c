/* SPDX-License-Identifier: MIT */
/*
 * hart.c - bringing the other harts up and waking them, and what they can do;
 * in test builds, making them stand still.
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
#include "lib/string.h"
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

void hart_init(void)
{
	for (unsigned i = 0; i < MAX_HARTS; i++) {
		harts[i].kernel_sp =
		    (uint64_t)kernel_stacks + (i + 1) * KSTACK_STRIDE;
		harts[i].index = i;
		harts[i].timer_deadline = TIMER_NEVER;
	}
}

#define LOAD_TRIES 8

size_t misaligned_copy(void *dst, const void *src, size_t len);
uint64_t load_cycles(const void *src);

/* The least of some tries: the first fills caches, and a host may interrupt. */
static uint64_t least_load_cycles(const char *src)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < LOAD_TRIES; i++)
		least = min_u64(least, load_cycles(src));
	return least;
}

/*
 * A misaligned load that costs as much as four aligned ones is worth no more
 * than a load, two shifts and an or. Where cycles cannot be read, or do not
 * pass, the answer is no. A wrong yes, where the firmware hides its cycles,
 * costs time and nothing else.
 */
static bool hart_loads_misaligned(void)
{
	static const ALIGNED(16) char words[16];

	return least_load_cycles(words + 1) < 4 * least_load_cycles(words);
}

void hart_allow_misaligned(void)
{
	if (!hart_loads_misaligned())
		words_copy = words_shift;
	else if (hart_index() == 0)
		words_copy = misaligned_copy;
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
static uint32_t stop_owner; /* [A] index + 1 of the hart that stops others */

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
