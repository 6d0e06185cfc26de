/* SPDX-License-Identifier: MIT */
/*
 * board.c - a small kernel that tests whether a machine works as specified:
 * interrupts, page tables, fences, firmware and devices.
 *
 * It runs on QEMU and on the nasty machine. Liberties that only the nasty
 * machine takes are tested there only. `-append` with one of the words at the
 * end of this file makes a mistake instead, or something that only looks like
 * one; the machine has to find the mistakes. The machine checks this kernel
 * too, as its variables have the names of Calf's.
 */
#include "board.h"

#include <stdbool.h>

#include "layout.h"

enum { BASE = 0x10, TIME = 0x54494d45, IPI = 0x735049, HSM = 0x48534d };
enum { RFENCE = 0x52464e43, RESET = 0x53525354 };

/* --- what the nasty machine looks for ------------------------------------- */

#define FRAMES 16384

PAGE uint64_t boot_root[512];
uint64_t tlb_kernel_root, frame_base, frame_count, frames;
uint64_t kernel_rodata_end[1], kernel_stacks[1], trapped[4];
static uint8_t frame_table[FRAMES][KERNEL_FRAME_SIZE];

/* --- saying --------------------------------------------------------------- */

static void put(const char *text)
{
	for (; *text != '\0'; text++)
		(void)firmware(1, 0, (uint8_t)*text, 0, 0, 0);
}

/* --- two harts ------------------------------------------------------------ */

/* The firmware chooses which of the two begins. */
static uint64_t this_hart, other_hart;

static volatile uint64_t turn, first_state, second_state;
static volatile uint64_t *wanted, lost;
static PAGE volatile uint64_t data[1024];
static volatile uint64_t flag, seen[8], done;
static void (*volatile work)(void);

/* The second hart: stops once, then does what it is told. */
void other(uint64_t state)
{
	static volatile bool was_here;

	if (!was_here) {
		was_here = true;
		first_state = state;
		FENCE_VMA();
		WRITE(satp, 8UL << 60 | (uint64_t)boot_root >> 12);
		FENCE_VMA();
		(void)firmware(HSM, 1, 0, 0, 0, 0);
	}
	second_state = state;
	FENCE();
	for (;;) {
		while (work == 0)
			FENCE();
		work();
		FENCE();
		work = 0;
		FENCE();
	}
}

static void begin(void (*what)(void))
{
	FENCE();
	work = what;
	FENCE();
}

static void wait_until_done(void)
{
	while (work != 0)
		FENCE();
}

static void wait_for(volatile uint64_t *place, uint64_t value)
{
	while (*place != value)
		FENCE();
}

/* --- page tables ---------------------------------------------------------- */

static PAGE uint64_t upper[512], lower[512], page_a[512], page_b[512];

static uint64_t entry(const void *to, uint64_t bits)
{
	return (uint64_t)to >> 2 | bits;
}

static void map(uint64_t leaf)
{
	boot_root[ROOT] = entry(upper, 1);
	upper[UPPER] = entry(lower, 1);
	lower[LOWER] = leaf;
	FENCE_VMA();
}

/* The cause of a fault of a load, or 0. */
static uint64_t fault_at(uint64_t va)
{
	uint64_t before = trapped[0];

	(void)loads(va);
	return trapped[0] == before ? 0 : trapped[1];
}

/* --- interrupts ----------------------------------------------------------- */

/* An interrupt is pending, and is allowed during two instructions. */
static const char *an_interrupt_is_taken_as_soon_as_it_is_allowed(void)
{
	for (unsigned i = 0; i < 200; i++) {
		uint64_t before = trapped[0];

		WRITE(sie, SOFTWARE);
		SET(sip, SOFTWARE);
		SET(sstatus, SIE);
		CLEAR(sstatus, SIE);
		if (trapped[0] != before + 1)
			return "not after a write of sstatus";
		SET(sstatus, SIE);
		SET(sie, SOFTWARE);
		CLEAR(sie, SOFTWARE);
		if (trapped[0] != before + 2)
			return "not after a write of sie";
		CLEAR(sip, SOFTWARE);
		WRITE(sie, SOFTWARE);
		SET(sip, SOFTWARE);
		CLEAR(sip, SOFTWARE);
		CLEAR(sstatus, SIE);
		if (trapped[0] != before + 3)
			return "not after a write of sip";
		SET(sip, SOFTWARE);
		WRITE(sie, SOFTWARE);
		if (user_run(count_up, 0) != 0)
			return "not after sret";
		CLEAR(sip, SOFTWARE);
	}
	return 0;
}

