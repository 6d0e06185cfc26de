/* SPDX-License-Identifier: MIT */
/*
 * devices.c - a 16550 UART, the test device that ends the machine, a clock,
 * and a PLIC. Where they are is as on QEMU's virt.
 */
#include <stdio.h>

#include "machine.h"
#include "report.h"

/* --- console -------------------------------------------------------------- */

static FILE *console;

void console_open(const char *path, bool gdb_has_stdout)
{
	console = path != NULL ? fopen(path, "wb")
	    : gdb_has_stdout   ? stderr
			       : stdout;
	if (console == NULL)
		report_usage("%s: cannot be written", path);
}

static uint64_t place, said; /* bytes put so far, and before time went back */

/* Output from before the time went back is not printed again. */
void console_put(uint8_t c)
{
	bool ends_line = typing_hear(c);

	if (++place <= said)
		return;
	(void)putc(c, console);
	if (ends_line)
		(void)putc('\n', console);
	if (c == '\n')
		console_flush();
}

uint64_t console_said(void)
{
	return place > said ? place : said;
}

void console_has_said(uint64_t bytes)
{
	said = bytes;
}

/* If output cannot be written the run is a failure, however it ends. */
void console_flush(void)
{
	static bool failed;

	if (failed || (fflush(console) == 0 && !ferror(console)))
		return;
	failed = true;
	fprintf(stderr, "nasty: the console cannot be written\n");
	machine_exit(STATUS_USAGE);
	machine.status = STATUS_USAGE;
}

static char *kept;
static size_t kept_len;

void console_keep(void)
{
	console = open_memstream(&kept, &kept_len);
	if (console == NULL)
		report_usage("there is no memory for the console");
}

const char *console_kept(size_t *len)
{
	console_flush();
	*len = kept_len;
	return kept;
}

/* --- UART ----------------------------------------------------------------- */

enum { UART_DATA, UART_IER, UART_IIR, UART_LCR, UART_MCR, UART_LSR };
#define LSR_READY 0x01
#define LSR_EMPTY 0x60
#define IER_READY 0x01
#define IER_EMPTY 0x02
#define IIR_NONE  0x01
#define IIR_READY 0x04
#define IIR_EMPTY 0x02
#define IIR_FIFOS 0xc0
#define FCR_FIFOS 0x01
#define IER_ALL   0x0f
#define LCR_LATCH 0x80

static uint8_t uart_regs[8];
static uint8_t uart_divisor[2]; /* in the place of the first two registers */
static bool uart_has_sent;      /* an interrupt for that is due */

static uint8_t uart_cause(void)
{
	if ((uart_regs[UART_IER] & IER_READY) && typing_is_ready())
		return IIR_READY;
	return (uart_regs[UART_IER] & IER_EMPTY) && uart_has_sent ? IIR_EMPTY
								  : IIR_NONE;
}

/* The interrupt of an empty transmitter is told once. */
static uint8_t uart_tell_cause(void)
{
	uint8_t cause = uart_cause();

	if (cause == IIR_EMPTY)
		uart_has_sent = false;
	return cause | (uart_regs[UART_IIR] & FCR_FIFOS ? IIR_FIFOS : 0);
}

static bool is_divisor(unsigned reg)
{
	return reg < 2 && (uart_regs[UART_LCR] & LCR_LATCH) != 0;
}

static uint8_t uart_load(unsigned reg)
{
	int c;

	if (is_divisor(reg))
		return uart_divisor[reg];
	switch (reg) {
	case UART_DATA:
		c = typing_get();
		return c < 0 ? 0 : (uint8_t)c;
	case UART_IIR:
		return uart_tell_cause();
	case UART_LSR:
		return LSR_EMPTY | (typing_is_ready() ? LSR_READY : 0);
	default:
		return uart_regs[reg];
	}
}

static void uart_store(unsigned reg, uint8_t value)
{
	if (is_divisor(reg)) {
		uart_divisor[reg] = value;
	} else if (reg == UART_DATA) {
		console_put(value);
		uart_has_sent = true;
	} else if (reg == UART_IER) {
		uart_has_sent |=
		    (value & ~uart_regs[UART_IER] & IER_EMPTY) != 0;
		uart_regs[UART_IER] = value & IER_ALL;
	} else if (reg != UART_LSR) {
		uart_regs[reg] = value;
	}
}

/* --- PLIC: of each two contexts, the second is of use --------------------- */

#define PLIC_PENDING 0x1000
#define PLIC_ENABLE  0x2000
#define PLIC_LEVELS  7 /* of priority, and 0 for never */
#define PLIC_CONTEXT 0x200000
#define CONTEXTS     32
#define S_CONTEXT(h) (2 * (h) + 1)

