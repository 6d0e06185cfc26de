/* SPDX-License-Identifier: MIT */
/*
 * power.c - the end of the machine, in order or in panic.
 *
 * The firmware's system reset cannot report failure under QEMU: its exit
 * status is 0 whatever the reason. A status therefore goes to the test device
 * first; QEMU may go on for a while after that store.
 *
 * Ref: SBI, "System Reset Extension".
 */
#include "arch/power.h"

#include <stdarg.h>

#include "arch/console.h"
#include "arch/hart.h"
#include "arch/machine.h"
#include "arch/timer.h"
#include "arch/trapframe.h"
#include "csr.h"
#include "lib/assert.h"
#include "lib/print.h"
#include "lib/string.h"
#include "sbi.h"

#define SRST_SHUTDOWN       0
#define SRST_COLD_REBOOT    1
#define SRST_REASON_FAILURE 1
#define TEST_FAIL           0x3333

#define PANIC_STATUS 255

/* The message of a panic, for a debugger that did not see the console. */
char panic_epitaph[200];

static NORETURN void halt(void)
{
	for (;;)
		hart_wait();
}

/*
 * A status that cannot be told must not look like success: where the tree has
 * not been read, there may be a test device that we do not know of, and the
 * firmware would report 0 through it. The machine stands still instead.
 *
 * QEMU 8.2 and later exit some time after the store, and a second request in
 * between, such as the firmware's for a shutdown, replaces the status. Only
 * one hart may ask, and only once; if the machine still runs after five seconds
 * there is no test device that works, and the firmware is asked.
 */
void power_off(unsigned status)
{
	static uint32_t requested;
	/* At least: the clock's rate may not be known yet. */
	uint64_t start, second = max_u64(machine.timebase_hz, 10000000);

	if (__atomic_exchange_n(&requested, 1, __ATOMIC_ACQUIRE))
		halt();
	status &= 0xff;
	if (status != 0 && machine.test_device != 0) {
		*(volatile uint32_t *)phys_to_virt(machine.test_device) =
		    status << 16 | TEST_FAIL;
		start = timer_now();
		while (timer_now() - start < 5 * second)
			hart_relax();
	} else if (status != 0 && machine.timebase_hz == 0) {
		halt(); /* the last walk of the tree sets it */
	}
	(void)sbi_call(SBI_SRST, 0, SRST_SHUTDOWN,
	    status != 0 ? SRST_REASON_FAILURE : 0, 0);
	halt();
}

void power_reboot(void)
{
	(void)sbi_call(SBI_SRST, 0, SRST_COLD_REBOOT, 0, 0);
	halt();
}

/* Takes no lock: the hart that panics may hold that of the console. */
static void say(const char *fmt, ...) PRINTF(1, 2);
static void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	kvprintf_unlocked(fmt, args);
	va_end(args);
}

#ifdef CALF_TEST
/*
 * Return addresses by way of the frame pointers, which only test builds have.
 * The last one may be the user's: it leads off the stack.
 */
static void print_backtrace(void)
{
	uintptr_t fp = (uintptr_t)__builtin_frame_address(0), below = 0;

	while (fp > below && fp <= hart_self()->kernel_sp && fp % 16 == 0) {
		const uint64_t *frame = (const uint64_t *)fp;

		say("  called from %p\n", (void *)frame[-1]);
		below = fp;
		fp = frame[-2];
	}
}
#endif

/* What the process wanted that the kernel was working for, if any. */
static void print_process(void)
{
	struct trapframe *tf = (struct trapframe *)hart_self()->proc;

	if (tf == NULL)
		return;
	say("  on behalf of the process at pc %p, a7 %lu\n", (void *)tf->pc,
	    *tf_reg(tf, REG_A7));
	say("  a0 %lx, a1 %lx, a2 %lx, a3 %lx, a4 %lx, a5 %lx\n", tf_arg(tf, 0),
	    tf_arg(tf, 1), tf_arg(tf, 2), tf_arg(tf, 3), tf_arg(tf, 4),
	    tf_arg(tf, 5));
	say("  t0 %lu, t1 %lu\n", *tf_reg(tf, REG_T0), *tf_reg(tf, REG_T1));
}

/* Only the first hart that panics prints its message. */
void panic(const char *fmt, ...)
{
	static uint32_t panicking;
	va_list args;

	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQUIRE))
		halt();
	va_start(args, fmt);
	(void)str_vformat(panic_epitaph, sizeof panic_epitaph, fmt, args);
	va_end(args);
	console_take_back();
	say("\npanic on hart %u: %s\n", hart_index(), panic_epitaph);
#ifdef CALF_TEST
	print_backtrace();
#endif
	print_process();
	say("Bail out! %s\n", panic_epitaph);
	power_off(PANIC_STATUS);
}

/* trapvec.S, trap_in_kernel: the kernel never traps, so this is a bug. */
NORETURN void trap_in_kernel_report(uint64_t cause, uint64_t pc,
    uint64_t address);
void trap_in_kernel_report(uint64_t cause, uint64_t pc, uint64_t address)
{
	panic("expected no trap in the kernel: cause %lx at pc %p, address %p",
	    cause, (void *)pc, (void *)address);
}