static const char *a_hart_that_slept_takes_its_interrupt(void)
{
	uint64_t before = trapped[0];

	WRITE(sie, TIMER);
	(void)firmware(TIME, 0, READ(time) + 1000, 0, 0, 0);
	for (unsigned i = 0; i < 100000 && trapped[0] == before; i++) {
		asm volatile("wfi");
		SET(sstatus, SIE);
		CLEAR(sstatus, SIE);
	}
	(void)firmware(TIME, 0, ~0UL, 0, 0, 0);
	return trapped[0] == before ? "it does not" : 0;
}

/* --- tables and fences ---------------------------------------------------- */

static const char *an_entry_with_reserved_bits_is_a_fault(void)
{
	static const uint64_t bits[] = {1UL << 54, 1UL << 60, 1UL << 61,
	    1UL << 63, 1 << 4, 1 << 6, 1 << 7};

	for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		map(entry(page_a, LEAF));
		if (fault_at(VA) != 0)
			return "a page is not there";
		upper[UPPER] |= bits[i];
		FENCE_VMA();
		if (fault_at(VA) != 13)
			return "in a pointer they are not";
	}
	map(entry(page_a, LEAF) | 1UL << 54);
	return fault_at(VA) == 13 ? 0 : "in a leaf they are not";
}

static const char *a_large_page_at_no_border_is_not_used(void)
{
	map(0);
	upper[UPPER] = entry(page_a, 7);
	FENCE_VMA();
	if (fault_at(VA) != 13)
		return "it is";
	return upper[UPPER] == entry(page_a, 7) ? 0 : "its entry has changed";
}

static const char *a_fence_covers_an_entry_that_becomes_a_leaf(void)
{
	for (unsigned i = 0; i < 200; i++) {
		map(0);
		upper[UPPER] = 0;
		FENCE_VMA();
		if (fault_at(VA) == 0)
			return "a page is there";
		upper[UPPER] = (RAM + 0x200000) >> 2 | LEAF;
		asm volatile("sfence.vma %0, zero" ::"r"(VA) : "memory");
		if (fault_at(VA) != 0)
			return "a large page is not there";
	}
	return 0;
}

/* Is another page seen after a fence by the firmware? */
static bool remote_fence_covers(uint64_t va, uint64_t start, uint64_t size)
{
	uint64_t *top = &boot_root[va >> 30 & 511];
	uint64_t *low = &lower[va >> 12 & 511];

	page_a[0] = 1;
	page_b[0] = 2;
	for (unsigned i = 0; i < 200; i++) {
		*top = entry(upper, 1);
		upper[va >> 21 & 511] = entry(lower, 1);
		*low = entry(page_a, LEAF);
		FENCE_VMA();
		(void)loads(va);
		*low = entry(page_b, LEAF);
		FENCE();
		(void)firmware(RFENCE, 1, 1UL << this_hart, 0, start, size);
		if (loads(va) != 2)
			return false;
	}
	return true;
}

static const char *a_remote_fence_covers_its_range(void)
{
	if (!remote_fence_covers(VA, VA, 4096))
		return "not a page";
	if (!remote_fence_covers(VA, VA - 2048, 4096))
		return "not the last page";
	return remote_fence_covers(-4096UL, -4096UL, 4096)
	    ? 0
	    : "not the last page of all";
}

/* --- two harts ------------------------------------------------------------ */

static const char *a_hart_starts_without_translation(void)
{
	struct answer answer =
	    firmware(HSM, 0, other_hart, (uint64_t)start_other, 0, 0);

	if (answer.error != 0)
		return "there is no second hart";
	while (firmware(HSM, 2, other_hart, 0, 0, 0).value != 1)
		;
	second_state = 1;
	FENCE();
	answer = firmware(HSM, 0, other_hart, (uint64_t)start_other, 0, 0);
	if (answer.error != 0)
		return "it does not start again";
	while (second_state == 1)
		FENCE();
	return first_state == 0 && second_state == 0 ? 0 : "it has it";
}