static uint32_t plic_priority[PLIC_SOURCES];
static uint64_t plic_enabled[CONTEXTS];
static uint32_t plic_threshold[CONTEXTS];
static bool plic_claimed;

static bool uart_pending(void)
{
	return !plic_claimed && uart_cause() != IIR_NONE;
}

static bool plic_pending(unsigned context)
{
	return uart_pending() && (plic_enabled[context] >> UART_IRQ & 1) &&
	    plic_priority[UART_IRQ] > plic_threshold[context];
}

static uint32_t plic_load(uint64_t at)
{
	unsigned context = (unsigned)(at - PLIC_CONTEXT) / 0x1000;

	if (at < sizeof plic_priority)
		return plic_priority[at / 4];
	if (at == PLIC_PENDING)
		return (uint32_t)uart_pending() << UART_IRQ;
	if (at >= PLIC_ENABLE && at < PLIC_ENABLE + 0x80 * CONTEXTS)
		return (uint32_t)(plic_enabled[(at - PLIC_ENABLE) / 0x80] >>
		    (at % 0x80 / 4 * 32 & 63));
	if (at < PLIC_CONTEXT || context >= CONTEXTS)
		return 0;
	if (at % 0x1000 == 0)
		return plic_threshold[context];
	if (at % 0x1000 != 4 || !plic_pending(context))
		return 0;
	plic_claimed = true;
	return UART_IRQ;
}

/* A word enables half of the sources; `at` is its offset. */
static void plic_enable(unsigned context, uint64_t at, uint32_t value)
{
	uint64_t *enabled = &plic_enabled[context];

	if (at == 0)
		*enabled = (*enabled >> 32 << 32) | (value & ~1U);
	else if (at == 4)
		*enabled = (*enabled & 0xffffffff) | (uint64_t)value << 32;
}

static void plic_store(uint64_t at, uint32_t value)
{
	unsigned context = (unsigned)(at - PLIC_CONTEXT) / 0x1000;

	/* There is no source 0. */
	if (at >= 4 && at < sizeof plic_priority)
		plic_priority[at / 4] = value & PLIC_LEVELS;
	else if (at >= PLIC_ENABLE && at < PLIC_ENABLE + 0x80 * CONTEXTS)
		plic_enable((unsigned)(at - PLIC_ENABLE) / 0x80, at % 0x80,
		    value);
	else if (at >= PLIC_CONTEXT && context < CONTEXTS && at % 0x1000 == 0)
		plic_threshold[context] = value & PLIC_LEVELS;
	else if (at >= PLIC_CONTEXT && context < CONTEXTS && at % 0x1000 == 4 &&
	    value == UART_IRQ && (plic_enabled[context] >> UART_IRQ & 1))
		plic_claimed = false;
}

bool device_interrupts(unsigned hart)
{
	return plic_pending(S_CONTEXT(hart));
}

/* --- clock and test device ------------------------------------------------ */

/* 2026-01-01 and the time since reset, in nanoseconds. */
#define EPOCH_NS 1767225600000000000UL

static uint32_t rtc_load(uint64_t at)
{
	static uint64_t latched;

	if (at == 0)
		latched = EPOCH_NS + machine_now() * (1000000000 / TIMEBASE_HZ);
	return (uint32_t)(at == 0 ? latched : at == 4 ? latched >> 32 : 0);
}

static void test_store(uint32_t value)
{
	if ((value & 0xffff) == 0x3333)
		machine_exit((int)(value >> 16 & 0xff));
	else if ((value & 0xffff) == 0x5555 || (value & 0xffff) == 0x7777)
		machine_exit(0);
}

/* --- all of them ---------------------------------------------------------- */

bool device_load(uint64_t pa, unsigned size, uint64_t *value)
{
	(void)size;
	if (pa - UART_BASE < 8)
		*value = uart_load((unsigned)(pa - UART_BASE));
	else if (pa - RTC_BASE < 0x1000)
		*value = rtc_load(pa - RTC_BASE);
	else if (pa - TEST_BASE < 0x1000)
		*value = 0;
	else if (pa - PLIC_BASE < PLIC_SIZE)
		*value = plic_load(pa - PLIC_BASE);
	else
		return false;
	return true;
}

bool device_store(uint64_t pa, unsigned size, uint64_t value)
{
	(void)size;
	if (pa - UART_BASE < 8)
		uart_store((unsigned)(pa - UART_BASE), (uint8_t)value);
	else if (pa - TEST_BASE < 0x1000)
		test_store((uint32_t)value);
	else if (pa - PLIC_BASE < PLIC_SIZE)
		plic_store(pa - PLIC_BASE, (uint32_t)value);
	else
		return pa - RTC_BASE < 0x1000;
	return true;
}