static void reserve_entries(void)
{
	for (unsigned i = 0; i < 200; i++) {
		uint64_t old, failed;

		wait_for(&turn, 1);
		asm volatile("lr.d %0, (%1)"
			     : "=r"(old)
			     : "r"(wanted)
			     : "memory");
		turn = 2;
		wait_for(&turn, 3);
		asm volatile("sc.d %0, %2, (%1)"
			     : "=&r"(failed)
			     : "r"(wanted), "r"(old | 0x100)
			     : "memory");
		FENCE();
		if (!failed && (*wanted & 0x80) == 0)
			lost++;
		turn = 4;
	}
}

/* Where a clear A or D is a fault, a walk stores nothing. */
static const char *a_walk_breaks_reservations(void)
{
	wanted = &lower[LOWER];
	begin(reserve_entries);
	for (unsigned i = 0; i < 200; i++) {
		map(entry(page_a, 7));
		turn = 1;
		wait_for(&turn, 2);
		asm volatile(".option push\n.option norvc\n"
			     "sd %0, 0(%1)\n.option pop" ::"r"(1UL),
			     "r"(VA)
			     : "memory");
		FENCE();
		if (!(*wanted & 0x80))
			*wanted |= 0x80;
		turn = 3;
		wait_for(&turn, 4);
	}
	wait_until_done();
	return lost == 0 ? 0 : "a bit that it set was lost";
}

/* --- what is not ordered -------------------------------------------------- */

/* Eight bytes in two pages. */
static volatile uint64_t *const crooked =
    (volatile uint64_t *)((char *)data + 4093);

/* Notes when a flag is seen before the data. */
static void watch_flag(void)
{
	for (uint64_t last = 0; !done;) {
		uint64_t now = flag, value, whole;

		if (now == last) {
			FENCE();
			continue;
		}
		value = data[0];
		if (value != now)
			seen[now & 7]++;
		whole = *crooked;
		if (whole != 0 && whole != ~0UL)
			seen[7]++;
		FENCE();
		data[64] = last = now;
		FENCE();
	}
}

/*
 * Between the stores of the data and of the flag: operations that are no fence.
 */
static void do_something(unsigned what)
{
	static uint64_t word;
	uint64_t old;

	if (what == 1)
		(void)firmware(BASE, 0, 0, 0, 0, 0);
	else if (what == 2)
		UART[7] = 0;
	else if (what == 3)
		asm volatile("lr.d %0, (%1)\n"
			     "	sc.d %0, %0, (%1)"
			     : "=&r"(old)
			     : "r"(&word)
			     : "memory");
	else if (what == 4)
		asm volatile("sd zero, 1(%0)" ::"r"(data + 128) : "memory");
	else if (what == 5)
		asm volatile(".word 0x0100000f" ::: "memory"); /* pause */
	else if (what == 6)
		FENCE();
}

static const char *nothing_but_a_fence_orders_stores(void)
{
	static const char *const looks[] = {"nothing does", "a call does",
	    "a device does", "an sc does", "a misaligned store does",
	    "a pause does"};
	const char *wrong = a_hart_starts_without_translation();

	if (wrong != 0)
		return wrong;
	begin(watch_flag);
	for (uint64_t n = 1; n < 4000; n++) {
		*crooked = -(n & 1);
		data[0] = n;
		do_something(n & 7);
		flag = n;
		for (volatile unsigned i = 0; i < 20; i++)
			;
		FENCE();
		wait_for(&data[64], n);
	}
	done = 1;
	wait_until_done();
	if (seen[6] != 0)
		return "a fence does not";
	if (seen[7] == 0)
		return "a misaligned store is done at once";
	for (unsigned i = 0; i < 6; i++)
		if (seen[i] == 0)
			return looks[i];
	return 0;
}

/* Of three stores, the second overlaps with both others. */
static const char *stores_to_one_place_stay_in_order(void)
{
	static uint64_t place;

	for (uint64_t n = 1; n < 4000; n++) {
		uint64_t low = n, all = n * 0x100000001, high = ~n;

		asm volatile("sw %0, 0(%3)\n"
			     "	sd %1, 0(%3)\n"
			     "	sw %2, 4(%3)"
			     :
			     : "r"(low + 1), "r"(all), "r"(high), "r"(&place)
			     : "memory");
		FENCE();
		if (place != (high << 32 | low))
			return "an earlier store was done after a later one";
	}
	return 0;
}

/* --- firmware ------------------------------------------------------------- */

static const char *firmware_refuses_what_there_is_not(void)
{
	const struct {
		uint64_t extension, function, first, second;
		long error;
		const char *what;
	} calls[] = {
	    {TIME, 5, ~0UL, 0, -2, "a function of TIME"},
	    {IPI, 5, 1, 0, -2, "a function of IPI"},
	    {RFENCE, 9, 1, 0, -2, "a function of RFENCE"},
	    {RESET, 1, 0, 0, -2, "a function of RESET"},
	    {RESET, 0, 3, 0, -3, "a kind of reset"},
	    {HSM, 9, 0, 0, -2, "a function of HSM"},
	    {HSM, 0, 99, RAM + 0x200000, -3, "a hart that does not exist"},
	    {HSM, 0, this_hart, RAM + 0x200000, -6, "a hart that runs"},
	    {0x999, 0, 0, 0, -2, "an extension"},
	};

	for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (firmware(calls[i].extension, calls[i].function,
			calls[i].first, calls[i].second, 0, 0)
			.error != calls[i].error)
			return calls[i].what;
	return 0;
}

/* --- devices -------------------------------------------------------------- */

static const char *the_uart_is_a_16550(void)
{
	UART[1] = 5;
	UART[3] = 0x83;
	UART[0] = 'D';
	UART[1] = 0;
	UART[3] = 3;
	if (UART[1] != 5)
		return "the divisor is not behind a latch";
	UART[1] = 0;
	UART[2] = 1;
	if (UART[2] != 0xc1)
		return "its FIFOs are not on";
	UART[1] = 2;
	if ((UART[2] & 15) != 2)
		return "there is no interrupt when it can send";
	if ((UART[2] & 15) != 1)
		return "that one does not go when it is read";
	UART[1] = 0xff;
	if (UART[1] != 0xf)
		return "it has more interrupts than four";
	UART[1] = 0;
	UART[7] = 0x5a;
	return UART[7] == 0x5a ? 0 : "it has no scratch register";
}

/* What the PLIC has for S-mode of this hart: every hart has M-mode first. */
#define CONTEXT   (2 * this_hart + 1)
#define ENABLE    PLIC(0x2000 + 0x80 * CONTEXT)
#define THRESHOLD PLIC(0x200000 + 0x1000 * CONTEXT)
#define CLAIM     PLIC(0x200004 + 0x1000 * CONTEXT)

static const char *the_plic_gives_an_interrupt_once(void)
{
	PLIC(4 * UART_IRQ) = 1;
	ENABLE = 1 << UART_IRQ;
	THRESHOLD = 0;
	UART[1] = 0;
	UART[1] = 2;
	if (PLIC(0x1000) != 1 << UART_IRQ)
		return "it is not pending";
	if (!(READ(sip) & 1 << 9))
		return "it is not told";
	if (CLAIM != UART_IRQ)
		return "it cannot be claimed";
	CLAIM = 7;
	if (CLAIM != 0)
		return "another one's completion completes it";
	CLAIM = UART_IRQ;
	UART[1] = 0;
	UART[1] = 2;
	if (CLAIM != UART_IRQ)
		return "it does not come again";
	CLAIM = UART_IRQ;
	THRESHOLD = 7;
	if (READ(sip) & 1 << 9)
		return "it comes below the threshold";
	UART[1] = 0;
	PLIC(0) = 5;
	return PLIC(0) == 0 ? 0 : "there is a source 0";
}

/* --- what the nasty machine has to tell from a mistake -------------------- */

static volatile uint64_t lock_words[512];

static void take_lock(void)
{
	uint32_t old;

	asm volatile("amoswap.w.aq %0, %1, (%2)"
		     : "=r"(old)
		     : "r"(1), "r"(lock_words)
		     : "memory");
}

/* Releases a lock and reuses its memory as a counter, which is 1. */
static const char *reuse(void)
{
	take_lock();
	FENCE();
	lock_words[0] = 0;
	lock_words[0] = 1;
	(void)user_run(nothing, 0);
	return 0;
}

static const char *held(void)
{
	take_lock();
	(void)user_run(nothing, 0);
	return 0;
}

/* A process in a space of its own, which faults at one place. */
static void fault(const char *back_to)
{
	map(0);
	/* V R X U A D */
	lower[LOWER] = ((uint64_t)touch & ~4095UL) >> 2 | 0xdb;
	FENCE_VMA();
	for (unsigned i = 0; i < 3000; i++) {
		(void)user_run((const char *)VA + ((uint64_t)touch & 4095), 8);
		if (back_to != 0)
			(void)user_run(back_to, 8);
	}
}

/* Jumps to an address that faults; the handler goes on elsewhere. */
static const char *jump(void)
{
	fault((const char *)VA + ((uint64_t)nothing & 4095));
	return 0;
}

static const char *loop(void)
{
	fault(0);
	return 0;
}

/* --- all of it ------------------------------------------------------------ */

#define T(name)             \
	{                   \
#name, name \
	}
static const struct test {
	const char *name;
	const char *(*run)(void);
} tests[] = {
    T(an_interrupt_is_taken_as_soon_as_it_is_allowed),
    T(a_hart_that_slept_takes_its_interrupt),
    T(an_entry_with_reserved_bits_is_a_fault),
    T(a_large_page_at_no_border_is_not_used),
    T(a_fence_covers_an_entry_that_becomes_a_leaf),
    T(a_remote_fence_covers_its_range),
    T(a_hart_starts_without_translation),
    T(a_walk_breaks_reservations),
    T(stores_to_one_place_stay_in_order),
    T(firmware_refuses_what_there_is_not),
    T(the_uart_is_a_16550),
    T(the_plic_gives_an_interrupt_once),
};

static const struct test words[] = {
    T(reuse),
    T(held),
    T(jump),
    T(loop),
    {"order", nothing_but_a_fence_orders_stores},
};

static bool begins(const uint8_t *text, const char *with)
{
	for (; *with != '\0'; text++, with++)
		if (*text != (uint8_t)*with)
			return false;
	return true;
}

/* The word after `board=`, wherever it is in the tree. */
static const struct test *word_of(const uint8_t *fdt)
{
	for (unsigned at = 0; at < 4096; at++)
		for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
			if (begins(fdt + at, "board=") &&
			    begins(fdt + at + 6, words[i].name))
				return &words[i];
	return 0;
}

static void set_up(void)
{
	for (unsigned i = 0; i < FRAMES; i++)
		frame_table[i][KERNEL_FRAME_STATE] = KERNEL_FRAME_IS_PAGE;
	frames = (uint64_t)frame_table;
	frame_base = RAM;
	frame_count = FRAMES;
	tlb_kernel_root = (uint64_t)boot_root;
	boot_root[0] = GIGA;
	boot_root[2] = RAM >> 2 | GIGA;
	FENCE_VMA();
	WRITE(satp, 8UL << 60 | (uint64_t)boot_root >> 12);
	FENCE_VMA();
	WRITE(sie, 0);
}

static bool perform(const struct test *test, unsigned number)
{
	const char *wrong = test->run();

	WRITE(sie, 0);
	put(wrong != 0 ? "not ok " : "ok ");
	put((char[]){(char)('0' + number / 10), (char)('0' + number % 10), 0});
	put(" - ");
	put(test->name);
	if (wrong != 0) {
		put(" # ");
		put(wrong);
	}
	put("\n");
	return wrong == 0;
}

void main(uint64_t hart, const uint8_t *fdt)
{
	const unsigned count = sizeof tests / sizeof tests[0];
	const struct test *word = word_of(fdt);
	bool good = true;

	this_hart = hart;
	other_hart = 1 - hart;
	set_up();
	put("1..");
	put(word != 0 ? "1" : (char[]){'0' + count / 10, '0' + count % 10, 0});
	put("\n");
	if (word != 0)
		good = perform(word, 1);
	for (unsigned i = 0; word == 0 && i < count; i++)
		good &= perform(&tests[i], i + 1);
	*TEST = good ? 0x5555 : 1 << 16 | 0x3333;
	for (;;)
		;
}
